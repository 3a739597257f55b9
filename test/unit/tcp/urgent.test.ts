// Urgent data (RFC 9293, 3.8.5) as RFC 6093 says: it stays in line, and POLLPRI tells that some of it is unread.
import assert from "node:assert/strict";
import { test } from "node:test";
import { establishedPeer, stateOf } from "./peer.ts";
import { Poll, State } from "./stack.ts";

// RFC 9293 MUST-30, MUST-32, MUST-33
test("urgent text is announced and stays in line", async () => {
  const { peer, child } = await establishedPeer();
  peer.send({ flags: "AU", sequence: 1, ack: 1, text: "abc", urgent: 2 });
  assert.ok(peer.stack.poll(child) & Poll.PRI);
  assert.equal(peer.stack.readText(child), "abc");
  assert.equal(peer.stack.poll(child) & Poll.PRI, 0);
});

// RFC 9293 MUST-33, MUST-62
test("the pointer names the first octet that is not urgent", async () => {
  const { peer, child } = await establishedPeer();
  peer.send({ flags: "AU", sequence: 1, ack: 1, text: "abcd", urgent: 2 });
  peer.stack.read(child, 1);
  assert.ok(peer.stack.poll(child) & Poll.PRI);
  peer.stack.read(child, 1);
  assert.equal(peer.stack.poll(child) & Poll.PRI, 0);
});

// RFC 9293 MUST-31
test("urgent data may be longer than a pointer reaches", async () => {
  const { peer, child } = await establishedPeer();
  const size = 1000;
  for (let i = 0; i < 100; i++) {
    peer.send({ flags: "AU", sequence: 1 + i * size, ack: 1, text: "x".repeat(size), urgent: 65_535 });
    peer.stack.read(child, size);
    assert.ok(peer.stack.poll(child) & Poll.PRI);
  }
  peer.send({ flags: "AU", sequence: 1 + 100 * size, ack: 1, urgent: 65_535 });
  assert.equal(stateOf(peer, child), State.ESTABLISHED);
});

// RFC 9293 MUST-66
test("behind a closed window urgent pointers and resets are heard", async () => {
  const { peer, child } = await establishedPeer();
  peer.stack.call("tcpSetReceiveLimit", child, 4096);
  let sequence = 1;
  for (let window = 1; window !== 0;) {
    const [answer] = [...peer.send({ sequence, ack: 1, text: "x".repeat(1000) }), ...peer.pass(50)];
    assert.ok(answer !== undefined);
    ({ ack: sequence, window } = answer);
  }
  assert.equal(peer.stack.poll(child) & Poll.PRI, 0);
  peer.send({ flags: "AU", sequence, ack: 1, urgent: 5, text: "hear!" });
  assert.ok(peer.stack.poll(child) & Poll.PRI);
  peer.send({ flags: "R", sequence });
  assert.equal(stateOf(peer, child), State.CLOSED);
});
