// Files and directories in memory where comparing them with the host's does not reach: without names, sparse, large.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import type { Piece } from "../../fake/calls.ts";
import { FileCalls, O_APPEND, O_CREAT, O_RDWR, O_WRONLY } from "./file_calls.ts";
import { runApp } from "./machine.ts";
import { status, system, PAGE } from "./tmpfs_support.ts";

const [ENOENT, EMFILE] = [2, 24];

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** Runs an app that makes calls on files. */
function run(app: (files: FileCalls) => Piece<void>, options = "", files: Record<string, string> = {}): string {
  return runApp(kernel, (process) => app(new FileCalls(process)), files, 32, options);
}

test("a file without a name lives until it is closed, and its memory comes back", () => {
  run(function* (files) {
    const empty = system(yield* files.statfs("/tmp"));
    const fd = yield* files.open("/tmp/f", O_CREAT | O_RDWR);
    const data = new Random(1).bytes(50_000);
    assert.equal(yield* files.write(fd, data), data.length);
    assert.equal(yield* files.unlink("/tmp/f"), 0);
    assert.equal(yield* files.stat("/tmp/f"), -ENOENT);
    assert.equal(status(yield* files.fstat(fd)).links, 0);
    assert.ok(system(yield* files.statfs("/tmp")).free < empty.free - 12);
    assert.deepEqual(yield* files.pread(fd, data.length, 0), Buffer.from(data));
    assert.equal(yield* files.pwrite(fd, "more", 60_000), 4);
    const again = yield* files.call("dup", fd);
    yield* files.close(fd);
    assert.equal(status(yield* files.fstat(again)).size, 60_004);
    yield* files.close(again);
    assert.deepEqual(yield* files.statfs("/tmp"), empty);
  });
});

test("a directory without a name: nothing can be made in it, its parent is still above it", () => {
  run(function* (files) {
    const empty = system(yield* files.statfs("/tmp"));
    yield* files.mkdir("/tmp/a");
    yield* files.mkdir("/tmp/a/b");
    yield* files.chdir("/tmp/a/b");
    const fd = yield* files.open(".");
    assert.equal(yield* files.rmdir("/tmp/a/b"), 0);
    assert.equal(yield* files.rmdir("/tmp/a"), 0);
    assert.equal(yield* files.getcwd(), -ENOENT);
    assert.equal(yield* files.open("new", O_CREAT | O_WRONLY), -ENOENT);
    assert.equal(yield* files.mkdir("new"), -ENOENT);
    assert.equal(yield* files.symlink("x", "new"), -ENOENT);
    assert.equal(yield* files.list(fd), -ENOENT);
    assert.equal(status(yield* files.stat(".")).links, 0);
    assert.equal(yield* files.chdir(".."), 0);
    assert.equal(yield* files.chdir(".."), 0);
    assert.equal(yield* files.getcwd(), "/tmp");
    yield* files.close(fd);
    assert.deepEqual(yield* files.statfs("/tmp"), empty);
  });
});

test("sparse files: holes read as zeros and take no memory, what is cut off is zero when it comes back", () => {
  run(function* (files) {
    const before = system(yield* files.statfs("/tmp"));
    const fd = yield* files.open("/tmp/sparse", O_CREAT | O_RDWR);
    for (const offset of [0n, 5_000_000n, 20_000_000_000n, 1n << 50n, (1n << 63n) - 3n]) {
      assert.equal(yield* files.pwrite(fd, "ab", offset), 2, String(offset));
      assert.deepEqual(yield* files.pread(fd, 2, offset), Buffer.from("ab"));
      if (offset > 100n)
        assert.deepEqual(yield* files.pread(fd, 100, offset - 100n), Buffer.alloc(98 + 2).fill("ab", 100));
      assert.equal(status(yield* files.fstat(fd)).size, Number(offset + 2n));
    }
    assert.equal(status(yield* files.fstat(fd)).blocks, 5 * 8);
    assert.ok(before.free - system(yield* files.statfs("/tmp")).free < 40);
    assert.equal(yield* files.ftruncate(fd, 1), 0);
    assert.equal(status(yield* files.fstat(fd)).blocks, 8);
    assert.equal(yield* files.ftruncate(fd, 3 * PAGE), 0);
    assert.deepEqual(yield* files.pread(fd, 4 * PAGE, 0), Buffer.alloc(3 * PAGE).fill("a", 0, 1));
    assert.equal(yield* files.ftruncate(fd, 0), 0);
    assert.equal(status(yield* files.fstat(fd)).blocks, 0);
    yield* files.close(fd);
    yield* files.unlink("/tmp/sparse");
    assert.deepEqual(yield* files.statfs("/tmp"), before);
  });
});

