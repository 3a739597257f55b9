// Options of TCP sockets as an app sets and reads them.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EINVAL, ENOENT, type Process, runApp } from "./machine.ts";

const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;
const TCP_ECN_MODE = 260;
const MSG_OOB = 1;
const EOPNOTSUPP = 95;
const ENOTCONN = 107;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* setText(process: Process, fd: number, name: number, text: string): Piece<number> {
  process.put(BUFFER, Buffer.from(text, "latin1"));
  return yield* process.call("posix_setsockopt", fd, IPPROTO_TCP, name, BUFFER, text.length);
}

function* getText(process: Process, fd: number, name: number, length = 64): Piece<string> {
  const size = yield* process.call("posix_getsockopt", fd, IPPROTO_TCP, name, BUFFER, length);
  assert.ok(size >= 0, `${size}`);
  return process.get(BUFFER, size).toString("latin1");
}

// RFC 9293 MAY-18
test("TCP_CONGESTION: CUBIC unless NewReno is asked for by name", () => {
  runApp(kernel, function* (process) {
    const fd = yield* process.socket("tcp");
    assert.equal(yield* getText(process, fd, TCP_CONGESTION), "cubic".padEnd(16, "\0"));
    assert.equal(yield* setText(process, fd, TCP_CONGESTION, "reno"), 0);
    assert.equal(yield* getText(process, fd, TCP_CONGESTION, 4), "reno");
    assert.equal(yield* setText(process, fd, TCP_CONGESTION, "cubic\0rest"), 0);
    assert.equal(yield* getText(process, fd, TCP_CONGESTION, 5), "cubic");
    for (const name of ["", "bbr", "cub", "cubics", "renovation of a long name"]) {
      assert.equal(yield* setText(process, fd, TCP_CONGESTION, name), name === "" ? -EINVAL : -ENOENT);
    }
    assert.equal(yield* getText(process, fd, TCP_CONGESTION, 5), "cubic");
  });
});

const SOL_SOCKET = 1;
const [TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT] = [2, 3, 4, 5, 6];
const [TCP_INFO, TCP_QUICKACK, TCP_USER_TIMEOUT] = [11, 12, 18];
const [SO_OOBINLINE, SO_LINGER] = [10, 13];
const ENOTTY = 25;

function* setNumber(process: Process, fd: number, level: number, name: number, number: number): Piece<number> {
  process.put(BUFFER, Buffer.from(Int32Array.of(number).buffer));
  return yield* process.call("posix_setsockopt", fd, level, name, BUFFER, 4);
}

function* getNumber(process: Process, fd: number, level: number, name: number): Piece<number> {
  assert.equal(yield* process.call("posix_getsockopt", fd, level, name, BUFFER, 4), 4);
  return process.get(BUFFER, 4).readInt32LE();
}

test("the ranges of TCP's numeric options are Linux's", () => {
  runApp(kernel, function* (process) {
    const fd = yield* process.socket("tcp");
    const ranges = [
      [TCP_KEEPIDLE, 1, 32_767],
      [TCP_KEEPINTVL, 1, 32_767],
      [TCP_KEEPCNT, 1, 127],
      [TCP_USER_TIMEOUT, 0, 0x7fffffff],
    ] as const;
    for (const [name, least, most] of ranges) {
      for (const number of [least, most]) {
        assert.equal(yield* setNumber(process, fd, IPPROTO_TCP, name, number), 0);
        assert.equal(yield* getNumber(process, fd, IPPROTO_TCP, name), number);
      }
      assert.equal(yield* setNumber(process, fd, IPPROTO_TCP, name, least - 1), -EINVAL);
      if (most < 0x7fffffff) assert.equal(yield* setNumber(process, fd, IPPROTO_TCP, name, most + 1), -EINVAL);
      assert.equal(yield* getNumber(process, fd, IPPROTO_TCP, name), most);
    }
    for (const size of [87, 32_768])
      assert.equal(yield* setNumber(process, fd, IPPROTO_TCP, TCP_MAXSEG, size), -EINVAL);
    assert.equal(yield* setNumber(process, fd, IPPROTO_TCP, TCP_MAXSEG, 88), 0);
    for (const name of [TCP_CORK, TCP_QUICKACK]) {
      assert.equal(yield* getNumber(process, fd, IPPROTO_TCP, name), 0);
      assert.equal(yield* setNumber(process, fd, IPPROTO_TCP, name, 7), 0);
      assert.equal(yield* getNumber(process, fd, IPPROTO_TCP, name), 1);
    }
  });
});

