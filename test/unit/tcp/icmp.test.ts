// What ICMP errors about our segments do (RFC 9293, 3.9.2.2; RFC 5927), and how the application hears of trouble.
import assert from "node:assert/strict";
import { test } from "node:test";
import { internetSum } from "../../support/segmentation.ts";
import { Peer, PEER_PORT } from "./peer.ts";
import { established, text } from "./sender.ts";
import { Errno, Poll, State } from "./stack.ts";

const UNREACHABLE = 3;
const SOURCE_QUENCH = 4;
const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;

/** An ICMP message that quotes the stack's segment with sequence number `sequence`. */
function message(
  peer: Peer,
  kind: readonly [number, number],
  sequence: number,
  sourcePort: number,
  mtu = 0,
): Uint8Array {
  const frame = new Uint8Array(14 + 56);
  frame.set([0, 0x16, 0x3e, 0, 0, 1, 0, 0x16, 0x3e, 0, 0, 9, 8, 0]);
  frame.set([0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1], 14);
  frame.set([...kind, 0, 0, 0, 0, mtu >> 8, mtu & 255], 34);
  frame.set([0x45, 0, 5, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9], 42);
  const view = new DataView(frame.buffer);
  view.setUint16(62, sourcePort);
  view.setUint16(64, PEER_PORT);
  view.setUint32(66, (peer.stackIsn + sequence) >>> 0);
  view.setUint16(36, ~internetSum(frame, 34, 70) & 0xffff);
  view.setUint16(24, ~internetSum(frame, 14, 34) & 0xffff);
  return frame;
}

// RFC 9293 MUST-56
test("icmp hard error does not end an established connection", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, "hello");
  peer.received();
  peer.deliver(message(peer, [UNREACHABLE, 3], 1, 80));
  assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
});

// RFC 9293 MUST-54, MUST-56, SHLD-26
test("icmp hard error ends an attempt to connect, a forged one does not", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  const port = peer.received()[0]?.sourcePort ?? 0;
  peer.deliver(message(peer, [UNREACHABLE, 3], 77, port));
  assert.equal(peer.stack.field(socket, "state"), State.SYN_SENT);
  peer.deliver(message(peer, [UNREACHABLE, 1], 0, port)); // host unreachable is soft (MUST-56)
  assert.equal(peer.stack.field(socket, "state"), State.SYN_SENT);
  peer.deliver(message(peer, [UNREACHABLE, 3], 0, port));
  assert.equal(peer.stack.field(socket, "state"), State.CLOSED);
  assert.equal(peer.stack.error(socket), Errno.ECONNREFUSED);
  peer.stack.connect(0x0a000009, PEER_PORT, socket);
  assert.equal(peer.received()[0]?.flags, "S");
});

// RFC 9293 MUST-16, MUST-54, SHLD-6
test("a narrower path makes the segments smaller and sends again what was too large", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(2000));
  assert.equal(peer.received().length, 2);
  peer.deliver(message(peer, [UNREACHABLE, 4], 1, 80, 640));
  const again = peer.received();
  assert.deepEqual(
    again.map((segment) => [segment.sequence, segment.text.length]),
    [
      [1, 600],
      [601, 600],
      [1201, 600],
      [1801, 200],
    ],
  );
});

// RFC 9293 MUST-47, MUST-56, SHLD-20, SHLD-25
test("a soft error is told to who asks, and disturbs nobody else", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, "hello");
  peer.received();
  const kinds = [
    [UNREACHABLE, 0],
    [UNREACHABLE, 1],
    [UNREACHABLE, 5],
    [TIME_EXCEEDED, 0],
    [PARAMETER_PROBLEM, 0],
  ] as const;
  for (const kind of kinds) {
    peer.deliver(message(peer, kind, 1, 80));
    assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
    assert.equal(peer.stack.poll(child), Poll.WRITABLE);
    assert.equal(peer.stack.read(child), -Errno.EAGAIN);
    assert.notEqual(peer.stack.report(child), 0, `${kind.join(" ")}`);
    assert.equal(peer.stack.report(child), 0);
  }
});

// RFC 9293 MUST-55
test("source quench is ignored", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(20_000));
  peer.received();
  const before = peer.stack.field(child, "congestionWindow");
  peer.deliver(message(peer, [SOURCE_QUENCH, 0], 1, 80));
  assert.equal(peer.stack.field(child, "congestionWindow"), before);
  assert.equal(peer.stack.report(child), 0);
});

// RFC 9293 MUST-20, MUST-47, SHLD-9, SHLD-10
test("the third retransmission in vain makes IP look for the neighbour, and is told to who asks", async () => {
  const { peer, child } = await established();
  const sent = (type: number): boolean => peer.stack.transmitted.some((frame) => frame[12] === 8 && frame[13] === type);
  const [IPV4, ARP] = [0, 6];
  peer.stack.send(child, "hello");
  for (const retransmission of [1, 2, 3]) {
    assert.equal(peer.stack.report(child), 0);
    peer.stack.transmitted.length = 0;
    while (!sent(IPV4)) peer.stack.run(peer.stack.deadline(peer.stack.now));
    assert.equal(sent(ARP), retransmission === 3);
  }
  assert.equal(peer.stack.report(child), Errno.ETIMEDOUT);
  assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
});
