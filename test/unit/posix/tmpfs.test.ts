// tmpfs where comparing it with the host's files does not reach: mounts and sizes, memory that comes back, times, large directories,
// files without names, the order of errors on file systems that are read-only.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import type { Piece } from "../../fake/calls.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  FileCalls,
  type FileStatus,
  type FileSystem,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "./file_calls.ts";
import { runApp } from "./machine.ts";

const [EPERM, ENOENT, EBADF, ENOMEM, EACCES, EBUSY, EEXIST, EXDEV, ENOTDIR] = [1, 2, 9, 12, 13, 16, 17, 18, 20];
const [EISDIR, EINVAL, EMFILE, EFBIG, ENOSPC, ESPIPE, EROFS, ERANGE] = [21, 22, 24, 27, 28, 29, 30, 34];
const [ENAMETOOLONG, ENOTEMPTY, ELOOP, EFAULT] = [36, 39, 40, 14];
const PAGE = 4096;
const TMPFS_MAGIC = 0x01021994;
const ROMFS_MAGIC = 0x7275;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** Runs an app that makes calls on files. */
function run(app: (files: FileCalls) => Piece<void>, options = "", files: Record<string, string> = {}): string {
  return runApp(kernel, (process) => app(new FileCalls(process)), files, 32, options);
}

function status(told: FileStatus | number): FileStatus {
  assert.ok(typeof told !== "number", String(told));
  return told;
}

function system(told: FileSystem | number): FileSystem {
  assert.ok(typeof told !== "number", String(told));
  return told;
}

/** Writes `chunk` again and again until that fails: the bytes written, and the error. */
function* fill(files: FileCalls, fd: number, chunk: Uint8Array): Piece<[number, number]> {
  for (let size = 0; ;) {
    const result = yield* files.write(fd, chunk);
    if (result <= 0) return [size, result];
    size += result;
  }
}

test("mounts: /tmp is there, others where the command line says, and all are listed", () => {
  const log = run(
    function* (files) {
      assert.deepEqual(yield* files.readdir("/"), ["etc", "dev", "proc", "var", "tmp"]);
      assert.deepEqual(yield* files.readdir("/var"), ["lib"]);
      assert.deepEqual(yield* files.readdir("/var/lib"), ["deep"]);
      assert.deepEqual(yield* files.readdir("/etc"), ["hosts"]);
      assert.equal(system(yield* files.statfs("/var/lib")).blocks, 256);
      assert.equal(system(yield* files.statfs("/var/lib/deep")).blocks, 16);
      assert.equal(system(yield* files.statfs("/tmp")).type, TMPFS_MAGIC);
      assert.deepEqual(yield* files.statfs("/var"), { type: ROMFS_MAGIC, blocks: 0, free: 0, files: 0, flags: 1 });
      // Into a mount, out of it, and into the one in it.
      assert.equal(yield* files.chdir("/var/lib/deep"), 0);
      assert.equal(yield* files.getcwd(), "/var/lib/deep");
      assert.equal(yield* files.chdir(".."), 0);
      assert.equal(yield* files.getcwd(), "/var/lib");
      assert.equal(yield* files.chdir("../../var/../var/lib/./deep/.."), 0);
      assert.equal(yield* files.getcwd(), "/var/lib");
      assert.equal(yield* files.chdir("../../../.."), 0);
      assert.equal(yield* files.getcwd(), "/");
      const devices = new Set<bigint>();
      for (const path of ["/", "/dev", "/tmp", "/var/lib", "/var/lib/deep"]) {
        devices.add(status(yield* files.stat(path)).device);
      }
      assert.equal(devices.size, 5);
      assert.equal(status(yield* files.stat("/var")).device, status(yield* files.stat("/")).device);
    },
    "tmpfs=/var/lib:1M tmpfs=/var/lib/deep:64K tmpfs=/bad:x tmpfs=relative:1M tmpfs=/etc/hosts:1M tmpfs=/var/lib:2M",
    { "/etc/hosts": "" },
  );
  assert.match(log, /tmpfs: cannot mount \/bad:x: error 22/);
  assert.match(log, /tmpfs: cannot mount relative:1M: error 22/);
  assert.match(log, /tmpfs: cannot mount \/etc\/hosts:1M: error 20/);
  assert.match(log, /tmpfs: cannot mount \/var\/lib:2M: error 16/);
});

