// epoll: level-triggered, edge-triggered, once; what is added, changed and taken away, closed and duplicated; and threads that wait.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import {
  EEXIST,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLRDHUP,
  EPOLLRDNORM,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  TOLD,
  type Told,
  add,
  close,
  control,
  epoll,
  socketPair,
  wait,
} from "./epolls.ts";
import { EBADF, ENOENT, runApp } from "./machine.ts";
import { CAPACITY, EINTR, O_NONBLOCK, SIGUSR1, bytes, pipe, read, write } from "./pipes.ts";

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

test("level-triggered: told as long as it is so, and no longer", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const { reader, writer } = yield* pipe(process);
    yield* add(process, ep, reader, EPOLLIN);
    assert.deepEqual(yield* wait(process, ep), []);
    yield* write(process, writer, Buffer.from("ab"));
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]]);
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]]);
    yield* read(process, reader, 1);
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]]);
    yield* read(process, reader, 1);
    assert.deepEqual(yield* wait(process, ep), []);
    yield* write(process, writer, Buffer.from("c"));
    yield* read(process, reader, 1);
    assert.deepEqual(yield* wait(process, ep), [], "it was ready, and is not");
    yield* close(process, writer);
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLHUP]], "without being asked for");
    yield* close(process, reader);
    assert.deepEqual(yield* wait(process, ep), []);
  });
});

test("edge-triggered: told for what has come, not for what is there", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const { reader, writer } = yield* pipe(process, O_NONBLOCK);
    yield* write(process, writer, Buffer.from("before"));
    yield* add(process, ep, reader, EPOLLIN | EPOLLET);
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]], "what was there when it was added");
    assert.deepEqual(yield* wait(process, ep), []);
    yield* read(process, reader, 3);
    assert.deepEqual(yield* wait(process, ep), [], "some of it is still there");
    yield* write(process, writer, Buffer.from("x"));
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]], "more has come");
    yield* read(process, reader, 100);
    assert.deepEqual(yield* wait(process, ep), []);
    yield* write(process, writer, Buffer.from("y"));
    yield* read(process, reader, 100);
    assert.deepEqual(yield* wait(process, ep), [], "it came and went");

    yield* add(process, ep, writer, EPOLLOUT | EPOLLET);
    assert.deepEqual(yield* wait(process, ep), [[writer, EPOLLOUT]]);
    assert.deepEqual(yield* wait(process, ep), []);
    assert.equal(yield* write(process, writer, bytes(CAPACITY)), CAPACITY);
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]]);
    yield* read(process, reader, CAPACITY);
    assert.deepEqual(yield* wait(process, ep), [[writer, EPOLLOUT]], "there is room again");
    assert.deepEqual(yield* wait(process, ep), []);
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, writer, EPOLLOUT | EPOLLET), 0);
    assert.deepEqual(yield* wait(process, ep), [[writer, EPOLLOUT]], "as if it were new");
  });
});

test("once: told, and then nothing until it is changed", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const { reader, writer } = yield* pipe(process);
    yield* add(process, ep, reader, EPOLLIN | EPOLLONESHOT);
    yield* write(process, writer, Buffer.from("a"));
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]]);
    yield* write(process, writer, Buffer.from("b"));
    assert.deepEqual(yield* wait(process, ep), []);
    yield* close(process, writer);
    assert.deepEqual(yield* wait(process, ep), [], "not even the end");
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, reader, EPOLLIN | EPOLLONESHOT | EPOLLET, 77n), 0);
    assert.deepEqual(yield* wait(process, ep), [[77, EPOLLIN | EPOLLHUP]]);
    assert.deepEqual(yield* wait(process, ep), []);
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, reader, EPOLLIN, 2n ** 53n - 1n), 0);
    assert.deepEqual(yield* wait(process, ep), [[2 ** 53 - 1, EPOLLIN | EPOLLHUP]]);
    assert.deepEqual(yield* wait(process, ep), [[2 ** 53 - 1, EPOLLIN | EPOLLHUP]]);
  });
});

test("what is asked for is what is told, and what is not asked for is not", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const [one, other] = yield* socketPair(process);
    yield* write(process, other, Buffer.from("x"));
    yield* add(process, ep, one, 0);
    assert.deepEqual(yield* wait(process, ep), []);
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, one, EPOLLOUT), 0);
    assert.deepEqual(yield* wait(process, ep), [[one, EPOLLOUT]]);
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, one, EPOLLIN | EPOLLRDNORM | EPOLLRDHUP), 0);
    assert.deepEqual(yield* wait(process, ep), [[one, EPOLLIN | EPOLLRDNORM]]);
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, one, EPOLLRDHUP), 0);
    assert.deepEqual(yield* wait(process, ep), []);
    assert.equal(yield* process.call("posix_shutdown", other, 1), 0);
    assert.deepEqual(yield* wait(process, ep), [[one, EPOLLRDHUP]]);
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, one, 0), 0);
    assert.deepEqual(yield* wait(process, ep), []);
    yield* close(process, other);
    assert.deepEqual(yield* wait(process, ep), [[one, EPOLLHUP]]);
    const { reader, writer } = yield* pipe(process);
    yield* add(process, ep, writer, 0);
    yield* close(process, one, reader);
    assert.deepEqual(yield* wait(process, ep), [[writer, EPOLLERR]]);
  });
});

