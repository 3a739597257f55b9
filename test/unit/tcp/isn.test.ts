// Initial sequence numbers (RFC 6528): a clock, and a keyed hash that nobody outside can compute.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Peer, PEER_PORT } from "./peer.ts";

/** The initial number of a connection from `port` of the peer. */
function isn(peer: Peer, port: number): number {
  peer.port = port;
  peer.send({ flags: "S" });
  peer.send({ flags: "R", sequence: 1 });
  return peer.stackIsn;
}

// RFC 9293 MUST-8
test("the number of a connection grows with a clock of four microseconds", async () => {
  const peer = await Peer.create();
  peer.stack.listen(80);
  const first = isn(peer, PEER_PORT);
  peer.pass(1000);
  assert.equal((isn(peer, PEER_PORT) - first) >>> 0, 250_000);
});

// RFC 9293 MUST-9, SHLD-1
test("the numbers of different connections tell nothing about each other, nor do those of another host", async () => {
  const peer = await Peer.create({ seed: 1 });
  const other = await Peer.create({ seed: 2 });
  for (const { stack } of [peer, other]) stack.listen(80);
  const numbers = Array.from({ length: 64 }, (_unused, i) => isn(peer, 1000 + i));
  const others = Array.from({ length: 64 }, (_unused, i) => isn(other, 1000 + i));
  assert.equal(new Set([...numbers, ...others]).size, 128);
  const gaps = new Set(numbers.slice(1).map((number, i) => (number - (numbers[i] ?? 0)) >>> 0));
  assert.equal(gaps.size, 63);
  // Spread over the whole space: in 64 numbers all eight values of the top bits are all but certain.
  assert.equal(new Set(numbers.map((number) => number >>> 29)).size, 8);
});
