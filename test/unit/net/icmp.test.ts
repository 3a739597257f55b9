import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BROADCAST_MAC,
  OUR_IP,
  PEER_IP,
  icmp,
  internetChecksum,
  ip,
  ipv4,
  ipv4Frame,
  parseIpv4,
  u16,
  udp,
  udpFrame,
} from "./frames.ts";
import { ECONNREFUSED, SECOND, Stack } from "./stack.ts";

function ping(data: Buffer): Buffer {
  return ipv4Frame({ protocol: 1 }, icmp(8, 0, 0x12340001, data));
}

/** The packet that the stack is told it sent: `sourcePort` -> PEER_IP:`port`. */
function quoted(sourcePort: number, port: number, source = OUR_IP): Buffer {
  const destination = PEER_IP;
  return ipv4(
    { protocol: 17, source, destination },
    udp({ sourcePort, destinationPort: port, source, destination }, Buffer.alloc(8)),
  );
}

function errorFrame(type: number, code: number, packet: Buffer, rest = 0): Buffer {
  return ipv4Frame({ protocol: 1 }, icmp(type, code, rest, packet));
}

test("an echo request comes back with its data", async () => {
  const stack = await Stack.create();
  const data = Buffer.from("0123456789abcdef");
  stack.input(ping(data));
  const [frame] = stack.take();
  assert.ok(frame);
  const reply = parseIpv4(frame);
  assert.deepEqual([reply.source, reply.destination, reply.protocol], [OUR_IP, PEER_IP, 1]);
  assert.deepEqual(reply.payload, icmp(0, 0, 0x12340001, data));
});

test("an echo request of several fragments is answered in fragments", async () => {
  const stack = await Stack.create();
  const data = Buffer.alloc(4000, 0x5a);
  const message = icmp(8, 0, 1, data);
  for (let offset = 0; offset < message.length; offset += 1480) {
    const more = offset + 1480 < message.length ? 0x2000 : 0;
    stack.input(ipv4Frame({ protocol: 1, fragment: more | (offset / 8) }, message.subarray(offset, offset + 1480)));
  }
  const payloads = stack.take().map((frame) => parseIpv4(frame).payload);
  assert.equal(payloads.length, 3);
  assert.deepEqual(Buffer.concat(payloads), icmp(0, 0, 1, data));
});

test("requests to broadcast addresses, and damaged ones, are not answered", async () => {
  const stack = await Stack.create();
  stack.input(ipv4Frame({ protocol: 1, destination: "10.0.2.255" }, icmp(8, 0, 1, Buffer.alloc(8)), BROADCAST_MAC));
  const damaged = ping(Buffer.alloc(8));
  damaged[40] = (damaged[40] ?? 0) ^ 1;
  stack.input(damaged);
  stack.input(ipv4Frame({ protocol: 1 }, Buffer.from([8, 0, 0xf7])));
  assert.equal(stack.take().length, 0);
});

test("a datagram for a closed port is answered with port unreachable that quotes it", async () => {
  const stack = await Stack.create();
  const datagram = udpFrame({ sourcePort: 1000, destinationPort: 4 }, Buffer.from("anybody?"));
  stack.input(datagram);
  const [frame] = stack.take();
  assert.ok(frame);
  const message = parseIpv4(frame).payload;
  assert.deepEqual([...message.subarray(0, 2)], [3, 3]);
  assert.equal(internetChecksum(message), 0);
  assert.deepEqual(message.subarray(8), datagram.subarray(14));
});

test("an unknown protocol is answered with protocol unreachable; the quote is limited to 576 bytes in all", async () => {
  const stack = await Stack.create();
  stack.input(ipv4Frame({ protocol: 132 }, Buffer.alloc(1200)));
  const [frame] = stack.take();
  assert.ok(frame);
  assert.deepEqual([...parseIpv4(frame).payload.subarray(0, 2)], [3, 2]);
  assert.equal(parseIpv4(frame).packet.length, 576);
});

test("no error is sent about an error, a broadcast, a fragment or a wrong checksum", async () => {
  const stack = await Stack.create();
  const ports = { sourcePort: 1000, destinationPort: 4 };
  stack.input(errorFrame(3, 3, quoted(4, 1000)));
  stack.input(udpFrame({ ...ports, destination: "10.0.2.255" }, Buffer.from("x"), BROADCAST_MAC));
  stack.input(udpFrame({ ...ports, checksum: "wrong" }, Buffer.from("x")));
  stack.input(ipv4Frame({ protocol: 132, fragment: 0x2001 }, Buffer.alloc(64)));
  assert.equal(stack.take().length, 0);
});

