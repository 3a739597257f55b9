// The C around the two translated modules: the kernel's unit and the app's unit of an image, and the seam between them.
// An app's import M.N is the kernel's export M_N; the wrapper masks events on the way in and lets the kernel do what is
// pending on the way out (boot/app.h). What the kernel imports in turn depends on what the app calls (hooks.ts).
// An image of several programs (programs.ts) has a unit for each, and the hooks by what all of them call.
import { KaryonError } from "../support/errors.ts";
import { exceptionRuntime } from "./exceptions.ts";
import {
  HOOK_MODULE,
  hookDefaults,
  hookFunctions,
  kernelHooks,
  PROGRAM_CALLS,
  type Asked,
  type KernelHooks,
} from "./hooks.ts";
import { forward, sameSignature, type KernelExports } from "./signature.ts";
import { appData, kernelData } from "./static_data.ts";
import { AT_EXIT, calls, EXECUTE, exportName, NAME, OWN_ENVIRONMENT, systemCalls } from "./system_calls.ts";
import { placement } from "./traffic.ts";
import { declaration, type ImportedFunction, type Translation } from "./translate.ts";
import { needsNetwork, startCall, WASI_MODULE } from "./wasi.ts";
import type { WasmModule } from "./wasm.ts";

/** The calls by which an app comes to need a part of the kernel that not every image has. */
const PART_CALLS = {
  network: ["socket", "socketpair", "resolve"],
  programs: PROGRAM_CALLS,
} as const;

const ENTRY = "kernelMain";

/**
 * The C unit of the kernel.
 *
 * @param available which imports of module "boot" exist: those of boot/kernel.h and those of boot/*.asm
 * @throws KaryonError IMAGE_IMPORT_MISSING
 */
export function kernelUnit(
  translation: Translation,
  module: WasmModule,
  available: { readonly header: ReadonlySet<string>; readonly assembly: ReadonlySet<string> },
): string {
  const imports = translation.imports.flatMap((imported) => kernelImport(imported, available));
  const wrappers = [...translation.exports].map(([name, target]) => {
    // boot/entry.asm calls kernelMain once: the place for the module's start code.
    const before = name === ENTRY && translation.start !== undefined ? `${translation.start.symbol}(); ` : "";
    return `${placement("kernel", target.debugName, Infinity)} ${forward(`kernel_${name}`, target, target.symbol, before)}`;
  });
  const defaults = hookDefaults(kernelHooks(translation), Object.fromEntries(translation.exports));
  const parts = [...imports, kernelData(module), translation.text, ...wrappers, ...defaults];
  return ['#include "boot/kernel.h"', ...parts, ""].join("\n");
}

function kernelImport(
  imported: ImportedFunction,
  available: { readonly header: ReadonlySet<string>; readonly assembly: ReadonlySet<string> },
): string[] {
  const { module, name, symbol } = imported;
  if (HOOK_MODULE.test(module)) return [`${declaration(symbol, imported)};`];
  if (module === "boot" && available.header.has(name)) return [];
  if (module === "boot" && available.assembly.has(name)) {
    return [`${declaration(`boot_${name}`, imported)};`, `#define ${symbol} boot_${name}`];
  }
  throw new KaryonError(
    "IMAGE_IMPORT_MISSING",
    `the kernel imports ${module}.${name}, which nothing implements`,
    `define it as boot_${name} in boot/*.asm or as ${symbol} in boot/kernel.h`,
  );
}

/** Which of those parts the module of an app needs: the network be it only to talk to itself. */
export function neededParts({ imports }: WasmModule): { network: boolean; programs: boolean } {
  const needs = (calls: readonly string[]): boolean =>
    imports.some(({ module, name }) => module === "posix" && calls.includes(name));
  return {
    network: needs(PART_CALLS.network) || imports.some(needsNetwork),
    programs: needs(PART_CALLS.programs),
  };
}

/**
 * The C unit of an app.
 *
 * @throws KaryonError IMAGE_IMPORT_MISSING naming each import that the kernel does not export
 */
export function appUnit(
  translation: Translation,
  module: WasmModule,
  kernel: KernelExports,
  hooks: KernelHooks = [],
  { name, features, foreign = false }: Asked = { name: "app", features: [] },
): string {
  requireImports(translation, kernel);
  return [
    '#include "boot/app.h"',
    `const u32 app_initialPages = ${module.initialPages};`,
    `const u32 app_maximumPages = ${module.maximumPages};`,
    lowestAddress(foreign),
    ...programName(name, translation.imports),
    ...(calls(translation.imports, EXECUTE) ? [NO_PROGRAMS] : []),
    ...systemCalls("app", translation, kernel, calls(translation.imports, OWN_ENVIRONMENT)),
    ...hookFunctions(hooks, translation.imports, kernel, { features, foreign }),
    ...exceptionRuntime(translation.tags, kernel),
    translation.text,
    appData(module),
    entryPoints(translation, "app", kernel),
    "",
  ].join("\n");
}

