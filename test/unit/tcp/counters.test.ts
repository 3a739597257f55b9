// What TCP counts. The names are Linux's; libos/net/tcp/counters.ts says what each means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countedBy } from "./counters.ts";
import { establishedPeer, Peer, PEER_PORT, timestampOption } from "./peer.ts";
import { GSO_TCPV4, OFFLOADS } from "./stack.ts";

const SACK_PERMITTED = Uint8Array.from([1, 1, 4, 2]);

test("a connection that the peer opens and closes", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  const counted = countedBy(peer.stack, () => {
    const child = peer.open(listener);
    peer.send({ flags: "FA", sequence: 1, ack: 1 });
    peer.stack.close(child);
    peer.send({ sequence: 2, ack: 2 });
  });
  // In: SYN, ACK, FIN, ACK. Out: SYN-ACK, ACK, FIN.
  assert.deepEqual(counted, { passiveOpens: 1, inSegs: 4, outSegs: 3 });
});

test("connections that we open: refused, and unanswered", async () => {
  const peer = await Peer.create();
  const refused = countedBy(peer.stack, () => {
    peer.stack.connect(0x0a000009, PEER_PORT);
    const port = peer.received()[0]?.sourcePort ?? 0;
    peer.send({ flags: "RA", ack: 1, destinationPort: port });
  });
  assert.deepEqual(refused, { activeOpens: 1, attemptFails: 1, inSegs: 1, outSegs: 1 });
  const unanswered = countedBy(peer.stack, () => {
    peer.stack.connect(0x0a000009, PEER_PORT);
    peer.pass(600_000);
  });
  const again = unanswered["tcpSynRetrans"] ?? 0;
  assert.ok(again > 3);
  assert.deepEqual(unanswered, {
    activeOpens: 1,
    attemptFails: 1,
    outSegs: 1 + again,
    retransSegs: again,
    tcpSynRetrans: again,
    tcpTimeouts: again + 1,
    tcpAbortOnTimeout: 1,
  });
});

test("what is wrong with a segment", async () => {
  const { peer } = await establishedPeer();
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ sequence: 1, ack: 1, badChecksum: true })),
    { inSegs: 1, inErrs: 1, inCsumErrors: 1 },
  );
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ sequence: 1, ack: 1, rawHeaderWords: 4 })),
    { inSegs: 1, inErrs: 1 },
  );
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ sequence: 1, ack: 1, destinationPort: 81 })),
    { inSegs: 1, outSegs: 1, outRsts: 1 },
  );
});

test("attacks: a SYN and a RST in the window, an old timestamp", async () => {
  const { peer } = await establishedPeer();
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ flags: "S", sequence: 5 })),
    { inSegs: 1, outSegs: 1, tcpSynChallenge: 1, tcpChallengeAck: 1 },
  );
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ flags: "R", sequence: 5 })),
    { inSegs: 1, outSegs: 1, tcpChallengeAck: 1 },
  );
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ flags: "R", sequence: 1 })),
    { inSegs: 1, estabResets: 1 },
  );
  const stamped = (value: number): Uint8Array => Uint8Array.from(timestampOption(value, 0));
  const listener = peer.stack.listen(82);
  peer.send({ flags: "S", destinationPort: 82, options: stamped(100) });
  peer.send({ sequence: 1, ack: 1, destinationPort: 82, options: stamped(101) });
  assert.notEqual(peer.stack.accept(listener), 0);
  assert.deepEqual(
    countedBy(peer.stack, () =>
      peer.send({ flags: "PA", sequence: 1, ack: 1, destinationPort: 82, options: stamped(99), text: "old" }),
    ),
    { inSegs: 1, outSegs: 1, pawsEstab: 1 },
  );
});

test("loss: a time-out", async () => {
  const { peer, child } = await establishedPeer();
  const timedOut = countedBy(peer.stack, () => {
    peer.stack.send(child, "x");
    peer.pass(250);
    peer.send({ sequence: 1, ack: 2 });
  });
  assert.deepEqual(timedOut, {
    inSegs: 1,
    outSegs: 2,
    retransSegs: 1,
    tcpTimeouts: 1,
    tcpSlowStartRetrans: 1,
  });
});

test("loss: three duplicates", async () => {
  const { peer, child } = await establishedPeer();
  const recovered = countedBy(peer.stack, () => {
    peer.stack.send(child, "x".repeat(5360));
    for (let i = 0; i < 4; i++) peer.send({ sequence: 1, ack: 537 });
  });
  assert.equal(recovered["tcpRenoRecovery"], 1);
  assert.equal(recovered["tcpFastRetrans"], 1);
  assert.equal(recovered["retransSegs"], 1);
});

test("text ahead of a gap, and twice", async () => {
  const peer = await Peer.create();
  const child = peer.open(peer.stack.listen(80), { options: SACK_PERMITTED });
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ flags: "PA", sequence: 11, ack: 1, text: "early" })),
    { inSegs: 1, outSegs: 1, tcpOfoQueue: 1 },
  );
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ flags: "PA", sequence: 11, ack: 1, text: "early" })),
    { inSegs: 1, outSegs: 1, tcpDsackOfoSent: 1 },
  );
  peer.send({ flags: "PA", sequence: 1, ack: 1, text: "0123456789" });
  assert.equal(peer.stack.readText(child), "0123456789early");
  peer.pass(1000);
  assert.deepEqual(
    countedBy(peer.stack, () => peer.send({ flags: "PA", sequence: 1, ack: 1, text: "0123456789" })),
    { inSegs: 1, outSegs: 1, tcpDsackOldSent: 1 },
  );
});

test("a delayed acknowledgment, and the ends of connections", async () => {
  const { peer, child } = await establishedPeer();
  assert.deepEqual(
    countedBy(peer.stack, () => {
      peer.send({ flags: "PA", sequence: 1, ack: 1, text: "unread" });
      peer.pass(1000);
    }),
    { inSegs: 1, outSegs: 1, delayedAcks: 1 },
  );
  assert.deepEqual(
    countedBy(peer.stack, () => peer.stack.close(child)),
    { outSegs: 1, outRsts: 1, estabResets: 1, tcpAbortOnClose: 1 },
  );
});

test("TIME_WAIT: left by time, and for a new connection", async () => {
  const { peer, listener, child } = await establishedPeer();
  const finish = (socket: number): void => {
    peer.stack.close(socket);
    peer.send({ flags: "FA", sequence: 1, ack: 2 });
  };
  finish(child);
  assert.equal(countedBy(peer.stack, () => peer.pass(61_000))["tw"], 1);
  finish(peer.open(listener));
  assert.equal(countedBy(peer.stack, () => peer.send({ flags: "S", sequence: 1000 }))["twRecycled"], 1);
});

test("a frame that the device cuts counts as the segments it becomes", async () => {
  assert.notEqual(OFFLOADS & GSO_TCPV4, 0);
  const peer = await Peer.create({ features: OFFLOADS });
  const child = peer.open(peer.stack.listen(80));
  let segments = 0;
  const counted = countedBy(peer.stack, () => {
    peer.stack.send(child, "x".repeat(5000));
    segments = peer.received().length;
  });
  assert.equal(segments, 10);
  assert.deepEqual(counted, { outSegs: 10 });
});
