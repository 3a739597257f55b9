// dirent.h: listing directories.
import { O_DIRECTORY, O_RDONLY } from "../posix/constants";
import { DIRECTORY_ENTRY_NAME, DirectoryEntry } from "../posix/layout";
import { conclude, errno } from "./errno";
import { open } from "./fcntl";
import * as posix from "./posix";
import { close } from "./unistd";

/** One entry of a directory. */
@final
export class dirent {
  constructor(
    public d_ino: u64,
    /** DT_REG, DT_DIR, DT_LNK … */
    public d_type: u8,
    public d_name: string,
  ) {}
}

/** An open directory. */
@final
export class DIR {
  buffer: ArrayBuffer = new ArrayBuffer(2048);
  /** Bytes of records in the buffer, and the position among them. */
  length: i32 = 0;
  position: i32 = 0;

  constructor(public fd: i32) {}
}

/** Opens directory `path`; null on error. */
export function opendir(path: string): DIR | null {
  const fd = open(path, O_RDONLY | O_DIRECTORY);
  return fd < 0 ? null : new DIR(fd);
}

/** The next entry, without "." and ".."; null at the end. What is embedded comes in the order of names, what is in memory in that in which it was made. */
export function readdir(directory: DIR): dirent | null {
  const start = changetype<usize>(directory.buffer);
  if (directory.position >= directory.length) {
    const length = conclude(errno, posix.getdents(directory.fd, start, directory.buffer.byteLength));
    if (length <= 0) return null;
    directory.length = length;
    directory.position = 0;
  }
  const at = start + directory.position;
  const record = changetype<DirectoryEntry>(at);
  directory.position += record.recordLength;
  const name = String.UTF8.decodeUnsafe(at + DIRECTORY_ENTRY_NAME, record.nameLength);
  return new dirent(record.inode, record.type, name);
}

/** Closes the directory. */
export function closedir(directory: DIR): i32 {
  return close(directory.fd);
}
