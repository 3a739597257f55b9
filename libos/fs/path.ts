// Path names, as POSIX resolves them in the embedded tree: "." and "..", repeated slashes, relative paths (the working
// directory is always "/").
import { ENAMETOOLONG, ENOENT, ENOTDIR } from "../../kernel/errno";
import { NAME_MAX, PATH_MAX } from "../posix/constants";
import { NO_DEVICE, deviceFind } from "./devices";
import { embeddedDirectory, embeddedFind } from "./embedded";

const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;

const canonical = memory.data(1024, 8); // PATH_MAX bytes
let canonicalLength: u32 = 0;

/** What a path leads to. */
@unmanaged
@final
export class PathTarget {
  /** The canonical path; good until the next resolvePath. */
  path: usize;
  length: u32;
  /** Index of the file, or of the first file below the directory; of a device none. */
  index: u32;
  isDirectory: bool;
  /** DEVICE_…; NO_DEVICE for a file and a directory. */
  device: u32;
}

function isDots(name: usize, length: u32, count: u32): bool {
  if (length != count) return false;
  for (let i: u32 = 0; i < count; i++) if (load<u8>(name + i) != DOT) return false;
  return true;
}

/** Whether the first `length` bytes of the canonical path name something other than a directory. */
function isLeaf(length: u32): bool {
  return embeddedFind(canonical, length) >= 0 || deviceFind(canonical, length) != NO_DEVICE;
}

/** 0 when the canonical path so far is a directory; else why not. */
function checkDirectory(): i32 {
  if (embeddedDirectory(canonical, canonicalLength) >= 0) return 0;
  return isLeaf(canonicalLength) ? -ENOTDIR : missing();
}

/** Goes on from the canonical path to `name`. */
function step(name: usize, length: u32): i32 {
  if (length > NAME_MAX) return -ENAMETOOLONG;
  const here = isDots(name, length, 1);
  const up = isDots(name, length, 2);
  if (here || up) {
    const error = checkDirectory();
    if (error != 0 || here) return error;
    while (canonicalLength != 0 && load<u8>(canonical + --canonicalLength) != SLASH);
    return 0;
  }
  if (canonicalLength + 1 + length > PATH_MAX) return -ENAMETOOLONG;
  store<u8>(canonical + canonicalLength, SLASH);
  memory.copy(canonical + canonicalLength + 1, name, length);
  canonicalLength += 1 + length;
  return 0;
}

/** Finds what the `length` bytes of UTF-8 at `path` name. Returns 0 with `target` filled, -ENOENT, -ENOTDIR or -ENAMETOOLONG. */
export function resolvePath(path: usize, length: u32, target: PathTarget): i32 {
  canonicalLength = 0;
  target.path = canonical;
  target.length = 0;
  if (length == 0) return -ENOENT;
  let at: u32 = 0;
  while (at < length) {
    let end = at;
    while (end < length && load<u8>(path + end) != SLASH) end++;
    const error = end == at ? 0 : step(path + at, end - at);
    if (error != 0) return error;
    at = end + 1;
  }
  target.length = canonicalLength;
  target.device = NO_DEVICE;
  const directory = embeddedDirectory(canonical, canonicalLength);
  target.isDirectory = directory >= 0;
  if (directory >= 0) {
    target.index = <u32>directory;
    return 0;
  }
  const file = embeddedFind(canonical, canonicalLength);
  if (file < 0) target.device = deviceFind(canonical, canonicalLength);
  if (file < 0 && target.device == NO_DEVICE) return missing();
  target.index = <u32>file;
  return load<u8>(path + length - 1) == SLASH ? -ENOTDIR : 0;
}

/** Why the canonical path leads nowhere: -ENOTDIR when it goes through a file, else -ENOENT. */
function missing(): i32 {
  for (let i: u32 = 1; i < canonicalLength; i++) {
    if (load<u8>(canonical + i) == SLASH && isLeaf(i)) return -ENOTDIR;
  }
  return -ENOENT;
}
