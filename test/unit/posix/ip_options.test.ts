// Options of levels IPPROTO_IP and IPPROTO_IPV6 as an app sets and reads them, with Linux's ranges and errors.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EINVAL, type Process, runApp } from "./machine.ts";

const AF_INET6 = 10;
const ENOPROTOOPT = 92;
const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_TTL = 2;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_TCLASS = 67;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* set(process: Process, fd: number, level: number, name: number, value: number, length = 4): Piece<number> {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  process.put(BUFFER, bytes);
  return yield* process.call("posix_setsockopt", fd, level, name, BUFFER, length);
}

function* get(process: Process, fd: number, level: number, name: number): Piece<number> {
  const size = yield* process.call("posix_getsockopt", fd, level, name, BUFFER, 4);
  return size < 0 ? size : process.get(BUFFER, 4).readInt32LE(0);
}

function* socket6(process: Process, type: "tcp" | "udp"): Piece<number> {
  return yield* process.call("posix_socket", AF_INET6, type === "tcp" ? 1 : 2, 0);
}

// RFC 9293 MUST-48
test("IP_TOS: any value, of which a stream keeps six bits", () => {
  runApp(kernel, function* (process) {
    const stream = yield* process.socket("tcp");
    const datagram = yield* process.socket("udp");
    assert.equal(yield* get(process, stream, IPPROTO_IP, IP_TOS), 0);
    for (const [asked, byStream, byDatagram] of [
      [0xb8, 0xb8, 0xb8],
      [0xff, 0xfc, 0xff],
      [0x1b9, 0xb8, 0xb9],
      [-1, 0xfc, 0xff],
      [0, 0, 0],
    ] as const) {
      assert.equal(yield* set(process, stream, IPPROTO_IP, IP_TOS, asked), 0);
      assert.equal(yield* set(process, datagram, IPPROTO_IP, IP_TOS, asked), 0);
      assert.equal(yield* get(process, stream, IPPROTO_IP, IP_TOS), byStream);
      assert.equal(yield* get(process, datagram, IPPROTO_IP, IP_TOS), byDatagram);
    }
    assert.equal(yield* set(process, stream, IPPROTO_IP, 99, 1), -ENOPROTOOPT);
    assert.equal(yield* get(process, stream, IPPROTO_IP, 99), -ENOPROTOOPT);
  });
});

// RFC 9293 MUST-49
test("IP_TTL: 1 to 255, -1 for the default of 64", () => {
  runApp(kernel, function* (process) {
    for (const type of ["tcp", "udp"] as const) {
      const fd = yield* process.socket(type);
      assert.equal(yield* get(process, fd, IPPROTO_IP, IP_TTL), 64);
      for (const value of [1, 64, 255]) {
        assert.equal(yield* set(process, fd, IPPROTO_IP, IP_TTL, value), 0);
        assert.equal(yield* get(process, fd, IPPROTO_IP, IP_TTL), value);
      }
      for (const value of [0, 256, -2, 65536 + 64]) {
        assert.equal(yield* set(process, fd, IPPROTO_IP, IP_TTL, value), -EINVAL, `${value}`);
      }
      assert.equal(yield* get(process, fd, IPPROTO_IP, IP_TTL), 255);
      assert.equal(yield* set(process, fd, IPPROTO_IP, IP_TTL, -1), 0);
      assert.equal(yield* get(process, fd, IPPROTO_IP, IP_TTL), 64);
      // One byte is enough, and nothing is 0.
      assert.equal(yield* set(process, fd, IPPROTO_IP, IP_TTL, 0x1234_0507, 1), 0);
      assert.equal(yield* get(process, fd, IPPROTO_IP, IP_TTL), 7);
      assert.equal(yield* set(process, fd, IPPROTO_IP, IP_TTL, 9, 0), -EINVAL);
      assert.equal(yield* process.call("posix_getsockopt", fd, IPPROTO_IP, IP_TTL, BUFFER, 2), 1);
    }
  });
});

test("IPV6_UNICAST_HOPS and IPV6_TCLASS: 0 to 255, -1 for the default, of sockets of IPv6 only", () => {
  runApp(kernel, function* (process) {
    for (const type of ["tcp", "udp"] as const) {
      const fd = yield* socket6(process, type);
      assert.equal(yield* get(process, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
      assert.equal(yield* get(process, fd, IPPROTO_IPV6, IPV6_TCLASS), 0);
      for (const value of [0, 1, 255]) {
        assert.equal(yield* set(process, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, value), 0);
        assert.equal(yield* get(process, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), value);
        assert.equal(yield* set(process, fd, IPPROTO_IPV6, IPV6_TCLASS, value), 0);
        assert.equal(yield* get(process, fd, IPPROTO_IPV6, IPV6_TCLASS), type === "tcp" ? value & ~3 : value);
      }
      for (const option of [IPV6_UNICAST_HOPS, IPV6_TCLASS]) {
        for (const value of [-2, 256]) assert.equal(yield* set(process, fd, IPPROTO_IPV6, option, value), -EINVAL);
        assert.equal(yield* set(process, fd, IPPROTO_IPV6, option, 1, 3), -EINVAL);
        assert.equal(yield* set(process, fd, IPPROTO_IPV6, option, -1), 0);
      }
      assert.equal(yield* get(process, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
      assert.equal(yield* get(process, fd, IPPROTO_IPV6, IPV6_TCLASS), 0);
      // For what it sends over IPv4.
      assert.equal(yield* set(process, fd, IPPROTO_IP, IP_TTL, 3), 0);
      assert.equal(yield* get(process, fd, IPPROTO_IP, IP_TTL), 3);
      assert.equal(yield* get(process, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
    }
    const ipv4 = yield* process.socket("udp");
    assert.equal(yield* set(process, ipv4, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1), -ENOPROTOOPT);
    assert.equal(yield* get(process, ipv4, IPPROTO_IPV6, IPV6_TCLASS), -ENOPROTOOPT);
  });
});
