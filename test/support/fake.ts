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
