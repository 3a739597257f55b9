// One connection, driven with hand-made segments through every state of RFC 9293.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, Peer, PEER_PORT, timestampOption } from "./peer.ts";
import { Errno, Poll, State } from "./stack.ts";

async function established(): Promise<{ peer: Peer; listener: number; child: number }> {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  const child = peer.open(listener);
  return { peer, listener, child };
}

function stateOf(peer: Peer, socket: number): number {
  return peer.stack.field(socket, "state");
}

test("syn_to_closed_port_is_reset", async () => {
  const peer = await Peer.create();
  assert.deepEqual(brief(peer.send({ flags: "S", sequence: 5 })).length, 1);
  const [reset] = peer.send({ flags: "S", sequence: 5 });
  assert.equal(reset?.flags, "RA");
  assert.equal(reset?.ack, 6);
});

test("ack_to_closed_port_is_reset_with_its_ack_number", async () => {
  const peer = await Peer.create();
  const [reset] = peer.send({ flags: "A", sequence: 5, ack: 77 });
  assert.equal(reset?.flags, "R");
  assert.equal(reset?.sequence, 77);
});

test("rst_to_closed_port_is_ignored", async () => {
  const peer = await Peer.create();
  assert.deepEqual(peer.send({ flags: "R" }), []);
});

test("bad_checksum_is_dropped_silently", async () => {
  const peer = await Peer.create();
  peer.stack.listen(80);
  assert.deepEqual(peer.send({ flags: "S", badChecksum: true }), []);
});

test("header_length_beyond_the_segment_is_dropped_silently", async () => {
  const peer = await Peer.create();
  peer.stack.listen(80);
  assert.deepEqual(peer.send({ flags: "S", rawHeaderWords: 15 }), []);
  assert.deepEqual(peer.send({ flags: "S", rawHeaderWords: 4 }), []);
});

test("syn_from_broadcast_is_dropped_silently", async () => {
  const peer = await Peer.create();
  peer.stack.listen(80);
  assert.deepEqual(peer.send({ flags: "S", host: 255 }), []);
});

test("passive_open", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  assert.deepEqual(brief(peer.send({ flags: "S" })), ["SA 0 1"]);
  assert.equal(peer.stack.call("halfOpenCount"), 1);
  assert.equal(peer.stack.poll(listener), 0);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1 })), []);
  assert.equal(peer.stack.poll(listener), Poll.IN);
  const child = peer.stack.accept(listener);
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
  assert.equal(peer.stack.call("halfOpenCount"), 0);
});

test("syn_is_not_answered_with_options_it_did_not_offer", async () => {
  const peer = await Peer.create();
  peer.stack.listen(80);
  const [answer] = peer.send({ flags: "S" });
  assert.deepEqual([...(answer?.options ?? [])], [2, 4, 1460 >> 8, 1460 & 255]);
});

test("ack_with_text_completes_the_handshake", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S" });
  peer.send({ flags: "PA", sequence: 1, ack: 1, text: "hello" });
  assert.equal(peer.stack.readText(peer.stack.accept(listener)), "hello");
});

test("syn_received_bad_ack_is_reset", async () => {
  const peer = await Peer.create();
  peer.stack.listen(80);
  peer.send({ flags: "S" });
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 2 })), ["R 2 0"]);
  assert.equal(peer.stack.call("halfOpenCount"), 1);
});

test("syn_received_rst_returns_to_listen", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S" });
  assert.deepEqual(peer.send({ flags: "R", sequence: 1 }), []);
  assert.equal(peer.stack.call("halfOpenCount"), 0);
  assert.equal(stateOf(peer, listener), State.LISTEN);
});

test("syn_received_repeated_syn_repeats_the_syn_ack", async () => {
  const peer = await Peer.create();
  peer.stack.listen(80);
  assert.deepEqual(brief(peer.send({ flags: "S" })), ["SA 0 1"]);
  assert.deepEqual(brief(peer.send({ flags: "S" })), ["SA 0 1"]);
  assert.equal(peer.stack.call("halfOpenCount"), 1);
});

