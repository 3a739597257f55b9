import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BROADCAST_MAC,
  OUR_IP,
  OUR_MAC,
  PEER_IP,
  PEER_MAC,
  arp,
  arpFrame,
  ethernet,
  etherType,
  ip,
  parseArp,
  parseUdp,
} from "./frames.ts";
import { EHOSTUNREACH, SECOND, Stack } from "./stack.ts";

const OTHER_MAC = "02:00:00:00:00:99";

test("a request for our address is answered to its sender, byte by byte", async () => {
  const stack = await Stack.create();
  stack.input(arpFrame({}));
  const expected = ethernet(
    0x0806,
    arp({ operation: 2, senderMac: OUR_MAC, senderIp: OUR_IP, targetMac: PEER_MAC, targetIp: PEER_IP }),
    PEER_MAC,
    OUR_MAC,
  );
  assert.deepEqual(stack.take(), [expected]);
});

test("requests for others, and malformed ones, are not answered", async () => {
  const stack = await Stack.create();
  stack.input(arpFrame({ targetIp: "10.0.2.77" }));
  stack.input(arpFrame({}).subarray(0, 41));
  for (const [offset, value] of [
    [15, 2],
    [16, 0x86],
    [18, 8],
    [19, 16],
    [21, 3],
  ] as const) {
    const frame = arpFrame({});
    frame[offset] = value;
    stack.input(frame);
  }
  stack.input(arpFrame({ senderMac: "03:00:00:00:00:02" }));
  assert.deepEqual(stack.take(), []);
});

test("a datagram waits for the answer and then goes to that station", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  assert.equal(stack.send(socket, Buffer.from("hello"), "10.0.2.9", 7), 5);
  const [request] = stack.take();
  assert.ok(request);
  assert.deepEqual(parseArp(request), {
    destination: BROADCAST_MAC,
    operation: 1,
    senderMac: OUR_MAC,
    senderIp: OUR_IP,
    targetMac: "00:00:00:00:00:00",
    targetIp: "10.0.2.9",
  });
  stack.answerArp("10.0.2.9", OTHER_MAC);
  const [frame] = stack.take();
  assert.ok(frame);
  assert.equal(parseUdp(frame).linkDestination, OTHER_MAC);
  assert.equal(parseUdp(frame).data.toString(), "hello");
});

test("destinations outside the subnet go to the gateway", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.send(socket, Buffer.from("x"), "192.0.2.1", 7);
  const [frame] = stack.take();
  assert.ok(frame);
  assert.equal(parseUdp(frame).linkDestination, PEER_MAC);
});

test("requests are repeated each second, three in all; then senders are refused and all buffers are back", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.send(socket, Buffer.from("x"), "10.0.2.9", 7);
  stack.send(socket, Buffer.from("y"), "10.0.2.9", 7);
  assert.equal(stack.take().length, 1);
  assert.equal(stack.call.usedBuffers(), 2);
  stack.advance(SECOND);
  assert.equal(stack.take().length, 1);
  stack.advance(SECOND);
  assert.equal(stack.take().length, 1);
  stack.advance(SECOND);
  assert.equal(stack.take().length, 0);
  assert.equal(stack.call.usedBuffers(), 0);
  assert.equal(stack.send(socket, Buffer.from("z"), "10.0.2.9", 7), -EHOSTUNREACH);
  stack.advance(4n * SECOND);
  assert.equal(stack.send(socket, Buffer.from("z"), "10.0.2.9", 7), 1);
  assert.equal(stack.take().length, 1);
});

test("only the latest four frames wait for one address", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  for (let i = 0; i < 10; i++) stack.send(socket, Buffer.from(String(i)), "10.0.2.9", 7);
  assert.equal(stack.call.usedBuffers(), 4);
  stack.take();
  stack.answerArp("10.0.2.9");
  const data = stack.take().map((frame) => parseUdp(frame).data.toString());
  assert.deepEqual(data, ["6", "7", "8", "9"]);
});

test("frames that wait for all addresses together are bounded", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  for (let host = 20; host < 120; host++) stack.send(socket, Buffer.from("x"), `10.0.2.${host}`, 7);
  assert.ok(stack.call.usedBuffers() <= 32);
  stack.advance(10n * SECOND);
  assert.equal(stack.call.usedBuffers(), 0);
});

test("an unsolicited reply makes no entry, and one from outside the subnet changes nothing", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.input(arpFrame({ operation: 2, senderIp: "10.0.2.9", senderMac: OTHER_MAC }));
  stack.input(arpFrame({ operation: 1, senderIp: "192.0.2.1", senderMac: OTHER_MAC }));
  stack.take();
  stack.send(socket, Buffer.from("x"), "10.0.2.9", 7);
  assert.equal(stack.takeArp().length, 1);
});

test("a request for our address teaches us the sender's", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.input(arpFrame({ operation: 1, senderIp: "10.0.2.9", senderMac: OTHER_MAC }));
  stack.take();
  stack.send(socket, Buffer.from("x"), "10.0.2.9", 7);
  assert.deepEqual(
    stack.take().map((frame) => etherType(frame)),
    [0x0800],
  );
});

