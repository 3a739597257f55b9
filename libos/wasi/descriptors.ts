// Descriptors: what they are, their flags, their end. They are POSIX's (libos/process/descriptors.ts): 0, 1 and 2 the console, 3 the preopened root.
//
// Rights say what the kind of a descriptor allows, as wasmtime has it: nobody can take away some, and none is asked for anywhere. Of the console's,
// FD_SEEK and FD_TELL are missing: by that libc knows a terminal.
import { EBADF } from "../../kernel/errno";
import { O_APPEND, O_DSYNC, O_NONBLOCK, O_SYNC } from "../posix/constants";
import { posix_close } from "../posix/files";
import { posix_dup2, posix_fcntl } from "../posix/file_status";
import { F_GETFL, F_SETFL } from "../posix/constants";
import { descriptorFile } from "../process/descriptors";
import {
  KIND_CONSOLE,
  KIND_DEVICE,
  KIND_DIRECTORY,
  KIND_FILE,
  KIND_UDP,
  NO_FILE,
  OpenFile,
  openFileIsReadable,
  openFileIsSocket,
  openFileIsWritable,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { WASI_BADF, WASI_FAULT, WASI_INVAL, WASI_NOTSUP, WASI_SUCCESS, wasiError } from "./errno";
import {
  DESCRIPTOR_STATUS_SIZE,
  DescriptorStatus,
  FDFLAGS_ALL,
  FDFLAGS_APPEND,
  FDFLAGS_DSYNC,
  FDFLAGS_NONBLOCK,
  FDFLAGS_RSYNC,
  FDFLAGS_SYNC,
  FILETYPE_CHARACTER_DEVICE,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FILETYPE_SOCKET_DGRAM,
  FILETYPE_SOCKET_STREAM,
  FILETYPE_UNKNOWN,
  RIGHTS_FD_ADVISE,
  RIGHTS_FD_ALLOCATE,
  RIGHTS_FD_DATASYNC,
  RIGHTS_FD_FDSTAT_SET_FLAGS,
  RIGHTS_FD_FILESTAT_GET,
  RIGHTS_FD_FILESTAT_SET_SIZE,
  RIGHTS_FD_FILESTAT_SET_TIMES,
  RIGHTS_FD_READ,
  RIGHTS_FD_READDIR,
  RIGHTS_FD_SEEK,
  RIGHTS_FD_SYNC,
  RIGHTS_FD_TELL,
  RIGHTS_FD_WRITE,
  RIGHTS_PATH,
  RIGHTS_POLL_FD_READWRITE,
  RIGHTS_SOCK_ACCEPT,
  RIGHTS_SOCK_SHUTDOWN,
} from "./layout";
import { preopenGone, preopenMoved } from "./preopen";

/** Of every descriptor. */
const ANY: u64 = RIGHTS_FD_FDSTAT_SET_FLAGS | RIGHTS_FD_FILESTAT_GET | RIGHTS_POLL_FD_READWRITE;
const KEPT: u64 = RIGHTS_FD_DATASYNC | RIGHTS_FD_SYNC | RIGHTS_FD_ADVISE | RIGHTS_FD_FILESTAT_SET_TIMES;
const FILE: u64 = ANY | KEPT | RIGHTS_FD_SEEK | RIGHTS_FD_TELL;
const DIRECTORY: u64 = ANY | KEPT | RIGHTS_FD_READDIR | RIGHTS_PATH;
const SOCKET: u64 = ANY | RIGHTS_SOCK_SHUTDOWN | RIGHTS_SOCK_ACCEPT;
/** Of what is open for writing, the last two of files only. */
const WRITING: u64 = RIGHTS_FD_WRITE | RIGHTS_FD_FILESTAT_SET_SIZE | RIGHTS_FD_ALLOCATE;

/** WASI's `filetype` of an open file. */
export function fileTypeOf(file: OpenFile): u8 {
  if (file.kind == KIND_CONSOLE || file.kind == KIND_DEVICE) return FILETYPE_CHARACTER_DEVICE;
  if (file.kind == KIND_FILE) return FILETYPE_REGULAR_FILE;
  if (file.kind == KIND_DIRECTORY) return FILETYPE_DIRECTORY;
  if (!openFileIsSocket(file)) return FILETYPE_UNKNOWN;
  return file.kind == KIND_UDP ? FILETYPE_SOCKET_DGRAM : FILETYPE_SOCKET_STREAM;
}

function rightsOf(file: OpenFile): u64 {
  if (file.kind == KIND_DIRECTORY) return DIRECTORY;
  const transfers = (openFileIsReadable(file) ? RIGHTS_FD_READ : 0) | (openFileIsWritable(file) ? WRITING : 0);
  if (file.kind == KIND_FILE) return FILE | transfers;
  const kind = openFileIsSocket(file) ? SOCKET : ANY;
  return (kind | transfers) & ~(RIGHTS_FD_FILESTAT_SET_SIZE | RIGHTS_FD_ALLOCATE);
}

export function wasi_fd_fdstat_get(fd: i32, target: u32): u32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return WASI_BADF;
  const at = userBuffer(target, DESCRIPTOR_STATUS_SIZE);
  if (at == 0) return WASI_FAULT;
  memory.fill(at, 0, DESCRIPTOR_STATUS_SIZE);
  const status = changetype<DescriptorStatus>(at);
  status.fileType = fileTypeOf(file);
  status.flags = <u16>(
    (((file.flags & O_APPEND) != 0 ? FDFLAGS_APPEND : 0) |
      (file.nonBlocking ? FDFLAGS_NONBLOCK : 0) |
      keptSync(file.flags))
  );
  status.rights = rightsOf(file);
  status.inheriting = file.kind == KIND_DIRECTORY ? DIRECTORY | FILE | RIGHTS_FD_READ | WRITING : 0;
  return WASI_SUCCESS;
}

