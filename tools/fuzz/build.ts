// From a target in AssemblyScript to the program that the fuzzer runs: the stages of an image (asc, wasm2c, tools/image/translate.ts,
// gcc), so that it is the generated C that is tried, with gcc's coverage and undefined-behaviour instrumentation.
//
// Why gcc: it is the compiler of the images and there already; clang and afl++ are a quarter of a gigabyte more. There is no
// AddressSanitizer in it because a module's memory is one array: that an access leaves it, the pages around it tell (driver.c).
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { compileAssembly } from "../image/assembly.ts";
import { Compiler } from "../image/compiler.ts";
import { appUnit } from "../image/glue.ts";
import type { KernelExports } from "../image/signature.ts";
import { compileC } from "../image/native.ts";
import { repositoryPath } from "../image/paths.ts";
import { runHostTool } from "../image/process.ts";
import { translateModule, type ImportedFunction, type Translation } from "../image/translate.ts";
import { readModule } from "../image/wasm.ts";
import { runWasm2c } from "../image/wasm2c.ts";
import { KaryonError } from "../support/errors.ts";

const COVERAGE = ["-g1", "-fsanitize-coverage=trace-pc"];
const UNDEFINED = [
  "-fsanitize=shift,signed-integer-overflow,integer-divide-by-zero,bounds",
  "-fsanitize-undefined-trap-on-error",
];
const DRIVER = "tools/fuzz/driver.c";

/**
 * What the imports of a target do: the same in each run. One that the target exports itself under the name of module and function –
 * boot_hypercall – is answered by that; those that are neither do nothing and return 0.
 */
const IMPORTS: Readonly<Record<string, string>> = {
  boot_rdtsc: "static u64 state = 1; return state = state * 6364136223846793005ul + 1442695040888963407ul;",
  boot_rdrand: "static u64 state = 2; return state = state * 6364136223846793005ul + 1442695040888963407ul;",
  boot_sharedInfo: "return 0x200000u;",
};

function importSource(translation: Translation, { module, name, result, parameters }: ImportedFunction): string {
  const own = translation.exports.get(`${module}_${name}`);
  const list = parameters.map((type, i) => `${type} a${i}`);
  const unused = parameters.map((_, i) => `(void)a${i};`).join(" ");
  const answered =
    own === undefined ? undefined : `return ${own.symbol}(${parameters.map((_, i) => `a${i}`).join(", ")});`;
  const body = answered ?? IMPORTS[`${module}_${name}`] ?? (result === "void" ? "" : "return 0;");
  return `${result} kernel_${module}_${name}(${list.length === 0 ? "void" : list.join(", ")}) { ${unused} ${body} }`;
}

function exported(translation: Translation, name: string): string {
  const found = translation.exports.get(name);
  if (found !== undefined && found.parameters.length === 2) return found.symbol;
  throw new KaryonError("FUZZ_TARGET", `the target does not export ${name}(u32, u32)`, "see test/fuzz");
}

/**
 * Builds the target at `source` (relative to the repository, without ".ts") in `folder`; the program's path.
 *
 * @param changed sources with another text than the repository's, by their path in it
 */
export async function buildTarget(
  source: string,
  folder: string,
  changed: Readonly<Record<string, string>> = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = (name: string): string => path.join(folder, name);
  const compiler = new Compiler();
  try {
    const entry = {
      target: "kernel",
      entry: "fuzz.ts",
      generated: { ...changed, "fuzz.ts": `export * from "./${source}";\n` },
    } as const;
    const { wasm } = await compileAssembly(compiler, entry);
    await writeFile(file("target.wasm"), await compiler.admit("target.wasm", wasm));
  } finally {
    await compiler.close();
  }
  const generated = await runWasm2c(file("target.wasm"), "app");
  const module = readModule("target.wasm", await readFile(file("target.wasm")));
  const translation = translateModule("app", generated, module);
  const kernel: KernelExports = Object.fromEntries(
    translation.imports.map(({ module: from, name, result, parameters }) => [
      `${from}_${name}`,
      { result, parameters },
    ]),
  );
  const unit = [
    // What boot/kernel.h has to say of how functions of the kernel are compiled.
    "#define KERNEL_HOT",
    "#define KERNEL_APART",
    "#define KERNEL_COLD",
    appUnit(translation, module, kernel),
    ...translation.imports.map((imported) => importSource(translation, imported)),
    // The module's start code gives its variables their first values.
    `void fuzz_start(u32 start, u32 end) { ${translation.start === undefined ? "" : `${translation.start.symbol}(); `}${exported(translation, "fuzzStart")}(start, end); }`,
    `void fuzz_one(u32 at, u32 length) { ${exported(translation, "fuzzOne")}(at, length); }`,
    "",
  ].join("\n");
  await writeFile(file("unit.c"), unit);
  await compileC(file("unit.c"), file("unit.o"), "balance", [...COVERAGE, ...UNDEFINED]);
  await compileC(repositoryPath(DRIVER), file("driver.o"), "balance");
  const program = file("fuzz");
  const objects = [file("unit.o"), file("driver.o")];
  await runHostTool("ld", ["-static", "-nostdlib", "-z", "noexecstack", "-o", program, ...objects]);
  return program;
}
