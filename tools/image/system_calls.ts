// The app's side of its system calls: an import M.N is the kernel's export M_N (of WASI wasi_N); the wrapper masks events on the way in and lets the kernel do what is
// pending on the way out (boot/app.h). At its end handlers of signals run, and threads end that another's execve ends.
import { KaryonError } from "../support/errors.ts";
import { argumentNames, definition, type KernelExports } from "./signature.ts";
import { declaration, type ImportedFunction, type Translation } from "./translate.ts";
import { exportPrefix } from "./wasi.ts";

/** The call by which an app becomes another program. */
export const EXECUTE = "posix_execveat";
/** Calls that are the kernel's other ones where programs may be started by programs: their names begin with this instead of posix or app. */
const PROGRAMS_PREFIX = "programs";
/** The call by which a program changes its environment, which so becomes its own. */
export const OWN_ENVIRONMENT = "posix_environment_set";

/** The calls by which an app asks how it is called. */
export const NAME = ["posix_program_name", "wasi_args_get", "wasi_args_sizes_get"];
/** The call by which an app has functions called at its exit. */
export const AT_EXIT = "posix_atexit";
/** Calls that end the app, before which those are called: of the second kind only on its last thread. */
const ENDS: Readonly<Record<string, 0 | 1>> = { posix_exit: 0, posix_thread_exit: 1 };

/** The call by which an app gets handlers of signals. */
const SIGNAL = "posix_sigaction";
/** Calls that are made again when only handlers with SA_RESTART have interrupted them (signal(7)). */
export const RESTARTED =
  /^posix_(?:read|readv|write|writev|accept|recvfrom|recvmsg|sendto|sendmsg|sendfile|wait4|waitid|open(?:at)?|getrandom)$/;
/** What they have ended with: -EINTR. */
export const INTERRUPTED = -4;
/** What the app's allocator and collector call: no place for a handler, which may use both. */
const NO_HANDLERS = /^app_|^posix_thread_(?:self|shadow_stack)$/;

/** Whether the system call `name` (posix_…) is among the imports of an app. */
export function calls(imports: readonly ImportedFunction[], name: string): boolean {
  return imports.some((imported) => exportName(imported) === name);
}

/** The definitions of the calls of an app's unit, whose symbols begin with `unit`; `others`: see PROGRAMS_PREFIX. */
export function systemCalls(unit: string, translation: Translation, kernel: KernelExports, others: boolean): string[] {
  const { imports } = translation;
  const seam = { kernel, others, executes: calls(imports, EXECUTE), exits: calls(imports, AT_EXIT) };
  return [
    ...signalHandlers(unit, translation),
    ...(seam.exits ? exitHandlers(translation) : []),
    ...imports.map((imported) => systemCall(imported, seam)),
    memoryCalls(seam),
  ];
}

/** The kernel's export that an import is. */
export function exportName({ module, name }: ImportedFunction): string {
  return `${exportPrefix(module)}_${name}`;
}

// Handlers of signals run at the end of system calls and where the app does what it must not, in an app that can have any.
function signalHandlers(unit: string, { imports, exports }: Translation): string[] {
  const handler = exports.get("_signal_handler");
  if (handler === undefined || !imports.some((imported) => exportName(imported) === SIGNAL)) {
    return ["#define leaveCall() (leaveKernel(), 0)", `void ${unit}_fault(u64 next) { (void)next; }`];
  }
  return [
    `static ${declaration(handler.symbol, handler)};`,
    "static __attribute__((noinline)) u64 nextHandler(u32 ended, u32 mask) { enterKernel(); u64 next = kernel_signalTake(ended, mask); leaveKernel(); return next; }",
    "// Whether handlers have run and let what they interrupted be made again: the upper half has the signal, 64 for siginfo_t and 128 for SA_RESTART.",
    "static __attribute__((noinline)) u32 runHandlers(u64 next) {",
    "  u32 ended = 0, again = 1;",
    "  for (u32 mask; next != 0; next = nextHandler(ended, mask)) {",
    "    u32 what = (u32)(next >> 32);",
    "    mask = app_handlerMask;",
    `    ${handler.symbol}((u32)next, what & 127);`,
    "    if (!(what & 128)) again = 0;",
    "    ended = what & 63;",
    "  }",
    "  return ended != 0 && again;",
    "}",
    "static __attribute__((noinline)) u32 leaveLate(void) {",
    "  kernel_leaveKernel();",
    "  return app_due & DUE_SIGNALS ? runHandlers(nextHandler(0, 0)) : 0;",
    "}",
    `void ${unit}_fault(u64 next) { (void)runHandlers(next); }`,
    "INLINE u32 leaveCall(void) {",
    "  boot_sharedInfo[1] = 0;",
    "  return UNLIKELY(boot_sharedInfo[0] | app_due) ? leaveLate() : 0;",
    "}",
  ];
}

