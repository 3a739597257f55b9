// The order of errors of calls on tmpfs that random operations compared with the host's files seldom or never meet.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import type { Piece } from "../../fake/calls.ts";
import { FileCalls, O_CREAT, O_DIRECTORY, O_EXCL, O_RDWR, O_TRUNC, O_WRONLY } from "./file_calls.ts";
import { runApp } from "./machine.ts";

const [
  ENOENT,
  EBADF,
  EBUSY,
  EEXIST,
  ENOTDIR,
  EISDIR,
  EINVAL,
  EFBIG,
  ESPIPE,
  EROFS,
  ERANGE,
  ENAMETOOLONG,
  ENOTEMPTY,
  ELOOP,
  EFAULT,
] = [2, 9, 16, 17, 20, 21, 22, 27, 29, 30, 34, 36, 39, 40, 14];

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** Runs an app that makes calls on files. */
function run(app: (files: FileCalls) => Piece<void>, options = "", files: Record<string, string> = {}): string {
  return runApp(kernel, (process) => app(new FileCalls(process)), files, 32, options);
}

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
