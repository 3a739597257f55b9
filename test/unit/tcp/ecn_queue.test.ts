// Connections with and without ECN through a router that speaks up before its queue is full (active queue management): what can be
// marked is marked, what cannot is dropped.
import assert from "node:assert/strict";
import { test } from "node:test";
import { internetSum } from "../../support/segmentation.ts";
import { bulk, CUBIC, NEW_RENO, type BulkResult } from "./bulk.ts";

const BYTES = 8_000_000;
const BANDWIDTH = 50e6; // bits per second
const ROUND_TRIP = 20; // ms
/** Bytes that wait before the router speaks up: what the link sends in 10 ms. */
const THRESHOLD = (BANDWIDTH / 8) * 0.01;

/** As a router does (RFC 3168, section 5): marks a packet that says its ends understand that, and drops any other. */
function mark(frame: Uint8Array): boolean {
  const service = frame[15] ?? 0;
  if (frame[12] !== 8 || (service & 3) === 0) return false;
  frame[15] = service | 3;
  frame.fill(0, 24, 26);
  const sum = ~internetSum(frame, 14, 34) & 0xffff;
  frame[24] = sum >> 8;
  frame[25] = sum & 255;
  return true;
}

function transfer(congestion: number, ecn: boolean, seed: number): Promise<BulkResult> {
  const delay = ROUND_TRIP * 500;
  const conditions = { bandwidth: BANDWIDTH, threshold: THRESHOLD, delay: [delay, delay] as const };
  return bulk({ conditions, congestion, bytes: BYTES, seed, buffer: 1 << 20, ecn, congested: mark });
}

// RFC 9293 SHLD-8
for (const [name, congestion] of [
  ["CUBIC", CUBIC],
  ["NewReno", NEW_RENO],
] as const) {
  test(`${name}: through a router that marks nothing is lost, nothing is sent twice, and no less gets there`, async () => {
    for (const seed of [1, 2]) {
      const with_ = await transfer(congestion, true, seed);
      const without = await transfer(congestion, false, seed);
      assert.ok(without.lost > 0, "the queue was never long");
      assert.equal(with_.lost, 0);
      assert.ok(with_.marked > 1, `${with_.marked} marks`);
      assert.ok(with_.frames < without.frames);
      assert.ok(with_.milliseconds <= without.milliseconds, `${with_.milliseconds} ms against ${without.milliseconds}`);
    }
  });
}
