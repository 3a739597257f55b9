// What an application asks of the IP headers of a connection: the service field and the time to live.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, Peer, PEER_PORT, type Segment } from "./peer.ts";

const DEFAULT_HOPS = 64;
/** Expedited forwarding and a low-priority class (RFC 3246, RFC 8622). */
const EXPEDITED = 46 << 2;
const SCAVENGER = 1 << 2;

function ask(peer: Peer, socket: number, service: number, hops?: number): void {
  peer.stack.call("ask", socket, service, hops === undefined ? 0 : hops + 1, 0, 0);
}

function fields(segments: readonly Segment[]): string[] {
  return segments.map(({ flags, service, hops }) => `${flags} ${service} ${hops}`);
}

test("by default the service field is 0 and the time to live 64", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  assert.deepEqual(fields(peer.send({ flags: "S" })), [`SA 0 ${DEFAULT_HOPS}`]);
  peer.send({ sequence: 1, ack: 1 });
  peer.stack.send(peer.stack.accept(listener), "text");
  assert.deepEqual(fields(peer.received()), [`PA 0 ${DEFAULT_HOPS}`]);
  assert.deepEqual(fields(peer.send({ destinationPort: 81, flags: "S" })), [`RA 0 ${DEFAULT_HOPS}`]);
});

// RFC 9293 MUST-48, MUST-49, SHLD-22, SHLD-23
test("what is asked of a listener is in every segment of its connections, from the first to the last", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  ask(peer, listener, EXPEDITED, 255);
  const segments = peer.send({ flags: "S" });
  segments.push(...peer.send({ flags: "S" })); // answered again
  segments.push(...peer.send({ sequence: 1, ack: 1 }));
  const child = peer.stack.accept(listener);
  peer.stack.send(child, "text");
  segments.push(...peer.received(), ...peer.pass(3_000)); // retransmissions
  segments.push(...peer.send({ sequence: 1, ack: 5, text: "an answer to that" }));
  assert.equal(peer.stack.readText(child), "an answer to that");
  peer.stack.close(child);
  segments.push(...peer.received());
  const last = peer.send({ flags: "FA", sequence: 18, ack: 6 });
  assert.deepEqual(brief(last), ["A 6 19"]);
  segments.push(...last, ...peer.send({ flags: "FA", sequence: 18, ack: 6 })); // out of TIME-WAIT
  assert.ok(segments.length >= 8);
  for (const segment of segments) {
    assert.deepEqual([segment.service, segment.hops], [EXPEDITED, 255], brief([segment]).join());
  }
});

// RFC 9293 MUST-48, MUST-49
test("what is asked before connecting is in the SYN, and in its repetition", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.socket();
  ask(peer, socket, SCAVENGER, 1);
  peer.stack.connect(0x0a000009, PEER_PORT, socket);
  assert.deepEqual(fields([...peer.received(), ...peer.pass(1_500)]), [`S ${SCAVENGER} 1`, `S ${SCAVENGER} 1`]);
});

// RFC 9293 SHLD-21, SHLD-22
test("every value of the field can be asked for at any time, and is in the next segment", async () => {
  const peer = await Peer.create();
  const child = peer.open(peer.stack.listen(80));
  for (let codepoint = 0; codepoint < 64; codepoint++) {
    ask(peer, child, codepoint << 2, codepoint + 1);
    peer.stack.send(child, "x");
    const [segment] = peer.received();
    assert.deepEqual([segment?.service, segment?.hops], [codepoint << 2, codepoint + 1]);
    assert.deepEqual(peer.send({ sequence: 1, ack: codepoint + 2 }), []);
  }
});