test("a socket of AF_UNIX is watched through connecting and shutting down", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const name = Buffer.alloc(112);
    name.writeUInt16LE(1);
    name.write("/name", 2);
    name.writeUInt16LE(5, 110);
    process.put(BUFFER, name);
    const listener = yield* process.call("posix_socket", 1, 1 | O_NONBLOCK, 0);
    const client = yield* process.call("posix_socket", 1, 1 | O_NONBLOCK, 0);
    assert.equal(yield* process.call("posix_bind", listener, BUFFER), 0);
    assert.equal(yield* process.call("posix_listen", listener, 5), 0);
    yield* add(process, ep, listener, EPOLLIN | EPOLLET);
    yield* add(process, ep, client, EPOLLIN | EPOLLET);
    assert.deepEqual(yield* wait(process, ep), [[client, EPOLLHUP]], "it is not connected");
    assert.equal(yield* process.call("posix_connect", client, BUFFER), 0);
    assert.deepEqual(yield* wait(process, ep), [[listener, EPOLLIN]]);
    const server = yield* process.call("posix_accept", listener, 0, O_NONBLOCK);
    assert.deepEqual(yield* wait(process, ep), []);
    yield* write(process, server, Buffer.from("hello"), BUFFER + 200);
    assert.deepEqual(yield* wait(process, ep), [[client, EPOLLIN]], "by the pipe that it reads since then");
    yield* write(process, server, Buffer.from("again"), BUFFER + 200);
    assert.deepEqual(yield* wait(process, ep), [[client, EPOLLIN]]);
    assert.equal(yield* process.call("posix_shutdown", client, 0), 0);
    assert.deepEqual(yield* wait(process, ep), [[client, EPOLLIN]], "the end can be read");
    yield* close(process, server);
    assert.deepEqual(yield* wait(process, ep), [[client, EPOLLIN | EPOLLHUP]]);
    yield* close(process, client, listener, ep);
  });
});

test("entries are of a descriptor and its description, and go with the description", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const { reader, writer } = yield* pipe(process);
    const second = yield* process.call("posix_dup", reader);
    yield* write(process, writer, Buffer.from("x"));
    yield* add(process, ep, reader, EPOLLIN);
    assert.equal(yield* control(process, ep, EPOLL_CTL_ADD, reader, EPOLLIN), -EEXIST);
    yield* add(process, ep, second, EPOLLIN);
    const both = [reader, second].sort((a, b) => a - b);
    const told = (yield* wait(process, ep)).map(([data]) => data);
    assert.deepEqual(
      told.toSorted((a, b) => a - b),
      both,
    );
    // The description is still there, so is the entry; but nobody can name it any more.
    yield* close(process, reader);
    assert.equal((yield* wait(process, ep)).length, 2);
    assert.equal(yield* control(process, ep, EPOLL_CTL_DEL, reader, 0), -EBADF);
    const another = yield* pipe(process);
    assert.equal(another.reader, reader, "the lowest free one");
    assert.equal(yield* control(process, ep, EPOLL_CTL_DEL, reader, 0), -ENOENT);
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, reader, EPOLLIN), -ENOENT);
    yield* add(process, ep, reader, EPOLLIN);
    assert.equal((yield* wait(process, ep)).length, 2, "the new pipe is empty");
    yield* close(process, second);
    assert.deepEqual(yield* wait(process, ep), []);
    yield* write(process, another.writer, Buffer.from("x"));
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]]);
    assert.equal(yield* control(process, ep, EPOLL_CTL_DEL, reader, 0), 0);
    assert.deepEqual(yield* wait(process, ep), []);
    assert.equal(yield* control(process, ep, EPOLL_CTL_DEL, reader, 0), -ENOENT);
    // The epoll, too, is closed with its last descriptor.
    yield* add(process, ep, reader, EPOLLIN);
    const twin = yield* process.call("posix_dup", ep);
    yield* close(process, ep);
    assert.deepEqual(yield* wait(process, twin), [[reader, EPOLLIN]]);
    yield* close(process, twin);
    assert.equal(yield* process.call("posix_epoll_wait", twin, TOLD, 1, 0n), -EBADF);
    yield* read(process, reader, 1);
    yield* write(process, another.writer, Buffer.from("nobody is told"));
  });
});

