// The number of descriptors a process may have (RLIMIT_NOFILE), and dup3 and fcntl's ways to duplicate.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EPERM } from "./epolls.ts";
import { EBADF, EFAULT, EINVAL, EMFILE, type Process, runApp } from "./machine.ts";
import { ENDS, F_GETFD, O_CLOEXEC, SMALL, pipe } from "./pipes.ts";

const RLIMIT_NOFILE = 7;
const INFINITY = 2n ** 64n - 1n;
const [F_DUPFD, F_SETFD, F_DUPFD_CLOEXEC] = [0, 2, 1030];

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* limits(process: Process, resource = RLIMIT_NOFILE): Piece<readonly [bigint, bigint]> {
  assert.equal(yield* process.call("posix_getrlimit", resource, SMALL), 0);
  const both = process.get(SMALL, 16);
  return [both.readBigUInt64LE(0), both.readBigUInt64LE(8)];
}

function setLimits(process: Process, current: bigint, maximum: bigint, resource = RLIMIT_NOFILE): Piece<number> {
  process.put(SMALL, Buffer.from(BigUint64Array.of(current, maximum).buffer));
  return process.call("posix_setrlimit", resource, SMALL);
}

test("RLIMIT_NOFILE bounds what calls make, not what there is", () => {
  runApp(kernel, function* (process) {
    assert.deepEqual(yield* limits(process), [1024n, 1024n]);
    assert.equal(yield* process.call("posix_fcntl", 0, F_DUPFD, 100), 100);
    assert.equal(yield* setLimits(process, 10n, 20n), 0);
    assert.deepEqual(yield* limits(process), [10n, 20n]);
    for (let fd = 3; fd < 10; fd++) assert.equal(yield* process.call("posix_dup", 0), fd);
    for (const [name, ...args] of [
      ["posix_dup", 0],
      ["posix_fcntl", 0, F_DUPFD, 0],
      ["posix_pipe", ENDS, 0],
      ["posix_socketpair", 1, 1, 0, ENDS],
      ["posix_socket", 2, 1, 0],
      ["posix_socket", 1, 1, 0],
      ["posix_eventfd", 0, 0],
      ["posix_epoll_create", 0],
      ["posix_timerfd_create", 1, 0],
    ] as const) {
      assert.equal(yield* process.call(name, ...args), -EMFILE, name);
    }
    assert.equal(yield* process.withPath("posix_open", "/dev/null", 0), -EMFILE);
    for (const goal of [10, 100, 1024]) {
      assert.equal(yield* process.call("posix_dup2", 0, goal), -EBADF);
      assert.equal(yield* process.call("posix_dup3", 0, goal, 0), -EBADF);
      assert.equal(yield* process.call("posix_fcntl", 0, F_DUPFD, goal), -EINVAL);
    }
    assert.equal(yield* process.call("posix_dup2", 100, 100), 100, "it is there");
    assert.equal(yield* process.call("posix_dup2", 100, 9), 9);
    assert.equal(yield* process.call("posix_poll", BUFFER, 11, 0n), -EINVAL);
    process.put(BUFFER, Buffer.alloc(80, 0xff));
    assert.equal(yield* process.call("posix_poll", BUFFER, 10, 0n), 0);
    assert.equal(yield* process.call("posix_close", 100), 0);
    assert.equal(yield* process.call("posix_close", 5), 0);
    assert.equal(yield* process.call("posix_dup", 0), 5);
    assert.equal(yield* setLimits(process, 11n, 20n), 0);
    assert.equal(yield* process.call("posix_dup", 0), 10);
    assert.equal(yield* setLimits(process, 0n, 0n), 0);
    assert.equal(yield* process.call("posix_dup", 0), -EMFILE);
    assert.equal(yield* setLimits(process, 1024n, 1024n), 0, "root may raise what it has lowered");
    assert.equal(yield* process.call("posix_dup2", 0, 1023), 1023);
  });
});

