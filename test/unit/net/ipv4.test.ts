import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BROADCAST_MAC,
  OUR_IP,
  OUR_MAC,
  PEER_IP,
  PEER_MAC,
  ethernet,
  icmp,
  ip,
  ipv4,
  ipv4Frame,
  parseIpv4,
  parseUdp,
  udp,
  udpFrame,
} from "./frames.ts";
import { ENETDOWN, ENETUNREACH, SECOND, Stack } from "./stack.ts";

/** True when an echo request with these changes is answered. */
async function isAnswered(change: (frame: Buffer) => unknown, source = PEER_IP, destination = OUR_IP) {
  const stack = await Stack.create();
  stack.call.interfaceConfigure(ip(OUR_IP), 24, ip(PEER_IP), 0, stack.now);
  const frame = ipv4Frame({ protocol: 1, source, destination }, icmp(8, 0, 1, Buffer.from("ping")));
  const changed = change(frame);
  stack.input(changed instanceof Buffer ? changed : frame);
  return stack.take().length > 0;
}

test("an unchanged echo request is answered", async () => {
  assert.equal(await isAnswered(() => undefined), true);
});

test("a wrong header checksum, version or length is dropped in silence", async () => {
  const damages: ((frame: Buffer) => void)[] = [
    (frame) => void (frame[24] = (frame[24] ?? 0) ^ 1),
    (frame) => void (frame[14] = 0x65),
    (frame) => void (frame[14] = 0x44),
    (frame) => void (frame[14] = 0x4f),
    (frame) => frame.writeUInt16BE(19, 16),
    (frame) => frame.writeUInt16BE(2000, 16),
  ];
  for (const damage of damages) assert.equal(await isAnswered(damage), false, String(damage));
});

test("truncated frames are dropped, padded ones taken", async () => {
  for (let length = 0; length < 14 + 20 + 12; length++) {
    assert.equal(await isAnswered((frame) => frame.subarray(0, length)), false);
  }
  assert.equal(await isAnswered((frame) => Buffer.concat([frame, Buffer.alloc(14)])), true);
});

test("sources that no host can have are dropped", async () => {
  const sources = [
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "10.0.2.255",
    OUR_IP,
  ];
  for (const source of sources) assert.equal(await isAnswered(() => undefined, source), false, source);
});

test("destinations that are not ours are dropped", async () => {
  const destinations = ["10.0.2.16", "10.0.2.2", "127.0.0.1", "224.0.0.1", "0.0.0.0"];
  for (const destination of destinations) {
    assert.equal(await isAnswered(() => undefined, PEER_IP, destination), false, destination);
  }
});

test("frames for another station, and one host's packets in broadcast frames, are dropped", async () => {
  const readdress = (mac: string) => (frame: Buffer) => ethernet(0x0800, frame.subarray(14), mac);
  assert.equal(await isAnswered(readdress("00:16:3e:00:00:02")), false);
  assert.equal(await isAnswered(readdress(BROADCAST_MAC)), false);
});

test("VLAN tags, 802.3 lengths and unknown types are nobody's", async () => {
  for (const type of [0x8100, 0x88a8, 0x0040, 0x86dd]) {
    assert.equal(await isAnswered((frame) => ethernet(type, frame.subarray(14))), false);
  }
});

test("options are skipped, source routes refused, broken options refused", async () => {
  const stack = await Stack.create();
  const ping = icmp(8, 0, 1, Buffer.from("ping"));
  const answers = (options: string): number => {
    stack.input(ipv4Frame({ protocol: 1, options: Buffer.from(options, "hex") }, ping));
    return stack.take().length;
  };
  assert.equal(answers("94040000"), 1); // router alert
  assert.equal(answers("01010101"), 1);
  assert.equal(answers("00ffffff"), 1); // nothing counts after the end
  assert.equal(answers("8307040a00020200"), 0); // loose source route
  assert.equal(answers("8907040a00020200"), 0); // strict source route
  assert.equal(answers("01010183"), 0);
  assert.equal(answers("94050000"), 0);
  assert.equal(answers("94010000"), 0);
  assert.equal(answers("9400000000000000"), 0);
});

test("what we send: don't fragment, our source, a right header checksum, TTL 64", async () => {
  const stack = await Stack.create();
  stack.send(stack.socket(5000), Buffer.from("x"), PEER_IP, 7);
  const [frame] = stack.take();
  assert.ok(frame);
  const sent = parseIpv4(frame);
  assert.deepEqual(
    [sent.source, sent.destination, sent.protocol, sent.fragment, sent.timeToLive, sent.headerChecksumRight],
    [OUR_IP, PEER_IP, 17, 0x4000, 64, true],
  );
  assert.equal(sent.linkDestination, PEER_MAC);
});

test("identifications do not count up", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  for (let i = 0; i < 20; i++) stack.send(socket, Buffer.from("x"), PEER_IP, 7);
  const ids = stack.take().map((frame) => parseIpv4(frame).identification);
  const steps = new Set(ids.slice(1).map((id, i) => id - (ids[i] ?? 0)));
  assert.ok(new Set(ids).size >= 19);
  assert.ok(steps.size >= 18);
});

