// The kernel's hooks: what it has only for a certain system call it reaches through an import of module with_<call>. With an app
// that makes the call that is the kernel's export of the same name, by a weak symbol of the kernel's unit; with another an empty
// function, by a symbol of the app's unit that takes the weak one's place. So the linker
// leaves out what an app cannot use, although the kernel is compiled once for all apps. with_network is for the kernel that
// has one, whatever the app calls, with_tmpfs for apps that make files and for manifests that ask for it, with_proc and with_disk for such manifests, with_pipe also for sockets of AF_UNIX, with_fork_network for where both are, with_fork_pipe for an app that makes both calls.
import { KaryonError } from "../support/errors.ts";
import { sameSignature, type KernelExports } from "./signature.ts";
import { posixCall } from "./wasi.ts";
import { declaration, type ImportedFunction, type Translation } from "./translate.ts";

/** The kernel's imports that the app's unit defines. */
export type KernelHooks = readonly ImportedFunction[];

export const HOOK_MODULE = /^with_(\w+)$/;

/** What only the kernel of an image with a network exports. */
const NETWORK_START = "networkStart";
/** The calls by which an app comes to need what images of several programs have. */
export const PROGRAM_CALLS = ["execveat", "environment_set", "atexit", "program_name"];

/** The calls that make or change files. */
const FILE_CALLS = [
  "openat",
  "mkdirat",
  "symlinkat",
  "linkat",
  "renameat",
  "pwrite",
  "pwritev",
  "truncate",
  "ftruncate",
  "fallocate",
];

/** The calls of a feature of the kernel, where that is more than the one of its name. */
const FEATURE_CALLS: Readonly<Record<string, readonly string[]>> = {
  pipe: ["pipe", "socketpair", "unix_address"],
  // sigaction() of the API; signal() makes the system call of that name as well, but is not for faults, so that servers have none of this.
  fault: ["signal_information"],
  signal: ["sigaction", "sigprocmask", "sigtimedwait", "signalfd"],
  thread: ["thread_create"],
  // What makes the signals of threads differ.
  mask: ["sigprocmask", "sigsuspend", "ppoll", "pselect", "epoll_pwait", "thread_kill"],
  group: ["setpgid", "setsid"],
  unix: ["socketpair", "unix_address"],
  names: ["unix_address"],
  rights: ["sendmsg", "recvmsg"],
  anonymous: ["epoll_create", "eventfd", "timerfd_create", "signalfd"],
  epoll: ["epoll_create"],
  timerfd: ["timerfd_create"],
  programs: PROGRAM_CALLS,
  tmpfs: FILE_CALLS,
  unnamed: FILE_CALLS,
};

/** Whether a broken pipe has not ended the process. WASI has no signals: there it is an error of the write and no more. */
const BROKEN_PIPE = "brokenPipeRaised";

/** What an image has because its manifest says so, whatever the app calls. */
export interface Asked {
  /** The image's name. */
  readonly name: string;
  /** Features of the kernel. */
  readonly features: readonly string[];
  /** Whether its program is a module of another toolchain. */
  readonly foreign?: boolean;
}

/** All hooks of calls that an app does not make: one function, whatever they take and return, by as many names. */
const EMPTY_HOOK = "__attribute__((used)) u64 app_emptyHook(void) { return 0; }";

/** The kernel's imports that depend on what the app calls. */
export function kernelHooks({ imports }: Translation): KernelHooks {
  return imports.filter(({ module }) => HOOK_MODULE.test(module));
}

/** Of the kernel's unit: what its hooks are unless an app's unit says otherwise. */
export function hookDefaults(hooks: KernelHooks, kernel: KernelExports): string[] {
  return hooks.flatMap((hook) => {
    const target = kernel[hook.name];
    if (target === undefined || !sameSignature(target, hook)) return [];
    return [`__attribute__((weak, alias("kernel_${hook.name}"))) ${declaration(hook.symbol, hook)};`];
  });
}

/** Of the app's unit: the kernel's imports of features that an image whose modules have all of `imports` has no use for. */
export function hookFunctions(
  hooks: KernelHooks,
  imports: readonly ImportedFunction[],
  kernel: KernelExports,
  asked: Omit<Asked, "name">,
): string[] {
  if (hooks.length === 0) return [];
  return [EMPTY_HOOK, ...hooks.flatMap((hook) => hookFunction(hook, imports, kernel, asked))];
}

function hookFunction(
  hook: ImportedFunction,
  imports: readonly ImportedFunction[],
  kernel: KernelExports,
  { features, foreign = false }: Omit<Asked, "name">,
): string[] {
  if (foreign && hook.name === BROKEN_PIPE) return [`${declaration(hook.symbol, hook)} { return 1; }`];
  const [, needed = ""] = HOOK_MODULE.exec(hook.module) ?? [];
  const has = (feature: string): boolean =>
    feature === "network"
      ? kernel[NETWORK_START] !== undefined
      : features.includes(feature) ||
        imports.some((imported) => (FEATURE_CALLS[feature] ?? [feature]).includes(posixCall(imported) ?? ""));
  if (!needed.split("_").every(has)) {
    return [`__asm__(".globl ${hook.symbol}\\n.set ${hook.symbol}, app_emptyHook");`];
  }
  const target = kernel[hook.name];
  if (target === undefined || !sameSignature(target, hook)) {
    const mend = "export it from libos/main.ts with the signature of its declaration";
    throw new KaryonError("IMAGE_IMPORT_MISSING", `the kernel imports ${hook.module}.${hook.name}`, mend);
  }
  return [];
}
