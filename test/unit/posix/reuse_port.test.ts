// SO_REUSEPORT: sockets that share a port, each with its share of the peers.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { type Process, runApp } from "./machine.ts";

const SOL_SOCKET = 1;
const [SO_REUSEADDR, SO_REUSEPORT] = [2, 15];
const EADDRINUSE = 98;
const EAGAIN = 11;
const O_NONBLOCK = 0o4000;
const F_SETFL = 4;
const PORT = 80;
const SHARERS = 4;
const PEERS = 64;
/** A share of 64 peers among four is 16; less than 3 comes once in 100 000 fair draws. */
const LEAST = 3;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* socketWith(process: Process, type: "tcp" | "udp", ...options: readonly number[]): Piece<number> {
  const fd = yield* process.socket(type);
  for (const name of options) {
    process.put(BUFFER, Buffer.from(Int32Array.of(1).buffer));
    assert.equal(yield* process.call("posix_setsockopt", fd, SOL_SOCKET, name, BUFFER, 4), 0);
  }
  return fd;
}

function* sharer(process: Process, type: "tcp" | "udp"): Piece<number> {
  const fd = yield* socketWith(process, type, SO_REUSEPORT);
  assert.equal(yield* process.bind(fd, PORT), 0);
  if (type === "tcp") assert.equal(yield* process.call("posix_listen", fd, PEERS), 0);
  yield* process.call("posix_fcntl", fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/** How many connections, or datagrams, wait at a socket; takes them. */
function* taken(process: Process, type: "tcp" | "udp", fd: number): Piece<number> {
  for (let count = 0; ; count++) {
    const got = yield* type === "tcp"
      ? process.call("posix_accept", fd, 0, 0)
      : process.call("posix_recvfrom", fd, BUFFER, 64, 0, 0);
    if (got === -EAGAIN) return count;
    assert.ok(got >= 0, `${got}`);
    if (type === "tcp") yield* process.call("posix_close", got);
  }
}

/** Comes from a port of its own, which the kernel chooses. */
function* newPeer(process: Process, type: "tcp" | "udp"): Piece<number> {
  const fd = yield* process.socket(type);
  assert.equal(yield* process.connect(fd, "127.0.0.1", PORT), 0);
  return fd;
}

for (const type of ["tcp", "udp"] as const) {
  test(`${type}: four sockets share a port; what one leaves the others take over`, () => {
    runApp(kernel, function* (process) {
      const sharers: number[] = [];
      for (let i = 0; i < SHARERS; i++) sharers.push(yield* sharer(process, type));
      while (sharers.length > 1) {
        const peers: number[] = [];
        for (let i = 0; i < PEERS; i++) {
          const fd = yield* newPeer(process, type);
          peers.push(fd);
          if (type === "udp") assert.equal(yield* process.call("posix_sendto", fd, BUFFER, 1, 0, 0), 1);
        }
        yield* process.settle();
        let sum = 0;
        for (const fd of sharers) {
          const share = yield* taken(process, type, fd);
          assert.ok(share >= LEAST, `a share of ${share} of ${PEERS} among ${sharers.length}`);
          sum += share;
        }
        assert.equal(sum, PEERS);
        for (const fd of [...peers, sharers.pop() ?? -1]) assert.equal(yield* process.call("posix_close", fd), 0);
      }
    });
  });

  test(`${type}: a port is shared only by sockets that all ask for it before they are bound`, () => {
    runApp(kernel, function* (process) {
      yield* sharer(process, type);
      for (const options of [[], [SO_REUSEADDR]]) {
        const fd = yield* socketWith(process, type, ...options);
        assert.equal(yield* process.bind(fd, PORT), -EADDRINUSE);
      }
      const plain = yield* process.socket(type);
      assert.equal(yield* process.bind(plain, PORT + 1), 0);
      assert.equal(yield* process.bind(yield* socketWith(process, type, SO_REUSEPORT), PORT + 1), -EADDRINUSE);
    });
  });
}

test("udp: a peer stays with its socket", () => {
  runApp(kernel, function* (process) {
    const sharers: number[] = [];
    for (let i = 0; i < SHARERS; i++) sharers.push(yield* sharer(process, "udp"));
    const fd = yield* newPeer(process, "udp");
    for (let i = 0; i < 8; i++) assert.equal(yield* process.call("posix_sendto", fd, BUFFER, 1, 0, 0), 1);
    yield* process.settle();
    const shares: number[] = [];
    for (const socket of sharers) shares.push(yield* taken(process, "udp", socket));
    assert.deepEqual(
      shares.sort((a, b) => a - b),
      [0, 0, 0, 8],
    );
  });
});
