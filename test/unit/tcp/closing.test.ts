// How a connection ends (RFC 9293, 3.6 and 3.10.7.4): the FIN from either side or both, resets on close, TIME-WAIT.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, establishedPeer, Peer, stateOf, timestampOption } from "./peer.ts";
import { State } from "./stack.ts";

test("fin_then_close_goes_through_close_wait_and_last_ack", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 1, ack: 1, text: "bye" })), ["A 1 5"]);
  assert.equal(stateOf(peer, child), State.CLOSE_WAIT);
  assert.equal(peer.stack.readText(child), "bye");
  assert.equal(peer.stack.read(child), 0);
  peer.stack.send(child, "after");
  assert.deepEqual(brief(peer.received()), ["PA 1 5 after"]);
  peer.stack.close(child);
  assert.deepEqual(brief(peer.received()), ["FA 6 5"]);
  assert.equal(stateOf(peer, child), State.LAST_ACK);
  const before = peer.stack.call("socketCount");
  assert.deepEqual(peer.send({ sequence: 5, ack: 7 }), []);
  assert.equal(peer.stack.call("socketCount"), before - 1);
  assert.equal(peer.stack.call("timeWaitCount"), 0);
});

// RFC 9293 MUST-13
test("close_goes_through_fin_wait_1_and_2_to_time_wait", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.shutdown(child);
  assert.deepEqual(brief(peer.received()), ["FA 1 1"]);
  assert.equal(stateOf(peer, child), State.FIN_WAIT_1);
  peer.send({ sequence: 1, ack: 2 });
  assert.equal(stateOf(peer, child), State.FIN_WAIT_2);
  peer.send({ sequence: 1, ack: 2, text: "still talking" });
  assert.equal(peer.stack.readText(child), "still talking");
  peer.received();
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 14, ack: 2 })), ["A 2 15"]);
  assert.equal(stateOf(peer, child), State.TIME_WAIT);
  assert.equal(peer.stack.call("timeWaitCount"), 1);
  assert.equal(peer.stack.read(child), 0);
  peer.stack.close(child);
  peer.pass(59_000);
  assert.equal(peer.stack.call("timeWaitCount"), 1);
  peer.pass(1_100);
  assert.equal(peer.stack.call("timeWaitCount"), 0);
});

test("simultaneous_close_goes_through_closing", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.shutdown(child);
  peer.received();
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 1, ack: 1 })), ["A 2 2"]);
  assert.equal(stateOf(peer, child), State.CLOSING);
  assert.deepEqual(peer.send({ sequence: 2, ack: 2 }), []);
  assert.equal(stateOf(peer, child), State.TIME_WAIT);
});

test("fin_wait_1_ack_and_fin_together_enter_time_wait", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.shutdown(child);
  peer.received();
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 1, ack: 2 })), ["A 2 2"]);
  assert.equal(stateOf(peer, child), State.TIME_WAIT);
});

test("fin_is_retransmitted", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.shutdown(child);
  peer.received();
  assert.deepEqual(brief(peer.pass(1500)).slice(0, 1), ["FA 1 1"]);
});

test("early_fin_waits_for_the_text_before_it", async () => {
  const { peer, child } = await establishedPeer();
  peer.send({ flags: "FA", sequence: 4, ack: 1, text: "def" });
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, text: "abc" })), ["A 1 8"]);
  assert.equal(stateOf(peer, child), State.CLOSE_WAIT);
  assert.equal(peer.stack.readText(child), "abcdef");
});

test("early_fin_without_text_is_answered_at_once", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 4, ack: 1 })), ["A 1 1"]);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, text: "abc" })), ["A 1 5"]);
  assert.equal(stateOf(peer, child), State.CLOSE_WAIT);
});

// RFC 9293 MAY-1, SHLD-3
test("text_after_close_is_reset", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.close(child);
  peer.received();
  const answers = brief(peer.send({ sequence: 1, ack: 1, text: "are you there?" }));
  assert.equal(answers[0]?.split(" ")[0], "RA");
  assert.equal(peer.stack.call("tableCount"), 0);
});

