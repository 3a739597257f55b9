// The descriptor table: small numbers to open file descriptions. 0, 1 and 2 are the console from the start.
// Invariants: an entry is 0 or the address of an OpenFile with FD_CLOEXEC in its lowest bit; no entry below `lowestFree`
// is 0.
import { EBADF, EMFILE, ENFILE } from "../../kernel/errno";
import { pageAlloc } from "../../kernel/memory/pages";
import { OPEN_MAX, O_RDWR } from "../posix/constants";
import { KIND_CONSOLE, NO_FILE, OpenFile, openFileCreate, openFileHold, openFileRelease } from "./open_file";

const CLOSE_ON_EXEC: usize = 1;

let table: usize = 0; // one page: OPEN_MAX entries of 4 bytes
let lowestFree: u32 = 0;
/** RLIMIT_NOFILE: no call makes a descriptor from here on; those that are open stay. */
let limit: u32 = OPEN_MAX;

/** One more than the highest descriptor that a call may make; at most OPEN_MAX. */
export function descriptorLimit(): u32 {
  return limit;
}

/** Sets that, to at most OPEN_MAX. */
export function descriptorSetLimit(number: u32): void {
  limit = number;
}

function entry(fd: u32): usize {
  return table + ((<usize>fd) << 2);
}

/** Makes the table, with the console's three descriptors, before the app starts. False without memory. */
export function descriptorsInit(): bool {
  const console = openFileCreate(KIND_CONSOLE, 0, O_RDWR);
  if (console == NO_FILE) return false;
  console.references = 3;
  table = pageAlloc();
  if (table == 0) return false;
  memory.fill(table, 0, OPEN_MAX << 2);
  for (let fd: u32 = 0; fd < 3; fd++) store<usize>(entry(fd), changetype<usize>(console));
  lowestFree = 3;
  return true;
}

/** Closes all that are open, when the process ends. */
export function descriptorsClose(): void {
  for (let fd: u32 = 0; fd < OPEN_MAX; fd++) descriptorClose(fd);
}

/** Closes those with FD_CLOEXEC, when another program takes the process over. Called by a thread; may block. */
export function descriptorsCloseOnExec(): void {
  for (let fd: u32 = 0; fd < OPEN_MAX; fd++) if (descriptorCloseOnExec(fd)) descriptorClose(fd);
}

/** The description behind `fd`, or NO_FILE. */
export function descriptorFile(fd: i32): OpenFile {
  if (<u32>fd >= OPEN_MAX) return NO_FILE;
  return changetype<OpenFile>(load<usize>(entry(fd)) & ~CLOSE_ON_EXEC);
}

/** An open file with this object behind it that some descriptor refers to; NO_FILE when there is none. */
export function descriptorsFind(kind: u32, object: usize): OpenFile {
  for (let fd: u32 = 0; fd < OPEN_MAX; fd++) {
    const file = descriptorFile(fd);
    if (file != NO_FILE && file.kind == kind && file.object == object) return file;
  }
  return NO_FILE;
}

/** The lowest free descriptor >= `from`; -EMFILE when there is none. */
export function descriptorFree(from: u32): i32 {
  for (let fd = max(from, lowestFree); fd < limit; fd++) {
    if (load<usize>(entry(fd)) == 0) return fd;
  }
  return -EMFILE;
}

/** Makes free descriptor `fd` refer to `file`, whose reference it takes over. */
export function descriptorSet(fd: i32, file: OpenFile, closeOnExec: bool): void {
  store<usize>(entry(fd), changetype<usize>(file) | (closeOnExec ? CLOSE_ON_EXEC : 0));
  if (<u32>fd == lowestFree) lowestFree = <u32>fd + 1;
}

/** A new description in the lowest free descriptor, or -EMFILE, -ENFILE. */
export function descriptorOpen(kind: u32, object: usize, flags: i32, closeOnExec: bool): i32 {
  const fd = descriptorFree(0);
  if (fd < 0) return fd;
  const file = openFileCreate(kind, object, flags);
  if (file == NO_FILE) return -ENFILE;
  descriptorSet(fd, file, closeOnExec);
  return fd;
}

/** A second descriptor, the lowest free one >= `from`, of `file`. */
export function descriptorDuplicate(file: OpenFile, from: u32, closeOnExec: bool): i32 {
  const fd = descriptorFree(from);
  if (fd < 0) return fd;
  openFileHold(file);
  descriptorSet(fd, file, closeOnExec);
  return fd;
}

/** Frees `fd`; 0 or -EBADF. */
export function descriptorClose(fd: i32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  store<usize>(entry(fd), 0);
  if (<u32>fd < lowestFree) lowestFree = <u32>fd;
  openFileRelease(file);
  return 0;
}

/** Whether `fd`, which is open, has FD_CLOEXEC. */
export function descriptorCloseOnExec(fd: i32): bool {
  return (load<usize>(entry(fd)) & CLOSE_ON_EXEC) != 0;
}

/** Sets FD_CLOEXEC of `fd`, which is open. */
export function descriptorSetCloseOnExec(fd: i32, on: bool): void {
  const file = changetype<usize>(descriptorFile(fd));
  store<usize>(entry(fd), file | (on ? CLOSE_ON_EXEC : 0));
}