test("mounts: tmpfs=off leaves /tmp away; a size for /tmp replaces the usual one", () => {
  run(function* (files) {
    assert.equal(yield* files.stat("/tmp"), -ENOENT);
  }, "tmpfs=off");
  run(function* (files) {
    assert.equal(system(yield* files.statfs("/tmp")).blocks, 8);
    assert.deepEqual(yield* files.readdir("/"), ["dev", "proc", "tmp"]);
  }, "tmpfs=/tmp:32K");
});

test("mount points are busy, names between mounts do not go over, and the image stays as it is", () => {
  run(
    function* (files) {
      const results: [string, Piece<number>, number][] = [
        ["rmdir a mount point in a tmpfs", files.rmdir("/var/in"), -EBUSY],
        ["rename a mount point", files.rename("/var/in", "/var/out"), -EBUSY],
        ["rename onto a mount point", files.rename("/var/other", "/var/in"), -EBUSY],
        ["rename between mounts", files.rename("/var/file", "/tmp/file"), -EXDEV],
        ["link between mounts", files.link("/var/file", "/tmp/file"), -EXDEV],
        ["link an embedded file", files.link("/etc/hosts", "/tmp/file"), -EXDEV],
        ["rename an embedded file", files.rename("/etc/hosts", "/etc/h"), -EROFS],
        ["rename out of the image", files.rename("/etc/hosts", "/tmp/h"), -EXDEV],
        ["unlink an embedded file", files.unlink("/etc/hosts"), -EROFS],
        ["unlink nothing where nothing can be written", files.unlink("/etc/none"), -EROFS],
        ["rmdir a mount point in the image", files.rmdir("/tmp"), -EROFS],
        ["rmdir the root", files.rmdir("/"), -EBUSY],
        ["mkdir what is there", files.mkdir("/etc"), -EEXIST],
        ["mkdir in the image", files.mkdir("/etc/new"), -EROFS],
        ["mkdir nowhere", files.mkdir("/none/new"), -ENOENT],
        ["symlink in the image", files.symlink("x", "/etc/new"), -EROFS],
        ["link in the image", files.link("/etc/hosts", "/etc/new"), -EROFS],
        ["create in the image", files.open("/etc/new", O_CREAT | O_WRONLY), -EROFS],
        ["create in /dev", files.open("/dev/new", O_CREAT | O_WRONLY), -EROFS],
        ["write an embedded file", files.open("/etc/hosts", O_WRONLY), -EROFS],
        ["empty an embedded file", files.open("/etc/hosts", O_RDONLY | O_TRUNC), -EROFS],
        ["truncate an embedded file", files.truncate("/etc/hosts", 0), -EROFS],
        ["truncate a directory", files.truncate("/etc", 0), -EISDIR],
        ["truncate a device", files.truncate("/dev/null", 0), -EINVAL],
        ["truncate to less than nothing", files.truncate("/none", -1), -EINVAL],
        ["chmod an embedded file", files.chmod("/etc/hosts", 0o600), -EROFS],
        ["times of an embedded file", files.utimens("/etc/hosts", null), -EROFS],
        ["write access to an embedded file", files.access("/etc/hosts", 2), -EROFS],
        ["write access to the root", files.access("/", 2), -EROFS],
        ["write access to a device", files.access("/dev/null", 2), 0],
        ["read access", files.access("/etc/hosts", 4), 0],
        ["running what cannot be run", files.access("/etc/hosts", 1), -EACCES],
        ["access of no kind", files.access("/etc/hosts", 8), -EINVAL],
        ["chdir to a file", files.chdir("/etc/hosts"), -ENOTDIR],
        ["a link to a directory", files.link("/var/other", "/var/hard"), -EPERM],
      ];
      yield* files.make("/var/file");
      yield* files.mkdir("/var/other");
      for (const [what, call, expected] of results) assert.equal(yield* call, expected, what);
      assert.deepEqual(yield* files.readdir("/var"), ["in", "file", "other"]);
    },
    "tmpfs=/var tmpfs=/var/in:1M",
    { "/etc/hosts": "127.0.0.1 localhost\n" },
  );
});