/**
 * The C unit of one of several programs of an image. Its symbols begin with `unit`, and each beginning finds the module as it was.
 *
 * @throws KaryonError IMAGE_IMPORT_MISSING
 */
export function programUnit(unit: string, translation: Translation, module: WasmModule, kernel: KernelExports): string {
  requireImports(translation, kernel);
  return [
    '#include "boot/app.h"',
    ...systemCalls(unit, translation, kernel, true),
    translation.text,
    appData(module, unit, translation.globalsReset),
    entryPoints(translation, unit, kernel),
    "",
  ].join("\n");
}

/** The image's name, for apps that ask for it. */
export function programName(name: string, imports: readonly ImportedFunction[]): string[] {
  return NAME.some((name) => calls(imports, name)) ? [`const u8 app_name[] = "${name}";`] : [];
}

/** From where on the app has memory: ours has none in the first page, so that a null pointer faults (kernel/memory/app_space.ts). */
export function lowestAddress(foreign: boolean): string {
  return `__asm__(".globl app_lowest\\n.set app_lowest, ${foreign ? 0 : 4096}");`;
}

/** What the kernel is told when there is nothing that an app could become. */
const NO_PROGRAMS = [
  "const u32 app_programs = 0;",
  "u32 app_threadsEnd;",
  "u32 app_programPages(u32 number) { (void)number; return 0; }",
  "void app_programSelect(u32 number) { (void)number; }",
].join("\n");

function requireImports(translation: Translation, kernel: KernelExports): void {
  const missing = translation.imports.filter((imported) => !isProvided(imported, kernel));
  if (missing.length > 0) {
    const wasi = missing.some(({ module }) => module === WASI_MODULE);
    throw new KaryonError(
      "IMAGE_IMPORT_MISSING",
      `the app imports what the kernel does not offer: ${missing.map((f) => `${f.module}.${f.name}(${f.parameters.join(", ")})`).join("; ")}`,
      wasi
        ? "docs/wasi.md has the functions of WASI that there are"
        : 'an app calls the system through the functions of "karyon" only, a program of another toolchain through WASI',
    );
  }
}

function isProvided(imported: ImportedFunction, kernel: KernelExports): boolean {
  const target = kernel[exportName(imported)];
  return (target !== undefined && sameSignature(target, imported)) || isAbort(imported);
}

// AssemblyScript's abort(message, file, line, column), when the app's library has no better one.
function isAbort({ module, name }: ImportedFunction): boolean {
  return module === "env" && name === "abort";
}

function entryPoints(translation: Translation, unit: string, kernel: KernelExports): string {
  const { exports, globals, imports, start } = translation;
  const main = exports.get("_start");
  if (main === undefined || main.parameters.length > 0) {
    throw new KaryonError("IMAGE_NO_START", "the app does not export _start()", "an app's index.ts exports main()");
  }
  const threadStart = exports.get("_thread_start");
  const stackPointer = globals.get("__stack_pointer");
  const first = startCall(imports, kernel);
  return [
    ...(first === undefined ? [] : [`${declaration(first.symbol, first)};`]),
    `u32 ${unit}_start(void) {`,
    ...(first === undefined ? [] : [`  ${first.symbol}();`]),
    "  leaveKernel();",
    ...(start === undefined ? [] : [`  ${start.symbol}();`]),
    main.result === "void" ? `  u32 status = 0;\n  ${main.symbol}();` : `  u32 status = ${main.symbol}();`,
    ...(calls(imports, AT_EXIT) ? ["  runExitHandlers(0);"] : []),
    "  enterKernel();",
    "  return status;",
    "}",
    `void ${unit}_threadStart(u32 entry, u32 argument) {`,
    ...(threadStart === undefined
      ? ["  (void)entry, (void)argument;", "  trap(TRAP_UNREACHABLE);"]
      : [
          ...(calls(imports, EXECUTE) ? ["  if (app_threadsEnd) return;"] : []),
          ...["  leaveKernel();", `  ${threadStart.symbol}(entry, argument);`, "  enterKernel();"],
        ]),
    "}",
    `u32 ${unit}_stackPointerGet(void) { return ${stackPointer ?? "0"}; }`,
    `void ${unit}_stackPointerSet(u32 value) { ${stackPointer === undefined ? "(void)value" : `${stackPointer} = value`}; }`,
  ].join("\n");
}