test("limits that cannot be are refused", () => {
  runApp(kernel, function* (process) {
    assert.equal(yield* setLimits(process, 21n, 20n), -EINVAL);
    assert.equal(yield* setLimits(process, 1n, 1025n), -EPERM);
    assert.equal(yield* setLimits(process, INFINITY, INFINITY), -EPERM);
    assert.deepEqual(yield* limits(process), [1024n, 1024n]);
    for (let resource = 0; resource < 16; resource++) {
      if (resource === RLIMIT_NOFILE) continue;
      assert.deepEqual(yield* limits(process, resource), [INFINITY, INFINITY]);
      assert.equal(yield* setLimits(process, INFINITY, INFINITY, resource), 0);
      assert.equal(yield* setLimits(process, 5n, INFINITY, resource), -EPERM);
      assert.equal(yield* setLimits(process, INFINITY, 5n, resource), -EINVAL);
    }
    for (const resource of [-1, 16, 0x7fff_ffff]) {
      assert.equal(yield* process.call("posix_getrlimit", resource, SMALL), -EINVAL);
      assert.equal(yield* process.call("posix_setrlimit", resource, SMALL), -EINVAL);
      assert.equal(yield* process.call("posix_setrlimit", resource, 0), -EFAULT);
    }
    for (const name of ["posix_getrlimit", "posix_setrlimit"]) {
      for (const at of [0, 0x7fff_fff8]) assert.equal(yield* process.call(name, RLIMIT_NOFILE, at), -EFAULT);
    }
  });
});

test("dup3 and fcntl: where the new one is, and whether it has FD_CLOEXEC", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process, O_CLOEXEC);
    const closeOnExec = (fd: number): Piece<number> => process.call("posix_fcntl", fd, F_GETFD, 0);
    assert.equal(yield* closeOnExec(reader), 1);
    assert.equal(yield* process.call("posix_dup3", reader, 20, 0), 20);
    assert.equal(yield* closeOnExec(20), 0);
    assert.equal(yield* process.call("posix_dup3", 20, 21, O_CLOEXEC), 21);
    assert.equal(yield* closeOnExec(21), 1);
    assert.equal(yield* process.call("posix_dup2", 21, 22), 22);
    assert.equal(yield* closeOnExec(22), 0);
    assert.equal(yield* process.call("posix_dup3", 1, writer, 0), writer, "what it was is closed");
    assert.equal(yield* process.call("posix_read", reader, BUFFER, 1), 0);
    assert.equal(yield* process.call("posix_fcntl", 22, F_DUPFD, 20), 23);
    assert.equal(yield* closeOnExec(23), 0);
    assert.equal(yield* process.call("posix_fcntl", 22, F_DUPFD_CLOEXEC, 0), 5);
    assert.equal(yield* closeOnExec(5), 1);
    assert.equal(yield* process.call("posix_fcntl", 5, F_SETFD, 0), 0);
    assert.equal(yield* closeOnExec(5), 0);
    assert.equal(yield* process.call("posix_fcntl", 5, F_SETFD, 1), 0);
    assert.equal(yield* closeOnExec(5), 1);
    for (const flags of [1, 0x800, -1]) assert.equal(yield* process.call("posix_dup3", 0, 30, flags), -EINVAL);
    assert.equal(yield* process.call("posix_dup3", 0, 0, 0), -EINVAL);
    assert.equal(yield* process.call("posix_dup3", 999, 999, 0), -EINVAL, "before it is looked whether it is open");
    for (const [from, to] of [
      [0, -1],
      [0, 1024],
      [999, 30],
      [-1, 30],
    ] as const) {
      assert.equal(yield* process.call("posix_dup3", from, to, O_CLOEXEC), -EBADF);
    }
    for (const from of [-1, 1024]) assert.equal(yield* process.call("posix_fcntl", 0, F_DUPFD_CLOEXEC, from), -EINVAL);
    assert.equal(yield* process.call("posix_fcntl", 999, F_DUPFD, -1), -EBADF);
  });
});
