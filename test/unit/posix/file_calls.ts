// System calls on files for apps in JavaScript (machine.ts): with paths as text, results as numbers or -errno, and what they fill in read.
import { BUFFER } from "../../fake/calls.ts";
import type { Piece } from "../../fake/calls.ts";
import type { Process } from "./machine.ts";

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_EMPTY_PATH = 0x1000;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0x40;
export const O_EXCL = 0x80;
export const O_TRUNC = 0x200;
export const O_APPEND = 0x400;
export const O_DSYNC = 0x1000;
export const O_SYNC = 0x101000;
export const O_DIRECTORY = 0x10000;
export const O_NOFOLLOW = 0x20000;
export const O_TMPFILE = 0x410000;
export const S_IFMT = 0xf000;
export const S_IFDIR = 0x4000;
export const S_IFREG = 0x8000;
export const S_IFLNK = 0xa000;
export const S_IFCHR = 0x2000;

const FIRST_PATH = 0x1_d000;
const SECOND_PATH = 0x1_f000;
const STATUS = 0x1_c000;
/** Room for data: from BUFFER to where statuses and paths are. */
export const DATA_SIZE = STATUS - BUFFER;

/** What stat tells. */
export interface FileStatus {
  readonly mode: number;
  readonly links: number;
  readonly size: number;
  readonly inode: bigint;
  readonly device: bigint;
  readonly special: bigint;
  readonly blocks: number;
  /** ns since 1970. */
  readonly modified: bigint;
  readonly accessed: bigint;
  readonly changed: bigint;
}

/** What statfs tells. */
export interface FileSystem {
  readonly type: number;
  readonly blocks: number;
  readonly free: number;
  readonly files: number;
  readonly flags: number;
}

/** A name in a directory. */
export interface Listed {
  readonly name: string;
  readonly type: number;
  readonly inode: bigint;
}

/** The calls on files of a process. */
export class FileCalls {
  constructor(readonly process: Process) {}

  private path(path: string | Uint8Array, at = FIRST_PATH): readonly [number, number] {
    const bytes = Buffer.from(path);
    this.process.put(at, bytes);
    return [at, bytes.length];
  }

  call(name: string, ...args: readonly (number | bigint)[]): Piece<number> {
    return this.process.call(`posix_${name}`, ...args);
  }

  *open(path: string, flags = O_RDONLY, mode = 0o666): Piece<number> {
    return yield* this.call("open", ...this.path(path), flags, mode);
  }

  *openat(directory: number, path: string, flags = O_RDONLY, mode = 0o666): Piece<number> {
    return yield* this.call("openat", directory, ...this.path(path), flags, mode);
  }

  *close(fd: number): Piece<number> {
    return yield* this.call("close", fd);
  }

  *write(fd: number, data: string | Uint8Array): Piece<number> {
    const bytes = Buffer.from(data);
    this.process.put(BUFFER, bytes);
    return yield* this.call("write", fd, BUFFER, bytes.length);
  }

  *pwrite(fd: number, data: string | Uint8Array, offset: number | bigint): Piece<number> {
    const bytes = Buffer.from(data);
    this.process.put(BUFFER, bytes);
    return yield* this.call("pwrite", fd, BUFFER, bytes.length, BigInt(offset));
  }

  *read(fd: number, count: number): Piece<Buffer | number> {
    const length = yield* this.call("read", fd, BUFFER, count);
    return length < 0 ? length : this.process.get(BUFFER, length);
  }

  *pread(fd: number, count: number, offset: number | bigint): Piece<Buffer | number> {
    const length = yield* this.call("pread", fd, BUFFER, count, BigInt(offset));
    return length < 0 ? length : this.process.get(BUFFER, length);
  }

  *lseek(fd: number, offset: number | bigint, whence: number): Piece<number> {
    return yield* this.call("lseek", fd, BigInt(offset), whence);
  }

  *ftruncate(fd: number, size: number | bigint): Piece<number> {
    return yield* this.call("ftruncate", fd, BigInt(size));
  }

  *truncate(path: string, size: number | bigint): Piece<number> {
    return yield* this.call("truncate", ...this.path(path), BigInt(size));
  }

  *mkdir(path: string, mode = 0o777): Piece<number> {
    return yield* this.call("mkdirat", AT_FDCWD, ...this.path(path), mode);
  }

  *unlink(path: string): Piece<number> {
    return yield* this.call("unlinkat", AT_FDCWD, ...this.path(path), 0);
  }

  *rmdir(path: string): Piece<number> {
    return yield* this.call("unlinkat", AT_FDCWD, ...this.path(path), AT_REMOVEDIR);
  }

  *rename(from: string, to: string): Piece<number> {
    return yield* this.call("renameat", AT_FDCWD, ...this.path(from), AT_FDCWD, ...this.path(to, SECOND_PATH));
  }

  *link(from: string, to: string, flags = 0): Piece<number> {
    return yield* this.call("linkat", AT_FDCWD, ...this.path(from), AT_FDCWD, ...this.path(to, SECOND_PATH), flags);
  }

  /** Gives the file that is open as `fd` the name `to`. */
  *linkDescriptor(fd: number, to: string): Piece<number> {
    return yield* this.call("linkat", fd, ...this.path(""), AT_FDCWD, ...this.path(to, SECOND_PATH), AT_EMPTY_PATH);
  }

  *symlink(text: string, path: string): Piece<number> {
    return yield* this.call("symlinkat", ...this.path(text), AT_FDCWD, ...this.path(path, SECOND_PATH));
  }

