// chown and its kin, of files in memory and on a disk, on the whole kernel.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FakeDisk } from "../../tools/fake-xen/fake_disk.ts";
import { fakeKernel } from "../support/fake.ts";
import { checkVolume, makeVolume } from "../unit/disk/volumes.ts";
import { AT_SYMLINK_NOFOLLOW, FileCalls, O_CREAT, O_RDONLY, O_RDWR } from "../unit/posix/file_calls.ts";
import { EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR, runApp } from "../unit/posix/machine.ts";
import type { Piece } from "./calls.ts";

const [EROFS, ENAMETOOLONG] = [30, 36];
const KEPT = 0xffff_ffff;
const PERMISSIONS = 0o7777;

let kernel: WebAssembly.Module;
let empty: Buffer;
before(async () => {
  [kernel, empty] = await Promise.all([fakeKernel(), makeVolume()]);
});

function run(app: (files: FileCalls) => Piece<void>, disk?: FakeDisk): void {
  const disks = disk === undefined ? [] : [{ disk }];
  const option = disk === undefined ? "" : "disk=xvda:/data";
  runApp(kernel, (process) => app(new FileCalls(process)), { "/embedded": "" }, 32, option, disks);
}

function* ids(files: FileCalls, path: string): Piece<readonly number[]> {
  return (yield* files.owner(path)).slice(0, 2);
}

function* owners(files: FileCalls, folder: string): Piece<void> {
  const path = `${folder}/file`;
  const fd = yield* files.open(path, O_CREAT | O_RDWR);
  assert.deepEqual(yield* ids(files, path), [0, 0]);
  assert.equal(yield* files.chown(path, 1000, 70_000), 0);
  assert.deepEqual(yield* ids(files, path), [1000, 70_000]);
  assert.equal(yield* files.chown(path, KEPT, 5), 0);
  assert.equal(yield* files.chown(null, 0xffff_fffe, KEPT, 0, fd), 0);
  assert.deepEqual(yield* ids(files, path), [0xffff_fffe, 5]);
  yield* files.symlink("file", `${folder}/link`);
  assert.equal(yield* files.chown(`${folder}/link`, 8, 9, AT_SYMLINK_NOFOLLOW), 0);
  assert.deepEqual(yield* ids(files, `${folder}/link`), [8, 9]);
  assert.equal(yield* files.chown(`${folder}/link`, 6, 7), 0);
  assert.deepEqual(yield* ids(files, path), [6, 7], "through the link");
  assert.equal(yield* files.chown(folder, 1, 2), 0);
  assert.deepEqual(yield* ids(files, folder), [1, 2]);
  for (const [mode, left] of [
    [0o6755, 0o755],
    [0o6745, 0o2745],
    [0o1777, 0o1777],
  ] as const) {
    // prettier-ignore
    yield* files.chmod(path, mode);
    yield* files.chown(path, 3, 4);
    assert.equal((yield* files.owner(path))[2] & PERMISSIONS, left, mode.toString(8));
  }
  yield* files.mkdir(`${folder}/sub`);
  yield* files.chmod(`${folder}/sub`, 0o2777);
  yield* files.chown(`${folder}/sub`, 3, 4);
  assert.equal((yield* files.owner(`${folder}/sub`))[2] & PERMISSIONS, 0o2777, "of a directory");
  yield* files.close(fd);
}

test("user and group are kept and told, of files, links and directories in memory", () => {
  run((files) => owners(files, "/tmp"));
});

test("and on a disk, where they are still after another boot, and of which e2fsck thinks well", async () => {
  const disk = new FakeDisk(empty);
  run((files) => owners(files, "/data"), disk);
  await checkVolume(disk.contents);
  run(function* (files) {
    assert.deepEqual(yield* ids(files, "/data/file"), [3, 4]);
    assert.deepEqual(yield* ids(files, "/data/link"), [8, 9]);
    assert.equal(yield* files.make("/data/new"), 0);
    assert.deepEqual(yield* ids(files, "/data/new"), [0, 0]);
  }, disk);
});

test("what is embedded has no owner to be set, nor has what is not there", () => {
  run(function* (files) {
    assert.equal(yield* files.chown("/embedded", 1, 1), -EROFS);
    assert.equal(yield* files.chown("/dev/null", 1, 1), -EROFS);
    assert.equal(yield* files.chown("/none", 1, 1), -ENOENT);
    assert.equal(yield* files.chown("/embedded/x", 1, 1), -ENOTDIR);
    assert.equal(yield* files.chown("x".repeat(5000), 1, 1), -ENAMETOOLONG);
    assert.equal(yield* files.chown("/embedded", 1, 1, 1), -EINVAL);
    assert.equal(yield* files.chown(null, 1, 1, 0, 77), -EBADF);
    assert.equal(yield* files.chown("file", 1, 1, 0, 77), -EBADF);
    assert.equal(yield* files.chown(null, 1, 1, 0, yield* files.open("/embedded", O_RDONLY)), -EROFS);
    assert.equal(yield* files.call("fchownat", -100, 0xffff_fff0, 8, 1, 1, 0), -EFAULT);
  });
});
