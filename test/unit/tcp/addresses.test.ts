// Who may be connected with whom: local and remote ends of active and passive opens (RFC 9293, 3.9.1 and 3.9.2.3).
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, Peer, PEER_PORT } from "./peer.ts";
import { Errno, State } from "./stack.ts";

const OURS = 0x0a000001;
const PEER = 0x0a000009;

/** The source address of the first TCP frame that the stack has sent. */
function sourceOf(peer: Peer): number {
  const frame = peer.stack.transmitted.find((candidate) => candidate[23] === 6);
  assert.ok(frame !== undefined);
  return new DataView(frame.buffer, frame.byteOffset).getUint32(26);
}

/** `frame` with another destination address, and checksums that fit. */
function redirected(frame: Uint8Array, destination: number): Uint8Array {
  const view = new DataView(frame.buffer);
  const fix = (at: number, old: number): void => {
    let sum = (~view.getUint16(at) & 0xffff) + (~old & 0xffff) + (~(old >>> 16) & 0xffff);
    sum += (destination & 0xffff) + (destination >>> 16);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(at, ~sum & 0xffff);
  };
  const old = view.getUint32(30);
  view.setUint32(30, destination);
  fix(24, old);
  fix(50, old);
  return frame;
}

// RFC 9293 MUST-44
test("an unbound socket gets the source address that IP chooses", async () => {
  const peer = await Peer.create();
  peer.stack.connect(PEER, PEER_PORT);
  assert.equal(sourceOf(peer), OURS);
});

// RFC 9293 MUST-43, MUST-45
test("a bound socket keeps its local address and port, and another host's address cannot be bound", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.socket();
  assert.equal(peer.stack.call("bind", socket, PEER, 1234), -Errno.EADDRNOTAVAIL);
  assert.equal(peer.stack.call("bind", socket, OURS, 1234), 0);
  peer.stack.connect(PEER, PEER_PORT, socket);
  assert.equal(sourceOf(peer), OURS);
  assert.equal(peer.received()[0]?.sourcePort, 1234);
});

// RFC 9293 MUST-43
test("a listener on one address is not reached by another of ours", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.socket();
  assert.equal(peer.stack.call("bind", listener, 0x7f000001, 80), 0);
  assert.equal(peer.stack.call("tcpListen", listener, 1), 0);
  assert.equal(peer.send({ flags: "S" })[0]?.flags, "RA");
});

// RFC 9293 MUST-46
test("connect to a group or to nobody is refused", async () => {
  const peer = await Peer.create();
  for (const address of [0xffffffff, 0x0a0000ff, 0xe0000001, 0xefffffff, 0]) {
    assert.ok(peer.stack.call("connect", peer.stack.socket(), address, 80, peer.stack.now) < 0, address.toString(16));
  }
  assert.deepEqual(peer.received(), []);
});

// RFC 9293 MUST-57
test("a segment for a group of hosts is dropped silently", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  for (const address of [0xffffffff, 0x0a0000ff, 0xe0000001]) {
    peer.deliver(redirected(peer.frame({ flags: "S" }), address));
    peer.deliver(redirected(peer.frame({ flags: "A", destinationPort: 81 }), address));
    assert.deepEqual(peer.received(), []);
  }
  peer.deliver(redirected(peer.frame({ flags: "S" }), OURS));
  assert.deepEqual(brief(peer.received()), ["SA 0 1"]);
  assert.equal(peer.stack.field(listener, "halfOpenCount"), 1);
});

// RFC 9293 MUST-41
test("listeners and their connections leave each other alone", async () => {
  const peer = await Peer.create();
  const first = peer.stack.listen(80);
  const child = peer.open(first);
  const second = peer.stack.listen(81);
  peer.port += 1;
  const other = peer.open(second, { destinationPort: 81 });
  peer.stack.close(second);
  assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
  assert.equal(peer.stack.field(other, "state"), State.ESTABLISHED);
  assert.equal(peer.stack.field(first, "state"), State.LISTEN);
});

// RFC 9293 MUST-42
test("a port with an attempt to connect under way can be listened on", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.socket();
  peer.stack.call("tcpSetReuseAddress", socket, true);
  peer.stack.call("bind", socket, 0, 80);
  peer.stack.connect(PEER, 99, socket);
  peer.received();
  const listener = peer.stack.listen(80);
  assert.notEqual(peer.open(listener), 0);
  assert.equal(peer.stack.field(socket, "state"), State.SYN_SENT);
});