test("errors are limited in rate, by a bucket of fifty that refills a hundred a second", async () => {
  const stack = await Stack.create();
  const count = (frames: number): number => {
    for (let i = 0; i < frames; i++) stack.input(udpFrame({ sourcePort: 1000, destinationPort: 4 }, Buffer.alloc(0)));
    return stack.take().length;
  };
  assert.equal(count(500), 50);
  stack.advance(SECOND / 10n);
  assert.equal(count(500), 10);
  stack.advance(60n * SECOND);
  assert.equal(stack.take().length, 0);
  stack.answerArp(PEER_IP);
  assert.equal(count(500), 50);
});

test("port unreachable reaches the connected socket, once", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.call.connect(socket, ip(PEER_IP), 7);
  stack.input(errorFrame(3, 3, quoted(5000, 7)));
  assert.equal(stack.send(socket, Buffer.from("x")), -ECONNREFUSED);
  assert.equal(stack.send(socket, Buffer.from("x")), 1);
});

test("errors that quote what we never sent change nothing", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.call.connect(socket, ip(PEER_IP), 7);
  stack.input(errorFrame(3, 3, quoted(5001, 7)));
  stack.input(errorFrame(3, 3, quoted(5000, 8)));
  stack.input(errorFrame(3, 3, quoted(5000, 7, "10.0.2.99")));
  stack.input(errorFrame(3, 3, quoted(5000, 7).subarray(0, 27)));
  stack.input(errorFrame(3, 1, quoted(5000, 7))); // host unreachable: a soft error
  stack.input(errorFrame(11, 0, quoted(5000, 7)));
  stack.input(errorFrame(5, 1, quoted(5000, 7))); // redirect
  stack.input(errorFrame(4, 0, quoted(5000, 7))); // source quench
  assert.equal(stack.call.udpTakeError(socket), 0);
  assert.equal(stack.call.ipv4PathMtu(ip(PEER_IP)), 1500);
});

test("fragmentation needed lowers the path MTU for a while, and larger datagrams are then cut", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.call.connect(socket, ip(PEER_IP), 7);
  stack.input(errorFrame(3, 4, quoted(5000, 7), 1400));
  assert.equal(stack.call.ipv4PathMtu(ip(PEER_IP)), 1400);
  assert.equal(stack.call.ipv4PathMtu(ip("10.0.2.3")), 1500);
  stack.send(socket, Buffer.alloc(1400));
  assert.deepEqual(
    stack.take().map((frame) => parseIpv4(frame).packet.length),
    [1396, 52],
  );
  stack.advance(601n * SECOND);
  assert.equal(stack.call.ipv4PathMtu(ip(PEER_IP)), 1500);
});

test("an absurd MTU is not followed below 552; none at all means the next plateau", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.call.connect(socket, ip(PEER_IP), 7);
  const large = quoted(5000, 7);
  u16(1500).copy(large, 2);
  stack.input(errorFrame(3, 4, large, 0));
  assert.equal(stack.call.ipv4PathMtu(ip(PEER_IP)), 1492);
  stack.input(errorFrame(3, 4, quoted(5000, 7), 10));
  assert.equal(stack.call.ipv4PathMtu(ip(PEER_IP)), 552);
  stack.input(errorFrame(3, 4, quoted(5000, 7), 1000));
  assert.equal(stack.call.ipv4PathMtu(ip(PEER_IP)), 552);
  stack.send(socket, Buffer.from("x"));
  const [frame] = stack.take();
  assert.equal(frame && parseIpv4(frame).fragment, 0, "at the minimum routers may fragment");
});

test("the path MTU cache is bounded and forgets the oldest", async () => {
  const stack = await Stack.create();
  for (let i = 0; i < 40; i++) stack.call.lowerPathMtu(ip(`192.0.2.${i + 1}`), 1000, stack.now + BigInt(i));
  const lowered = Array.from({ length: 40 }, (_, i) => stack.call.ipv4PathMtu(ip(`192.0.2.${i + 1}`)) === 1000);
  assert.deepEqual(lowered, [...Array<boolean>(8).fill(false), ...Array<boolean>(32).fill(true)]);
});