test("an old entry is refreshed by asking that station alone, and stays usable meanwhile", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.advance(61n * SECOND);
  stack.send(socket, Buffer.from("x"), PEER_IP, 7);
  const frames = stack.take();
  assert.deepEqual(
    frames.map((frame) => etherType(frame)),
    [0x0806, 0x0800],
  );
  assert.equal(frames[0] && parseArp(frames[0]).destination, PEER_MAC);
  stack.answerArp(PEER_IP);
  stack.advance(10n * SECOND);
  assert.equal(stack.take().length, 0);
});

test("a station that does not answer the refresh is asked for by broadcast, then given up", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.advance(61n * SECOND);
  stack.send(socket, Buffer.from("x"), PEER_IP, 7);
  stack.take();
  stack.advance(7n * SECOND);
  const destinations = stack.takeArp().map((packet) => packet.destination);
  assert.deepEqual(destinations, [PEER_MAC, PEER_MAC, BROADCAST_MAC, BROADCAST_MAC, BROADCAST_MAC]);
  assert.equal(stack.send(socket, Buffer.from("x"), PEER_IP, 7), -EHOSTUNREACH);
});

test("an entry far too old is not used at all", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.advance(800n * SECOND);
  stack.send(socket, Buffer.from("x"), PEER_IP, 7);
  assert.deepEqual(
    stack.take().map((frame) => etherType(frame)),
    [0x0806],
  );
});

test("the cache is bounded: a thousand stations cost no more than one table", async () => {
  const stack = await Stack.create();
  stack.call.interfaceConfigure(ip("10.1.0.1"), 16, 0, 0, stack.now);
  stack.advance(3n * SECOND);
  const socket = stack.socket(5000);
  stack.send(socket, Buffer.from("x"), "10.1.3.3", 7);
  const before = stack.call.freePages();
  for (let host = 0; host < 1000; host++) {
    const senderIp = `10.1.${1 + (host >> 8)}.${host & 255}`;
    stack.input(arpFrame({ senderIp, targetIp: "10.1.0.1" }));
    stack.send(socket, Buffer.from("x"), `10.1.${20 + (host >> 8)}.${host & 255}`, 7);
  }
  stack.advance(10n * SECOND);
  assert.equal(stack.call.freePages(), before + 1); // the frame that waited
  assert.equal(stack.call.usedBuffers(), 0);
});

test("configuration announces the address twice, two seconds apart", async () => {
  const stack = await Stack.create({ configured: false });
  stack.call.interfaceConfigure(ip(OUR_IP), 24, ip(PEER_IP), 0, stack.now);
  assert.equal(stack.sent.length, 1);
  stack.advance(10n * SECOND);
  const announcements = stack.takeArp();
  assert.equal(announcements.length, 2);
  for (const packet of announcements) {
    assert.deepEqual(
      [packet.destination, packet.operation, packet.senderIp, packet.targetIp],
      [BROADCAST_MAC, 1, OUR_IP, OUR_IP],
    );
  }
});

test("a probe for our address is answered; it teaches us nothing", async () => {
  const stack = await Stack.create();
  stack.input(arpFrame({ senderIp: "0.0.0.0", senderMac: OTHER_MAC }));
  const [reply] = stack.takeArp();
  assert.ok(reply);
  assert.deepEqual([reply.operation, reply.destination, reply.senderIp], [2, OTHER_MAC, OUR_IP]);
});

test("a conflict is answered with one announcement in ten seconds, whatever the other does", async () => {
  const stack = await Stack.create();
  for (let i = 0; i < 5; i++) stack.input(arpFrame({ operation: 2, senderIp: OUR_IP, senderMac: OTHER_MAC }));
  assert.equal(stack.takeArp().length, 1);
  stack.advance(11n * SECOND);
  stack.input(arpFrame({ operation: 2, senderIp: OUR_IP, senderMac: OTHER_MAC }));
  assert.equal(stack.takeArp().length, 1);
});

test("our own frames, reflected by a bridge, are no conflict", async () => {
  const stack = await Stack.create();
  stack.input(arpFrame({ operation: 1, senderIp: OUR_IP, senderMac: OUR_MAC }));
  assert.equal(stack.takeArp().length, 0);
});

test("a carrier that comes back is greeted with announcements; what was known is asked for again", async () => {
  const stack = await Stack.create();
  stack.call.setCarrier(0, stack.now);
  stack.advance(10n * SECOND);
  assert.equal(stack.take().length, 0);
  stack.call.setCarrier(1, stack.now);
  stack.advance(10n * SECOND);
  assert.deepEqual(
    stack.takeArp().map((packet) => packet.targetIp),
    [OUR_IP, OUR_IP],
  );
  stack.send(stack.socket(5000), Buffer.from("x"), PEER_IP, 7);
  assert.deepEqual(
    stack.takeArp().map((packet) => packet.targetIp),
    [PEER_IP],
  );
});

test("suspend gives back every frame that waits", async () => {
  const stack = await Stack.create();
  stack.send(stack.socket(5000), Buffer.from("x"), "10.0.2.9", 7);
  assert.equal(stack.call.usedBuffers(), 1);
  stack.call.interfaceSuspend();
  assert.equal(stack.call.usedBuffers(), 0);
});
