// A kernel for tests on the fake Xen: kernel.wasm compiled with the kernel's own settings and made suspendable, kept
// in build/cache under the hash of what it was made from.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { compileAssemblyBinary } from "./assembly.ts";

const CACHE = resolve(import.meta.dirname, "../../build/cache/fake-xen");

async function suspendable(binary: Uint8Array): Promise<Uint8Array> {
  const file = join(CACHE, `${createHash("sha256").update(binary).digest("hex").slice(0, 24)}.wasm`);
  try {
    return await readFile(file);
  } catch {
    // It loads binaryen, which takes seconds of processor time.
    const { makeSuspendable } = await import("../../tools/fake-xen/suspendable.ts");
    const made = makeSuspendable(binary);
    await mkdir(CACHE, { recursive: true });
    await writeFile(`${file}.${process.pid}`, made);
    await rename(`${file}.${process.pid}`, file);
    return made;
  }
}

/** The module of kernel and libos, with the entry that `entry` names. */
export async function fakeKernel(entry = "test/fake/harness.ts"): Promise<WebAssembly.Module> {
  const binary = await suspendable(await compileAssemblyBinary(entry));
  return WebAssembly.compile(new Uint8Array(binary));
}

/** A kernel that counts its work: each call of a function and each turn of a loop is 1, and the export test_work returns the sum. */
export async function countingKernel(): Promise<WebAssembly.Module> {
  const [{ default: binaryen }, { FEATURES }] = await Promise.all([
    import("binaryen"),
    import("../../tools/fake-xen/suspendable.ts"),
  ]);
  const module = binaryen.readBinary(await compileAssemblyBinary("test/fake/harness.ts"));
  try {
    // The pass has every function and loop call an import; here that becomes a function which counts.
    module.setFeatures(FEATURES);
    module.runPasses(["log-execution"]);
    const { i32, none, createType } = binaryen;
    const [counter, told] = ["workDone", "log_execution"];
    const sum = (): number => module.global.get(counter, i32);
    module.addGlobal(counter, i32, true, module.i32.const(0));
    module.removeFunction(told);
    const count = module.global.set(counter, module.i32.add(sum(), module.i32.const(1)));
    module.addFunction(told, createType([i32]), none, [], count);
    module.addFunction("test_work", none, i32, [], sum());
    module.addFunctionExport("test_work", "test_work");
    return await WebAssembly.compile(new Uint8Array(await suspendable(module.emitBinary())));
  } finally {
    module.dispose();
  }
}