test("urgent data is always in line", () => {
  runApp(kernel, function* (process) {
    const fd = yield* process.socket("tcp");
    assert.equal(yield* getNumber(process, fd, SOL_SOCKET, SO_OOBINLINE), 1);
    assert.equal(yield* setNumber(process, fd, SOL_SOCKET, SO_OOBINLINE, 1), 0);
    assert.equal(yield* setNumber(process, fd, SOL_SOCKET, SO_OOBINLINE, 0), -EINVAL);
  });
});

test("SO_LINGER: seconds are kept within what Linux has", () => {
  runApp(kernel, function* (process) {
    const fd = yield* process.socket("tcp");
    for (const [given, kept] of [
      [5, 5],
      [40_000, 32_767],
    ] as const) {
      process.put(BUFFER, Buffer.from(Int32Array.of(1, given).buffer));
      assert.equal(yield* process.call("posix_setsockopt", fd, SOL_SOCKET, SO_LINGER, BUFFER, 8), 0);
      assert.equal(yield* process.call("posix_getsockopt", fd, SOL_SOCKET, SO_LINGER, BUFFER, 8), 8);
      assert.deepEqual([process.get(BUFFER, 8).readInt32LE(0), process.get(BUFFER, 8).readInt32LE(4)], [1, kept]);
    }
    assert.equal(yield* process.call("posix_setsockopt", fd, SOL_SOCKET, SO_LINGER, BUFFER, 7), -EINVAL);
  });
});

/** A connection over the loopback interface: listener, client, server. */
function* connected(process: Process): Piece<readonly [number, number, number]> {
  const listener = yield* process.socket("tcp");
  assert.equal(yield* process.bind(listener, 9000), 0);
  assert.equal(yield* process.call("posix_listen", listener, 4), 0);
  const client = yield* process.socket("tcp");
  assert.equal(yield* process.connect(client, "127.0.0.1", 9000), 0);
  return [listener, client, yield* process.call("posix_accept", listener, 0, 0)];
}

function* tcpInfo(process: Process, fd: number): Piece<Buffer> {
  const length = yield* process.call("posix_getsockopt", fd, IPPROTO_TCP, TCP_INFO, BUFFER, 512);
  assert.equal(length, 152);
  return process.get(BUFFER, length);
}

test("TCP_INFO has Linux's layout and says what is", () => {
  runApp(kernel, function* (process) {
    const [listener, client, server] = yield* connected(process);
    assert.equal((yield* tcpInfo(process, listener))[0], 10);
    process.put(BUFFER, Buffer.alloc(3000, 1));
    assert.equal(yield* process.call("posix_sendto", client, BUFFER, 3000, 0, 0), 3000);
    yield* process.sleep(1);
    const sent = yield* tcpInfo(process, client);
    const received = yield* tcpInfo(process, server);
    assert.deepEqual([sent[0], sent[1], sent[2], sent[5]], [1, 0, 0, 7]);
    assert.equal(sent.readUInt32LE(24), 0, "unacked");
    assert.equal(sent.readUInt32LE(76), 0x7fffffff, "snd_ssthresh");
    assert.equal(sent.readUInt32LE(100), 0, "total_retrans");
    assert.equal(sent.readBigUInt64LE(104), 2n ** 64n - 1n, "pacing_rate");
    assert.equal(sent.readBigUInt64LE(120), 3000n, "bytes_acked");
    assert.equal(received.readBigUInt64LE(128), 3000n, "bytes_received");
    assert.ok(sent.readUInt32LE(44) >= 900 && sent.readUInt32LE(44) <= 1100, "last_data_sent");
    assert.ok(received.readUInt32LE(52) >= 900 && received.readUInt32LE(52) <= 1100, "last_data_recv");
    const mss = sent.readUInt32LE(16);
    assert.ok(mss >= 536 && sent.readUInt32LE(60) > mss, "snd_mss < pmtu");
    assert.ok(sent.readUInt32LE(8) >= 200_000, "rto");
    assert.ok(sent.readUInt32LE(80) >= 2, "snd_cwnd");
    assert.equal(
      sent.readUInt32LE(136),
      received.readUInt32LE(140) + 1,
      "segs_out: the handshake's last made the child",
    );
    // A short buffer gets what fits.
    assert.equal(yield* process.call("posix_getsockopt", client, IPPROTO_TCP, TCP_INFO, BUFFER, 8), 8);
  });
});