/** What is waited for at each write: WASI's flag for the status flags. */
function keptSync(flags: i32): u32 {
  return (flags & O_SYNC) == O_SYNC ? FDFLAGS_SYNC : (flags & O_DSYNC) != 0 ? FDFLAGS_DSYNC : 0;
}

/** The status flags (O_…) that WASI's mean. RSYNC, which wants reads to wait for what is written, is SYNC, as on Linux. */
export function statusFlags(flags: u32): i32 {
  const sync = (flags & (FDFLAGS_SYNC | FDFLAGS_RSYNC)) != 0 ? O_SYNC : (flags & FDFLAGS_DSYNC) != 0 ? O_DSYNC : 0;
  const appending = (flags & FDFLAGS_APPEND) != 0 ? O_APPEND : 0;
  return sync | appending | ((flags & FDFLAGS_NONBLOCK) != 0 ? O_NONBLOCK : 0);
}

/** What is wrong with `fdflags`; 0 for nothing. */
export function flagsError(flags: u32): u32 {
  return (flags & ~FDFLAGS_ALL) != 0 ? WASI_INVAL : WASI_SUCCESS;
}

export function wasi_fd_fdstat_set_flags(fd: i32, flags: u32): u32 {
  const before = posix_fcntl(fd, F_GETFL, 0);
  if (before < 0) return wasiError(before);
  const error = flagsError(flags);
  if (error != 0) return error;
  const wanted = statusFlags(flags);
  // What was said of writes when it was opened stays.
  return keptSync(wanted) != keptSync(before) ? WASI_NOTSUP : wasiError(posix_fcntl(fd, F_SETFL, wanted));
}

/** Rights are not kept: see above. */
export function wasi_fd_fdstat_set_rights(fd: i32, _rights: u64, _inheriting: u64): u32 {
  return descriptorFile(fd) == NO_FILE ? WASI_BADF : WASI_NOTSUP;
}

export function wasi_fd_close(fd: i32): u32 {
  preopenGone(fd);
  return wasiError(posix_close(fd));
}

/** Both are open before, and only `goal` is afterwards. */
export function wasi_fd_renumber(fd: i32, goal: i32): u32 {
  if (descriptorFile(fd) == NO_FILE || descriptorFile(goal) == NO_FILE) return wasiError(-EBADF);
  if (fd == goal) return WASI_SUCCESS;
  const moved = posix_dup2(fd, goal);
  if (moved < 0) return wasiError(moved);
  preopenMoved(fd, goal);
  return wasiError(posix_close(fd));
}
