// Programs of other toolchains: a module that asks for wasi_snapshot_preview1, which is libos/wasi. Its import "fd_write" is the kernel's export
// wasi_fd_write, a system call like others (system_calls.ts). What the kernel has for a call of POSIX only (hooks.ts) it has for the function of WASI, too,
// that is made of it.
import type { KernelExports } from "./signature.ts";
import type { ImportedFunction, Signature } from "./translate.ts";

/** The module that such programs import. */
export const WASI_MODULE = "wasi_snapshot_preview1";
/** What the names of the kernel's exports for it begin with. */
const WASI_PREFIX = "wasi";
/** Gives the program the directory that it begins with. */
const START = "wasiStart";
/** Functions that ask for that directory, or can be told its descriptor. */
const NEEDS_START = /^(?:path_|fd_prestat_|fd_readdir$)/;
/** Functions for which an image has a network, be it only to talk to itself. */
const SOCKETS = /^sock_/;

/** The calls of POSIX that functions are made of, where the kernel has something for these only. */
const MADE_OF: Readonly<Record<string, string>> = {
  fd_allocate: "fallocate",
  fd_filestat_set_size: "ftruncate",
  fd_pwrite: "pwritev",
  path_create_directory: "mkdirat",
  path_link: "linkat",
  path_open: "openat",
  path_rename: "renameat",
  path_symlink: "symlinkat",
  sock_getaddrinfo: "resolve",
};

/** Whether a source file is such a program. */
export function isForeign(file: string): boolean {
  return file.endsWith(".wasm");
}

/** What an import's module is called in the names of the kernel's exports. */
export function exportPrefix(module: string): string {
  return module === WASI_MODULE ? WASI_PREFIX : module;
}

/** The call of POSIX that decides what the kernel has for an import. */
export function posixCall({ module, name }: { readonly module: string; readonly name: string }): string | undefined {
  if (module === "posix") return name;
  return module === WASI_MODULE ? MADE_OF[name] : undefined;
}

/** Whether an import makes the image need a network. */
export function needsNetwork({ module, name }: { readonly module: string; readonly name: string }): boolean {
  return module === WASI_MODULE && SOCKETS.test(name);
}

/** The kernel's function that is called before a program with these imports begins. */
export function startCall(
  imports: readonly ImportedFunction[],
  kernel: KernelExports,
): (Signature & { readonly symbol: string }) | undefined {
  const start = kernel[START];
  const needed = imports.some(({ module, name }) => module === WASI_MODULE && NEEDS_START.test(name));
  return needed && start !== undefined ? { ...start, symbol: `kernel_${START}` } : undefined;
}