  *readlink(path: string, size = 4096): Piece<string | number> {
    const length = yield* this.call("readlinkat", AT_FDCWD, ...this.path(path), BUFFER, size);
    return length < 0 ? length : this.process.get(BUFFER, length).toString();
  }

  *chmod(path: string, mode: number): Piece<number> {
    return yield* this.call("fchmodat", AT_FDCWD, ...this.path(path), mode);
  }

  /** Sets user and group of a path, or of `fd` when that is null. */
  *chown(path: string | null, user: number, group: number, flags = 0, fd = AT_FDCWD): Piece<number> {
    const [at, length] = path === null ? [0, 0] : this.path(path);
    return yield* this.call("fchownat", fd, at, length, user, group, flags);
  }

  /** User, group and mode of a path, not following a link. */
  *owner(path: string): Piece<readonly [user: number, group: number, mode: number]> {
    const result = yield* this.call("fstatat", AT_FDCWD, ...this.path(path), STATUS, AT_SYMLINK_NOFOLLOW);
    const bytes = this.process.get(STATUS, 128);
    return result < 0
      ? [result, result, 0]
      : ([72, 76, 0].map((at) => bytes.readUInt32LE(at)) as [number, number, number]);
  }

  *access(path: string, mode: number): Piece<number> {
    return yield* this.call("faccessat", AT_FDCWD, ...this.path(path), mode);
  }

  *chdir(path: string): Piece<number> {
    return yield* this.call("chdir", ...this.path(path));
  }

  *getcwd(size = 4096): Piece<string | number> {
    const length = yield* this.call("getcwd", BUFFER, size);
    return length < 0 ? length : this.process.get(BUFFER, length).toString();
  }

  /** Sets the times of a path, seconds and nanoseconds each; without times to the present. */
  *utimens(path: string | null, times: readonly bigint[] | null, flags = 0, fd = AT_FDCWD): Piece<number> {
    if (times !== null) this.process.put(STATUS, Buffer.from(BigInt64Array.from(times).buffer));
    const [at, length] = path === null ? [0, 0] : this.path(path);
    return yield* this.call("utimensat", fd, at, length, times === null ? 0 : STATUS, flags);
  }

  private status(): FileStatus {
    const bytes = this.process.get(STATUS, 128);
    const time = (at: number): bigint => bytes.readBigInt64LE(at) * 1_000_000_000n + bytes.readBigInt64LE(at + 8);
    return {
      mode: bytes.readUInt32LE(0),
      links: bytes.readUInt32LE(4),
      size: Number(bytes.readBigInt64LE(8)),
      inode: bytes.readBigUInt64LE(16),
      modified: time(24),
      device: bytes.readBigUInt64LE(56),
      special: bytes.readBigUInt64LE(64),
      blocks: Number(bytes.readBigInt64LE(88)),
      accessed: time(96),
      changed: time(112),
    };
  }

  *stat(path: string): Piece<FileStatus | number> {
    const result = yield* this.call("stat", ...this.path(path), STATUS);
    return result < 0 ? result : this.status();
  }

  *lstat(path: string): Piece<FileStatus | number> {
    const result = yield* this.call("fstatat", AT_FDCWD, ...this.path(path), STATUS, AT_SYMLINK_NOFOLLOW);
    return result < 0 ? result : this.status();
  }

  *fstat(fd: number): Piece<FileStatus | number> {
    const result = yield* this.call("fstat", fd, STATUS);
    return result < 0 ? result : this.status();
  }

  *statfs(path: string): Piece<FileSystem | number> {
    const result = yield* this.call("statfs", ...this.path(path), STATUS);
    if (result < 0) return result;
    const bytes = this.process.get(STATUS, 64);
    const word = (index: number): number => Number(bytes.readBigInt64LE(index * 8));
    return { type: word(0), blocks: word(2), free: word(3), files: word(4), flags: word(7) };
  }

  /** Names from an open directory, as many as `room` bytes take at a time, to its end. */
  *list(fd: number, room = 4096): Piece<Listed[] | number> {
    const names: Listed[] = [];
    for (;;) {
      const length = yield* this.call("getdents", fd, BUFFER, room);
      if (length < 0) return length;
      if (length === 0) return names;
      const bytes = this.process.get(BUFFER, length);
      for (let at = 0; at < length; at += bytes.readUInt16LE(at + 8)) {
        const name = bytes.toString("utf8", at + 13, at + 13 + bytes.readUInt16LE(at + 10));
        names.push({ name, type: bytes[at + 12] ?? 0, inode: bytes.readBigUInt64LE(at) });
      }
    }
  }

  /** The names in directory `path`. */
  *readdir(path: string): Piece<string[] | number> {
    const fd = yield* this.open(path, O_DIRECTORY);
    if (fd < 0) return fd;
    const names = yield* this.list(fd);
    yield* this.close(fd);
    return typeof names === "number" ? names : names.map(({ name }) => name);
  }

  /** The whole of the file at `path`. */
  *contents(path: string): Piece<Buffer | number> {
    const fd = yield* this.open(path);
    if (fd < 0) return fd;
    const pieces: Buffer[] = [];
    for (;;) {
      const piece = yield* this.read(fd, DATA_SIZE);
      if (typeof piece === "number") return piece;
      if (piece.length === 0) break;
      pieces.push(piece);
    }
    yield* this.close(fd);
    return Buffer.concat(pieces);
  }

  /** Makes the file at `path` with `data`. */
  *make(path: string, data: string | Uint8Array = ""): Piece<number> {
    const fd = yield* this.open(path, O_CREAT | O_WRONLY | O_TRUNC);
    if (fd < 0) return fd;
    const written = yield* this.write(fd, data);
    yield* this.close(fd);
    return written;
  }
}