test("errors of calls on tmpfs that random operations seldom or never meet", () => {
  run(function* (files) {
    const long = "x".repeat(255);
    yield* files.chdir("/tmp");
    assert.equal(yield* files.make("f", "text"), 4);
    yield* files.mkdir("d");
    yield* files.symlink("loop", "loop");
    yield* files.symlink("f/", "slash");
    yield* files.symlink("none", "dangling");
    yield* files.symlink("none/none", "nowhere");
    const fd = yield* files.open("f", O_RDWR);
    const readOnly = yield* files.open("f");
    const directory = yield* files.open("d");
    const pipe = yield* files.call("pipe", 0x4000, 0);
    assert.equal(pipe, 0);
    const pipeEnd = files.process.get(0x4000, 4).readInt32LE();
    const results: [string, Piece<number>, number][] = [
      ["a loop", files.open("loop"), -ELOOP],
      ["a loop on the way", files.open("loop/x"), -ELOOP],
      ["a link without following", files.open("dangling", 0x20000), -ELOOP],
      ["O_EXCL on a link to nothing", files.open("dangling", O_CREAT | O_EXCL | O_WRONLY), -EEXIST],
      ["create through a link to nowhere", files.open("nowhere", O_CREAT | O_WRONLY), -ENOENT],
      ["create with a slash", files.open("new/", O_CREAT | O_WRONLY), -EISDIR],
      ["create through a link with a slash", files.open("slash", O_CREAT | O_WRONLY), -EISDIR],
      ["through a link with a slash to a file", files.open("slash"), -ENOTDIR],
      ["O_CREAT and O_DIRECTORY", files.open("new", O_CREAT | O_DIRECTORY), -EINVAL],
      ["O_DIRECTORY of a file", files.open("f", O_DIRECTORY), -ENOTDIR],
      ["a directory for writing", files.open("d", O_WRONLY), -EISDIR],
      ["a directory to empty", files.open("d", O_TRUNC), -EISDIR],
      ["a directory with O_CREAT", files.open("d", O_CREAT), -EISDIR],
      ["an empty path", files.open(""), -ENOENT],
      ["a long name", files.open(`${long}x`, O_CREAT | O_WRONLY), -ENAMETOOLONG],
      ["the longest name", files.open(long), -ENOENT],
      ["the longest path", files.open("/".repeat(4094) + "x"), -ENOENT],
      ["a long path", files.open("/".repeat(4095) + "x"), -ENAMETOOLONG],
      ["a zero byte in a name", files.open("a\0b", O_CREAT | O_WRONLY), -EINVAL],
      ["a zero byte in a directory's name", files.mkdir("a\0b"), -EINVAL],
      ["write what is open for reading", files.write(readOnly, "x"), -EBADF],
      ["pwrite there", files.pwrite(readOnly, "x", 0), -EBADF],
      ["ftruncate there", files.ftruncate(readOnly, 1), -EINVAL],
      ["ftruncate of a directory", files.ftruncate(directory, 1), -EINVAL],
      ["ftruncate to less than nothing", files.ftruncate(fd, -1), -EINVAL],
      ["ftruncate of nothing", files.ftruncate(99, 1), -EBADF],
      ["pwrite before the beginning", files.pwrite(fd, "x", -1), -EINVAL],
      ["pwrite to a directory", files.pwrite(directory, "x", 0), -EBADF],
      ["pwrite to a pipe", files.pwrite(pipeEnd, "x", 0), -ESPIPE],
      ["pwrite at the end of all", files.pwrite(fd, "x", 0x7fff_ffff_ffff_ffffn), -EFBIG],
      ["lseek before the beginning", files.lseek(fd, -5, 2), -EINVAL],
      ["lseek over the end of numbers", files.lseek(fd, 0x7fff_ffff_ffff_ffffn, 2), -EINVAL],
      ["lseek from nowhere", files.lseek(fd, 0, 7), -EINVAL],
      ["fsync", files.call("fsync", fd), 0],
      ["fsync of a pipe", files.call("fsync", pipeEnd), -EINVAL],
      ["fsync of nothing", files.call("fsync", 99), -EBADF],
      ["a link's text into no room", files.call("readlinkat", -100, 0x4000, 1, 0x5000, 0), -EINVAL],
      ["symlink to nothing", files.symlink("", "new"), -ENOENT],
      ["symlink with a long text", files.symlink("x".repeat(4096), "new"), -ENAMETOOLONG],
      ["symlink with the longest text", files.symlink("x".repeat(4095), "longest"), 0],
      ["symlink with a slash", files.symlink("x", "new/"), -ENOENT],
      ["link with a slash", files.link("f", "new/"), -ENOENT],
      ["unlink the directory itself", files.unlink("."), -EISDIR],
      ["unlink a file with a slash", files.unlink("f/"), -ENOTDIR],
      ["unlink with unknown flags", files.call("unlinkat", -100, 0x4000, 1, 1), -EINVAL],
      ["rmdir .", files.rmdir("d/."), -EINVAL],
      ["rmdir ..", files.rmdir("d/.."), -ENOTEMPTY],
      ["rename .", files.rename("d/.", "e"), -EBUSY],
      ["rename onto ..", files.rename("d", "d/.."), -EBUSY],
      ["rename into itself", files.rename("d", "d/e"), -EINVAL],
      ["rename onto what it is in", files.rename("f", "."), -EBUSY],
      ["getcwd without room", files.call("getcwd", 0x4000, 3), -ERANGE],
      ["a directory's descriptor that is a file's", files.openat(fd, "x"), -ENOTDIR],
      ["a directory's descriptor that is none", files.openat(99, "x"), -EBADF],
      ["an absolute path does not ask for one", files.openat(99, "/none"), -ENOENT],
      ["fchdir to a file", files.call("fchdir", fd), -ENOTDIR],
      ["fchdir to nothing", files.call("fchdir", 99), -EBADF],
      ["fchmod of a pipe", files.call("fchmod", pipeEnd, 0), -EROFS],
      ["times with too many nanoseconds", files.utimens("f", [0n, 1_000_000_000n, 0n, 0n]), -EINVAL],
      ["times that are left ask for nothing", files.utimens("none", [0n, 0x3ffffffen, 0n, 0x3ffffffen]), 0],
      ["times with unknown flags", files.utimens("f", null, 1), -EINVAL],
      ["times of nothing", files.utimens(null, null, 0, 99), -EBADF],
      ["a path outside memory", files.call("open", 0x7fff_0000, 5, 0, 0), -EFAULT],
      ["a status outside memory", files.call("fstat", fd, 0x7fff_0000), -EFAULT],
      ["statfs of nothing", files.call("fstatfs", 99, 0x4000), -EBADF],
    ];
    for (const [what, call, expected] of results) assert.equal(yield* call, expected, what);
    assert.equal(yield* files.readlink("longest"), "x".repeat(4095));
    assert.equal(yield* files.readlink("longest", 10), "x".repeat(10));
    assert.equal(yield* files.readlink("f"), -EINVAL);
  });
});

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