const [FIONREAD, FIONBIO, SIOCOUTQ, SIOCOUTQNSD] = [0x541b, 0x5421, 0x5411, 0x894b];

function* queueLength(process: Process, fd: number, request: number): Piece<number> {
  const result = yield* process.call("posix_ioctl", fd, request, BUFFER);
  return result < 0 ? result : process.get(BUFFER, 4).readInt32LE();
}

test("ioctl tells what waits to be read and to be acknowledged", () => {
  runApp(kernel, function* (process) {
    const [listener, client, server] = yield* connected(process);
    assert.equal(yield* queueLength(process, server, FIONREAD), 0);
    assert.equal(yield* setNumber(process, client, IPPROTO_TCP, TCP_CORK, 1), 0);
    yield* process.call("posix_sendto", client, BUFFER, 100, 0, 0);
    assert.equal(yield* queueLength(process, client, SIOCOUTQ), 100);
    assert.equal(yield* queueLength(process, client, SIOCOUTQNSD), 100);
    yield* process.sleep(1);
    assert.equal(yield* queueLength(process, client, SIOCOUTQ), 0);
    assert.equal(yield* queueLength(process, server, FIONREAD), 100);
    assert.equal(yield* queueLength(process, listener, FIONREAD), -EINVAL);
    const datagrams = yield* process.socket("udp");
    assert.equal(yield* queueLength(process, datagrams, FIONREAD), 0);
    assert.equal(yield* queueLength(process, datagrams, SIOCOUTQ), -ENOTTY);
    assert.equal(yield* queueLength(process, server, 0x1234), -ENOTTY);
    process.put(BUFFER, Buffer.from(Int32Array.of(1).buffer));
    assert.equal(yield* process.call("posix_ioctl", client, FIONBIO, BUFFER), 0);
    assert.equal(yield* process.call("posix_recvfrom", client, BUFFER, 1, 0, 0), -11);
  });
});

// RFC 9293 SHLD-13
test("urgent data is not for applications to send", () => {
  runApp(kernel, function* (process) {
    const fd = yield* process.socket("tcp");
    assert.equal(yield* process.call("posix_sendto", fd, BUFFER, 1, MSG_OOB, 0), -EOPNOTSUPP);
    assert.equal(yield* process.call("posix_sendto", fd, BUFFER, 1, 0, 0), -ENOTCONN); // without it the call goes on
  });
});

test("TCP_ECN_MODE: 0, 1 and 2, by default 2", () => {
  runApp(kernel, function* (process) {
    const fd = yield* process.socket("tcp");
    const value = function* (): Piece<number> {
      assert.equal(yield* process.call("posix_getsockopt", fd, IPPROTO_TCP, TCP_ECN_MODE, BUFFER, 4), 4);
      return process.get(BUFFER, 4).readInt32LE(0);
    };
    assert.equal(yield* value(), 2);
    for (const mode of [0, 1, 2, 3, -1]) {
      process.put(BUFFER, Buffer.from([mode & 255, mode >> 8, mode >> 16, mode >> 24]));
      const taken = mode >= 0 && mode <= 2;
      assert.equal(
        yield* process.call("posix_setsockopt", fd, IPPROTO_TCP, TCP_ECN_MODE, BUFFER, 4),
        taken ? 0 : -EINVAL,
      );
      assert.equal(yield* value(), taken ? mode : 2);
    }
  });
});
