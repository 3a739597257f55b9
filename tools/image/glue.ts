// The C around the two translated modules: the kernel's unit and the app's unit of an image, and the seam between them.
// An app's import M.N is the kernel's export M_N; the wrapper masks events on the way in and lets the kernel do what is
// pending on the way out (boot/app.h).
//
// What the kernel has only for a certain system call it reaches through an import of module with_<call>: with an app
// that makes the call that is the kernel's export of the same name, with another an empty function. So the linker
// leaves out what an app cannot use, although the kernel is compiled once for all apps. with_network is for the kernel that
// has one, whatever the app calls, with_tmpfs for apps that make files and for manifests that ask for it, with_proc and with_disk for such manifests, with_pipe also for sockets of AF_UNIX, with_fork_network for where both are, with_fork_pipe for an app that makes both calls.
import { KaryonError } from "../support/errors.ts";
import { appData, kernelData } from "./static_data.ts";
import { placement } from "./traffic.ts";
import { declaration, type ImportedFunction, type Signature, type Translation } from "./translate.ts";
import type { WasmModule } from "./wasm.ts";

/** C functions that the kernel's unit offers to the app's, by export name of kernel.wasm. */
export type KernelExports = Readonly<Record<string, Signature>>;

/** The kernel's imports that the app's unit defines. */
export type KernelHooks = readonly ImportedFunction[];

const HOOK_MODULE = /^with_(\w+)$/;

/** What only the kernel of an image with a network exports. */
const NETWORK_START = "networkStart";
/** The calls by which an app comes to use a network. */
const NETWORK_CALLS = ["socket", "socketpair", "resolve"];

/** The calls of a feature of the kernel, where that is more than the one of its name. */
const FEATURE_CALLS: Readonly<Record<string, readonly string[]>> = {
  pipe: ["pipe", "socketpair", "unix_address"],
  signal: ["sigaction"],
  unix: ["socketpair", "unix_address"],
  names: ["unix_address"],
  rights: ["sendmsg", "recvmsg"],
  anonymous: ["epoll_create", "eventfd", "timerfd_create"],
  epoll: ["epoll_create"],
  timerfd: ["timerfd_create"],
  tmpfs: ["openat", "mkdirat", "symlinkat", "linkat", "renameat", "pwrite", "pwritev", "truncate", "ftruncate"],
};

/** Features that an image has because its manifest says so, whatever the app calls. */
export type AskedFeatures = readonly string[];

/** The call by which an app gets handlers of signals. */
const SIGNAL = "posix_sigaction";
/** Calls that are made again when only handlers with SA_RESTART have interrupted them (signal(7)). */
export const RESTARTED =
  /^posix_(?:read|readv|write|writev|accept|recvfrom|recvmsg|sendto|sendmsg|sendfile|wait4|waitid|open(?:at)?|getrandom)$/;
/** What they have ended with: -EINTR. */
export const INTERRUPTED = -4;
/** What the app's allocator and collector call: no place for a handler, which may use both. */
const NO_HANDLERS = /^app_|^posix_thread_(?:self|shadow_stack)$/;

/** All hooks of calls that an app does not make: one function, whatever they take and return, by as many names. */
const EMPTY_HOOK = "__attribute__((used)) u64 app_emptyHook(void) { return 0; }";

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
  return ['#include "boot/kernel.h"', ...imports, kernelData(module), translation.text, ...wrappers, ""].join("\n");
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

/** Whether the module of an app uses a network, be it only to talk to itself. */
export async function usesNetwork(binary: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const imports = WebAssembly.Module.imports(await WebAssembly.compile(binary));
  return imports.some(({ module, name }) => module === "posix" && NETWORK_CALLS.includes(name));
}

/** The kernel's imports that depend on what the app calls. */
export function kernelHooks({ imports }: Translation): KernelHooks {
  return imports.filter(({ module }) => HOOK_MODULE.test(module));
}