test("syn_ack_is_retransmitted_and_given_up", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S" });
  assert.deepEqual(brief(peer.pass(1000)), ["SA 0 1"]);
  assert.equal(peer.pass(200_000).length, 4);
  assert.equal(peer.stack.call("halfOpenCount"), 0);
  assert.equal(peer.stack.field(listener, "halfOpenCount"), 0);
});

test("active_open", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  const [syn] = peer.received();
  assert.equal(syn?.flags, "S");
  const port = syn?.sourcePort ?? 0;
  assert.deepEqual(brief(peer.send({ flags: "SA", ack: 1, destinationPort: port })), ["A 1 1"]);
  assert.equal(stateOf(peer, socket), State.ESTABLISHED);
  assert.equal(peer.stack.poll(socket), Poll.OUT);
});

test("syn_sent_refused", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  const port = peer.received()[0]?.sourcePort ?? 0;
  peer.send({ flags: "RA", ack: 1, destinationPort: port });
  assert.equal(stateOf(peer, socket), State.CLOSED);
  assert.ok(peer.stack.poll(socket) & Poll.ERR);
  assert.equal(peer.stack.error(socket), Errno.ECONNREFUSED);
});

test("syn_sent_rst_without_ack_is_ignored", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  const port = peer.received()[0]?.sourcePort ?? 0;
  peer.send({ flags: "R", destinationPort: port });
  assert.equal(stateOf(peer, socket), State.SYN_SENT);
});

test("syn_sent_bad_ack_is_reset", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  const port = peer.received()[0]?.sourcePort ?? 0;
  assert.deepEqual(brief(peer.send({ flags: "SA", ack: 2, destinationPort: port })), ["R 2 0"]);
  assert.equal(stateOf(peer, socket), State.SYN_SENT);
});

test("syn_is_retransmitted_with_back_off_and_gives_up_after_three_minutes", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  peer.received();
  assert.equal(peer.pass(999).length, 0);
  assert.equal(peer.pass(1).length, 1);
  assert.equal(peer.pass(1999).length, 0);
  assert.equal(peer.pass(1).length, 1);
  peer.pass(170_000);
  assert.equal(stateOf(peer, socket), State.SYN_SENT);
  peer.pass(70_000);
  assert.equal(stateOf(peer, socket), State.CLOSED);
  assert.equal(peer.stack.error(socket), Errno.ETIMEDOUT);
});

test("simultaneous_open", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  const port = peer.received()[0]?.sourcePort ?? 0;
  assert.deepEqual(brief(peer.send({ flags: "S", destinationPort: port })), ["SA 0 1"]);
  assert.equal(stateOf(peer, socket), State.SYN_RECEIVED);
  peer.send({ flags: "SA", ack: 1, destinationPort: port });
  assert.equal(stateOf(peer, socket), State.ESTABLISHED);
  peer.send({ sequence: 1, ack: 1, text: "x", destinationPort: port });
  assert.equal(peer.stack.readText(socket), "x");
});

test("established_text_is_acknowledged_within_the_delay", async () => {
  const { peer, child } = await established();
  assert.deepEqual(peer.send({ flags: "PA", sequence: 1, ack: 1, text: "hello" }), []);
  assert.deepEqual(brief(peer.pass(40)), ["A 1 6"]);
  assert.equal(peer.stack.readText(child), "hello");
});

test("answer_carries_the_acknowledgment", async () => {
  const { peer, child } = await established();
  assert.deepEqual(peer.send({ flags: "PA", sequence: 1, ack: 1, text: "hello" }), []);
  peer.stack.readText(child);
  peer.stack.send(child, "world");
  assert.deepEqual(brief(peer.received()), ["PA 1 6 world"]);
  assert.deepEqual(peer.pass(100), []);
});

test("second_full_segment_is_acknowledged_at_once", async () => {
  const { peer } = await established();
  const text = "x".repeat(1000);
  assert.deepEqual(peer.send({ sequence: 1, ack: 1, text }), []);
  assert.deepEqual(brief(peer.send({ sequence: 1001, ack: 1, text })), ["A 1 2001"]);
});

test("a_batch_is_acknowledged_once", async () => {
  const { peer } = await established();
  const text = "x".repeat(1000);
  const batch = [1, 1001, 2001, 3001].map((sequence) => ({ sequence, ack: 1, text }));
  assert.deepEqual(brief(peer.sendBatch(batch)), ["A 1 4001"]);
});

