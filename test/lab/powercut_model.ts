// What test/apps/powercut does, step by step: the same order from the same seed, and the tree that it makes.
import { createHash } from "node:crypto";

const FILES = 24;
const LINKS = 6;
const DIRECTORIES = 6;
const MOST = 20_000;

/** What is at a path: contents of a file, the text of a link, or a directory. */
type Node = Buffer | string | null;
export type Tree = ReadonlyMap<string, Node>;

function fill(step: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (step * 31 + i * 7 + (i >> 8)) & 0xff;
  return bytes;
}

/** The steps from one seed on. */
export class Steps {
  readonly tree: Map<string, Node>;
  step = 0;
  private state: number;

  constructor(seed: number, tree: Tree) {
    this.state = seed >>> 0;
    this.tree = new Map(tree);
  }

  private random(below: number): number {
    let state = this.state;
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    this.state = state;
    return state % below;
  }

  private contents(path: string): Buffer | undefined {
    const node = this.tree.get(path);
    return Buffer.isBuffer(node) ? node : undefined;
  }

  /** Does one step. */
  next(): void {
    this.step++;
    const kind = this.random(10);
    const path = `f${this.random(FILES)}`;
    const length = this.random(MOST);
    const before = this.contents(path);
    if (kind < 3) this.tree.set(path, Buffer.concat([before ?? Buffer.alloc(0), fill(this.step, length)]));
    else if (kind < 5) this.tree.set(path, fill(this.step, length));
    else if (kind === 5) this.tree.delete(path);
    else if (kind === 6) {
      if (before !== undefined) this.tree.set(path, Buffer.concat([before, Buffer.alloc(length)]).subarray(0, length));
    } else if (kind === 7) this.tree.set(`l${length % LINKS}`, `/data/${path}.${this.step}`);
    else if (kind === 8) this.tree.set(`d${length % DIRECTORIES}`, null);
    else this.tree.delete(`d${length % DIRECTORIES}`);
    this.random(8);
  }
}

/** A tree as the shell of dom0 lists it (LISTING). */
export function listing(tree: Tree): string {
  return [...tree]
    .map(([path, node]) => {
      if (node === null) return `d ${path}`;
      if (typeof node === "string") return `l ${path} ${node}`;
      return `f ${path} ${createHash("sha256").update(node).digest("hex")}`;
    })
    .sort()
    .join("\n");
}

/** The commands that list what is in the working directory that way; what is left to do is to sort the lines. */
export const LISTING = `for name in *; do
  if [ -L "$name" ]; then echo "l $name $(readlink "$name")"
  elif [ -d "$name" ]; then [ "$name" = lost+found ] || echo "d $name"
  elif [ -f "$name" ]; then echo "f $name $(sha256sum < "$name" | cut -d' ' -f1)"
  fi
done`;
