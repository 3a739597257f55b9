// epoll and sockets of TCP and UDP, over the loopback: connections that come, stand, fail and end; what can be read and written.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EPOLL_CTL_ADD,
  TOLD,
  type Told,
  add,
  close,
  control,
  epoll,
  wait,
} from "./epolls.ts";
import { type Process, runApp } from "./machine.ts";
import { EAGAIN, bytes, read, write } from "./pipes.ts";

const NONBLOCK = 0x800;
const EINPROGRESS = 115;
const HERE = "127.0.0.1";
const ALL = EPOLLIN | EPOLLOUT | EPOLLRDHUP;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function tcp(process: Process): Piece<number> {
  return process.call("posix_socket", 2, 1 | NONBLOCK, 0);
}

function* listener(process: Process, port: number): Piece<number> {
  const fd = yield* tcp(process);
  assert.equal(yield* process.bind(fd, port), 0);
  assert.equal(yield* process.call("posix_listen", fd, 100), 0);
  return fd;
}

test("a server of one thread, edge-triggered: 40 connections that come at once, each is answered and ends", () => {
  const count = 40;
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const listening = yield* listener(process, 80);
    yield* add(process, ep, listening, EPOLLIN | EPOLLET);
    let served = 0;
    let looked = 0;
    const server = yield* process.thread(function* () {
      while (served < count) {
        for (const [fd, events] of yield* wait(process, ep, -1n, 8, TOLD + 4096)) {
          looked += 1;
          if (fd === listening) {
            for (;;) {
              const connection = yield* process.call("posix_accept", listening, 0, NONBLOCK);
              if (connection < 0) break;
              yield* add(process, ep, connection, ALL | EPOLLET);
            }
            continue;
          }
          assert.ok((events & EPOLLOUT) !== 0, `${events}`);
          const request = yield* read(process, fd, 100, BUFFER + 30_000);
          if (request === -EAGAIN) continue;
          assert.equal(request.toString(), "ask");
          assert.equal(yield* write(process, fd, Buffer.from("answer"), BUFFER + 31_000), 6);
          yield* close(process, fd);
          served += 1;
        }
      }
    });
    const mine = yield* epoll(process);
    for (let i = 0; i < count; i++) {
      const fd = yield* tcp(process);
      yield* add(process, mine, fd, ALL | EPOLLET);
      assert.equal(yield* process.connect(fd, HERE, 80), -EINPROGRESS);
    }
    let answered = 0;
    const asked = new Set<number>();
    while (answered < count) {
      for (const [fd, events] of yield* wait(process, mine, 1_000_000_000n)) {
        if (!asked.has(fd) && (events & EPOLLOUT) !== 0 && (events & EPOLLHUP) === 0) {
          asked.add(fd);
          assert.equal(yield* write(process, fd, Buffer.from("ask")), 3);
        }
        if ((events & EPOLLRDHUP) === 0) continue;
        assert.equal((yield* read(process, fd, 100)).toString(), "answer");
        yield* close(process, fd);
        answered += 1;
      }
    }
    yield* process.join(server);
    assert.ok(looked < 6 * count, `${looked} events for ${count} connections`);
  });
});

test("a connection that nobody takes fails: EPOLLERR and EPOLLHUP", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const fd = yield* tcp(process);
    yield* add(process, ep, fd, EPOLLOUT);
    assert.deepEqual(yield* wait(process, ep), [[fd, EPOLLOUT | EPOLLHUP]], "as Linux has it before connect");
    assert.equal(yield* process.connect(fd, HERE, 4711), -EINPROGRESS);
    const [[data, events] = [0, 0]] = yield* wait(process, ep, 1_000_000_000n);
    assert.equal(data, fd);
    assert.equal(events & (EPOLLERR | EPOLLHUP), EPOLLERR | EPOLLHUP);
  });
});

test("who has filled a connection is told when there is room, once when edge-triggered", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const listening = yield* listener(process, 80);
    const client = yield* tcp(process);
    yield* process.connect(client, HERE, 80);
    yield* process.settle();
    const server = yield* process.call("posix_accept", listening, 0, NONBLOCK);
    yield* add(process, ep, client, EPOLLOUT | EPOLLET);
    assert.deepEqual(yield* wait(process, ep), [[client, EPOLLOUT]]);
    let sent = 0;
    for (let turn = 0; turn < 3; turn++) {
      for (let quiet = 0; quiet < 2;) {
        const taken = yield* write(process, client, bytes(50_000));
        quiet = taken < 0 ? quiet + 1 : 0;
        if (taken > 0) sent += taken;
        yield* process.settle();
      }
      yield* wait(process, ep); // room that came while it was filled
      assert.equal(yield* write(process, client, bytes(50_000)), -EAGAIN);
      assert.deepEqual(yield* wait(process, ep, 10_000_000n), []);
      let told: readonly Told[] = [];
      const waiter = yield* process.thread(function* () {
        told = yield* wait(process, ep, -1n, 4, TOLD + 4096);
      });
      for (let data: Buffer | number = 1; typeof data !== "number" || data > 0;) {
        data = yield* read(process, server, 50_000, BUFFER + 40_000);
        if (typeof data !== "number") sent -= data.length;
        yield* process.settle();
      }
      yield* process.join(waiter);
      assert.deepEqual(told, [[client, EPOLLOUT]]);
    }
    assert.equal(sent, 0);
  });
});

test("datagrams: each one that comes is an edge", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const socket = yield* process.call("posix_socket", 2, 2 | NONBLOCK, 0);
    const sender = yield* process.socket("udp");
    yield* process.bind(socket, 53);
    yield* process.connect(sender, HERE, 53);
    assert.equal(yield* control(process, ep, EPOLL_CTL_ADD, socket, EPOLLIN | EPOLLET), 0);
    assert.deepEqual(yield* wait(process, ep), []);
    for (let i = 0; i < 3; i++) {
      yield* write(process, sender, Buffer.from("x"));
      assert.deepEqual(yield* wait(process, ep, 1_000_000n), [[socket, EPOLLIN]]);
      assert.deepEqual(yield* wait(process, ep, 1_000_000n), []);
    }
  });
});
