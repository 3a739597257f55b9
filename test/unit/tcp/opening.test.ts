// How a connection begins (RFC 9293, 3.10.7.1 to 3.10.7.3): CLOSED, LISTEN, SYN-SENT and SYN-RECEIVED, driven with
// hand-made segments.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, Peer, PEER_PORT, stateOf } from "./peer.ts";
import { Errno, Poll, State } from "./stack.ts";

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

// RFC 9293 MUST-3
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

// RFC 9293 MUST-63
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
  assert.equal(peer.stack.poll(listener), Poll.READABLE);
  const child = peer.stack.accept(listener);
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
  assert.equal(peer.stack.call("halfOpenCount"), 0);
});

// RFC 9293 MUST-14, MUST-67, SHLD-5, MAY-3
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

// RFC 9293 MUST-11
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
  assert.equal(peer.stack.poll(socket), Poll.WRITABLE);
});

// RFC 9293 MUST-12
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

// RFC 9293 MUST-20, MUST-22, MUST-23
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

// RFC 9293 MUST-10
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

// RFC 9293 MUST-11, MUST-12
test("syn_received_rst_ends_an_active_open", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  const port = peer.received()[0]?.sourcePort ?? 0;
  peer.send({ flags: "S", destinationPort: port });
  assert.equal(stateOf(peer, socket), State.SYN_RECEIVED);
  peer.send({ flags: "R", sequence: 1, destinationPort: port });
  assert.equal(stateOf(peer, socket), State.CLOSED);
  assert.equal(peer.stack.error(socket), Errno.ECONNREFUSED);
});
