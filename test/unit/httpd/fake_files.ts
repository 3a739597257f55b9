// The embedded files that the fake kernel offers, and how stat and getdents lay out what they say of them.
import { createHash } from "node:crypto";

const S_IFDIR = 0x4000;
const S_IFREG = 0x8000;
const STAT_SIZE = 56;
const DT_DIR = 4;
const DT_REG = 8;

/** Time of last change of every file, seconds since the epoch: 1994-10-29T19:43:31Z, as in RFC 9110. */
export const MODIFIED = Date.UTC(1994, 9, 29, 19, 43, 31) / 1000;

/** The entity tag the server gives to a file of these contents. */
export function entityTag(contents: string | Uint8Array): string {
  return `"${createHash("sha256").update(contents).digest("hex").slice(0, 16)}"`;
}

interface Node {
  readonly contents: Buffer | null;
}

/** A tree of directories and files, all of them changed last at `modified`. */
export class FakeFiles {
  private readonly tree: ReadonlyMap<string, Node>;

  constructor(
    files: Readonly<Record<string, string | Uint8Array>>,
    private readonly modified = MODIFIED,
  ) {
    this.tree = buildTree(files);
  }

  has(path: string): boolean {
    return this.tree.has(path);
  }

  /** The contents of a file; undefined when there is none, or a directory. */
  contents(path: string): Buffer | undefined {
    return this.tree.get(path)?.contents ?? undefined;
  }

  /** struct stat, as libos/posix/layout.ts has it; undefined when there is nothing. */
  stat(path: string): Buffer | undefined {
    const node = this.tree.get(path);
    if (node === undefined) return undefined;
    const bytes = Buffer.alloc(STAT_SIZE);
    bytes.writeUInt32LE(node.contents === null ? S_IFDIR : S_IFREG, 0);
    bytes.writeBigInt64LE(BigInt(node.contents?.length ?? 0), 8);
    bytes.writeBigInt64LE(BigInt(this.modified), 24);
    if (node.contents !== null) createHash("sha256").update(node.contents).digest().copy(bytes, 40, 0, 16);
    return bytes;
  }

  /** The entries of a directory, as getdents has them. */
  list(directory: string): Buffer {
    const prefix = directory === "/" ? "/" : `${directory}/`;
    const records: Buffer[] = [];
    for (const [path, node] of this.tree) {
      const name = path.slice(prefix.length);
      if (!path.startsWith(prefix) || name === "" || name.includes("/")) continue;
      const bytes = Buffer.from(name);
      const record = Buffer.alloc((13 + bytes.length + 7) & ~7);
      record.writeUInt16LE(record.length, 8);
      record.writeUInt16LE(bytes.length, 10);
      record.writeUInt8(node.contents === null ? DT_DIR : DT_REG, 12);
      bytes.copy(record, 13);
      records.push(record);
    }
    return Buffer.concat(records);
  }
}

function buildTree(files: Readonly<Record<string, string | Uint8Array>>): Map<string, Node> {
  const tree = new Map<string, Node>([["/", { contents: null }]]);
  for (const [path, contents] of Object.entries(files)) {
    const parts = path.split("/").slice(1, -1);
    parts.forEach((_, i) => tree.set(`/${parts.slice(0, i + 1).join("/")}`, { contents: null }));
    tree.set(path, { contents: Buffer.from(contents as string) });
  }
  return tree;
}