/**
 * The C unit of an app.
 *
 * @param asked features that the manifest asks for
 * @throws KaryonError IMAGE_IMPORT_MISSING naming each import that the kernel does not export
 */
export function appUnit(
  translation: Translation,
  module: WasmModule,
  kernel: KernelExports,
  hooks: KernelHooks = [],
  asked: AskedFeatures = [],
): string {
  const missing = translation.imports.filter((imported) => !isProvided(imported, kernel));
  if (missing.length > 0) {
    throw new KaryonError(
      "IMAGE_IMPORT_MISSING",
      `the app imports what the kernel does not offer: ${missing.map((f) => `${f.module}.${f.name}(${f.parameters.join(", ")})`).join("; ")}`,
      'an app calls the system through the functions of "karyon" only',
    );
  }
  return [
    '#include "boot/app.h"',
    `const u32 app_initialPages = ${module.initialPages};`,
    `const u32 app_maximumPages = ${module.maximumPages};`,
    ...signalHandlers(translation),
    ...translation.imports.map((imported) => systemCall(imported, kernel)),
    memoryCalls(kernel),
    ...(hooks.length === 0 ? [] : [EMPTY_HOOK]),
    ...hooks.map((hook) => hookFunction(hook, translation.imports, kernel, asked)),
    translation.text,
    appData(module),
    entryPoints(translation),
    "",
  ].join("\n");
}

function isProvided(imported: ImportedFunction, kernel: KernelExports): boolean {
  const target = kernel[exportName(imported)];
  return (target !== undefined && sameSignature(target, imported)) || isAbort(imported);
}

function exportName({ module, name }: ImportedFunction): string {
  return `${module}_${name}`;
}

// AssemblyScript's abort(message, file, line, column), when the app's library has no better one.
function isAbort({ module, name }: ImportedFunction): boolean {
  return module === "env" && name === "abort";
}

function sameSignature(a: Signature, b: Signature): boolean {
  return a.result === b.result && a.parameters.join() === b.parameters.join();
}

// Handlers of signals run at the end of system calls, in an app that can have any.
function signalHandlers({ imports, exports }: Translation): string[] {
  const handler = exports.get("_signal_handler");
  if (handler === undefined || !imports.some((imported) => exportName(imported) === SIGNAL)) {
    return ["#define RUN_HANDLERS() 0"];
  }
  return [
    `static ${declaration(handler.symbol, handler)};`,
    "static u64 nextHandler(u32 ended) { enterKernel(); u64 next = kernel_signalTake(ended); leaveKernel(); return next; }",
    "// Whether handlers have run and let what they interrupted be made again: the upper half has the signal, 64 for siginfo_t and 128 for SA_RESTART.",
    "static __attribute__((noinline)) u32 runHandlers(void) {",
    "  u32 ended = 0, again = 1;",
    "  for (u64 next; (next = nextHandler(ended)) != 0;) {",
    "    u32 what = (u32)(next >> 32);",
    `    ${handler.symbol}((u32)next, what & 127);`,
    "    if (!(what & 128)) again = 0;",
    "    ended = what & 63;",
    "  }",
    "  return ended != 0 && again;",
    "}",
    "#define RUN_HANDLERS() (UNLIKELY(app_signalsDue) ? runHandlers() : 0)",
  ];
}

function systemCall(imported: ImportedFunction, kernel: KernelExports): string {
  const target = exportName(imported);
  if (kernel[target] === undefined) return `${definition(imported.symbol, imported)} { trap(TRAP_ABORT); }`;
  const call = `kernel_${target}(${argumentNames(imported).join(", ")})`;
  const leave = NO_HANDLERS.test(target) ? "leaveKernel();" : "leaveKernel(); (void)RUN_HANDLERS();";
  const body =
    imported.result === "void"
      ? `enterKernel(); ${call}; ${leave}`
      : RESTARTED.test(target)
        ? restarted(imported.result ?? "", call)
        : `enterKernel(); ${imported.result} result = ${call}; ${leave} return result;`;
  return [
    `${declaration(`kernel_${target}`, imported)};`,
    `static ${definition(imported.symbol, imported)} { ${body} }`,
  ].join("\n");
}

