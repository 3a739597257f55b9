// Arguments that epoll calls refuse, and what they are refused with; what an epoll's descriptor is for other calls; and no memory.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import {
  EEXIST,
  EPERM,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLRDHUP,
  EPOLLWAKEUP,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  GIVEN,
  TOLD,
  add,
  close,
  control,
  epoll,
  wait,
} from "./epolls.ts";
import { EBADF, EFAULT, EINVAL, EMFILE, ENOENT, runApp } from "./machine.ts";
import { ENFILE, ESPIPE, F_GETFD, F_GETFL, O_CLOEXEC, SMALL, SMALL_DOMAIN, freeMemory, pipe, write } from "./pipes.ts";

const ENOMEM = 12;
const OUTSIDE = 0x7fff_fff0;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

test("epoll_create1 and epoll_ctl refuse what Linux refuses, in its order", () => {
  runApp(
    kernel,
    function* (process) {
      for (const flags of [1, 0x800, -1]) assert.equal(yield* process.call("posix_epoll_create", flags), -EINVAL);
      const ep = yield* epoll(process, O_CLOEXEC);
      assert.equal(yield* process.call("posix_fcntl", ep, F_GETFD, 0), 1);
      assert.equal(yield* process.call("posix_fcntl", yield* epoll(process), F_GETFD, 0), 0);
      const { reader, writer } = yield* pipe(process);
      const call = (operation: number, fd: number, event = GIVEN, epfd = ep): Piece<number> =>
        process.call("posix_epoll_ctl", epfd, operation, fd, event);
      for (const event of [0, OUTSIDE, -1]) {
        assert.equal(yield* call(EPOLL_CTL_ADD, reader, event), -EFAULT);
        assert.equal(yield* call(EPOLL_CTL_MOD, reader, event), -EFAULT);
        assert.equal(yield* call(99, 999, event, 999), -EFAULT, "before all else");
        assert.equal(yield* call(EPOLL_CTL_DEL, reader, event), -ENOENT, "it is not looked at");
      }
      for (const closed of [-1, 900, 1024, 0x7fff_ffff]) {
        assert.equal(yield* call(EPOLL_CTL_ADD, closed), -EBADF);
        assert.equal(yield* call(EPOLL_CTL_ADD, reader, GIVEN, closed), -EBADF);
        assert.equal(yield* call(EPOLL_CTL_DEL, closed, 0), -EBADF);
      }
      for (const path of ["/file", "/", "/dev/null", "/dev/zero"]) {
        const file = yield* process.withPath("posix_open", path, 0);
        for (const operation of [EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, 99]) {
          assert.equal(yield* call(operation, file), -EPERM, path);
        }
      }
      assert.equal(yield* call(EPOLL_CTL_ADD, reader, GIVEN, writer), -EINVAL);
      assert.equal(yield* call(EPOLL_CTL_ADD, ep), -EINVAL);
      for (const operation of [0, 4, -1]) assert.equal(yield* call(operation, reader), -EINVAL);
      assert.equal(yield* call(EPOLL_CTL_MOD, reader), -ENOENT);
      assert.equal(yield* call(EPOLL_CTL_DEL, reader), -ENOENT);
      yield* add(process, ep, reader, EPOLLIN);
      assert.equal(yield* call(EPOLL_CTL_ADD, reader), -EEXIST);
      yield* add(process, ep, 0, EPOLLIN); // the console
    },
    { "/file": "text" },
  );
});

test("EPOLLEXCLUSIVE and EPOLLWAKEUP are taken where Linux takes them; all are told", () => {
  runApp(kernel, function* (process) {
    const [one, other] = [yield* epoll(process), yield* epoll(process)];
    const { reader, writer } = yield* pipe(process);
    const call = (operation: number, fd: number, events: number): Piece<number> =>
      control(process, one, operation, fd, events);
    for (const also of [EPOLLONESHOT, EPOLLRDHUP]) {
      assert.equal(yield* call(EPOLL_CTL_ADD, reader, EPOLLEXCLUSIVE | EPOLLIN | also), -EINVAL);
    }
    assert.equal(yield* call(EPOLL_CTL_ADD, other, EPOLLEXCLUSIVE | EPOLLIN), -EINVAL);
    assert.equal(yield* call(EPOLL_CTL_ADD, reader, EPOLLEXCLUSIVE | EPOLLIN | EPOLLET | EPOLLWAKEUP), 0);
    assert.equal(yield* call(EPOLL_CTL_MOD, reader, EPOLLIN), -EINVAL);
    assert.equal(yield* call(EPOLL_CTL_MOD, reader, EPOLLIN | EPOLLEXCLUSIVE), -EINVAL);
    assert.equal(yield* call(EPOLL_CTL_ADD, writer, EPOLLOUT | EPOLLWAKEUP), 0);
    assert.equal(yield* call(EPOLL_CTL_MOD, writer, EPOLLOUT | EPOLLEXCLUSIVE), -EINVAL);
    assert.equal(yield* call(EPOLL_CTL_DEL, writer, 0), 0);
    yield* add(process, other, reader, EPOLLEXCLUSIVE | EPOLLIN);
    yield* write(process, writer, Buffer.from("x"));
    for (const ep of [one, other]) assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]]);
  });
});

