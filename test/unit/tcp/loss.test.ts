// Loss found by time (RACK-TLP, RFC 8985), reports of duplicates (RFC 2883) and losses that were none (RFC 3522).
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network } from "../../support/network.ts";
import { brief, mssOption, Peer, PEER_ISN, timestampOption, type Outgoing, type Segment } from "./peer.ts";
import { Errno, Stack } from "./stack.ts";

const ROUND_TRIP = 20; // ms
/** What a probe allows for beside the round trips. */
const SLACK = 20; // ms
const SACK_PERMITTED = [1, 1, 4, 2];

/** A connection whose round trip is measured as ROUND_TRIP. */
async function established(options: readonly number[] = []): Promise<{ peer: Peer; child: number }> {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S", options: Uint8Array.from([...mssOption(1000), ...SACK_PERMITTED, ...options]) });
  peer.pass(ROUND_TRIP);
  peer.send({ sequence: 1, ack: 1, options: Uint8Array.from(options) });
  const child = peer.stack.accept(listener);
  assert.notEqual(child, 0);
  return { peer, child };
}

/** An ACK of everything before `number` that reports the blocks [left, right), with `options` before them. */
function sack(
  peer: Peer,
  number: number,
  blocks: readonly (readonly number[])[],
  options: readonly number[] = [],
): Outgoing {
  const edges = blocks.flat().flatMap((edge) => {
    const value = (peer.stackIsn + edge) >>> 0;
    return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  });
  const list = edges.length === 0 ? [] : [1, 1, 5, 2 + edges.length, ...edges];
  return { sequence: 1, ack: number, options: Uint8Array.from([...options, ...list]) };
}

/** The SACK blocks of a segment without timestamps. */
function blocksOf(segment: Segment | undefined): number[] {
  const options = segment?.options ?? new Uint8Array();
  const view = new DataView(options.buffer, options.byteOffset, options.length);
  const edges: number[] = [];
  for (let at = 4; at < options.length; at += 4) edges.push((view.getUint32(at) - PEER_ISN) >>> 0);
  return edges;
}

test("one segment that overtakes is no loss; a quarter of a round trip later it is", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, new Uint8Array(4000));
  peer.received();
  peer.pass(ROUND_TRIP);
  assert.deepEqual(brief(peer.send(sack(peer, 1, [[1001, 2001]]))), []);
  assert.deepEqual(brief(peer.pass(ROUND_TRIP / 4 - 1)), []);
  assert.deepEqual(brief(peer.pass(2)), ["A 1 1 1000"]);
});

test("what arrives late is waited for from then on", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, new Uint8Array(4000));
  peer.received();
  peer.pass(ROUND_TRIP);
  peer.send(sack(peer, 1, [[1001, 2001]]));
  peer.pass(1);
  assert.deepEqual(peer.send(sack(peer, 4001, [])), []); // nothing was sent again
  peer.stack.send(child, new Uint8Array(8000));
  peer.received();
  peer.pass(ROUND_TRIP);
  // Three segments beyond the gap would have been a loss before.
  assert.deepEqual(peer.send(sack(peer, 4001, [[5001, 8001]])), []);
  assert.deepEqual(brief(peer.pass(ROUND_TRIP / 4 + 2)), ["A 4001 1 1000"]);
});

// RFC 8985, 7.2: TLP.max_ack_delay
test("a lone segment is probed when its acknowledgment is late even if it was delayed", async () => {
  const { peer, child } = await established();
  // Round trips that vary make a long time-out.
  for (const [number, milliseconds] of [150, 190, 300].entries()) {
    peer.stack.send(child, "x");
    peer.received();
    peer.pass(milliseconds);
    peer.send(sack(peer, number + 2, []));
  }
  const roundTrip = peer.stack.field(child, "roundTripMicroseconds") / 1000;
  const probeAfter = 2 * roundTrip + 200;
  assert.ok(peer.stack.field(child, "timeoutMilliseconds") > probeAfter + 5);
  peer.stack.send(child, "y");
  peer.received();
  assert.deepEqual(peer.pass(probeAfter - 1), []);
  assert.deepEqual(brief(peer.pass(3)), ["A 4 1 y"]);
});

test("the tail of a flight is probed after two round trips, not after a time-out", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, new Uint8Array(3500));
  assert.equal(peer.received().length, 4);
  assert.deepEqual(peer.pass(2 * ROUND_TRIP + SLACK - 1), []);
  const [probe, ...more] = peer.pass(2);
  assert.deepEqual([probe?.sequence, probe?.text.length, more.length], [2501, 1000, 0]);
  // The probe shows what is missing, and fast recovery mends it.
  assert.deepEqual(brief(peer.pass(ROUND_TRIP)), []);
  assert.deepEqual(brief(peer.send(sack(peer, 1001, [[2501, 3501]]))), ["A 1001 1 1000", "A 2001 1 500"]);
});