test("old_segment_is_acknowledged_and_dropped", async () => {
  const { peer, child } = await established();
  peer.send({ sequence: 1, ack: 1, text: "hello" });
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, text: "hello" })), ["A 1 6"]);
  assert.equal(peer.stack.readText(child), "hello");
});

test("overlapping_segment_is_trimmed", async () => {
  const { peer, child } = await established();
  peer.send({ sequence: 1, ack: 1, text: "hello" });
  peer.send({ sequence: 3, ack: 1, text: "llo world" });
  assert.equal(peer.stack.readText(child), "hello world");
});

test("early_segment_waits_for_the_gap", async () => {
  const { peer, child } = await established();
  assert.deepEqual(brief(peer.send({ sequence: 6, ack: 1, text: " world" })), ["A 1 1"]);
  assert.equal(peer.stack.read(child), -Errno.EAGAIN);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, text: "hello" })), ["A 1 12"]);
  assert.equal(peer.stack.readText(child), "hello world");
});

test("text_beyond_the_window_is_cut", async () => {
  const { peer, child } = await established();
  const edge = 65536; // relative to the peer's initial number: 1 + 65535
  const [answer] = peer.send({ sequence: edge - 2, ack: 1, text: "abcdef" });
  assert.equal(answer?.ack, 1);
  assert.equal(peer.stack.unsigned("rangeEndOf", child, 0), (0xfffffe00 + edge) >>> 0);
});

test("segment_outside_the_window_is_dropped_with_an_ack", async () => {
  const { peer } = await established();
  assert.deepEqual(brief(peer.send({ sequence: 70_000, ack: 1, text: "x" })), ["A 1 1"]);
  assert.deepEqual(brief(peer.send({ sequence: 0x80000000, ack: 1, text: "x" })), ["A 1 1"]);
});

test("segment_without_ack_is_dropped_silently", async () => {
  const { peer, child } = await established();
  assert.deepEqual(peer.send({ flags: "P", sequence: 1, text: "x" }), []);
  assert.equal(peer.stack.read(child), -Errno.EAGAIN);
});

test("ack_of_unsent_data_is_challenged_and_its_text_dropped", async () => {
  const { peer, child } = await established();
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 500, text: "x" })), ["A 1 1"]);
  assert.equal(peer.stack.read(child), -Errno.EAGAIN);
});

test("ancient_ack_is_challenged", async () => {
  const { peer } = await established();
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1 - 70_000, text: "x" })), ["A 1 1"]);
});

test("exact_rst_resets", async () => {
  const { peer, child } = await established();
  peer.send({ sequence: 1, ack: 1, text: "last words" });
  assert.deepEqual(peer.send({ flags: "R", sequence: 11 }), []);
  assert.equal(stateOf(peer, child), State.CLOSED);
  assert.equal(peer.stack.readText(child), "last words");
  assert.equal(peer.stack.read(child), -Errno.ECONNRESET);
  assert.equal(peer.stack.read(child), 0);
  assert.equal(peer.stack.send(child, "x"), -Errno.EPIPE);
});

test("rst_in_the_window_is_challenged", async () => {
  const { peer, child } = await established();
  assert.deepEqual(brief(peer.send({ flags: "R", sequence: 2 })), ["A 1 1"]);
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
});

test("bad_seq_rst_dropped_silently", async () => {
  const { peer, child } = await established();
  assert.deepEqual(peer.send({ flags: "R", sequence: 0 }), []);
  assert.deepEqual(peer.send({ flags: "R", sequence: 100_000 }), []);
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
});

test("syn_in_established_is_challenged", async () => {
  const { peer, child } = await established();
  assert.deepEqual(brief(peer.send({ flags: "S", sequence: 1 })), ["A 1 1"]);
  assert.deepEqual(brief(peer.send({ flags: "S", sequence: 90_000 })), ["A 1 1"]);
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
});

test("challenges_are_limited_per_second", async () => {
  const { peer } = await established();
  let answers = 0;
  for (let i = 0; i < 1000; i++) answers += peer.send({ flags: "R", sequence: 2 }).length;
  assert.ok(answers >= 50 && answers <= 150, `${answers}`);
  peer.pass(1000);
  assert.equal(peer.send({ flags: "R", sequence: 2 }).length, 1);
});