test("without carrier, route or address sending fails at once", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.call.interfaceConfigure(ip(OUR_IP), 24, 0, 0, stack.now);
  assert.equal(stack.send(socket, Buffer.from("x"), "192.0.2.1", 7), -ENETUNREACH);
  stack.call.setCarrier(0, stack.now);
  assert.equal(stack.send(socket, Buffer.from("x"), PEER_IP, 7), -ENETDOWN);
  stack.call.setCarrier(1, stack.now);
  stack.call.interfaceUnconfigure(stack.now);
  assert.equal(stack.send(socket, Buffer.from("x"), PEER_IP, 7), -ENETUNREACH);
  assert.equal(stack.call.usedBuffers(), 0);
});

test("multicast goes to the group's Ethernet address with TTL 1", async () => {
  const stack = await Stack.create();
  stack.send(stack.socket(5000), Buffer.from("x"), "239.129.2.3", 7);
  const [frame] = stack.take();
  assert.ok(frame);
  assert.equal(parseIpv4(frame).linkDestination, "01:00:5e:01:02:03");
  assert.equal(parseIpv4(frame).timeToLive, 1);
});

// Reassembly.

interface Part {
  readonly offset: number;
  readonly data: Buffer;
  readonly more: boolean;
}

function fragmentFrame(part: Part, identification = 77, source = PEER_IP): Buffer {
  const fragment = (part.more ? 0x2000 : 0) | (part.offset / 8);
  return ipv4Frame({ protocol: 17, identification, fragment, source }, part.data);
}

function fragments(datagram: Buffer, size: number): Part[] {
  const parts: Part[] = [];
  for (let offset = 0; offset < datagram.length; offset += size) {
    parts.push({ offset, data: datagram.subarray(offset, offset + size), more: offset + size < datagram.length });
  }
  return parts;
}

function payload(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255));
}

const PORTS = { sourcePort: 9, destinationPort: 5000 };

test("fragments in any order become the datagram", async () => {
  for (const length of [3000, 20000, 65507]) {
    for (const order of ["forward", "backward", "inside out"]) {
      const stack = await Stack.create();
      const socket = stack.socket(5000);
      const before = stack.call.freePages();
      const parts = fragments(udp(PORTS, payload(length)), length > 20000 ? 8192 : 1480);
      if (order === "backward") parts.reverse();
      if (order === "inside out") parts.push(...parts.splice(0, parts.length >> 1).reverse());
      for (const part of parts) stack.input(fragmentFrame(part));
      assert.deepEqual(stack.receive(socket), payload(length), `${length} ${order}`);
      assert.equal(stack.call.freePages(), before);
    }
  }
});

test("an exact repetition of a fragment does no harm", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  const [first, second, third] = fragments(udp(PORTS, payload(3500)), 1480);
  assert.ok(first && second && third);
  for (const part of [first, first, third, first, third, second]) stack.input(fragmentFrame(part));
  assert.deepEqual(stack.receive(socket), payload(3500));
});

test("overlapping or contradicting fragments drop the whole packet", async () => {
  const datagram = udp(PORTS, payload(3500));
  const [first, second, third] = fragments(datagram, 1480);
  assert.ok(first && second && third);
  const evil: Part[] = [
    { offset: 1472, data: payload(1480), more: true }, // reaches back into the first
    { offset: 8, data: payload(800), more: false }, // ends inside the first
    { offset: 4000, data: payload(8), more: true }, // beyond the end
    { offset: 0, data: payload(2960), more: true }, // covers more than the first
  ];
  for (const part of evil) {
    const stack = await Stack.create();
    const socket = stack.socket(5000);
    const before = stack.call.freePages();
    stack.input(fragmentFrame(first));
    stack.input(fragmentFrame(third));
    stack.input(fragmentFrame(part));
    assert.equal(stack.call.freePages(), before, "the packet is gone");
    stack.input(fragmentFrame(second));
    assert.equal(typeof stack.receive(socket), "number");
  }
});

test("fragments of different packets are not mixed", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  const [first, second] = fragments(udp(PORTS, payload(2000)), 1480);
  assert.ok(first && second);
  stack.input(fragmentFrame(first, 1));
  stack.input(fragmentFrame(second, 2));
  stack.input(fragmentFrame(second, 1, "10.0.2.3"));
  assert.equal(typeof stack.receive(socket), "number");
  stack.input(fragmentFrame(second, 1));
  assert.deepEqual(stack.receive(socket), payload(2000));
});

test("impossible fragments are refused: no data, odd sizes, beyond 64 KiB", async () => {
  const stack = await Stack.create();
  const before = stack.call.freePages();
  stack.input(fragmentFrame({ offset: 0, data: Buffer.alloc(0), more: true }));
  stack.input(fragmentFrame({ offset: 0, data: payload(15), more: true }));
  stack.input(fragmentFrame({ offset: 65528, data: payload(8), more: false }));
  stack.input(fragmentFrame({ offset: 64800, data: payload(1400), more: false }));
  assert.equal(stack.call.freePages(), before);
});

