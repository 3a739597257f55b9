// Files and directories in memory where comparing them with the host's does not reach: without names, sparse, large.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import type { Piece } from "../../fake/calls.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  FileCalls,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
} from "./file_calls.ts";
import { runApp } from "./machine.ts";
import { status, system, PAGE } from "./tmpfs_support.ts";

const [EPERM, EBADF, EEXIST, EXDEV] = [1, 9, 17, 18];
const [ENOENT, ENOTDIR, EINVAL, EMFILE, ENOSPC, EROFS] = [2, 20, 22, 24, 28, 30];

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

test("O_TMPFILE: a file that never had a name, and may get one", () => {
  run(function* (files) {
    const empty = system(yield* files.statfs("/tmp"));
    assert.equal(yield* files.call("umask", 0o027), 0o022);
    const fd = yield* files.open("/tmp", O_TMPFILE | O_RDWR, 0o666);
    assert.equal(yield* files.write(fd, Buffer.alloc(10_000, 7)), 10_000);
    const { mode, links, size } = status(yield* files.fstat(fd));
    assert.deepEqual([mode, links, size], [0o100640, 0, 10_000]);
    assert.deepEqual(yield* files.readdir("/tmp"), []);
    assert.ok(system(yield* files.statfs("/tmp")).free < empty.free);
    yield* files.close(fd);
    assert.deepEqual(yield* files.statfs("/tmp"), empty);

    const other = yield* files.open("/tmp", O_TMPFILE | O_WRONLY);
    yield* files.write(other, "named");
    assert.equal(yield* files.linkDescriptor(other, "/tmp/name"), 0);
    assert.equal(yield* files.linkDescriptor(other, "/tmp/second"), 0);
    assert.equal(status(yield* files.fstat(other)).links, 2);
    assert.deepEqual(yield* files.contents("/tmp/name"), Buffer.from("named"));
    yield* files.unlink("/tmp/name");
    yield* files.unlink("/tmp/second");
    assert.equal(yield* files.linkDescriptor(other, "/tmp/name"), -ENOENT, "once");
    yield* files.close(other);

    const exclusive = yield* files.open("/tmp/", O_TMPFILE | O_EXCL | O_RDWR);
    assert.equal(yield* files.linkDescriptor(exclusive, "/tmp/name"), -ENOENT);
    const directory = yield* files.open("/tmp");
    const relative = yield* files.openat(directory, ".", O_TMPFILE | O_RDWR);
    assert.ok(relative > directory);
    for (const held of [exclusive, directory, relative]) yield* files.close(held);
    assert.deepEqual(yield* files.statfs("/tmp"), empty);
  });
});

test("linkat with AT_EMPTY_PATH: what a descriptor is", () => {
  run(
    function* (files) {
      yield* files.chdir("/tmp");
      assert.equal(yield* files.make("f", "text"), 4);
      const fd = yield* files.open("f");
      assert.equal(yield* files.linkDescriptor(fd, "g"), 0);
      assert.equal(status(yield* files.fstat(fd)).links, 2);
      assert.equal(yield* files.linkDescriptor(fd, "g"), -EEXIST);
      const directory = yield* files.open(".");
      for (const place of [AT_FDCWD, directory]) {
        assert.equal(yield* files.linkDescriptor(place, "d"), -EPERM, "a directory");
      }
      assert.equal(yield* files.link("", "d"), -ENOENT, "not asked for");
      assert.equal(yield* files.linkDescriptor(99, "d"), -EBADF);
      assert.equal(yield* files.linkDescriptor(1, "d"), -EXDEV, "the console");
      assert.equal(yield* files.linkDescriptor(yield* files.open("/file"), "d"), -EXDEV, "in the image");
      yield* files.unlink("f");
      yield* files.unlink("g");
      assert.equal(yield* files.linkDescriptor(fd, "f"), -ENOENT, "without a name");
      assert.equal(yield* files.make("h"), 0);
      assert.equal(yield* files.link("h", "i", AT_EMPTY_PATH), 0, "a path all the same");
    },
    "",
    { "/file": "x" },
  );
});

test("O_TMPFILE: through /proc/self/fd, too, and its memory counts", () => {
  run(function* (files) {
    const fd = yield* files.open("/tmp", O_TMPFILE | O_WRONLY);
    assert.equal(yield* files.write(fd, "text"), 4);
    assert.equal(yield* files.link(`/proc/self/fd/${fd}`, "/tmp/name", AT_SYMLINK_FOLLOW), 0);
    assert.equal(yield* files.link(`/dev/fd/${fd}`, "/tmp/other", AT_SYMLINK_FOLLOW), 0);
    assert.deepEqual(yield* files.contents("/tmp/name"), Buffer.from("text"));
    const opened: number[] = [];
    let result = yield* files.open("/small", O_TMPFILE | O_RDWR);
    for (; result >= 0; result = yield* files.open("/small", O_TMPFILE | O_RDWR)) opened.push(result);
    assert.equal(result, -ENOSPC);
    for (const each of opened) assert.equal(yield* files.close(each), 0);
    assert.ok((yield* files.open("/small", O_TMPFILE | O_RDWR)) >= 0);
  }, "tmpfs=/small:4K");
});

test("O_TMPFILE: what is refused", () => {
  run(
    function* (files) {
      assert.equal(yield* files.make("/tmp/f"), 0);
      yield* files.symlink("/tmp", "/tmp/link");
      const unnamed = O_TMPFILE & ~O_DIRECTORY;
      const results: [string, Piece<number>, number][] = [
        ["only for reading", files.open("/tmp", O_TMPFILE | O_RDONLY), -EINVAL],
        ["with O_CREAT", files.open("/tmp", O_TMPFILE | O_CREAT | O_RDWR), -EINVAL],
        ["without O_DIRECTORY", files.open("/tmp", unnamed | O_RDWR), -EINVAL],
        ["in a file", files.open("/tmp/f", O_TMPFILE | O_RDWR), -ENOTDIR],
        ["in what is not there", files.open("/tmp/none", O_TMPFILE | O_RDWR), -ENOENT],
        ["in a link that is not followed", files.open("/tmp/link", O_TMPFILE | O_RDWR | O_NOFOLLOW), -ENOTDIR],
        ["in the image", files.open("/", O_TMPFILE | O_RDWR), -EROFS],
        ["among the devices", files.open("/dev", O_TMPFILE | O_RDWR), -EROFS],
      ];
      for (const [what, call, expected] of results) assert.equal(yield* call, expected, what);
      assert.equal(yield* files.open("/tmp/link", O_TMPFILE | O_RDWR), 3);
    },
    "",
    { "/file": "x" },
  );
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