test("more is ready than there is room for: all have their turn", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const readers: number[] = [];
    for (let i = 0; i < 10; i++) {
      const { reader, writer } = yield* pipe(process);
      yield* write(process, writer, Buffer.from("x"));
      yield* add(process, ep, reader, i % 2 === 0 ? EPOLLIN : EPOLLIN | EPOLLET);
      readers.push(reader);
    }
    const told: number[] = [];
    for (let i = 0; i < 5; i++) told.push(...(yield* wait(process, ep, 0n, 3)).map(([data]) => data));
    assert.deepEqual(told.slice(0, 10), readers);
    assert.deepEqual(
      told.slice(10),
      readers.filter((_, i) => i % 2 === 0),
    );
  });
});

test("who waits is told: of what comes, is added, is changed; until its time is over or a signal comes", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const { reader, writer } = yield* pipe(process);
    const results: unknown[] = [];
    const waiter = yield* process.thread(function* () {
      for (let i = 0; i < 4; i++) results.push(yield* wait(process, ep, -1n, 64, TOLD + 4096));
    });
    yield* process.settle();
    yield* add(process, ep, reader, EPOLLIN | EPOLLET);
    yield* process.settle();
    assert.deepEqual(results, []);
    yield* write(process, writer, Buffer.from("x"));
    yield* process.settle();
    assert.deepEqual(results.splice(0), [[[reader, EPOLLIN]]]);
    yield* add(process, ep, writer, EPOLLOUT | EPOLLET);
    yield* process.settle();
    assert.deepEqual(results.splice(0), [[[writer, EPOLLOUT]]]);
    assert.equal(yield* control(process, ep, EPOLL_CTL_MOD, reader, EPOLLIN | EPOLLET, 5n), 0);
    yield* process.settle();
    assert.deepEqual(results.splice(0), [[[5, EPOLLIN]]]);
    // What is taken away, or closed, while it waits tells nothing; closing the epoll's descriptor neither.
    assert.equal(yield* control(process, ep, EPOLL_CTL_DEL, reader, 0), 0);
    yield* close(process, writer);
    yield* process.settle();
    assert.deepEqual(results, []);
    yield* add(process, ep, reader, EPOLLIN);
    yield* process.join(waiter);
    assert.deepEqual(results.splice(0), [[[reader, EPOLLIN | EPOLLHUP]]]);

    yield* close(process, reader);
    const begin = process.now();
    assert.deepEqual(yield* wait(process, ep, 30_000_000n), []);
    assert.ok(process.now() - begin >= 30e6 && process.now() - begin < 31e6);
    const caught = yield* process.catches(SIGUSR1, function* () {
      yield* process.call("posix_getpid");
      return 0;
    });
    assert.equal(caught, 0);
    const killer = yield* process.thread(function* () {
      yield* process.call("posix_kill", 1, SIGUSR1);
    });
    assert.equal(yield* process.call("posix_epoll_wait", ep, TOLD, 1, -1n), -EINTR);
    yield* process.join(killer);
  });
});

test("closing the last descriptor of an epoll in which a thread waits leaves the thread its epoll", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const { reader, writer } = yield* pipe(process);
    yield* add(process, ep, reader, EPOLLIN);
    let told: readonly Told[] = [];
    const waiter = yield* process.thread(function* () {
      told = yield* wait(process, ep, -1n, 64, TOLD + 4096);
    });
    yield* process.settle();
    yield* close(process, ep);
    yield* write(process, writer, Buffer.from("x"));
    yield* process.join(waiter);
    assert.deepEqual(told, [[reader, EPOLLIN]]);
    assert.equal(yield* process.call("posix_epoll_wait", ep, TOLD, 1, 0n), -EBADF);
  });
});

test("of several threads that wait in one epoll one is woken for each edge, and none waits beside something ready", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const pipes = [yield* pipe(process), yield* pipe(process), yield* pipe(process)];
    for (const { reader } of pipes) yield* add(process, ep, reader, EPOLLIN | EPOLLET);
    const results: Told[][] = [];
    const threads = [];
    for (let i = 0; i < 3; i++) {
      threads.push(
        yield* process.thread(function* () {
          results.push(yield* wait(process, ep, -1n, 1, TOLD + 4096 * (i + 1)));
        }),
      );
    }
    yield* process.settle();
    yield* write(process, pipes[0]?.writer ?? 0, Buffer.from("x"));
    yield* process.settle();
    assert.deepEqual(results.splice(0), [[[pipes[0]?.reader, EPOLLIN]]], "one thread for one edge");
    yield* write(process, pipes[1]?.writer ?? 0, Buffer.from("x"));
    yield* write(process, pipes[2]?.writer ?? 0, Buffer.from("x"));
    yield* process.join(...threads);
    assert.deepEqual(
      results.map(([told]) => told?.[0]),
      [pipes[1]?.reader, pipes[2]?.reader],
    );
  });
});
