// Writer of the cpio format Linux takes as initramfs ("newc": an ASCII header of 110 bytes, then name, then data, each
// padded to 4 bytes; see Documentation/driver-api/early-userspace/buffer-format.rst). No root needed: device nodes and
// owners are just numbers here.

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;

interface Entry {
  readonly mode: number;
  readonly data: Buffer;
  readonly device: readonly [major: number, minor: number];
}

/** A file tree in memory; paths are relative ("usr/bin/sh"), parents come by themselves. */
export class FileTree {
  readonly #entries = new Map<string, Entry>();

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  folder(path: string, permissions = 0o755): void {
    this.#add(path, { mode: S_IFDIR | permissions, data: Buffer.alloc(0), device: [0, 0] });
  }

  file(path: string, data: Buffer | string, permissions = 0o644): void {
    this.#add(path, { mode: S_IFREG | permissions, data: Buffer.from(data), device: [0, 0] });
  }

  link(path: string, target: string): void {
    this.#add(path, { mode: S_IFLNK | 0o777, data: Buffer.from(target), device: [0, 0] });
  }

  characterDevice(path: string, major: number, minor: number): void {
    this.#add(path, { mode: S_IFCHR | 0o600, data: Buffer.alloc(0), device: [major, minor] });
  }

  /** The archive, as buffers to be written one after the other. */
  cpio(): Buffer[] {
    const parts: Buffer[] = [];
    let inode = 1;
    for (const [path, entry] of this.#entries) parts.push(...record(path, entry, inode++));
    parts.push(...record("TRAILER!!!", { mode: 0, data: Buffer.alloc(0), device: [0, 0] }, 0));
    return parts;
  }

  #add(path: string, entry: Entry): void {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (parent !== "" && !this.#entries.has(parent)) this.folder(parent);
    this.#entries.set(path, entry);
  }
}

function record(path: string, { mode, data, device }: Entry, inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const numbers = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, device[0], device[1], name.length, 0];
  const header = `070701${numbers.map((n) => n.toString(16).padStart(8, "0")).join("")}`;
  const head = padded(Buffer.concat([Buffer.from(header), name]));
  return data.length === 0 ? [head] : [head, padded(data)];
}

function padded(bytes: Buffer): Buffer {
  const gap = (4 - (bytes.length % 4)) % 4;
  return gap === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(gap)]);
}
