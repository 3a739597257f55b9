import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { ICMP, UDP, extended, fragments, hex, icmp, packetFrame, readFrame, udp, type Packet } from "./frames.ts";
import { Host, PEER, US, advertisement, routerAdvertisement, solicitation } from "./host.ts";

const ECONNREFUSED = 111;

function echo(data: Uint8Array, destination = US): Packet {
  return icmp(PEER, destination, 128, 0, Buffer.concat([Buffer.from([1, 2, 3, 4]), data]));
}

async function neighbour(): Promise<Host> {
  const host = await Host.settled();
  host.learn(PEER);
  return host;
}

/** Type, code and parameter of the one error that was sent, as "4/1 40". */
function errorOf(host: Host, packet: Packet): string {
  const sent = host.input(packet);
  return sent
    .map((read) => {
      assert.ok(read.right);
      const quoted = packetFrame(packet).subarray(14);
      assert.deepEqual(read.payload.subarray(8), quoted.subarray(0, 1232));
      return `${read.payload[0]}/${read.payload[1]} ${read.payload.readUInt32BE(4)}`;
    })
    .join(", ");
}

test("echo comes back whole, also to a group", async () => {
  const host = await neighbour();
  for (const size of [0, 1, 56, 1448]) {
    const request = echo(Buffer.alloc(size, 7));
    const [reply, ...others] = host.input(request);
    assert.deepEqual(others, []);
    assert.ok(reply?.right);
    assert.equal(reply.payload[0], 129);
    assert.deepEqual(reply.payload.subarray(4), Buffer.from(request.payload.subarray(4)));
    assert.equal(reply.hopLimit, 64);
  }
  const [reply] = host.input(echo(Buffer.from("x"), "ff02::1"));
  assert.equal(reply?.source, hex(US));
  const wrong = echo(Buffer.from("x"));
  wrong.payload[2] = (wrong.payload[2] ?? 0) ^ 1;
  assert.deepEqual(host.input(wrong), []);
});

test("a large echo is put together of fragments in any order, and the reply is cut", async () => {
  const host = await neighbour();
  const request = echo(Buffer.from(Array.from({ length: 4000 }, (_, i) => i & 255)));
  const cuts: [number, number][] = [
    [2896, 4008],
    [0, 1448],
    [1448, 2896],
  ];
  const reply = host.input(...fragments(request, cuts));
  assert.equal(reply.length, 3);
  const parts = reply.map(({ next, payload }) => {
    assert.equal(next, 44);
    return { offset: payload.readUInt16BE(2) & 0xfff8, more: payload.readUInt16BE(2) & 1, data: payload.subarray(8) };
  });
  assert.deepEqual(
    parts.map(({ offset, more }) => [offset, more]),
    [
      [0, 1],
      [1448, 1],
      [2896, 0],
    ],
  );
  const whole = Buffer.concat(parts.map(({ data }) => data));
  assert.deepEqual(whole.subarray(4), Buffer.from(request.payload.subarray(4)));
});

test("overlapping fragments are dropped whole, repeated ones ignored", async () => {
  const host = await neighbour();
  const request = echo(Buffer.alloc(100));
  const part = (from: number, to: number): [number, number] => [from, to];
  assert.equal(host.input(...fragments(request, [part(0, 64), part(56, 108)], 1)).length, 0);
  assert.equal(host.input(...fragments(request, [part(64, 108)], 1)).length, 0, "and what came before is forgotten");
  assert.equal(host.input(...fragments(request, [part(0, 64), part(0, 64), part(64, 108)], 2)).length, 1);
});

test("an atomic fragment is a packet of its own (RFC 6946)", async () => {
  const host = await neighbour();
  const request = echo(Buffer.alloc(100));
  host.input(...fragments(request, [[0, 64]], 3));
  assert.equal(host.input(...fragments(request, [[0, 108]], 3)).length, 1);
  assert.equal(host.input(...fragments(request, [[64, 108]], 3)).length, 1, "the other packet goes on");
});

test("neighbour discovery in fragments is ignored, in an atomic one too (RFC 6980)", async () => {
  const host = await neighbour();
  const asked = solicitation(PEER, US);
  assert.equal(
    host.input(
      ...fragments(asked, [
        [0, 16],
        [16, asked.payload.length],
      ]),
    ).length,
    0,
  );
  assert.equal(host.input(...fragments(asked, [[0, asked.payload.length]])).length, 0);
  assert.equal(host.input(asked).length, 1);
});

test("a fragment that cannot be one is reported", async () => {
  const host = await neighbour();
  const parts = (from: number, to: number, size = to): Packet[] =>
    fragments(echo(Buffer.alloc(size)), [[from, to]], 11);
  const [uneven] = host.input(...parts(0, 61, 200));
  assert.deepEqual([uneven?.payload[0], uneven?.payload[1], uneven?.payload.readUInt32BE(4)], [4, 0, 4]);
  const [long] = host.input(
    ...fragments({ ...echo(Buffer.alloc(65_600)), payload: Buffer.alloc(65_616) }, [[65_528, 65_616]], 12),
  );
  assert.deepEqual([long?.payload[0], long?.payload[1], long?.payload.readUInt32BE(4)], [4, 0, 42]);
  // RFC 7112: the header chain goes on in the next fragment.
  const options = extended(echo(Buffer.alloc(100)), [[60, Buffer.from([0, 1, 1, 12, ...Buffer.alloc(12)])]]);
  const [chain] = host.input(...fragments(options, [[0, 8]], 13));
  assert.deepEqual([chain?.payload[0], chain?.payload[1]], [4, 3]);
});