test("a size limit: ENOSPC for data, files and names; what fitted stays, and removing makes room", () => {
  run(function* (files) {
    const chunk = Buffer.alloc(10 * PAGE, 7);
    const fd = yield* files.open("/small/f", O_CREAT | O_RDWR);
    const [size, result] = yield* fill(files, fd, chunk);
    assert.equal(result, -ENOSPC);
    assert.ok(size >= 60 * PAGE && size <= 63 * PAGE, String(size)); // of 64, one for the tree, one for names
    assert.equal(status(yield* files.fstat(fd)).size, size);
    assert.equal(yield* files.pwrite(fd, "x", 0), 1); // no more memory needed
    // Renaming needs none either.
    for (let i = 0; ; i++) {
      const made = yield* files.mkdir(`/small/d${i}`);
      if (made === 0) continue;
      assert.equal(made, -ENOSPC);
      break;
    }
    assert.equal(yield* files.rename("/small/f", "/small/renamed"), 0);
    assert.equal(yield* files.make("/small/no"), -ENOSPC);
    assert.equal(yield* files.symlink("text", "/small/no"), -ENOSPC);
    assert.equal(system(yield* files.statfs("/small")).free, 0);
    assert.equal(yield* files.ftruncate(fd, 0), 0);
    assert.equal(yield* files.make("/small/yes", "text"), 4);
    assert.ok(system(yield* files.statfs("/small")).free > 50);
  }, "tmpfs=/small:256K");
});

