// Which tmpfs there are: what the command line says – tmpfs=/var:8M, as often as needed; a size is what the mount may take at most,
// half of the memory that is free when none is given –, and /tmp, unless the command line has it elsewhere or says tmpfs=off.
import { TextSpan, optionAt, optionCount } from "../../../kernel/command_line";
import { EINVAL, ENOTDIR } from "../../../kernel/errno";
import { log } from "../../../kernel/log";
import { memoryFreePages } from "../../../kernel/memory/frames";
import { PAGE_SHIFT } from "../../../kernel/memory/pages";
import { bytesEqualText, parseSize, textBytes } from "../../../kernel/text";
import { FS_TMPFS, mountAdd, mountAt, mountCover, mountForget } from "../mounts";
import { S_IFDIR } from "../../posix/constants";
import { Walk, WALK_SIZE, walkTo } from "../walk";
import { Inode } from "./inode";
import { tmpfsMake, tmpfsRoot } from "./tree";

const OPTION: u32 = 6; // "tmpfs="
const COLON: u8 = 0x3a;
const SLASH: u8 = 0x2f;

const usualPath = memory.data(4, 4);
const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));

/** Makes the directories of `path` that are missing: those below another tmpfs. 0, or why the last is not there. */
function makeDirectories(path: usize, length: u32): i32 {
  for (let end: u32 = 1; end <= length; end++) {
    if (end < length && load<u8>(path + end) != SLASH) continue;
    if (walkTo(path, end, true, walk) == 0 || walk.parentMount.kind != FS_TMPFS) continue;
    const directory = changetype<Inode>(<usize>walk.parentNode);
    tmpfsMake(directory, walk.name, walk.nameLength, S_IFDIR | 0x1ed, 0, 0); // rwxr-xr-x
  }
  const error = walkTo(path, length, true, walk);
  if (error != 0) return error;
  return walk.isDirectory() ? 0 : -ENOTDIR;
}

/** Mounts a tmpfs of `capacity` bytes at `path`, of `length` bytes, which stay where they are: 0 or -errno. */
function mountTmpfs(path: usize, length: u32, capacity: u64): i32 {
  const index = mountAdd(FS_TMPFS, path, length);
  if (index < 0) return index;
  const mount = mountAt(index);
  mount.capacity = capacity;
  const error = makeDirectories(path, length);
  const root = error != 0 ? error : tmpfsRoot(mount);
  if (root < 0) {
    mountForget();
    return root;
  }
  mount.root = root;
  mountCover(mount, walk.mount, walk.node);
  if (walk.mount.kind == FS_TMPFS) changetype<Inode>(<usize>walk.node).references += 1;
  return 0;
}

function usualCapacity(): u64 {
  return ((<u64>memoryFreePages()) >> 1) << PAGE_SHIFT;
}

/** Mounts what an option says, "path" or "path:size". */
function mountOption(text: usize, length: u32): i32 {
  let end: u32 = 0;
  while (end < length && load<u8>(text + end) != COLON) end++;
  if (end == 0) return -EINVAL;
  if (end == length) return mountTmpfs(text, length, usualCapacity());
  const size = parseSize(text + end + 1, length - end - 1);
  return size < 0 ? -EINVAL : mountTmpfs(text, end, size);
}

/** Whether an option is for /tmp. */
function isUsual(text: usize, length: u32): bool {
  return length >= 4 && bytesEqualText(text, 4, "/tmp") && (length == 4 || load<u8>(text + 4) == COLON);
}

/** Mounts them all. What cannot be mounted is logged. */
export function tmpfsStart(): void {
  let isOff = false;
  let hasUsual = false;
  for (let i: u32 = 0; i < optionCount(); i++) {
    const option: TextSpan = optionAt(i);
    if (option.length <= OPTION || !bytesEqualText(option.address, OPTION, "tmpfs=")) continue;
    const text = option.address + OPTION;
    const length = option.length - OPTION;
    if (bytesEqualText(text, length, "off")) {
      isOff = true;
      continue;
    }
    if (isUsual(text, length)) hasUsual = true;
    const error = mountOption(text, length);
    if (error != 0) log("tmpfs").text("cannot mount ").bytes(text, length).text(": error ").decimal(-error).end();
  }
  if (isOff || hasUsual) return;
  const error = mountTmpfs(usualPath, textBytes("/tmp", usualPath), usualCapacity());
  if (error != 0) log("tmpfs").text("cannot mount /tmp: error ").decimal(-error).end();
}