test("memory for reassembly is bounded and comes back", async () => {
  const stack = await Stack.create();
  const before = stack.call.freePages();
  for (let id = 0; id < 500; id++) {
    stack.input(fragmentFrame({ offset: (id * 808) % 64000, data: payload(800), more: true }, id));
    assert.ok(before - stack.call.freePages() <= 48);
  }
  stack.advance(31n * SECOND);
  assert.equal(stack.call.freePages(), before);
});

test("a packet with too many gaps is dropped", async () => {
  const stack = await Stack.create();
  const before = stack.call.freePages();
  for (let i = 0; i < 16; i++) stack.input(fragmentFrame({ offset: i * 16, data: payload(8), more: true }));
  assert.equal(before - stack.call.freePages(), 1);
  stack.input(fragmentFrame({ offset: 16 * 16, data: payload(8), more: true }));
  assert.equal(stack.call.freePages(), before);
});

test("a packet that stays incomplete is reported to its source when its first fragment is there", async () => {
  const stack = await Stack.create();
  const [first, second] = fragments(udp(PORTS, payload(2000)), 1480);
  assert.ok(first && second);
  stack.input(fragmentFrame(first, 1));
  stack.input(fragmentFrame(second, 2));
  stack.advance(31n * SECOND);
  const frames = stack.takeIpv4();
  assert.equal(frames.length, 1);
  assert.deepEqual([...(frames[0] ? parseIpv4(frames[0]).payload.subarray(0, 2) : [])], [11, 1]);
});

test("a datagram above the MTU goes out in fragments that give the datagram again", async () => {
  const stack = await Stack.create();
  const data = payload(5000);
  assert.equal(stack.send(stack.socket(5000), data, PEER_IP, 9), 5000);
  const parts = stack.take().map((frame) => parseIpv4(frame));
  assert.equal(parts.length, 4);
  assert.equal(new Set(parts.map((part) => part.identification)).size, 1);
  let end = 0;
  for (const [index, part] of parts.entries()) {
    assert.ok(part.packet.length <= 1500 && part.headerChecksumRight);
    assert.equal(part.fragment, (index < 3 ? 0x2000 : 0) | (end / 8));
    end += part.payload.length;
  }
  const whole = ethernet(
    0x0800,
    ipv4({ protocol: 17, source: OUR_IP, destination: PEER_IP }, Buffer.concat(parts.map((part) => part.payload))),
    PEER_MAC,
    OUR_MAC,
  );
  assert.equal(parseUdp(whole).checksumRight, true);
  assert.deepEqual(parseUdp(whole).data, data);
});

test("without buffers for all fragments none is sent", async () => {
  const stack = await Stack.create();
  stack.call.setBuffers(3);
  assert.equal(stack.send(stack.socket(5000), payload(5000), PEER_IP, 9), -11);
  assert.equal(stack.take().length, 0);
  assert.equal(stack.call.usedBuffers(), 0);
});

test("loopback: delivered by the poll, to 127/8 and to the own address", async () => {
  const stack = await Stack.create();
  const before = stack.call.freePages();
  const server = stack.socket(5000);
  const client = stack.socket(6000);
  for (const address of ["127.0.0.1", "127.9.9.9", OUR_IP]) {
    stack.send(client, Buffer.from("round"), address, 5000);
    assert.equal(typeof stack.receive(server), "number", "not from inside the send");
    assert.equal(stack.call.interfaceDeadline(), 0n);
    stack.call.interfacePoll(stack.now);
    assert.deepEqual(stack.receive(server), Buffer.from("round"));
  }
  const large = payload(40000);
  stack.send(client, large, "127.0.0.1", 5000);
  stack.call.interfacePoll(stack.now);
  assert.deepEqual(stack.receive(server), large);
  assert.equal(stack.take().length, 0);
  stack.call.udpClose(server);
  stack.call.udpClose(client);
  assert.ok(before - stack.call.freePages() <= 3); // slabs keep their last page
});

test("loopback: bounded", async () => {
  const stack = await Stack.create();
  const client = stack.socket(6000);
  let accepted = 0;
  while (stack.send(client, Buffer.from("x"), "127.0.0.1", 5000) === 1) accepted += 1;
  assert.equal(accepted, 64);
  stack.call.interfacePoll(stack.now);
  const answers = stack.call.loopbackQueued(); // port unreachable, limited in rate
  assert.ok(answers > 0 && answers <= 50, `${answers} answers`);
});

test("a datagram to the limited broadcast address is for us, one to another subnet's is not", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.input(udpFrame({ ...PORTS, destination: "255.255.255.255" }, Buffer.from("a"), BROADCAST_MAC));
  stack.input(udpFrame({ ...PORTS, destination: "10.0.2.255" }, Buffer.from("b"), BROADCAST_MAC));
  stack.input(udpFrame({ ...PORTS, destination: "10.0.3.255" }, Buffer.from("c"), BROADCAST_MAC));
  assert.deepEqual(stack.receive(socket), Buffer.from("a"));
  assert.deepEqual(stack.receive(socket), Buffer.from("b"));
  assert.equal(typeof stack.receive(socket), "number");
});
