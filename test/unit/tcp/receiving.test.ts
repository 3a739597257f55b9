// What an open connection does with a segment that comes in (RFC 9293, 3.10.7.4; RFC 5961; RFC 7323): acknowledgments,
// text in and out of its place, resets and SYNs that may be forged, old timestamps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, establishedPeer, Peer, stateOf, timestampOption } from "./peer.ts";
import { Errno, State } from "./stack.ts";

// RFC 9293 SHLD-18, MUST-40
test("established_text_is_acknowledged_within_the_delay", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(peer.send({ flags: "PA", sequence: 1, ack: 1, text: "hello" }), []);
  assert.deepEqual(brief(peer.pass(40)), ["A 1 6"]);
  assert.equal(peer.stack.readText(child), "hello");
});

// RFC 9293 MUST-58
test("answer_carries_the_acknowledgment", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(peer.send({ flags: "PA", sequence: 1, ack: 1, text: "hello" }), []);
  peer.stack.readText(child);
  peer.stack.send(child, "world");
  assert.deepEqual(brief(peer.received()), ["PA 1 6 world"]);
  assert.deepEqual(peer.pass(100), []);
});

// RFC 9293 SHLD-19
test("second_full_segment_is_acknowledged_at_once", async () => {
  const { peer } = await establishedPeer();
  const text = "x".repeat(1000);
  assert.deepEqual(peer.send({ sequence: 1, ack: 1, text }), []);
  assert.deepEqual(brief(peer.send({ sequence: 1001, ack: 1, text })), ["A 1 2001"]);
});

// RFC 9293 MUST-58, MUST-59
test("a_batch_is_acknowledged_once", async () => {
  const { peer } = await establishedPeer();
  const text = "x".repeat(1000);
  const batch = [1, 1001, 2001, 3001].map((sequence) => ({ sequence, ack: 1, text }));
  assert.deepEqual(brief(peer.sendBatch(batch)), ["A 1 4001"]);
});

test("old_segment_is_acknowledged_and_dropped", async () => {
  const { peer, child } = await establishedPeer();
  peer.send({ sequence: 1, ack: 1, text: "hello" });
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, text: "hello" })), ["A 1 6"]);
  assert.equal(peer.stack.readText(child), "hello");
});

test("overlapping_segment_is_trimmed", async () => {
  const { peer, child } = await establishedPeer();
  peer.send({ sequence: 1, ack: 1, text: "hello" });
  peer.send({ sequence: 3, ack: 1, text: "llo world" });
  assert.equal(peer.stack.readText(child), "hello world");
});

// RFC 9293 SHLD-31, MAY-13
test("early_segment_waits_for_the_gap", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(brief(peer.send({ sequence: 6, ack: 1, text: " world" })), ["A 1 1"]);
  assert.equal(peer.stack.read(child), -Errno.EAGAIN);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, text: "hello" })), ["A 1 12"]);
  assert.equal(peer.stack.readText(child), "hello world");
});

test("text_beyond_the_window_is_cut", async () => {
  const { peer, child } = await establishedPeer();
  const edge = 65536; // relative to the peer's initial number: 1 + 65535
  const [answer] = peer.send({ sequence: edge - 2, ack: 1, text: "abcdef" });
  assert.equal(answer?.ack, 1);
  assert.equal(peer.stack.unsigned("rangeEndOf", child, 0), (0xfffffe00 + edge) >>> 0);
});

test("segment_outside_the_window_is_dropped_with_an_ack", async () => {
  const { peer } = await establishedPeer();
  assert.deepEqual(brief(peer.send({ sequence: 70_000, ack: 1, text: "x" })), ["A 1 1"]);
  assert.deepEqual(brief(peer.send({ sequence: 0x80000000, ack: 1, text: "x" })), ["A 1 1"]);
});

test("segment_without_ack_is_dropped_silently", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(peer.send({ flags: "P", sequence: 1, text: "x" }), []);
  assert.equal(peer.stack.read(child), -Errno.EAGAIN);
});

// RFC 9293 MAY-12
test("ack_of_unsent_data_is_challenged_and_its_text_dropped", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 500, text: "x" })), ["A 1 1"]);
  assert.equal(peer.stack.read(child), -Errno.EAGAIN);
});

// RFC 9293 MAY-12
test("ancient_ack_is_challenged", async () => {
  const { peer } = await establishedPeer();
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1 - 70_000, text: "x" })), ["A 1 1"]);
});

// RFC 9293 MUST-12
test("exact_rst_resets", async () => {
  const { peer, child } = await establishedPeer();
  peer.send({ sequence: 1, ack: 1, text: "last words" });
  assert.deepEqual(peer.send({ flags: "R", sequence: 11 }), []);
  assert.equal(stateOf(peer, child), State.CLOSED);
  assert.equal(peer.stack.readText(child), "last words");
  assert.equal(peer.stack.read(child), -Errno.ECONNRESET);
  assert.equal(peer.stack.read(child), 0);
  assert.equal(peer.stack.send(child, "x"), -Errno.EPIPE);
});

// RFC 9293 MAY-12
test("rst_in_the_window_is_challenged", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(brief(peer.send({ flags: "R", sequence: 2 })), ["A 1 1"]);
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
});

// RFC 9293 MAY-12
test("bad_seq_rst_dropped_silently", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(peer.send({ flags: "R", sequence: 0 }), []);
  assert.deepEqual(peer.send({ flags: "R", sequence: 100_000 }), []);
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
});

// RFC 9293 MAY-12
test("syn_in_established_is_challenged", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(brief(peer.send({ flags: "S", sequence: 1 })), ["A 1 1"]);
  assert.deepEqual(brief(peer.send({ flags: "S", sequence: 90_000 })), ["A 1 1"]);
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
});

test("challenges_are_limited_per_second", async () => {
  const { peer } = await establishedPeer();
  let answers = 0;
  for (let i = 0; i < 1000; i++) answers += peer.send({ flags: "R", sequence: 2 }).length;
  assert.ok(answers >= 50 && answers <= 150, `${answers}`);
  peer.pass(1000);
  assert.equal(peer.send({ flags: "R", sequence: 2 }).length, 1);
});

// RFC 9293 SHLD-2
test("rst_with_text_resets", async () => {
  const { peer, child } = await establishedPeer();
  peer.send({ flags: "RA", sequence: 1, ack: 1, text: "out of memory" });
  assert.equal(stateOf(peer, child), State.CLOSED);
  assert.equal(peer.stack.read(child), -Errno.ECONNRESET);
});

test("paws_refuses_an_old_timestamp", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  const options = (value: number): Uint8Array => Uint8Array.from(timestampOption(value, 0));
  peer.send({ flags: "S", options: options(1000) });
  peer.send({ sequence: 1, ack: 1, options: options(1001) });
  const child = peer.stack.accept(listener);
  peer.send({ sequence: 1, ack: 1, text: "new", options: options(1002) });
  assert.equal(peer.stack.field(child, "timestampRecent"), 1002);
  assert.equal(brief(peer.send({ sequence: 4, ack: 1, text: "old", options: options(999) })).length, 1);
  assert.equal(peer.stack.readText(child), "new");
  assert.equal(peer.stack.read(child), -Errno.EAGAIN);
  assert.deepEqual(peer.send({ sequence: 4, ack: 1, text: "none" }), []); // RFC 7323, 3.2
  assert.equal(peer.stack.read(child), -Errno.EAGAIN);
});
