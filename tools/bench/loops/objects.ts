// Loops of Karyon as objects that a program on Linux can call: TypeScript through the image's own pipeline – asc, binaryen, wasm2c,
// translation, gcc with an image's flags – up to the linker. The libOS's are compiled as the kernel is, whose addresses are
// those of the processor; httpd's as an app is, with the stack check that an app's functions have.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileAssembly, type Compilation } from "../../image/assembly.ts";
import { Compiler } from "../../image/compiler.ts";
import { appUnit, kernelUnit } from "../../image/glue.ts";
import { compileC } from "../../image/native.ts";
import { translateModule, type ModuleName, type Translation } from "../../image/translate.ts";
import { readModule, type WasmModule } from "../../image/wasm.ts";
import { runWasm2c } from "../../image/wasm2c.ts";
import { KaryonError } from "../../support/errors.ts";
import type { Linked } from "../../peers/static_program.ts";

const LIBOS: Compilation = {
  target: "kernel",
  entry: "loops.ts",
  generated: {
    "loops.ts": `
import { checksum } from "./libos/net/wire/checksum";
import { siphashBegin, siphashEnd, siphashWord } from "./libos/net/siphash";
export function loop_checksum(address: usize, length: u32): u32 {
  return checksum(address, length);
}
export function loop_copy(to: usize, from: usize, length: u32): void {
  memory.copy(to, from, length);
}
export function loop_siphash(key0: u64, key1: u64, first: u64, second: u64): u64 {
  siphashBegin(key0, key1);
  siphashWord(first);
  siphashWord(second);
  return siphashEnd();
}
export function staticDataEnd(): usize {
  return __heap_base;
}
`,
  },
};

const HTTP: Compilation = {
  target: "app",
  entry: "loops.ts",
  generated: {
    "loops.ts": `
import { Request, parseRequestLine, requestReset } from "karyon/http/message";
const request = changetype<Request>(memory.data(256, 8));
export function loop_parse(from: usize, end: usize): u64 {
  requestReset(request);
  const status = parseRequestLine(request, from, from, end);
  const small = (<u64>request.method << 24) ^ (<u64>request.minorVersion << 28);
  return request.path ^ (request.query << 12) ^ small ^ (<u64>status << 48);
}
export function _start(): i32 {
  return 0;
}
export { signalHandler as _signal_handler, threadStart as _thread_start } from "karyon";
`,
  },
};

/** Where the kernel's static data belongs, below the program's own text. */
const FLAGS = ["-Wl,--section-start=.kernel_memory=0x300000", "-Wl,-z,noexecstack"];

/** The objects; they define what tools/peers/loops/ours.h declares. */
export async function linkedLoops(): Promise<Linked> {
  const compiler = new Compiler();
  const folder = await mkdtemp(join(tmpdir(), "karyon-loops-"));
  try {
    const libos = await objectOf(compiler, folder, "kernel", LIBOS, kernelText);
    const http = await objectOf(compiler, folder, "app", HTTP, appText);
    return { objects: [libos, http], flags: FLAGS };
  } finally {
    await compiler.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function objectOf(
  compiler: Compiler,
  folder: string,
  name: ModuleName,
  compilation: Compilation,
  unit: (translation: Translation, module: WasmModule) => string,
): Promise<Buffer> {
  const [wasmFile, source, object] = ["wasm", "c", "o"].map((ending) => join(folder, `${name}.${ending}`)) as [
    string,
    string,
    string,
  ];
  const { wasm } = await compileAssembly(compiler, compilation);
  await writeFile(wasmFile, await compiler.admit(`${name}.wasm`, wasm));
  const module = readModule(`${name}.wasm`, await readFile(wasmFile));
  await writeFile(source, unit(translateModule(name, await runWasm2c(wasmFile, name), module), module));
  await compileC(source, object, "speed");
  return readFile(object);
}

function kernelText(translation: Translation, module: WasmModule): string {
  return kernelUnit(translation, module, { header: new Set(), assembly: new Set() });
}

/** An app's unit; the system calls that its runtime could make are said to be there (tools/peers/loops/absent_kernel.c). */
function appText(translation: Translation, module: WasmModule): string {
  const kernel = Object.fromEntries(
    translation.imports.map(({ module, name, result, parameters }) => [`${module}_${name}`, { result, parameters }]),
  );
  const parse = translation.exports.get("loop_parse");
  if (parse === undefined) throw new KaryonError("BENCH_FAILED", "the compiler left out loop_parse");
  const forward = `u64 app_loop_parse(u32 a0, u32 a1) { return ${parse.symbol}(a0, a1); }`;
  return `${appUnit(translation, module, kernel)}\n${forward}\n`;
}