test("urgent_pointer_is_harmless_and_text_stays_in_line", async () => {
  const { peer, child } = await established();
  peer.send({ flags: "AU", sequence: 1, ack: 1, text: "abc", urgent: 2 });
  assert.ok(peer.stack.poll(child) & 2);
  assert.equal(peer.stack.readText(child), "abc");
  assert.equal(peer.stack.poll(child) & 2, 0);
  peer.send({ flags: "AU", sequence: 4, ack: 1, urgent: 65535 });
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
});

test("fin_then_close_goes_through_close_wait_and_last_ack", async () => {
  const { peer, child } = await established();
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

test("close_goes_through_fin_wait_1_and_2_to_time_wait", async () => {
  const { peer, child } = await established();
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
  const { peer, child } = await established();
  peer.stack.shutdown(child);
  peer.received();
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 1, ack: 1 })), ["A 2 2"]);
  assert.equal(stateOf(peer, child), State.CLOSING);
  peer.send({ sequence: 2, ack: 2 });
  assert.equal(stateOf(peer, child), State.TIME_WAIT);
});

test("fin_wait_1_ack_and_fin_together_enter_time_wait", async () => {
  const { peer, child } = await established();
  peer.stack.shutdown(child);
  peer.received();
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 1, ack: 2 })), ["A 2 2"]);
  assert.equal(stateOf(peer, child), State.TIME_WAIT);
});

test("fin_is_retransmitted", async () => {
  const { peer, child } = await established();
  peer.stack.shutdown(child);
  peer.received();
  assert.deepEqual(brief(peer.pass(1500)).slice(0, 1), ["FA 1 1"]);
});

test("early_fin_waits_for_the_text_before_it", async () => {
  const { peer, child } = await established();
  peer.send({ flags: "FA", sequence: 4, ack: 1, text: "def" });
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, text: "abc" })), ["A 1 8"]);
  assert.equal(stateOf(peer, child), State.CLOSE_WAIT);
  assert.equal(peer.stack.readText(child), "abcdef");
});

test("text_after_close_is_reset", async () => {
  const { peer, child } = await established();
  peer.stack.close(child);
  peer.received();
  const answers = brief(peer.send({ sequence: 1, ack: 1, text: "are you there?" }));
  assert.equal(answers[0]?.split(" ")[0], "RA");
  assert.equal(peer.stack.call("tableCount"), 0);
});

test("close_with_unread_text_resets", async () => {
  const { peer, child } = await established();
  peer.send({ sequence: 1, ack: 1, text: "unread" });
  peer.stack.close(child);
  assert.deepEqual(brief(peer.received()), ["RA 1 7"]);
});

test("linger_zero_resets", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetLinger", child, 0);
  peer.stack.close(child);
  assert.deepEqual(brief(peer.received()), ["RA 1 1"]);
});

test("detached_fin_wait_2_ends_after_a_minute", async () => {
  const { peer, child } = await established();
  peer.stack.close(child);
  peer.received();
  peer.send({ sequence: 1, ack: 2 });
  assert.equal(peer.stack.call("socketCount"), 2);
  peer.pass(61_000);
  assert.equal(peer.stack.call("socketCount"), 1);
});

test("held_fin_wait_2_lasts", async () => {
  const { peer, child } = await established();
  peer.stack.shutdown(child);
  peer.received();
  peer.send({ sequence: 1, ack: 2 });
  peer.pass(3_600_000);
  assert.equal(stateOf(peer, child), State.FIN_WAIT_2);
});

test("time_wait_acknowledges_a_repeated_fin_and_ignores_stray_resets", async () => {
  const { peer, child } = await established();
  peer.stack.close(child);
  peer.received();
  peer.send({ flags: "FA", sequence: 1, ack: 2 });
  assert.deepEqual(brief(peer.send({ flags: "FA", sequence: 1, ack: 2 })), ["A 2 2"]);
  assert.deepEqual(peer.send({ flags: "R", sequence: 50 }), []);
  assert.equal(peer.stack.call("timeWaitCount"), 1);
});

test("time_wait_is_reused_by_a_newer_syn", async () => {
  const { peer, listener, child } = await established();
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
