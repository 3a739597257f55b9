// SYN cookies (RFC 4987): what a listener does while there is no room for half-open connections.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { countedBy, tcpCounters } from "./counters.ts";
import { brief, mssOption, Peer, type Segment, timestampOption } from "./peer.ts";
import { State } from "./stack.ts";

const HALF_OPEN_MAX = 256;
const PEER_CLOCK = 5000;
const SACK_PERMITTED = [1, 1, 4, 2];
const FLAG_TIMESTAMPS = 1 << 4;
const FLAG_SACK = 1 << 5;
const FLAG_SCALED = 1 << 6;

function bytes(...options: number[][]): Uint8Array {
  return Uint8Array.from(options.flat());
}

function scaleOption(shift: number): number[] {
  return [1, 3, 3, shift];
}

/** A peer whose stack has a listener and as many half-open connections as there may be. */
async function floodedPeer(backlog = 16): Promise<{ peer: Peer; listener: number }> {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80, backlog);
  for (let i = 0; i < HALF_OPEN_MAX; i++) peer.send({ flags: "S", sourcePort: 1024 + i });
  assert.equal(peer.stack.call("halfOpenCount"), HALF_OPEN_MAX);
  return { peer, listener };
}

/** The timestamp that a segment carries. */
function stampOf(segment: Segment | undefined): number {
  const options = segment?.options ?? new Uint8Array();
  for (let at = 0; at < options.length; at += options[at] === 1 ? 1 : (options[at + 1] ?? 1)) {
    if (options[at] === 8) return new DataView(options.buffer, options.byteOffset).getUint32(at + 2);
  }
  throw new Error("no timestamp");
}

test("with room for half-open connections there are no cookies", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.open(listener);
  assert.equal(tcpCounters(peer.stack)["syncookiesSent"], undefined);
});

test("a flood is answered whole, and nothing is kept of it beyond the list", async () => {
  const { peer, listener } = await floodedPeer();
  const free = peer.stack.call("pagesFreeCount");
  const counted = countedBy(peer.stack, () => {
    for (let i = 0; i < 5000; i++) assert.deepEqual(brief(peer.send({ flags: "S", sourcePort: 2000 + i })), ["SA 0 1"]);
  });
  assert.equal(counted["syncookiesSent"], 5000);
  assert.equal(counted["tcpReqQFullDoCookies"], 5000);
  assert.equal(peer.stack.call("pagesFreeCount"), free);
  assert.equal(peer.stack.call("halfOpenCount"), HALF_OPEN_MAX);
  assert.equal(peer.stack.field(listener, "acceptCount"), 0);
});

test("a connection that was half-open before the flood is completed", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S" });
  const isn = peer.stackIsn;
  for (let i = 0; i < 1000; i++) peer.send({ flags: "S", sourcePort: 1024 + i });
  peer.stackIsn = isn;
  peer.send({ sequence: 1, ack: 1 });
  assert.notEqual(peer.stack.accept(listener), 0);
});

test("the ACK of a cookie makes the connection, and text flows both ways", async () => {
  const { peer, listener } = await floodedPeer();
  assert.deepEqual(brief(peer.send({ flags: "S", options: bytes(mssOption(1400)) })), ["SA 0 1"]);
  assert.equal(peer.stack.call("tableCount"), HALF_OPEN_MAX);
  peer.send({ flags: "PA", sequence: 1, ack: 1, text: "hello" });
  const child = peer.stack.accept(listener);
  assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
  assert.equal(peer.stack.readText(child), "hello");
  peer.stack.send(child, "x".repeat(3000));
  assert.deepEqual(
    peer.received().map(({ sequence, text }) => [sequence, text.length]),
    [
      [1, 1360],
      [1361, 1360],
      [2721, 280],
    ],
  );
  assert.equal(tcpCounters(peer.stack)["syncookiesRecv"], 1);
});

test("a peer's segment size comes back as the largest of the table that it takes", async () => {
  const { peer, listener } = await floodedPeer(64);
  const sizes = [
    [40, 88],
    [88, 88],
    [535, 88],
    [536, 536],
    [1219, 536],
    [1220, 1220],
    [1400, 1360],
    [1440, 1440],
    [1452, 1452],
    [1460, 1460],
    [9000, 1460],
  ] as const;
  for (const [index, [offered, kept]] of sizes.entries()) {
    peer.port = 30_000 + index;
    const child = peer.open(listener, { options: bytes(mssOption(offered)) });
    assert.equal(peer.stack.field(child, "segmentSize"), kept, `MSS ${offered}`);
  }
  peer.port += 1;
  assert.equal(peer.stack.field(peer.open(listener), "segmentSize"), 536); // RFC 9293 MUST-15
});

