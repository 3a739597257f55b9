// Times and modes of files in memory.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import type { Piece } from "../../fake/calls.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  FileCalls,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "./file_calls.ts";
import { runApp } from "./machine.ts";
import { status } from "./tmpfs_support.ts";

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** Runs an app that makes calls on files. */
function run(app: (files: FileCalls) => Piece<void>, options = "", files: Record<string, string> = {}): string {
  return runApp(kernel, (process) => app(new FileCalls(process)), files, 32, options);
}

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
