// Selective acknowledgments (RFC 2018, RFC 6675), both sides.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network } from "../../support/network.ts";
import { brief, mssOption, Peer, PEER_ISN, type Outgoing } from "./peer.ts";
import { Stack } from "./stack.ts";

const SACK_PERMITTED = [1, 1, 4, 2];

function word(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

async function established(): Promise<{ peer: Peer; child: number }> {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  const child = peer.open(listener, { options: Uint8Array.from([...mssOption(1000), ...SACK_PERMITTED]) });
  return { peer, child };
}

/** An ACK of everything before `number` that reports the blocks [left, right). */
function sack(peer: Peer, number: number, blocks: readonly (readonly [number, number])[]): Outgoing {
  const numbers = blocks.flat().flatMap((edge) => word((peer.stackIsn + edge) >>> 0));
  return {
    sequence: 1,
    ack: number,
    options: Uint8Array.from(blocks.length === 0 ? [] : [1, 1, 5, 2 + 8 * blocks.length, ...numbers]),
  };
}

test("what arrives early is reported, the latest block first", async () => {
  const { peer } = await established();
  const report = (options: Uint8Array): number[] => {
    const view = new DataView(options.buffer, options.byteOffset);
    const edges: number[] = [];
    for (let at = 4; at < options.length; at += 4) edges.push((view.getUint32(at) - PEER_ISN) >>> 0);
    return edges;
  };
  const text = "x".repeat(100);
  assert.deepEqual(report(peer.send({ sequence: 201, ack: 1, text })[0]?.options ?? new Uint8Array()), [201, 301]);
  assert.deepEqual(
    report(peer.send({ sequence: 601, ack: 1, text })[0]?.options ?? new Uint8Array()),
    [601, 701, 201, 301],
  );
  assert.deepEqual(
    report(peer.send({ sequence: 301, ack: 1, text })[0]?.options ?? new Uint8Array()),
    [201, 401, 601, 701],
  );
  const [filled] = peer.send({ sequence: 1, ack: 1, text: "x".repeat(200) });
  assert.deepEqual([filled?.ack, report(filled?.options ?? new Uint8Array())], [401, [601, 701]]);
});

test("only the gaps are sent again", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, new Uint8Array(10_000));
  assert.equal(peer.received().length, 10);
  assert.deepEqual(peer.send(sack(peer, 1, [[1001, 2001]])), []);
  assert.deepEqual(peer.send(sack(peer, 1, [[1001, 3001]])), []);
  assert.deepEqual(brief(peer.send(sack(peer, 1, [[1001, 4001]]))), ["A 1 1 1000"]);
  const answers = brief(
    peer.sendBatch([
      sack(peer, 1, [
        [5001, 7001],
        [1001, 4001],
      ]),
      sack(peer, 1, [
        [5001, 10_001],
        [1001, 4001],
      ]),
    ]),
  );
  assert.deepEqual(answers, ["A 4001 1 1000"]);
  assert.deepEqual(peer.send(sack(peer, 10_001, [])), []);
  assert.equal(peer.stack.call("rangeListCount"), 0);
});

test("gaps are found although the acknowledgments carry text", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, new Uint8Array(5000));
  peer.received();
  const again = brief([
    ...peer.send({ ...sack(peer, 1, [[1001, 2001]]), text: "a" }),
    ...peer.send({ ...sack(peer, 1, [[1001, 3001]]), sequence: 2, text: "b" }),
    ...peer.send({ ...sack(peer, 1, [[1001, 5001]]), sequence: 3, text: "c" }),
  ]);
  assert.deepEqual(again, ["A 1 4 1000"]);
});

test("after a time-out what the peer reports again is skipped", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, new Uint8Array(4000));
  peer.received();
  assert.deepEqual(brief(peer.pass(250)), ["A 3001 1 1000", "A 1 1 1000"]); // a probe, then the time-out
  assert.deepEqual(brief(peer.send(sack(peer, 1001, [[2001, 3001]]))), ["A 1001 1 1000", "PA 3001 1 1000"]);
});

test("nonsense blocks are ignored", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, new Uint8Array(4000));
  peer.received();
  for (const block of [
    [5001, 6001],
    [3001, 2001],
    [2001, 2001],
    [-5000, -4000],
    [1, 1001],
    [2001, 9001],
  ] as const) {
    assert.deepEqual(peer.send(sack(peer, 1, [block])), []);
  }
  assert.equal(peer.stack.call("rangeListCount"), 0);
});

test("many losses in one window are mended without a time-out", async () => {
  const network = new Network(3, { delay: [10_000, 10_000] });
  const server = (await Stack.create(1)).join(network);
  const client = (await Stack.create(2)).join(network);
  const listener = server.listen(80);
  const source = client.connect(server.address, 80);
  let child = 0;
  network.run("connect", 1000, () => (child = server.accept(listener)) !== 0);
  const size = 400_000;
  let sent = 0;
  let received = 0;
  let frames = 0;
  network.filter = (frame, from) => {
    if (from !== client || frame.length < 1000) return true;
    frames += 1;
    return frames < 100 || frames > 160 || frames % 4 !== 0;
  };
  const started = network.now;
  network.run(
    "losses",
    20_000,
    () => received === size,
    () => {
      while (sent < size) {
        const taken = client.send(source, new Uint8Array(Math.min(size - sent, 30_000)));
        if (taken <= 0) break;
        sent += taken;
      }
      for (let part = server.read(child); typeof part !== "number"; part = server.read(child)) received += part.length;
    },
  );
  assert.ok(network.now - started < 700_000_000n, `${(network.now - started) / 1_000_000n} ms`);
});

test("a connection to ourselves", async () => {
  for (const address of [0x7f000001, 0x0a000001]) {
    const network = new Network(1);
    const stack = (await Stack.create(1)).join(network);
    const listener = stack.listen(80);
    const socket = stack.connect(address, 80);
    let child = 0;
    network.run("loopback", 1000, () => (child = stack.accept(listener)) !== 0);
    let received = 0;
    let sent = 0;
    network.run(
      "loopback transfer",
      10_000,
      () => received === 300_000,
      () => {
        if (sent < 300_000) sent += Math.max(0, stack.send(socket, new Uint8Array(Math.min(50_000, 300_000 - sent))));
        for (let part = stack.read(child); typeof part !== "number"; part = stack.read(child)) received += part.length;
      },
    );
    assert.equal(network.sent > 2, false);
  }
});