test("a probe sends what is new when there is something", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, new Uint8Array(20_000));
  assert.equal(peer.received().length, 10);
  assert.deepEqual(brief(peer.pass(2 * ROUND_TRIP + SLACK + 1)), ["A 10001 1 1000"]);
});

test("a lone segment is given the time of a delayed acknowledgment", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, "hello");
  peer.received();
  assert.deepEqual(peer.pass(2 * ROUND_TRIP + 100), []);
  assert.deepEqual(brief(peer.pass(100)), ["PA 1 1 hello"]);
});

test("text that comes again is reported", async () => {
  const { peer } = await established();
  peer.send({ sequence: 1, ack: 1, text: "hello" });
  assert.deepEqual(blocksOf(peer.send({ sequence: 1, ack: 1, text: "hello" })[0]), [1, 6]);
  assert.deepEqual(blocksOf(peer.send({ sequence: 4, ack: 1, text: "lo, world" })[0]), [4, 6]);
  peer.send({ sequence: 100, ack: 1, text: "early" });
  assert.deepEqual(blocksOf(peer.send({ sequence: 100, ack: 1, text: "early" })[0]), [100, 105, 100, 105]);
  assert.deepEqual(blocksOf(peer.send({ sequence: 13, ack: 1, text: "!" })[0]), [100, 105]); // once
});

test("a loss that was none is undone by the timestamp of the original", async () => {
  const { peer, child } = await established(timestampOption(1, 0));
  const stamp = (segment: Segment | undefined): number =>
    new DataView(segment?.options.buffer ?? new ArrayBuffer(16)).getUint32(4);
  peer.stack.send(child, new Uint8Array(8000));
  const original = stamp(peer.received()[0]);
  peer.pass(ROUND_TRIP);
  const window = peer.stack.field(child, "congestionWindow");
  const timestamps = timestampOption(2, original);
  const [again] = peer.send(sack(peer, 1, [[989, 3953]], timestamps));
  assert.deepEqual([again?.sequence, stamp(again) > original], [1, true]);
  assert.ok(peer.stack.field(child, "congestionWindow") < window);
  peer.send(sack(peer, 3953, [], timestamps));
  assert.equal(peer.stack.field(child, "congestionWindow"), window);
});

/** Sends `size` bytes while `drop` says which data frames the network loses; milliseconds until all have arrived. */
async function mend(size: number, drop: (frame: number, sequence: number) => boolean): Promise<number> {
  const network = new Network(1, { delay: [5000, 5000] });
  const server = (await Stack.create(1)).join(network);
  const client = (await Stack.create(2)).join(network);
  const listener = server.listen(80);
  const source = client.connect(server.address, 80);
  let child = 0;
  network.run("connect", 1000, () => (child = server.accept(listener)) !== 0);
  const first = client.field(source, "sendMax");
  let frames = 0;
  network.filter = (frame, from) => {
    if (from !== client || frame.length < 200) return true;
    const sequence = (new DataView(frame.buffer, frame.byteOffset).getUint32(38) - first) >>> 0;
    return !drop(frames++, sequence);
  };
  const started = network.now;
  let sent = 0;
  let received = 0;
  network.run(
    "mend",
    20_000,
    () => received === size,
    () => {
      while (sent < size) {
        const taken = client.send(source, new Uint8Array(Math.min(size - sent, 30_000)));
        if (taken === -Errno.EAGAIN) break;
        sent += taken;
      }
      for (let part = server.read(child); typeof part !== "number"; part = server.read(child)) received += part.length;
    },
  );
  assert.equal(client.call("retransmissionLogCount") + server.call("retransmissionLogCount") <= 1, true);
  return Number(network.now - started) / 1e6;
}

test("a retransmission that is lost is sent once more without a time-out", async () => {
  let dropped = 0;
  const time = await mend(100_000, (_frame, sequence) => sequence === 28_960 && dropped++ < 3);
  assert.equal(dropped, 4);
  assert.ok(time < 190, `${time} ms`);
});

test("the loss of the last segments costs no time-out", async () => {
  const time = await mend(60_000, (frame) => frame >= 38 && frame < 42);
  assert.ok(time < 190, `${time} ms`);
});
