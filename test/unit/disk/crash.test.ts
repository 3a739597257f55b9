// Power cuts. Random operations on a volume, some of them synced; then for moments between any two writes of the disk, the disk as a cut leaves
// it – all that was flushed, and of the rest any sectors: Linux's fsck must find nothing but a journal to replay, and both what it
// leaves and what the guest itself makes of it must be a state from the last sync on. KARYON_POWER_CUTS=1000 for more.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FakeDisk } from "../../../tools/fake-xen/fake_disk.ts";
import { seededRandom } from "../../../tools/fake-xen/world.ts";
import type { Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import {
  FileCalls,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
} from "../posix/file_calls.ts";
import { runApp } from "../posix/machine.ts";
import { type Node, type Tree, compareStates } from "./model.ts";
import { checkVolume, makeVolume } from "./volumes.ts";

const CUTS = Number(process.env["KARYON_POWER_CUTS"] ?? 40);
const OPERATIONS = 250;
const ROOT = "/data";

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function boot(disk: FakeDisk, app: (files: FileCalls) => Piece<void>, flush: "cache" | "barrier" = "cache"): string {
  return runApp(kernel, (process) => app(new FileCalls(process)), {}, 16, `disk=xvda:${ROOT}`, [{ disk, flush }]);
}

/** Reads all that is below the volume's root. */
function* readTree(files: FileCalls): Piece<Tree> {
  const tree = new Map<string, Node>();
  const waiting = [""];
  for (let above = waiting.pop(); above !== undefined; above = waiting.pop()) {
    const names = yield* files.readdir(ROOT + above);
    assert.ok(typeof names !== "number", `readdir ${above}: ${names as number}`);
    for (const name of names) {
      const path = `${above}/${name}`;
      if (path === "/lost+found") continue;
      const status = yield* files.lstat(ROOT + path);
      assert.ok(typeof status !== "number", path);
      const type = status.mode & S_IFMT;
      if (type === S_IFDIR) {
        tree.set(path, { kind: "directory" });
        waiting.push(path);
      } else if (type === S_IFLNK) tree.set(path, { kind: "link", text: String(yield* files.readlink(ROOT + path)) });
      else {
        const contents = yield* files.contents(ROOT + path);
        assert.ok(typeof contents !== "number", path);
        tree.set(path, { kind: "file", id: Number(status.inode), contents });
      }
    }
  }
  return tree;
}

/** Operations at random, and the tree that they make. */
class Script {
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
    const more = ["unlink", "unlink", "rename", "rename", "link", "symlink", "hold", "long"] as const;
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
    } else if (kind === "rmdir") yield* this.rmdir();
    else if (file !== undefined && node?.kind === "file") yield* this.onFile(kind, file, node, path);
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
      if (this.held.push(fd) > 5) assert.equal(yield* files.close(this.held.shift() ?? -1), 0);
    }
  }
}

/** States after each operation, and what moments of the disk they are at. */
interface Run {
  readonly disk: FakeDisk;
  readonly states: Tree[];
  readonly ends: number[];
  readonly synced: number[];
}

function run(image: Buffer, seed: number, flush: "cache" | "barrier", found: Tree = new Map()): Run {
  const disk = new FakeDisk(image);
  const states: Tree[] = [found];
  const ends = [0];
  const synced = [0];
  const random = new Random(seed);
  boot(
    disk,
    function* (files) {
      const script = new Script(files, random, found);
      const root = yield* files.open(ROOT, O_RDONLY);
      assert.ok(root >= 0);
      for (let i = 1; i <= OPERATIONS; i++) {
        yield* script.step();
        if (random.fraction() < 0.12) {
          assert.equal(yield* files.call("fsync", root), 0);
          synced.push(i);
        } else if (random.fraction() < 0.03) yield* files.call("nanosleep", 6_000_000_000n);
        states.push(new Map(script.tree));
        ends.push(disk.moments - 1);
      }
      const last = yield* readTree(files);
      assert.equal(compareStates(last, states, OPERATIONS, OPERATIONS), "");
    },
    flush,
  );
  return { disk, states, ends, synced };
}

/** The first and the last of the states that a cut at `moment` may leave. */
function possible(moment: number, synced: readonly number[], ends: readonly number[]): [number, number] {
  const first = synced.filter((index) => (ends[index] ?? Infinity) <= moment).at(-1) ?? 0;
  const last = ends.findIndex((end) => end > moment);
  return [first, last < 0 ? OPERATIONS : last];
}