// Functions that the app registered run where it ends: in exit(), behind main() and on its last thread. Each is taken before it is called, so
// that one which calls exit() itself leaves the others to that.
function exitHandlers({ exports }: Translation): string[] {
  const handler = exports.get("_exit_handler");
  if (handler === undefined) throw new KaryonError("IMAGE_NO_EXIT_HANDLER", "the app does not export _exit_handler()");
  return [
    `static ${declaration(handler.symbol, handler)};`,
    "u32 kernel_exitHandlerTake(u32 lastThread);",
    "static __attribute__((noinline)) void runExitHandlers(u32 lastThread) {",
    "  for (;;) {",
    "    enterKernel();",
    "    u32 word = kernel_exitHandlerTake(lastThread);",
    "    leaveKernel();",
    "    if (word == 0) return;",
    `    ${handler.symbol}(word);`,
    "  }",
    "}",
  ];
}

/** What a unit's system calls are made for. */
interface Seam {
  readonly kernel: KernelExports;
  /** Whether a call that the kernel has twice (PROGRAMS_PREFIX) is the other one. */
  readonly others: boolean;
  /** Whether the app may become another program, before which its other threads end. */
  readonly executes: boolean;
  /** Whether the app may have functions called at its exit. */
  readonly exits: boolean;
}

function systemCall(imported: ImportedFunction, { kernel, others, executes, exits }: Seam): string {
  const usual = exportName(imported);
  const other = `${PROGRAMS_PREFIX}_${imported.name}`;
  const target = others && kernel[other] !== undefined ? other : usual;
  if (kernel[target] === undefined) return `${definition(imported.symbol, imported)} { trap(TRAP_ABORT); }`;
  const call = `kernel_${target}(${argumentNames(imported).join(", ")})`;
  const ends = ENDS[usual];
  const enter = exits && ends !== undefined ? `runExitHandlers(${ends}); enterKernel();` : "enterKernel();";
  const end = executes ? "END_THREAD; " : "";
  const leave = `${end}${NO_HANDLERS.test(usual) ? "leaveKernel();" : "(void)leaveCall();"}`;
  const body =
    imported.result === "void"
      ? `${enter} ${call}; ${leave}`
      : RESTARTED.test(target)
        ? restarted(imported.result ?? "", call, end)
        : `${enter} ${imported.result} result = ${call}; ${leave} return result;`;
  return [
    `${declaration(`kernel_${target}`, imported)};`,
    `static ${definition(imported.symbol, imported)} { ${body} }`,
  ].join("\n");
}

function restarted(type: string, call: string, end: string): string {
  const again = `leaveCall() && result == (${type})${INTERRUPTED}`;
  return `for (;;) { enterKernel(); ${type} result = ${call}; ${end}if (!(${again})) return result; }`;
}

// memory.size and memory.grow are system calls; without them in the kernel the memory stays as it is.
function memoryCalls(seam: Seam): string {
  const { kernel } = seam;
  const call = (name: string, parameters: readonly string[]): string =>
    systemCall({ module: "app", name, symbol: `app_${name}`, result: "u32", parameters }, seam);
  return [
    kernel["app_memory_size"] ? call("memory_size", []) : "#define app_memory_size() app_initialPages",
    kernel["app_memory_grow"]
      ? call("memory_grow", ["u32"])
      : "#define app_memory_grow(pages) ((void)(pages), 0xffffffffu)",
  ].join("\n");
}
