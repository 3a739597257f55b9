// The one directory that a program begins with (a "preopen"): the root of all files, as descriptor 3, where libc looks for such.
// Invariant: `preopened` is the descriptor that has it, or -1 when the program has closed it.
import { O_DIRECTORY, O_RDONLY } from "../posix/constants";
import { openPlace } from "../posix/open";
import { userBuffer } from "../process/user_memory";
import { WASI_BADF, WASI_FAULT, WASI_NAMETOOLONG, WASI_SUCCESS } from "./errno";
import { PRESTAT_SIZE } from "./layout";

const SLASH: u8 = 0x2f;
/** Bytes of its name. */
const NAME_LENGTH: u32 = 1;
const PREOPENTYPE_DIR: u32 = 0;

const name = memory.data<u8>([0x2f]);
let preopened: i32 = -1;

/** Export: opens it, before the program starts; nothing else is open but the console. */
export function wasiStart(): void {
  preopened = openPlace(name, NAME_LENGTH, O_RDONLY | O_DIRECTORY);
}

/** `fd` is another file's now, or nobody's. */
export function preopenGone(fd: i32): void {
  if (fd == preopened) preopened = -1;
}

/** What was `fd` is `goal` now. */
export function preopenMoved(fd: i32, goal: i32): void {
  preopenGone(goal);
  if (fd == preopened) preopened = goal;
}

export function wasi_fd_prestat_get(fd: i32, target: u32): u32 {
  if (fd < 0 || fd != preopened) return WASI_BADF;
  const at = userBuffer(target, PRESTAT_SIZE);
  if (at == 0) return WASI_FAULT;
  store<u32>(at, PREOPENTYPE_DIR);
  store<u32>(at, NAME_LENGTH, sizeof<u32>());
  return WASI_SUCCESS;
}

export function wasi_fd_prestat_dir_name(fd: i32, path: u32, length: u32): u32 {
  if (fd < 0 || fd != preopened) return WASI_BADF;
  if (length < NAME_LENGTH) return WASI_NAMETOOLONG;
  const at = userBuffer(path, NAME_LENGTH);
  if (at == 0) return WASI_FAULT;
  store<u8>(at, SLASH);
  return WASI_SUCCESS;
}
