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
import { FileCalls, O_CREAT, O_RDONLY, O_WRONLY, S_IFDIR, S_IFLNK, S_IFMT } from "../posix/file_calls.ts";
import { runApp } from "../posix/machine.ts";
import { type Node, type Tree, compareStates } from "./model.ts";
import { ROOT, Script } from "./script.ts";
import { checkVolume, makeVolume } from "./volumes.ts";

const CUTS = Number(process.env["KARYON_POWER_CUTS"] ?? 40);
const OPERATIONS = 250;

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