/** What the guest finds on a disk. */
function treeOn(image: Buffer): Tree {
  let tree: Tree = new Map();
  boot(new FakeDisk(image), function* (files) {
    tree = yield* readTree(files);
    // And it can be written.
    const fd = yield* files.open(`${ROOT}/new`, O_CREAT | O_WRONLY);
    assert.ok(fd >= 0, `open: ${fd}`);
    assert.equal(yield* files.write(fd, "after the cut"), 13);
    assert.equal(yield* files.call("fsync", fd), 0);
  });
  return tree;
}

test("blocks of a file that are taken, freed and taken again between two syncs", async () => {
  const disk = new FakeDisk(await makeVolume());
  const contents = Buffer.from(new Random(5).bytes(70_000));
  const moments: number[] = [];
  boot(disk, function* (files) {
    const root = yield* files.open(ROOT, O_RDONLY);
    for (let i = 0; i < 10; i++) {
      // What was there before is somebody's data; the first blocks of numbers go to another place than the second.
      assert.equal(yield* files.make(`${ROOT}/old`, Buffer.alloc(90_000, 0xee)), 90_000);
      assert.equal(yield* files.call("fsync", root), 0);
      assert.equal(yield* files.unlink(`${ROOT}/old`), 0);
      assert.equal(yield* files.call("fsync", root), 0);
      for (const shift of [0, 1, 5, 12, 20]) {
        assert.equal(
          yield* files.make(`${ROOT}/first`, contents.subarray(shift * 1024)),
          contents.length - shift * 1024,
        );
        assert.equal(yield* files.unlink(`${ROOT}/first`), 0);
      }
      assert.equal(yield* files.make(`${ROOT}/second`, contents), contents.length);
      assert.equal(yield* files.call("fsync", root), 0);
      moments.push(disk.moments - 1);
      assert.equal(yield* files.unlink(`${ROOT}/second`), 0);
    }
  });
  for (const moment of moments) {
    const image = disk.cut(moment, () => false);
    await checkVolume(image);
    assert.deepEqual([...treeOn(image)], [["/second", { kind: "file", id: 12, contents }]]);
  }
});

for (const [seed, blockSize, flush] of [
  [1, 1024, "cache"],
  [2, 4096, "cache"],
  [3, 1024, "barrier"],
] as const) {
  test(`${CUTS} power cuts, blocks of ${blockSize} bytes, ${flush}, seed ${seed}`, async () => {
    const size = blockSize === 4096 ? 32768 : 8192;
    const { disk, states, ends, synced } = run(await makeVolume({ blockSize, size }), seed, flush);
    const random = new Random(seed + 100);
    for (let cut = 0; cut < CUTS; cut++) {
      const moment = random.between(0, disk.moments - 1);
      const survival = [0, 0.5, 0.9, 1][cut % 4] ?? 1;
      const dice = seededRandom(cut);
      const image = disk.cut(moment, () => dice() < survival);
      const [first, until] = possible(moment, synced, ends);
      const where = `cut ${cut} at moment ${moment} of ${disk.moments}`;
      const checked = await checkVolume(image);
      assert.equal(compareStates(treeOn(image), states, first, until), "", where);
      if (cut % 4 === 0) assert.equal(compareStates(treeOn(checked), states, first, until), "", `${where}, after fsck`);
    }
  });
}

test("a volume goes on after each of many power cuts, replayed by Linux's fsck or by the guest", async () => {
  let image = await makeVolume();
  let tree: Tree = new Map();
  const random = new Random(9);
  for (let cut = 0; cut < CUTS; cut++) {
    const { disk, states, ends, synced } = run(image, random.between(1, 1_000_000), "cache", tree);
    const moment = random.between(0, disk.moments - 1);
    const survival = [0, 0.5, 0.9, 1][cut % 4] ?? 1;
    const left = disk.cut(moment, () => random.fraction() < survival);
    image = random.fraction() < 0.5 ? await checkVolume(left) : left;
    tree = treeOn(image);
    const [first, until] = possible(moment, synced, ends);
    assert.equal(compareStates(tree, states, first, until), "", `cut ${cut} at moment ${moment} of ${disk.moments}`);
  }
});
