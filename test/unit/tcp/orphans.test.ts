// Connections that nobody holds any more and whose peer does not let them end (as "sockstress" does): they are bounded in time and
// in number.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countedBy } from "./counters.ts";
import { brief, Peer } from "./peer.ts";

const ORPHANS_MAX = 1024;

/** Lets seconds pass, in which the peer answers every segment with a closed window. */
function stall(peer: Peer, seconds: number): string[] {
  const seen: string[] = [];
  for (let i = 0; i < seconds * 2; i++) {
    const segments = peer.pass(500);
    seen.push(...brief(segments));
    if (segments.some(({ flags }) => flags.includes("R"))) break;
    if (segments.length !== 0) peer.send({ sequence: 1, ack: 1, window: 0 });
  }
  return seen;
}

test("a closed connection with a closed window is reset after a hundred seconds, though the peer answers", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S", window: 0 });
  peer.send({ sequence: 1, ack: 1, window: 0 });
  const child = peer.stack.accept(listener);
  peer.stack.send(child, "answer");
  peer.stack.close(child);
  assert.equal(stall(peer, 90).filter((segment) => segment.startsWith("R")).length, 0);
  assert.equal(peer.stack.call("socketCount"), 2);
  assert.match(stall(peer, 120).at(-1) ?? "", /^R/);
  assert.equal(peer.stack.call("socketCount"), 1);
  assert.equal(peer.stack.call("tableCount"), 0);
  assert.equal(peer.stack.call("bufferPagesUsed"), 0);
});

test("while somebody holds it, it stays for as long as the peer answers", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S", window: 0 });
  peer.send({ sequence: 1, ack: 1, window: 0 });
  peer.stack.send(peer.stack.accept(listener), "answer");
  assert.equal(stall(peer, 1000).filter((segment) => segment.startsWith("R")).length, 0);
  assert.equal(peer.stack.call("socketCount"), 2);
});

test("unless it has said how long is too long: TCP_USER_TIMEOUT", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S", window: 0 });
  peer.send({ sequence: 1, ack: 1, window: 0 });
  const child = peer.stack.accept(listener);
  peer.stack.call("tcpSetUserTimeout", child, 30_000_000_000n);
  peer.stack.send(child, "answer");
  assert.equal(stall(peer, 25).filter((segment) => segment.startsWith("R")).length, 0);
  assert.match(stall(peer, 100).at(-1) ?? "", /^R/);
});

test("beyond so many, a connection that is closed is reset", async () => {
  const peer = await Peer.create({ pages: 8192 });
  const listener = peer.stack.listen(80);
  const close = (port: number): Readonly<Record<string, number>> => {
    peer.send({ flags: "S", sourcePort: port, window: 0 });
    peer.send({ sequence: 1, ack: 1, sourcePort: port, window: 0 });
    const child = peer.stack.accept(listener);
    peer.stack.send(child, "answer");
    return countedBy(peer.stack, () => peer.stack.close(child));
  };
  for (let i = 0; i < ORPHANS_MAX; i++) assert.equal(close(2000 + i)["tcpAbortOnMemory"], undefined, `orphan ${i}`);
  assert.equal(close(9000)["tcpAbortOnMemory"], 1);
  assert.equal(peer.stack.call("socketCount"), 1 + ORPHANS_MAX);
  peer.send({ flags: "R", sequence: 1, sourcePort: 2000 });
  assert.equal(close(9001)["tcpAbortOnMemory"], undefined);
});

test("with memory short, a closed connection keeps what it still has to send while the peer takes it, not longer", async () => {
  const bufferPages = 64;
  const peer = await Peer.create({ pages: 1024, bufferPages });
  const listener = peer.stack.listen(80);
  const text = new Uint8Array(32_768);
  for (let port = 3000; peer.stack.call("bufferPagesUsed") <= bufferPages - (bufferPages >> 2); port++) {
    peer.stack.send(peer.open(listener, { sourcePort: port, window: 0 }), text);
  }
  const taker = peer.open(listener, { sourcePort: 2000 });
  const stalled = peer.open(listener, { sourcePort: 2001, window: 0 });
  for (const child of [taker, stalled]) peer.stack.send(child, "answer");
  for (const child of [taker, stalled]) peer.stack.close(child);
  const flags = (port: number, milliseconds: number): string[] =>
    peer
      .pass(milliseconds)
      .filter(({ destinationPort }) => destinationPort === port)
      .map((segment) => segment.flags);
  assert.deepEqual(flags(2000, 100).join(""), "PAFA");
  peer.send({ sequence: 1, ack: 8, sourcePort: 2000 });
  assert.ok(flags(2001, 10_000).at(-1)?.includes("R"));
});