test("without timestamps there is neither scaling nor SACK", async () => {
  const { peer, listener } = await floodedPeer();
  const [answer] = peer.send({ flags: "S", options: bytes(mssOption(1460), scaleOption(7), SACK_PERMITTED) });
  assert.deepEqual([...(answer?.options ?? [])], mssOption(1460));
  peer.send({ sequence: 1, ack: 1, window: 1000 });
  const child = peer.stack.accept(listener);
  assert.equal(peer.stack.field(child, "flags") & (FLAG_TIMESTAMPS | FLAG_SACK | FLAG_SCALED), 0);
  assert.equal(peer.stack.field(child, "sendWindow"), 1000);
});

for (const scale of [0, 7, 14, undefined]) {
  for (const sack of [true, false]) {
    test(`timestamps bring back scale ${scale ?? "none"} and SACK ${sack ? "permitted" : "not permitted"}`, async () => {
      const { peer, listener } = await floodedPeer();
      peer.pass(123);
      const offers = [scale === undefined ? [] : scaleOption(scale), sack ? SACK_PERMITTED : []];
      const options = bytes(mssOption(1460), timestampOption(PEER_CLOCK, 0), ...offers);
      const [answer] = peer.send({ flags: "S", options });
      const stamp = stampOf(answer);
      const echo = bytes(timestampOption(PEER_CLOCK + 1, stamp));
      peer.send({ sequence: 1, ack: 1, window: 1000, options: echo });
      const child = peer.stack.accept(listener);
      const expected = FLAG_TIMESTAMPS | (sack ? FLAG_SACK : 0) | (scale === undefined ? 0 : FLAG_SCALED);
      const flags = peer.stack.field(child, "flags") & (FLAG_TIMESTAMPS | FLAG_SACK | FLAG_SCALED);
      assert.equal(flags, expected);
      assert.equal(peer.stack.field(child, "sendWindow"), 1000 << (scale ?? 0));
      assert.equal(peer.stack.field(child, "timestampRecent"), PEER_CLOCK + 1);
      // The clock was turned back for the cookie: what follows is not older (PAWS), and hardly newer.
      peer.stack.send(child, "x");
      const later = (stampOf(peer.received()[0]) - stamp) | 0;
      assert.ok(later >= 0 && later < 64, `timestamps ${later} ms apart`);
    });
  }
}

test("timestamps of cookies follow the clock and never go back", async () => {
  const { peer } = await floodedPeer();
  const options = bytes(timestampOption(PEER_CLOCK, 0), SACK_PERMITTED, scaleOption(9));
  const first = stampOf(peer.send({ flags: "S", options })[0]);
  let last = first;
  for (let milliseconds = 1; milliseconds < 300; milliseconds++) {
    peer.pass(1);
    const stamp = stampOf(peer.send({ flags: "S", options })[0]);
    assert.ok(((stamp - last) | 0) >= 0, `${stamp} after ${last}`);
    assert.ok(Math.abs(((stamp - first) | 0) - milliseconds) < 64, `${stamp - first} after ${milliseconds} ms`);
    last = stamp;
  }
});

test("what is no cookie is reset, and nothing is allocated for it", async () => {
  const { peer, listener } = await floodedPeer();
  peer.send({ flags: "S" });
  const random = new Random(11);
  for (let i = 0; i < 2000; i++) {
    const ack = random.between(2, 0x7fffffff);
    assert.deepEqual(brief(peer.send({ sequence: 1, ack })), [`R ${ack} 0`]);
  }
  assert.deepEqual(brief(peer.send({ sequence: 2, ack: 1 })), ["R 1 0"]);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, sourcePort: 5 })), ["R 1 0"]);
  assert.equal(tcpCounters(peer.stack)["syncookiesFailed"], 2002);
  assert.equal(peer.stack.field(listener, "acceptCount"), 0);
  assert.equal(peer.stack.call("tableCount"), HALF_OPEN_MAX);
  peer.send({ sequence: 1, ack: 1 });
  assert.notEqual(peer.stack.accept(listener), 0);
});

