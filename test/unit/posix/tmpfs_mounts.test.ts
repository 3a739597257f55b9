// Mounts of tmpfs: which there are, their names among others, how large each may get, and memory that ends before.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import type { Piece } from "../../fake/calls.ts";
import { FileCalls, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from "./file_calls.ts";
import { runApp } from "./machine.ts";
import { fill, status, system, PAGE, TMPFS_MAGIC, ROMFS_MAGIC } from "./tmpfs_support.ts";

const [EPERM, ENOENT, ENOMEM, EACCES, EBUSY, EEXIST, EXDEV, ENOTDIR, EISDIR, EINVAL, ENOSPC, EROFS] = [
  1, 2, 12, 13, 16, 17, 18, 20, 21, 22, 28, 30,
];

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** Runs an app that makes calls on files. */
function run(app: (files: FileCalls) => Piece<void>, options = "", files: Record<string, string> = {}): string {
  return runApp(kernel, (process) => app(new FileCalls(process)), files, 32, options);
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