test("memory that ends before the mount's size does: an error, and a domain that goes on", () => {
  run(function* (files) {
    const chunk = Buffer.alloc(16 * PAGE, 7);
    const fd = yield* files.open("/tmp/f", O_CREAT | O_RDWR);
    const [size, result] = yield* fill(files, fd, chunk);
    assert.equal(result, -ENOMEM);
    assert.ok(size > 4_000_000, String(size));
    yield* files.close(fd);
    assert.equal(yield* files.truncate("/tmp/f", 0), 0);
    assert.equal(yield* files.make("/tmp/g", chunk), chunk.length);
  }, "tmpfs=/tmp:1G");
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

test("times: what changes which", () => {
  run(function* (files) {
    const wait = function* (): Piece<void> {
      yield* files.call("nanosleep", 1_000_000_000n);
    };
    const fd = yield* files.open("/tmp/f", O_CREAT | O_RDWR);
    const made = status(yield* files.fstat(fd));
    assert.equal(made.modified, made.changed);
    assert.equal(made.accessed, made.changed);
    const changes: [string, Piece<unknown>, string][] = [
      ["write", files.write(fd, "text"), "modified changed"],
      ["read", files.pread(fd, 4, 0), "accessed"],
      ["a second read", files.pread(fd, 4, 0), ""],
      ["chmod", files.chmod("/tmp/f", 0o600), "changed"],
      ["link", files.link("/tmp/f", "/tmp/g"), "changed"],
      ["unlink", files.unlink("/tmp/g"), "changed"],
      ["rename", files.rename("/tmp/f", "/tmp/g"), "changed"],
      ["ftruncate", files.ftruncate(fd, 4), "modified changed"],
      ["truncate to the same", files.truncate("/tmp/g", 4), ""],
      ["truncate", files.truncate("/tmp/g", 3), "modified changed"],
      ["O_TRUNC", files.open("/tmp/g", O_TRUNC), "modified changed"],
      ["stat", files.stat("/tmp/g"), ""],
    ];
    let last = made;
    for (const [what, call, expected] of changes) {
      yield* wait();
      yield* call;
      const now = status(yield* files.fstat(fd));
      const fields = ["accessed", "modified", "changed"] as const;
      assert.equal(fields.filter((field) => now[field] !== last[field]).join(" "), expected, what);
      last = now;
    }
    const before = status(yield* files.stat("/tmp"));
    yield* wait();
    yield* files.make("/tmp/new");
    assert.ok(status(yield* files.stat("/tmp")).modified > before.modified);
    assert.equal(yield* files.utimens("/tmp/g", [5n, 6n, -7n, 8n]), 0);
    const set = status(yield* files.stat("/tmp/g"));
    assert.equal(set.accessed, 5_000_000_006n);
    assert.equal(yield* files.utimens(null, [0n, 0x3ffffffen, 9n, 1n], 0, fd), 0);
    assert.deepEqual(
      [status(yield* files.stat("/tmp/g")).accessed, status(yield* files.stat("/tmp/g")).modified],
      [5_000_000_006n, 9_000_000_001n],
    );
    yield* files.symlink("g", "/tmp/link");
    assert.equal(yield* files.utimens("/tmp/link", [1n, 0n, 2n, 0n], AT_SYMLINK_NOFOLLOW), 0);
    assert.equal(status(yield* files.lstat("/tmp/link")).modified, 2_000_000_000n);
    assert.equal(status(yield* files.stat("/tmp/link")).modified, 9_000_000_001n);
    assert.equal(yield* files.utimens("/tmp/g", null), 0);
    assert.ok(status(yield* files.stat("/tmp/g")).modified > before.modified);
  });
});

test("modes: umask, special bits, and what a directory hands on", () => {
  run(function* (files) {
    assert.equal(yield* files.call("umask", 0o7027), 0o022);
    yield* files.close(yield* files.open("/tmp/f", O_CREAT | O_WRONLY, 0o4777));
    assert.equal(status(yield* files.stat("/tmp/f")).mode, S_IFREG | 0o4750);
    yield* files.mkdir("/tmp/d", 0o3777);
    assert.equal(status(yield* files.stat("/tmp/d")).mode, S_IFDIR | 0o1750);
    assert.equal(yield* files.chmod("/tmp/d", 0o2755), 0);
    yield* files.mkdir("/tmp/d/e", 0o777);
    assert.equal(status(yield* files.stat("/tmp/d/e")).mode, S_IFDIR | 0o2750);
    yield* files.symlink("x", "/tmp/l");
    assert.equal(status(yield* files.lstat("/tmp/l")).mode, S_IFLNK | 0o777);
    assert.equal(status(yield* files.stat("/tmp")).mode, S_IFDIR | 0o1777);
    assert.equal(yield* files.call("umask", 0), 0o027);
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