test("epoll_wait refuses what Linux refuses, in its order", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const call = (epfd: number, at: number, maximum: number): Piece<number> =>
      process.call("posix_epoll_wait", epfd, at, maximum, 0n);
    for (const maximum of [0, -1, -0x8000_0000, 0x7fff_ffff, 0x0800_0000]) {
      for (const fd of [ep, 0]) assert.equal(yield* call(fd, 0, maximum), -EINVAL);
    }
    for (const at of [0, OUTSIDE]) for (const fd of [ep, 0]) assert.equal(yield* call(fd, at, 1), -EFAULT);
    assert.equal(yield* call(ep, TOLD, 0x07ff_ffff), -EFAULT, "more than there is memory");
    for (const fd of [-1, 999, 5000]) assert.equal(yield* call(fd, 0, 0), -EBADF);
    assert.equal(yield* call(0, TOLD, 1), -EINVAL);
    assert.equal(yield* call(ep, TOLD, 1), 0);
  });
});

test("for other calls the descriptor of an epoll is nothing to read or write", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    assert.equal(yield* process.call("posix_read", ep, BUFFER, 8), -EINVAL);
    assert.equal(yield* process.call("posix_write", ep, BUFFER, 8), -EINVAL);
    assert.equal(yield* process.call("posix_pread", ep, BUFFER, 8, 0n), -ESPIPE);
    assert.equal(yield* process.call("posix_lseek", ep, 5n, 0), 0);
    assert.equal(yield* process.call("posix_fcntl", ep, F_GETFL, 0), 2);
    assert.equal(yield* process.call("posix_fstat", ep, SMALL), 0);
    assert.equal(process.get(SMALL, 4).readUInt32LE(), 0o600);
    assert.equal(yield* process.call("posix_ioctl", ep, 0x541b, SMALL), -25);
    assert.equal(yield* process.call("posix_listen", ep, 1), -88);
  });
});

test("without descriptors, or without memory, there is no epoll and no entry; what was taken is given back", () => {
  runApp(kernel, function* (process) {
    yield* close(process, yield* epoll(process));
    const before = yield* freeMemory(process);
    while ((yield* process.call("posix_dup", 0)) < 1023);
    assert.equal(yield* process.call("posix_epoll_create", 0), -EMFILE);
    assert.equal(yield* freeMemory(process), before);
  });
  runApp(
    kernel,
    function* (process) {
      const ep = yield* epoll(process);
      const { reader, writer } = yield* pipe(process);
      let pages = 64;
      while (pages > 0) if ((yield* process.call("app_memory_grow", pages)) < 0) pages >>= 1;
      // The rest goes into pipes, then into descriptions, then into entries.
      while ((yield* process.call("posix_pipe", 0x3000, 0)) === 0);
      let result = 0;
      const twins: number[] = [];
      while (result === 0) {
        const fd = yield* process.call("posix_dup", reader);
        if (fd < 0) break;
        twins.push(fd);
        result = yield* control(process, ep, EPOLL_CTL_ADD, fd, EPOLLIN);
      }
      assert.equal(result, -ENOMEM);
      let another = 0;
      while (another >= 0) another = yield* process.call("posix_epoll_create", 0);
      assert.ok([-ENOMEM, -ENFILE].includes(another), `epoll_create: ${another}`);
      yield* write(process, writer, Buffer.from("x"));
      assert.equal((yield* wait(process, ep, 0n, 1000)).length, twins.length - 1);
      yield* close(process, ...twins, reader);
      assert.deepEqual(yield* wait(process, ep), []);
    },
    {},
    SMALL_DOMAIN,
  );
});
