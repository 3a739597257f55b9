// How the two congestion control algorithms fall and grow: CUBIC against the functions of RFC 9438, NewReno against RFC 5681.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CUBIC, NEW_RENO } from "./bulk.ts";
import type { Peer } from "./peer.ts";
import { ack, established, MSS, text } from "./sender.ts";

const ROUND_TRIP = 50; // ms

interface Sender {
  readonly peer: Peer;
  readonly child: number;
  /** One past what the peer has acknowledged. */
  acked: number;
}

async function sender(algorithm: number): Promise<Sender> {
  const { peer, child } = await established(65_535, {});
  peer.stack.call("tcpSetCongestionControl", child, algorithm);
  return { peer, child, acked: 1 };
}

const windowOf = ({ peer, child }: Sender): number => peer.stack.field(child, "congestionWindow");

/** One round trip later the peer acknowledges all that is in flight, two segments at a time. */
function roundTrip(s: Sender): void {
  const { peer, child } = s;
  peer.stack.send(child, text(120_000));
  s.peer.pass(ROUND_TRIP);
  const end = (peer.stack.field(child, "sendMax") - peer.stackIsn) >>> 0;
  while (s.acked < end) {
    s.acked = Math.min(s.acked + 2 * MSS, end);
    peer.send(ack(s.acked));
  }
}

/** Three duplicates and an ACK of all: a loss and its recovery. Returns the window before and after. */
function loss(s: Sender): readonly [number, number] {
  const { peer, child } = s;
  peer.stack.send(child, text(120_000));
  peer.received();
  const before = windowOf(s);
  for (let i = 0; i < 3; i++) peer.send(ack(s.acked));
  const after = peer.stack.field(child, "slowStartThreshold");
  s.acked = (peer.stack.field(child, "sendMax") - peer.stackIsn) >>> 0;
  peer.send(ack(s.acked));
  return [before, after];
}

function grow(s: Sender, window: number): void {
  for (let i = 0; i < 20 && windowOf(s) < window; i++) roundTrip(s);
}

/** Up to the threshold. */
function slowStart(s: Sender): void {
  for (let i = 0; i < 20 && windowOf(s) < s.peer.stack.field(s.child, "slowStartThreshold"); i++) roundTrip(s);
}

// RFC 9293 MAY-18
test("after a loss CUBIC keeps 0.7 of the flight, NewReno half", async () => {
  for (const [algorithm, factor] of [
    [CUBIC, 0.7],
    [NEW_RENO, 0.5],
  ] as const) {
    const s = await sender(algorithm);
    grow(s, 40_000);
    const [before, after] = loss(s);
    assert.ok(Math.abs(after / before - factor) < 0.05, `${before} to ${after}`);
  }
});

// RFC 9293 MUST-19
test("NewReno opens the window by one segment a round trip", async () => {
  const s = await sender(NEW_RENO);
  grow(s, 40_000);
  loss(s);
  slowStart(s);
  const start = windowOf(s);
  for (let i = 0; i < 8; i++) roundTrip(s);
  const segments = (windowOf(s) - start) / MSS;
  assert.ok(segments >= 7 && segments <= 9, `${segments} segments in 8 round trips`);
});

test("CUBIC follows its function of time, or NewReno's where that is faster", async () => {
  const s = await sender(CUBIC);
  grow(s, 60_000);
  const [before] = loss(s);
  slowStart(s);
  const start = windowOf(s);
  const begins = s.peer.stack.now;
  const offset = Math.cbrt((before - start) / MSS / 0.4);
  let estimate = start;
  for (let i = 0; i < 60 && windowOf(s) < 62_000; i++) {
    estimate += ((estimate < before ? 9 / 17 : 1) * MSS * Math.min(windowOf(s), 65_535)) / windowOf(s);
    roundTrip(s);
    const seconds = Number(s.peer.stack.now - begins) / 1e9;
    const cubic = before + 0.4 * (seconds - offset) ** 3 * MSS;
    const expected = Math.max(cubic, estimate);
    const error = Math.abs(windowOf(s) - expected) / expected;
    assert.ok(error < 0.05, `after ${seconds.toFixed(2)} s ${windowOf(s)} instead of ${Math.round(expected)}`);
  }
  assert.ok(windowOf(s) >= 0.98 * Math.min(before, 62_000));
});

test("CUBIC leaves room to newer flows: a second loss below the maximum counts 0.85 of the window", async () => {
  const s = await sender(CUBIC);
  grow(s, 60_000);
  loss(s);
  roundTrip(s);
  const [before] = loss(s);
  assert.equal(s.peer.stack.field(s.child, "cubicMaximum"), before - Math.floor((before * 3) / 20));
});

test("a window that is not used does not grow", async () => {
  for (const algorithm of [CUBIC, NEW_RENO]) {
    const s = await sender(algorithm);
    grow(s, 30_000);
    loss(s);
    roundTrip(s);
    const { peer, child } = s;
    s.acked = (peer.stack.field(child, "sendMax") - peer.stackIsn) >>> 0;
    peer.pass(10);
    peer.send(ack(s.acked));
    for (let left = 1; left !== 0;) {
      peer.pass(ROUND_TRIP);
      const end = (peer.stack.field(child, "sendMax") - peer.stackIsn) >>> 0;
      left = end - s.acked;
      s.acked = end;
      peer.send(ack(end));
    }
    const before = windowOf(s);
    for (let i = 0; i < 30; i++) {
      peer.stack.send(child, "x");
      peer.pass(ROUND_TRIP);
      s.acked += 1;
      peer.send(ack(s.acked));
    }
    assert.equal(windowOf(s), before);
  }
});