// RFC 9293 MAY-1, SHLD-3
test("close_with_unread_text_resets", async () => {
  const { peer, child } = await establishedPeer();
  peer.send({ sequence: 1, ack: 1, text: "unread" });
  peer.stack.close(child);
  assert.deepEqual(brief(peer.received()), ["RA 1 7"]);
});

test("linger_zero_resets", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.call("tcpSetLinger", child, 0);
  peer.stack.close(child);
  assert.deepEqual(brief(peer.received()), ["RA 1 1"]);
});

test("detached_fin_wait_2_ends_after_a_minute", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.close(child);
  peer.received();
  peer.send({ sequence: 1, ack: 2 });
  assert.equal(peer.stack.call("socketCount"), 2);
  peer.pass(61_000);
  assert.equal(peer.stack.call("socketCount"), 1);
});

test("held_fin_wait_2_lasts", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.shutdown(child);
  peer.received();
  peer.send({ sequence: 1, ack: 2 });
  peer.pass(3_600_000);
  assert.equal(stateOf(peer, child), State.FIN_WAIT_2);
});

test("time_wait_acknowledges_a_repeated_fin_and_ignores_stray_resets", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.close(child);
  peer.received();
  peer.send({ flags: "FA", sequence: 1, ack: 2 });
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 1, ack: 2 })), ["A 2 2"]);
  assert.deepEqual(peer.send({ flags: "R", sequence: 50 }), []);
  assert.equal(peer.stack.call("timeWaitCount"), 1);
});

// RFC 9293 MAY-2
test("time_wait_is_reused_by_a_newer_syn", async () => {
  const { peer, listener, child } = await establishedPeer();
  peer.stack.close(child);
  peer.received();
  peer.send({ flags: "FA", sequence: 1, ack: 2 });
  const oldIsn = peer.stackIsn;
  assert.deepEqual(brief(peer.send({ flags: "S", sequence: 1 })), ["A 2 2"]); // not newer
  const [answer] = peer.send({ flags: "S", sequence: 1000 });
  assert.equal(answer?.flags.includes("S"), true);
  assert.ok(((peer.stackIsn - oldIsn) | 0) > 65536, "the new numbers lie beyond the old ones");
  assert.equal(peer.stack.call("timeWaitCount"), 0);
  peer.send({ sequence: 1001, ack: 1 });
  assert.notEqual(peer.stack.accept(listener), 0);
});

// RFC 9293 MAY-2, SHLD-4
test("time_wait_is_reused_by_a_syn_with_a_newer_timestamp", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  const options = (value: number): Uint8Array => Uint8Array.from(timestampOption(value, 0));
  peer.send({ flags: "S", options: options(1000) });
  peer.send({ sequence: 1, ack: 1, options: options(1001) });
  peer.stack.close(peer.stack.accept(listener));
  peer.send({ flags: "FA", sequence: 1, ack: 2, options: options(1002) });
  assert.equal(peer.stack.call("timeWaitCount"), 1);
  peer.received();
  const older = { flags: "S", sequence: -50_000, options: options(1001) };
  assert.equal(peer.send(older)[0]?.flags, "A"); // an old duplicate
  const [answer] = peer.send({ ...older, options: options(1003) });
  assert.deepEqual([answer?.flags, peer.stack.call("timeWaitCount")], ["SA", 0]);
});

test("time_wait_is_bounded", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  for (let i = 0; i < 1200; i++) {
    peer.port = 10_000 + i;
    const child = peer.open(listener);
    peer.stack.close(child);
    peer.send({ flags: "FA", sequence: 1, ack: 2 });
  }
  assert.equal(peer.stack.call("timeWaitCount"), 1024);
  assert.equal(peer.stack.call("socketCount"), 1);
});
