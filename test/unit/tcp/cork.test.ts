// TCP_CORK, TCP_QUICKACK and TCP_MAXSEG on the wire.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, establishedPeer, mssOption, Peer } from "./peer.ts";
import { ack, established, MSS, text } from "./sender.ts";

test("a cork holds back what does not fill a segment, until it is taken out", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetNoDelay", child, true, peer.stack.now);
  peer.stack.call("tcpSetCork", child, true, peer.stack.now);
  peer.stack.send(child, text(300));
  peer.stack.send(child, text(300));
  assert.deepEqual(peer.received(), []);
  peer.stack.send(child, text(MSS));
  assert.deepEqual(brief(peer.received()), [`A 1 1 ${MSS}`]);
  peer.stack.call("tcpSetCork", child, false, peer.stack.now);
  assert.deepEqual(brief(peer.received()), [`PA ${MSS + 1} 1 600`]);
});

test("a cork holds for 200 ms at most", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetCork", child, true, peer.stack.now);
  peer.stack.send(child, text(300));
  assert.deepEqual(brief(peer.pass(199)), []);
  assert.deepEqual(brief(peer.pass(2)), ["PA 1 1 300"]);
  peer.send(ack(301));
  peer.stack.send(child, text(200));
  assert.deepEqual(brief(peer.pass(199)), []);
  assert.deepEqual(brief(peer.pass(2)), ["PA 301 1 200"]);
});

test("the end of the stream does not wait for a cork", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetCork", child, true, peer.stack.now);
  peer.stack.send(child, text(30));
  peer.stack.shutdown(child);
  const [last] = peer.received();
  assert.ok(last !== undefined && last.text.length === 30 && last.flags.includes("F"));
});

test("TCP_QUICKACK: a lone segment is acknowledged at once, and one that waits for it", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(peer.send({ sequence: 1, ack: 1, text: "one" }), []);
  peer.stack.call("tcpSetQuickAck", child, true, peer.stack.now);
  assert.deepEqual(brief(peer.received()), ["A 1 4"]);
  assert.deepEqual(brief(peer.send({ sequence: 4, ack: 1, text: "two" })), ["A 1 7"]);
  peer.stack.call("tcpSetQuickAck", child, false, peer.stack.now);
  assert.deepEqual(peer.send({ sequence: 7, ack: 1, text: "three" }), []);
});

test("TCP_MAXSEG bounds the segments that leave us, of a child too", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  for (const refused of [0, 87, 32_768]) assert.equal(peer.stack.call("tcpSetSegmentMaximum", listener, refused), -22);
  assert.equal(peer.stack.call("tcpSetSegmentMaximum", listener, 500), 0);
  const child = peer.open(listener, { options: Uint8Array.from(mssOption(MSS)) });
  peer.stack.send(child, text(1000));
  assert.deepEqual(brief(peer.received()), ["A 1 1 500", "PA 501 1 500"]);
});