function restarted(type: string, call: string): string {
  const again = `RUN_HANDLERS() && result == (${type})${INTERRUPTED}`;
  return `for (;;) { enterKernel(); ${type} result = ${call}; leaveKernel(); if (!(${again})) return result; }`;
}

function hookFunction(
  hook: ImportedFunction,
  imports: readonly ImportedFunction[],
  kernel: KernelExports,
  asked: AskedFeatures,
): string {
  const [, features = ""] = HOOK_MODULE.exec(hook.module) ?? [];
  const has = (feature: string): boolean =>
    feature === "network"
      ? kernel[NETWORK_START] !== undefined
      : asked.includes(feature) ||
        imports.some(({ module, name }) => module === "posix" && (FEATURE_CALLS[feature] ?? [feature]).includes(name));
  if (!features.split("_").every(has)) {
    return `__asm__(".globl ${hook.symbol}\\n.set ${hook.symbol}, app_emptyHook");`;
  }
  const target = kernel[hook.name];
  if (target === undefined || !sameSignature(target, hook)) {
    const mend = "export it from libos/main.ts with the signature of its declaration";
    throw new KaryonError("IMAGE_IMPORT_MISSING", `the kernel imports ${hook.module}.${hook.name}`, mend);
  }
  const symbol = `kernel_${hook.name}`;
  return [`${declaration(symbol, hook)};`, forward(hook.symbol, hook, symbol, "")].join("\n");
}

// memory.size and memory.grow are system calls; without them in the kernel the memory stays as it is.
function memoryCalls(kernel: KernelExports): string {
  const call = (name: string, parameters: readonly string[]): string =>
    systemCall({ module: "app", name, symbol: `app_${name}`, result: "u32", parameters }, kernel);
  return [
    kernel["app_memory_size"] ? call("memory_size", []) : "#define app_memory_size() app_initialPages",
    kernel["app_memory_grow"]
      ? call("memory_grow", ["u32"])
      : "#define app_memory_grow(pages) ((void)(pages), 0xffffffffu)",
  ].join("\n");
}

function entryPoints({ exports, globals, start }: Translation): string {
  const main = exports.get("_start");
  if (main === undefined || main.parameters.length > 0) {
    throw new KaryonError("IMAGE_NO_START", "the app does not export _start()", "an app's index.ts exports main()");
  }
  const threadStart = exports.get("_thread_start");
  const stackPointer = globals.get("__stack_pointer");
  return [
    "u32 app_start(void) {",
    "  leaveKernel();",
    ...(start === undefined ? [] : [`  ${start.symbol}();`]),
    main.result === "void" ? `  u32 status = 0;\n  ${main.symbol}();` : `  u32 status = ${main.symbol}();`,
    "  enterKernel();",
    "  return status;",
    "}",
    "void app_threadStart(u32 entry, u32 argument) {",
    ...(threadStart === undefined
      ? ["  (void)entry, (void)argument;", "  trap(TRAP_UNREACHABLE);"]
      : ["  leaveKernel();", `  ${threadStart.symbol}(entry, argument);`, "  enterKernel();"]),
    "}",
    `u32 app_stackPointerGet(void) { return ${stackPointer ?? "0"}; }`,
    `void app_stackPointerSet(u32 value) { ${stackPointer === undefined ? "(void)value" : `${stackPointer} = value`}; }`,
  ].join("\n");
}

function forward(name: string, signature: Signature, target: string, before: string): string {
  const call = `${target}(${argumentNames(signature).join(", ")})`;
  return `${definition(name, signature)} { ${before}${signature.result === "void" ? "" : "return "}${call}; }`;
}

function definition(name: string, { result, parameters }: Signature): string {
  return declaration(name, { result, parameters: parameters.map((type, i) => `${type} a${i}`) });
}

function argumentNames({ parameters }: Signature): string[] {
  return parameters.map((_, i) => `a${i}`);
}
