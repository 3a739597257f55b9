// fd_readdir: names of a directory from a cookie on, as many as fit, the last one cut where the room ends: so the app sees that there are more.
// Cookies 0 and 1 are "." and "..", which the file systems do not list; the others are their positions, moved up by these two.
import { ENOENT } from "../../kernel/errno";
import { LISTED_NAME_SIZE, ListedName } from "../fs/listing";
import { filesEnter, filesLeave } from "../fs/lock";
import { FS_TMPFS, Mount } from "../fs/mounts";
import { nodeInode, nodeList, nodeStatus } from "../fs/node";
import { WALK_SIZE, Walk, walkFrom, walkOn, walkToParent } from "../fs/walk";
import { S_IFDIR } from "../posix/constants";
import { FILE_STATUS_SIZE, FileStatus } from "../posix/layout";
import { descriptorFile } from "../process/descriptors";
import { KIND_DIRECTORY, NO_FILE, OpenFile, openFileHold, openFileRelease } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { answerWord, isWord } from "./answer";
import { WASI_BADF, WASI_FAULT, WASI_NOTDIR } from "./errno";
import { fileTypeFor } from "./file_status";
import { DIRECTORY_ENTRY_WASI_SIZE, DirectoryEntryWasi } from "./layout";

const COOKIES_OF_DOTS: u64 = 2;
const DOTS = memory.data<u8>([0x2e, 0x2e]);

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
const known = changetype<FileStatus>(memory.data(FILE_STATUS_SIZE, 8));
const listed = changetype<ListedName>(memory.data(LISTED_NAME_SIZE, 8));
const entry = changetype<DirectoryEntryWasi>(memory.data(24, 8)); // DIRECTORY_ENTRY_WASI_SIZE

export function wasi_fd_readdir(fd: i32, buffer: u32, length: u32, cookie: u64, used: u32): u32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return WASI_BADF;
  if (file.kind != KIND_DIRECTORY) return WASI_NOTDIR;
  const bytes = userBuffer(buffer, length);
  if (bytes == 0 || !isWord(used)) return WASI_FAULT;
  const mount = changetype<Mount>(file.mount);
  filesEnter();
  openFileHold(file);
  const result = isRemoved(mount, file) ? -ENOENT : list(mount, file.node, bytes, length, cookie);
  openFileRelease(file);
  return answerWord(filesLeave(result), used);
}

function isRemoved(mount: Mount, file: OpenFile): bool {
  return mount.kind == FS_TMPFS && nodeInode(file.node).links == 0;
}

/** Writes entries to the `room` bytes at `target`: bytes written, or -EIO. */
function list(mount: Mount, directory: u64, target: usize, room: u32, cookie: u64): i32 {
  let done: u32 = 0;
  let next = cookie;
  while (done < room) {
    const more = next < COOKIES_OF_DOTS ? listDots(mount, directory, <u32>next + 1) : listName(mount, directory, next);
    if (more < 0) return more;
    if (more == 0) break;
    next = entry.next;
    done = put(target, room, done, changetype<usize>(entry), DIRECTORY_ENTRY_WASI_SIZE);
    done = put(target, room, done, listed.name, listed.length);
  }
  return done;
}

/** Makes `entry` of ".", of one dot, or "..", of two: 1, or -EIO. */
function listDots(mount: Mount, directory: u64, dots: u32): i32 {
  walkFrom(mount, directory);
  let error = walkToParent(DOTS, dots, walk);
  if (error == 0) error = walkOn(true, walk);
  memory.fill(changetype<usize>(known), 0, FILE_STATUS_SIZE);
  if (error == 0) error = nodeStatus(walk.mount, walk.node, known);
  if (error != 0) return error;
  listed.name = DOTS;
  listed.length = dots;
  fill(dots, known.inode, S_IFDIR);
  return 1;
}

/** Makes it of the name at `cookie`: 1, 0 at the end, -EIO. */
function listName(mount: Mount, directory: u64, cookie: u64): i32 {
  listed.next = cookie - COOKIES_OF_DOTS;
  const more = nodeList(mount, directory, listed);
  if (more > 0) fill(listed.next + COOKIES_OF_DOTS, listed.node, listed.type);
  return more;
}

function fill(next: u64, inode: u64, type: u32): void {
  memory.fill(changetype<usize>(entry), 0, DIRECTORY_ENTRY_WASI_SIZE);
  entry.next = next;
  entry.inode = inode;
  entry.nameLength = listed.length;
  entry.fileType = fileTypeFor(type);
}

/** Copies what fits behind the first `done` bytes; how many there are then. */
function put(target: usize, room: u32, done: u32, source: usize, length: u32): u32 {
  const part = min(length, room - done);
  memory.copy(target + done, source, part);
  return done + part;
}