for (const [minutes, taken] of [
  [1, true],
  [2, false],
  [3, false],
] as const) {
  test(`a cookie is ${taken ? "" : "not "}believed in minute ${minutes} after it was made`, async () => {
    const { peer, listener } = await floodedPeer();
    peer.pass(30_000); // some of the list is still there
    peer.send({ flags: "S" });
    const isn = peer.stackIsn;
    peer.pass(minutes * 60_000);
    for (let i = 0; i < HALF_OPEN_MAX + 1; i++) peer.send({ flags: "S", sourcePort: 1024 + i });
    peer.stackIsn = isn;
    const answers = brief(peer.send({ sequence: 1, ack: 1 }));
    assert.deepEqual(answers, taken ? [] : ["R 1 0"]);
    assert.equal(peer.stack.accept(listener) !== 0, taken);
  });
}

test("two stacks have different cookies", async () => {
  const numbers = new Set<number>();
  for (const seed of [1, 2, 3]) {
    const peer = await Peer.create({ seed });
    peer.stack.listen(80);
    for (let i = 0; i <= HALF_OPEN_MAX; i++) peer.send({ flags: "S", sourcePort: 1024 + i });
    numbers.add(peer.stackIsn);
  }
  assert.equal(numbers.size, 3);
});

test("with a full accept queue the ACK of a cookie is lost, and is taken when it comes again", async () => {
  const { peer, listener } = await floodedPeer(2);
  const numbers = [1001, 1002, 1003].map((sourcePort) => {
    peer.send({ flags: "S", sourcePort });
    return { sourcePort, isn: peer.stackIsn };
  });
  const acknowledge = ({ sourcePort, isn }: (typeof numbers)[number]): string[] => {
    peer.stackIsn = isn;
    return brief(peer.send({ flags: "PA", sequence: 1, ack: 1, sourcePort, text: "hello" }));
  };
  const counted = countedBy(peer.stack, () => numbers.forEach(acknowledge));
  assert.equal(counted["listenOverflows"], 1);
  assert.equal(counted["listenDrops"], 1);
  assert.equal(peer.stack.field(listener, "acceptCount"), 2);
  assert.notEqual(peer.stack.accept(listener), 0);
  const last = numbers[2];
  assert.ok(last !== undefined);
  acknowledge(last);
  peer.stack.accept(listener);
  assert.equal(peer.stack.readText(peer.stack.accept(listener)), "hello");
});

test("without memory for a half-open connection a cookie is sent, and the connection stands when memory is back", async () => {
  const peer = await Peer.create({ pages: 256 });
  const listener = peer.stack.listen(80);
  peer.stack.call("reserveFrame");
  const held: number[] = [];
  for (let page = peer.stack.call("pageBlock", 0); page !== 0; page = peer.stack.call("pageBlock", 0)) held.push(page);
  let cookies = 0;
  for (let i = 0; i < HALF_OPEN_MAX && cookies === 0; i++) {
    peer.send({ flags: "S" });
    cookies = tcpCounters(peer.stack)["syncookiesSent"] ?? 0;
    if (cookies === 0) peer.port += 1;
  }
  assert.equal(cookies, 1);
  for (const page of held) peer.stack.call("pageBlockFree", page, 0);
  peer.send({ sequence: 1, ack: 1 });
  assert.notEqual(peer.stack.accept(listener), 0);
});

test("a listener that closes takes no cookies any more", async () => {
  const { peer, listener } = await floodedPeer();
  peer.send({ flags: "S" });
  peer.stack.close(listener);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1 })), ["R 1 0"]);
});

test("long after the last cookie an ACK to nobody is not looked at", async () => {
  const { peer } = await floodedPeer();
  peer.send({ flags: "S" });
  peer.pass(200_000);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1 })), ["R 1 0"]);
  assert.equal(tcpCounters(peer.stack)["syncookiesFailed"], undefined);
});

test("a cookie remembers that ECN was agreed to, where it can remember anything", async () => {
  for (const [flags, options, answer, text] of [
    ["SEC", timestampOption(PEER_CLOCK, 0), "SAE", 2],
    ["S", timestampOption(PEER_CLOCK, 0), "SA", 0],
    ["SEC", [], "SA", 0],
  ] as const) {
    const { peer, listener } = await floodedPeer();
    const [synAck] = peer.send({ flags, options: bytes([...mssOption(1460)], [...options]) });
    assert.equal(synAck?.flags, answer);
    const echoed = options.length === 0 ? [] : timestampOption(PEER_CLOCK + 1, stampOf(synAck));
    peer.send({ sequence: 1, ack: 1, options: bytes(echoed) });
    peer.stack.send(peer.stack.accept(listener), "text");
    const [segment] = peer.received();
    assert.equal(segment?.service, text);
  }
});