test("missing fragments: the source is told when the first one came, and the memory comes back", async () => {
  const host = await neighbour();
  const free = host.stack.call("pagesFreeCount");
  const request = echo(Buffer.alloc(200));
  host.input(...fragments(request, [[0, 64]], 4), ...fragments(request, [[64, 128]], 5));
  const told = host.pass(31_000).filter((read) => read.payload[0] === 3);
  assert.equal(told.length, 1);
  assert.equal(told[0]?.payload[1], 1);
  assert.equal(host.stack.call("pagesFreeCount"), free);
  for (let id = 0; id < 100; id++) host.input(...fragments(request, [[8, 64]], 1000 + id));
  assert.ok(free - host.stack.call("pagesFreeCount") <= 8);
});

test("extension headers that are in order are passed over", async () => {
  const host = await neighbour();
  const padding = Buffer.from([0, 0, 1, 4, 0, 0, 0, 0]);
  const routed = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0]);
  const skipped = Buffer.from([0, 0, 0x1e, 4, 0, 0, 0, 0]);
  const packet = extended(echo(Buffer.from("x")), [
    [0, padding],
    [60, skipped],
    [43, routed],
    [60, Buffer.from([0, 0, 0, 0, 0, 0, 0, 0])],
  ]);
  assert.equal(host.input(packet)[0]?.payload[0], 129);
});

test("extension headers that ask for what we do not do are refused, as they say", async () => {
  const host = await neighbour();
  const request = echo(Buffer.from("x"));
  const option = (type: number): Buffer => Buffer.from([0, 0, type, 4, 0, 0, 0, 0]);
  assert.equal(errorOf(host, extended(request, [[43, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])]])), "4/0 42");
  assert.equal(errorOf(host, extended(request, [[60, option(0x40)]])), "");
  assert.equal(errorOf(host, extended(request, [[60, option(0x80)]])), "4/2 42");
  assert.equal(errorOf(host, extended(request, [[60, option(0xc0)]])), "4/2 42");
  assert.equal(
    errorOf(
      host,
      extended(request, [
        [60, option(1)],
        [0, option(1)],
      ]),
    ),
    "4/1 40",
  );
  assert.equal(errorOf(host, { ...request, next: 50 }), "4/1 6");
  assert.equal(errorOf(host, { ...request, next: 59 }), "");
  const toAll = echo(Buffer.from("x"), "ff02::1");
  assert.equal(errorOf(host, extended(toAll, [[60, option(0x80)]])), "4/2 42");
  assert.equal(errorOf(host, extended(toAll, [[60, option(0xc0)]])), "");
  assert.equal(
    errorOf(host, extended(request, [[60, Buffer.from([0, 9, 1, 4, 0, 0, 0, 0])]])),
    "",
    "beyond the packet",
  );
  assert.equal(
    errorOf(
      host,
      extended(
        request,
        Array.from({ length: 20 }, () => [60, option(1)] as const),
      ),
    ),
    "",
  );
});

test("errors are not answered with errors, nor sent without limit", async () => {
  const host = await neighbour();
  const error = icmp(PEER, US, 1, 0, Buffer.concat([Buffer.alloc(4), packetFrame(echo(Buffer.alloc(8))).subarray(14)]));
  const refused = [0, 0, 0x80, 4, 0, 0, 0, 0];
  assert.deepEqual(host.input(extended(error, [[60, Buffer.from(refused)]])), []);
  const closed = udp(PEER, US, [9, 9], Buffer.from("x"));
  let sent = 0;
  for (let i = 0; i < 500; i++) sent += host.input(closed).length;
  assert.ok(sent >= 20 && sent <= 60, `${sent} errors`);
  host.pass(2_000);
  assert.equal(host.input(closed).length, 1);
});

test("a datagram arrives with its sender; without a checksum it does not", async () => {
  const host = await neighbour();
  const socket = host.stack.call("udpSocketCreate", true);
  assert.equal(host.stack.call("udpBind", socket, host.address("::"), 53), 0);
  host.input(udp(PEER, US, [1000, 53], Buffer.from("hello")));
  assert.equal(host.stack.call("udpReceive", socket, host.stack.scratch, 100), 5);
  assert.equal(host.shown(host.stack.call("udpSender")), hex(PEER));
  const without = udp(PEER, US, [1000, 53], Buffer.from("hello"));
  Buffer.from(without.payload.buffer, without.payload.byteOffset).writeUInt16BE(0, 6);
  host.input(without);
  assert.ok(host.stack.call("udpReceive", socket, host.stack.scratch, 100) < 0);
});

