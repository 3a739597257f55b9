// The same calls on files of the host, by Node, with results as numbers or -errno: what tmpfs is compared with.
import * as fs from "node:fs";

/** The result of `call`; -errno when it throws one. */
function hostResult<T>(call: () => T): T | number {
  try {
    return call();
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    return errno;
  }
}

/** 0 when `call` succeeds; -errno when it throws one. */
function done(call: () => void): Done {
  return hostResult(() => {
    call();
    return 0;
  });
}

/** Of a call that has no result but whether it has succeeded. */
type Done = number;

/** mode, links and – of what is no directory – size. */
export type Description = readonly [mode: number, links: number, size: number];

function description(status: fs.Stats): Description {
  return [status.mode, status.nlink, status.isDirectory() ? 0 : status.size];
}

/** The calls. */
export const host: {
  readonly open: (path: string, flags: number, mode: number) => number;
  readonly close: (fd: number) => Done;
  readonly write: (fd: number, data: Uint8Array) => number;
  readonly pwrite: (fd: number, data: Uint8Array, offset: number) => number;
  /** At the file's position without an offset. */
  readonly pread: (fd: number, count: number, offset: number | null) => Buffer | number;
  readonly ftruncate: (fd: number, size: number) => Done;
  readonly readlink: (path: string) => string | number;
  readonly stat: (path: string) => Description | number;
  readonly lstat: (path: string) => Description | number;
  readonly fstat: (fd: number) => Description | number;
  readonly readdir: (path: string) => string[] | number;
  readonly getcwd: () => string | number;
} & Readonly<Record<"mkdir" | "chmod" | "access", (path: string, mode: number) => Done>> &
  Readonly<Record<"unlink" | "rmdir" | "chdir", (path: string) => Done>> &
  Readonly<Record<"rename" | "link" | "symlink", (from: string, to: string) => Done>> = {
  open: (path: string, flags: number, mode: number) => hostResult(() => fs.openSync(path, flags, mode)),
  close: (fd: number) => done(() => fs.closeSync(fd)),
  write: (fd: number, data: Uint8Array) => hostResult(() => fs.writeSync(fd, data)),
  pwrite: (fd: number, data: Uint8Array, offset: number) =>
    hostResult(() => fs.writeSync(fd, data, 0, data.length, offset)),
  pread: (fd: number, count: number, offset: number | null) =>
    hostResult(() => {
      const bytes = Buffer.alloc(count);
      return bytes.subarray(0, fs.readSync(fd, bytes, 0, count, offset));
    }),
  ftruncate: (fd: number, size: number) => done(() => fs.ftruncateSync(fd, size)),
  mkdir: (path: string, mode: number) => done(() => fs.mkdirSync(path, mode)),
  unlink: (path: string) => done(() => fs.unlinkSync(path)),
  rmdir: (path: string) => done(() => fs.rmdirSync(path)),
  rename: (from: string, to: string) => done(() => fs.renameSync(from, to)),
  link: (from: string, to: string) => done(() => fs.linkSync(from, to)),
  symlink: (text: string, path: string) => done(() => fs.symlinkSync(text, path)),
  readlink: (path: string) => hostResult(() => fs.readlinkSync(path)),
  chmod: (path: string, mode: number) => done(() => fs.chmodSync(path, mode)),
  access: (path: string, mode: number) => done(() => fs.accessSync(path, mode)),
  stat: (path: string) => hostResult(() => description(fs.statSync(path))),
  lstat: (path: string) => hostResult(() => description(fs.lstatSync(path))),
  fstat: (fd: number) => hostResult(() => description(fs.fstatSync(fd))),
  readdir: (path: string) => hostResult(() => fs.readdirSync(path).sort()),
  chdir: (path: string) => done(() => process.chdir(path)),
  /** From the kernel: Node remembers what it was told. */
  getcwd: () => hostResult(() => fs.readlinkSync("/proc/self/cwd")),
};