test("10000 names in a directory: made, found, listed while they are removed, and no slower for it", () => {
  run(function* (files) {
    const count = 10_000;
    const empty = system(yield* files.statfs("/tmp"));
    yield* files.mkdir("/tmp/many");
    yield* files.chdir("/tmp/many");
    for (let i = 0; i < count; i++) assert.equal(yield* files.symlink("t", `name-${i}`), 0);
    assert.equal(status(yield* files.stat(".")).size, 40 + 20 * count);
    for (let i = 0; i < count; i += 97) assert.equal(yield* files.readlink(`name-${i}`), "t");
    const fd = yield* files.open(".");
    const all = yield* files.list(fd, 2048);
    assert.ok(typeof all !== "number");
    assert.deepEqual(
      all.map(({ name }) => name),
      Array.from({ length: count }, (_, i) => `name-${i}`),
    );
    assert.ok(all.every(({ type }) => type === 10));
    // As rm does: what is listed is removed, and the listing goes on.
    assert.equal(yield* files.lseek(fd, 0, 0), 0);
    let removed = 0;
    for (;;) {
      const length = yield* files.call("getdents", fd, 0x4000, 1024);
      if (length === 0) break;
      const bytes = files.process.get(0x4000, length);
      for (let at = 0; at < length; at += bytes.readUInt16LE(at + 8)) {
        const name = bytes.toString("utf8", at + 13, at + 13 + bytes.readUInt16LE(at + 10));
        assert.equal(yield* files.unlink(name), 0, name);
        removed++;
        // Names that come meanwhile take nothing from those that are there.
        if (removed % 1000 === 0) assert.equal(yield* files.symlink("t", `new-${removed}`), 0);
      }
    }
    assert.equal(removed, count + 10);
    assert.deepEqual(yield* files.readdir("."), []);
    yield* files.close(fd);
    yield* files.chdir("/");
    assert.equal(yield* files.rmdir("/tmp/many"), 0);
    assert.deepEqual(yield* files.statfs("/tmp"), empty);
  });
});

test("O_APPEND, set by fcntl too, writes at the end whatever the position is", () => {
  run(function* (files) {
    const one = yield* files.open("/tmp/f", O_CREAT | O_RDWR);
    const two = yield* files.open("/tmp/f", O_WRONLY | O_APPEND);
    yield* files.write(one, "first ");
    yield* files.write(two, "second ");
    assert.equal(yield* files.lseek(two, 0, 0), 0);
    yield* files.write(two, "third ");
    assert.equal(yield* files.pwrite(two, "fourth ", 0), 7); // as Linux has it
    assert.equal(yield* files.lseek(two, 0, 1), 19);
    assert.equal(yield* files.call("fcntl", one, 4, O_APPEND), 0);
    assert.equal(yield* files.call("fcntl", one, 3, 0), O_APPEND | O_RDWR);
    yield* files.write(one, "fifth");
    assert.equal(String(yield* files.contents("/tmp/f")), "first second third fourth fifth");
  });
});

test("paths that begin at a directory's descriptor", () => {
  run(function* (files) {
    yield* files.mkdir("/tmp/d");
    const directory = yield* files.open("/tmp/d");
    const fd = yield* files.openat(directory, "f", O_CREAT | O_WRONLY);
    assert.equal(yield* files.write(fd, "here"), 4);
    assert.equal(String(yield* files.contents("/tmp/d/f")), "here");
    assert.equal(yield* files.rename("/tmp/d", "/tmp/moved"), 0);
    assert.ok((yield* files.openat(directory, "f")) > 0);
    assert.ok((yield* files.openat(directory, "../moved/./f")) > 0);
    assert.equal(yield* files.call("fchdir", directory), 0);
    assert.equal(yield* files.getcwd(), "/tmp/moved");
    assert.equal(yield* files.rename("/tmp/moved", "/tmp/again"), 0);
    assert.equal(yield* files.getcwd(), "/tmp/again");
  });
});

test("sendfile from a file in memory, with a hole in it, to a pipe and to another file", () => {
  run(function* (files) {
    const from = yield* files.open("/tmp/from", O_CREAT | O_RDWR);
    yield* files.pwrite(from, "begin", 0);
    yield* files.pwrite(from, "end", 10_000);
    const to = yield* files.open("/tmp/to", O_CREAT | O_WRONLY);
    assert.equal(yield* files.call("sendfile", to, from, -1n, 100_000), 10_003);
    assert.deepEqual(yield* files.contents("/tmp/to"), yield* files.contents("/tmp/from"));
    assert.equal(yield* files.lseek(from, 0, 1), 10_003);
    assert.equal(yield* files.call("sendfile", to, from, 10_000n, 2), 2);
    assert.equal(status(yield* files.stat("/tmp/to")).size, 10_005);
  });
});

test("descriptors that run out leave no file behind", () => {
  run(function* (files) {
    while ((yield* files.open("/dev/null")) >= 0);
    assert.equal(yield* files.open("/tmp/f", O_CREAT | O_WRONLY), -EMFILE);
    assert.equal(yield* files.stat("/tmp/f"), -ENOENT);
  });
});