test("an error reaches the socket whose datagram it quotes, and lowers its path MTU, not below 1280", async () => {
  const host = await neighbour();
  const socket = host.stack.call("udpSocketCreate", true);
  assert.equal(host.stack.call("udpConnect", socket, host.address(PEER), 9), 0);
  host.stack.write(host.stack.scratch, Buffer.alloc(1452));
  assert.equal(host.stack.call("udpSendTo", socket, host.stack.scratch, 1452, 0, 0, host.stack.now), 1452);
  const [sent] = host.take();
  assert.ok(sent?.right);
  const quoted = (type: number, code: number, parameter: number): Packet => {
    const word = Buffer.alloc(4);
    word.writeUInt32BE(parameter);
    const original = packetFrame({ source: US, destination: PEER, next: UDP, payload: sent.payload }).subarray(
      14,
      14 + 1232,
    );
    return icmp(PEER, US, type, code, Buffer.concat([word, original]));
  };
  host.input(quoted(2, 0, 1400));
  assert.equal(host.pathMtu(PEER), 1400);
  host.input(quoted(2, 0, 68));
  assert.equal(host.pathMtu(PEER), 1280);
  assert.equal(host.stack.call("udpSendTo", socket, host.stack.scratch, 1452, 0, 0, host.stack.now), 1452);
  assert.deepEqual(
    host.take().map((read) => [read.next, 40 + read.payload.length <= 1280]),
    [
      [44, true],
      [44, true],
    ],
  );
  host.input(quoted(1, 4, 0));
  assert.equal(host.stack.call("udpTakeError", socket), ECONNREFUSED);
});

test("the loopback carries IPv6", async () => {
  const host = await Host.settled();
  const socket = host.stack.call("udpSocketCreate", true);
  host.stack.call("udpBind", socket, host.address("::1"), 53);
  host.stack.write(host.stack.scratch, Buffer.from("me"));
  assert.equal(host.stack.call("udpSendTo", socket, host.stack.scratch, 2, host.address("::1"), 53, host.stack.now), 2);
  assert.deepEqual(host.pass(1), []);
  assert.equal(host.stack.call("udpReceive", socket, host.stack.scratch, 100), 2);
  assert.equal(host.shown(host.stack.call("udpSender")), hex("::1"));
});

/** Sound frames of every kind, to be damaged. */
function corpus(): Buffer[] {
  const request = echo(Buffer.alloc(300, 1));
  const options = Buffer.from([0, 1, 5, 2, 0, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
  const quote = packetFrame(udp(US, PEER, [1, 2], Buffer.alloc(20))).subarray(14);
  return [
    request,
    udp(PEER, US, [1000, 53], Buffer.from("hello")),
    solicitation(PEER, US),
    solicitation("::", US),
    advertisement(PEER, 0x60),
    routerAdvertisement([{ prefix: "fd00::" }, { prefix: "fd01::" }], 1800, Buffer.from([5, 1, 0, 0, 0, 0, 5, 0x78])),
    ...[1, 2, 3, 4].map((type) => icmp(PEER, US, type, 0, Buffer.concat([Buffer.alloc(4, 1), quote]))),
    ...fragments(request, [
      [0, 104],
      [104, 208],
      [208, 308],
    ]),
    extended(request, [
      [0, options],
      [43, Buffer.alloc(24)],
      [60, options],
    ]),
    { source: PEER, destination: US, next: 6, payload: Buffer.from("04d2005000000001000000005002ffff00000000", "hex") },
  ].map((packet) => packetFrame(packet));
}

test("20 000 damaged frames do no harm", async () => {
  const host = await neighbour();
  const random = new Random(11);
  const frames = corpus();
  const free = host.stack.call("pagesFreeCount");
  for (let i = 0; i < 20_000; i++) {
    const frame = Buffer.from(frames[random.between(0, frames.length - 1)] ?? Buffer.alloc(0));
    for (let left = random.between(0, 4); left > 0; left--)
      frame[random.between(14, frame.length - 1)] = random.u32() & 255;
    const cut = random.fraction() < 0.2 ? frame.subarray(0, random.between(0, frame.length)) : frame;
    // Damage that the checksum would catch is mended in half of the frames, so that it gets further.
    host.input(random.fraction() < 0.5 ? mended(cut) : cut);
    if (i % 500 === 0) host.pass(700);
  }
  host.pass(60_000);
  assert.ok(free - host.stack.call("pagesFreeCount") <= 16, "memory comes back");
  host.learn(PEER);
  assert.equal(host.input(echo(Buffer.from("still there"))).length, 1);
});

/** The frame with its ICMPv6 checksum made right, when it is such a one. */
function mended(frame: Buffer): Buffer {
  const read = frame.length >= 60 ? readFrame(frame) : null;
  if (read === null || read.next !== ICMP || read.payload.length < 8) return frame;
  const text = (address: string): string => address.replace(/(....)(?=.)/g, "$1:");
  const [source, destination] = [text(read.source), text(read.destination)];
  const message = icmp(source, destination, read.payload[0] ?? 0, read.payload[1] ?? 0, read.payload.subarray(4));
  return packetFrame({ ...message, hopLimit: read.hopLimit, mac: frame.subarray(0, 6) });
}
