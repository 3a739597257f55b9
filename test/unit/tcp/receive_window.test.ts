// The window that we advertise to a peer when nobody reads: scaled windows have a grain, memory has none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mssOption, Peer } from "./peer.ts";

const SCALE = 7;
const LIMIT = 65536;

// RFC 9293 SHLD-14
test("all that a scaled window has promised is taken, though nobody reads", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.stack.call("tcpSetReceiveLimit", listener, LIMIT);
  const child = peer.open(listener, { options: Uint8Array.from([...mssOption(1000), 1, 3, 3, SCALE]) });
  let sent = 0;
  let edge = 65535;
  for (let size = 1; sent < edge; size = (size % 99) + 1) {
    const text = "x".repeat(Math.min(size, edge - sent));
    sent += text.length;
    const answers = [...peer.send({ sequence: sent - text.length + 1, ack: 1, text }), ...peer.pass(50)];
    const answer = answers.at(-1);
    assert.equal(answer?.ack, sent + 1, `after ${sent} bytes`);
    edge = Math.max(edge, sent + (answer.window << SCALE));
    assert.ok(edge <= LIMIT * 1.125 + (1 << SCALE), `${edge} bytes promised`);
  }
  let read = 0;
  for (let part = peer.stack.read(child); typeof part !== "number"; part = peer.stack.read(child)) read += part.length;
  assert.equal(read, sent);
});
