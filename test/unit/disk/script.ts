// Operations on files at random, on a volume and on the tree of files as it should be.
import assert from "node:assert/strict";
import type { Piece } from "../../fake/calls.ts";
import type { Random } from "../../support/random.ts";
import { type FileCalls, O_APPEND, O_RDONLY, O_RDWR, O_TMPFILE, O_WRONLY } from "../posix/file_calls.ts";
import type { Node, Tree } from "./model.ts";

/** Where the volume is mounted. */
export const ROOT = "/data";

/** Operations at random, and the tree that they make. */
export class Script {
  readonly tree: Map<string, Node>;
  private nextId: number;
  private readonly held: number[] = [];

  constructor(
    private readonly files: FileCalls,
    private readonly random: Random,
    found: Tree,
  ) {
    this.tree = new Map(found);
    this.nextId = 1 + Math.max(0, ...[...found.values()].map((node) => (node.kind === "file" ? node.id : 0)));
  }

  private pick<T>(choices: readonly T[]): T | undefined {
    return choices[this.random.between(0, choices.length - 1)];
  }

  private paths(kind: Node["kind"]): string[] {
    return [...this.tree].filter(([, node]) => node.kind === kind).map(([path]) => path);
  }

  /** A path that is not taken. */
  private free(): string {
    const above = this.random.fraction() < 0.4 ? "" : (this.pick(this.paths("directory")) ?? "");
    for (;;) {
      const name = `${"n".repeat(this.random.between(1, 60))}${this.random.between(0, 999)}`;
      if (!this.tree.has(`${above}/${name}`)) return `${above}/${name}`;
    }
  }

  /** One operation; what could not be chosen is none. */
  *step(): Piece<void> {
    const kinds = ["make", "make", "append", "append", "overwrite", "cut", "grow", "mkdir", "rmdir"] as const;
    const more = ["unlink", "unlink", "rename", "rename", "link", "symlink", "hold", "long", "unnamed"] as const;
    const kind = this.pick([...kinds, ...more]);
    if (kind === undefined) return;
    const { files, tree } = this;
    const file = this.pick(this.paths("file"));
    const node = file === undefined ? undefined : tree.get(file);
    const path = this.free();
    if (kind === "mkdir") {
      assert.equal(yield* files.mkdir(ROOT + path), 0);
      tree.set(path, { kind: "directory" });
    } else if (kind === "symlink") {
      const text = "t".repeat(this.random.between(1, 100));
      assert.equal(yield* files.symlink(text, ROOT + path), 0);
      tree.set(path, { kind: "link", text });
    } else if (kind === "make" || kind === "long") {
      const most = kind === "long" ? 60_000 : 6000;
      const contents = Buffer.from(this.random.bytes(this.random.between(0, most)));
      assert.equal(yield* files.make(ROOT + path, contents), contents.length);
      tree.set(path, { kind: "file", id: this.nextId++, contents });
    } else if (kind === "unnamed") yield* this.unnamed(path);
    else if (kind === "rmdir") yield* this.rmdir();
    else if (file !== undefined && node?.kind === "file") yield* this.onFile(kind, file, node, path);
  }

  /** A file that is made without a name, and may get one, or is kept open. */
  private *unnamed(path: string): Piece<void> {
    const { files, random, tree } = this;
    const fd = yield* files.open(ROOT, O_TMPFILE | O_RDWR);
    assert.ok(fd >= 0);
    const contents = Buffer.from(random.bytes(random.between(0, 6000)));
    assert.equal(yield* files.write(fd, contents), contents.length);
    if (random.fraction() < 0.5) {
      assert.equal(yield* files.linkDescriptor(fd, ROOT + path), 0);
      tree.set(path, { kind: "file", id: this.nextId++, contents });
    }
    yield* this.keep(fd);
  }

  /** Keeps a descriptor open for a while. */
  private *keep(fd: number): Piece<void> {
    if (this.held.push(fd) > 5) assert.equal(yield* this.files.close(this.held.shift() ?? -1), 0);
  }

  private *rmdir(): Piece<void> {
    const path = this.pick(this.paths("directory"));
    if (path === undefined) return;
    const full = [...this.tree.keys()].some((other) => other.startsWith(`${path}/`));
    assert.equal(yield* this.files.rmdir(ROOT + path), full ? -39 : 0);
    if (!full) this.tree.delete(path);
  }

  private setContents(id: number, contents: Buffer): void {
    for (const [path, node] of this.tree) {
      if (node.kind === "file" && node.id === id) this.tree.set(path, { kind: "file", id, contents });
    }
  }

  private *write(path: string, flags: number, data: Buffer, offset: number): Piece<void> {
    const fd = yield* this.files.open(ROOT + path, flags);
    assert.ok(fd >= 0);
    assert.equal(yield* this.files.pwrite(fd, data, offset), data.length);
    assert.equal(yield* this.files.close(fd), 0);
  }

  private *onFile(kind: string, file: string, node: Node & { kind: "file" }, path: string): Piece<void> {
    const { files, tree, random } = this;
    const { contents, id } = node;
    if (kind === "append") {
      const data = Buffer.from(random.bytes(random.between(1, 3000)));
      yield* this.write(file, O_WRONLY | O_APPEND, data, 0);
      this.setContents(id, Buffer.concat([contents, data]));
    } else if (kind === "overwrite" && contents.length > 0) {
      const offset = random.between(0, contents.length - 1);
      const data = Buffer.from(random.bytes(random.between(1, Math.min(2000, contents.length - offset))));
      yield* this.write(file, O_RDWR, data, offset);
      const changed = Buffer.from(contents);
      data.copy(changed, offset);
      this.setContents(id, changed);
    } else if (kind === "cut") {
      const size = random.between(0, contents.length);
      assert.equal(yield* files.truncate(ROOT + file, size), 0);
      this.setContents(id, contents.subarray(0, size));
    } else if (kind === "grow") {
      const size = contents.length + random.between(0, 5000);
      assert.equal(yield* files.truncate(ROOT + file, size), 0);
      this.setContents(id, Buffer.concat([contents, Buffer.alloc(size - contents.length)]));
    } else if (kind === "unlink") {
      assert.equal(yield* files.unlink(ROOT + file), 0);
      tree.delete(file);
    } else if (kind === "rename") {
      const target = random.fraction() < 0.5 ? path : (this.pick(this.paths("file")) ?? path);
      const other = tree.get(target);
      assert.equal(yield* files.rename(ROOT + file, ROOT + target), 0);
      if (other?.kind === "file" && other.id === id) return; // two names of one file: nothing happens
      tree.delete(file);
      tree.set(target, node);
    } else if (kind === "link") {
      assert.equal(yield* files.link(ROOT + file, ROOT + path), 0);
      tree.set(path, node);
    } else if (kind === "hold") {
      const fd = yield* files.open(ROOT + file, O_RDONLY);
      assert.ok(fd >= 0);
      yield* this.keep(fd);
    }
  }
}
