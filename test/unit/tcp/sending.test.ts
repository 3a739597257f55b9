// The sending side: segments, Nagle, retransmission, congestion control, keep-alive.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, mssOption, Peer, PEER_PORT } from "./peer.ts";
import { ack, established, MSS, text } from "./sender.ts";
import { CHECKSUM_OFFLOAD_TX, Errno, GSO_TCPV4, OFFLOADS, Poll, State, type StackOptions } from "./stack.ts";

// RFC 9293 MUST-14, MUST-15, MUST-16, MUST-61, SHLD-27, SHLD-28
test("the mss of the peer is respected and the default is 536", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(2500));
  assert.deepEqual(brief(peer.received()), ["A 1 1 1000", "A 1001 1 1000", "PA 2001 1 500"]);
  const other = await Peer.create();
  const socket = other.open(other.stack.listen(80));
  other.stack.send(socket, text(600));
  assert.equal(other.received()[0]?.text.length, 536);
});

test("an absurd mss does not make segments of a few bytes", async () => {
  const peer = await Peer.create();
  const child = peer.open(peer.stack.listen(80), { options: Uint8Array.from(mssOption(1)) });
  peer.stack.send(child, text(600));
  assert.equal(peer.received()[0]?.text.length, 88);
});

// RFC 9293 MUST-19
test("slow start doubles the window each round trip", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(60_000));
  assert.equal(peer.received().length, 10); // RFC 6928
  let sent = 0;
  for (let i = 1; i <= 10; i++) sent += peer.send(ack(1 + i * 1000)).length;
  assert.equal(sent, 20);
});

// RFC 9293 SHLD-7, MAY-16
test("nagle holds a small segment while a small one is in flight", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, "a");
  assert.deepEqual(brief(peer.received()), ["PA 1 1 a"]);
  peer.stack.send(child, "b");
  peer.stack.send(child, "c");
  assert.deepEqual(peer.received(), []);
  assert.deepEqual(brief(peer.send(ack(2))), ["PA 2 1 bc"]);
});

// RFC 9293 MUST-17
test("no delay sends small segments at once", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetNoDelay", child, true, peer.stack.now);
  peer.stack.send(child, "a");
  peer.stack.send(child, "b");
  assert.deepEqual(brief(peer.received()), ["PA 1 1 a", "PA 2 1 b"]);
});

// RFC 9293 MAY-15
test("what is announced as not the last waits for the rest, or for the end", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetNoDelay", child, true, peer.stack.now);
  peer.stack.send(child, "a", true);
  peer.stack.send(child, text(1100), true);
  assert.deepEqual(brief(peer.received()), [`A 1 1 1000`]);
  peer.stack.send(child, "b");
  assert.deepEqual(brief(peer.received()), [`PA 1001 1 102`]);
  peer.send(ack(1103));
  peer.stack.send(child, "last", true);
  assert.deepEqual(peer.received(), []);
  peer.stack.close(child);
  assert.deepEqual(brief(peer.received()), ["FPA 1103 1 last"]);
});

// RFC 9293 MUST-60
test("what is announced as not the last does not wait for ever", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, "a", true);
  assert.deepEqual(peer.received(), []);
  assert.deepEqual(brief(peer.pass(300)), ["PA 1 1 a"]);
  peer.send(ack(2));
  // A full buffer has no room for the rest.
  peer.stack.call("tcpSetSendLimit", child, 4096);
  assert.equal(peer.stack.send(child, text(5000), true), 4096);
  assert.equal(
    peer.received().reduce((sum, segment) => sum + segment.text.length, 0),
    4096,
  );
});

test("the tail of a message does not wait for its full-sized predecessors", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(1500));
  assert.deepEqual(brief(peer.received()), ["A 1 1 1000", "PA 1001 1 500"]);
});

// RFC 9293 MUST-12, MUST-19, MUST-20, SHLD-11
test("retransmission backs off, then gives up with ETIMEDOUT", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, "hello");
  assert.equal(peer.received().length, 1);
  const times: bigint[] = [];
  for (let i = 0; i < 400 && times.length < 5; i++) if (peer.pass(50).length !== 0) times.push(peer.stack.now);
  assert.equal(times.length, 5);
  const gaps = times.slice(1).map((time, index) => Number(time - (times[index] ?? 0n)));
  for (let i = 1; i < gaps.length; i++) assert.ok(Math.abs((gaps[i] ?? 0) / (gaps[i - 1] ?? 1) - 2) < 0.5);
  peer.pass(95_000);
  assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
  peer.pass(400_000);
  assert.equal(peer.stack.field(child, "state"), State.CLOSED);
  assert.ok(peer.stack.poll(child) & Poll.ERR);
  assert.equal(peer.stack.read(child), -Errno.ETIMEDOUT);
});

// RFC 9293 MUST-21
test("the application can set R2", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetUserTimeout", child, 5_000_000_000n);
  peer.stack.send(child, "hello");
  peer.pass(20_000);
  assert.equal(peer.stack.field(child, "state"), State.CLOSED);
});

// RFC 9293 MUST-19
test("three duplicate acks retransmit the first segment at once", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(10_000));
  peer.received();
  assert.deepEqual(peer.send(ack(1)), []);
  assert.deepEqual(peer.send(ack(1)), []);
  assert.deepEqual(brief(peer.send(ack(1))), ["A 1 1 1000"]);
  assert.equal(peer.stack.field(child, "slowStartThreshold"), 7000); // CUBIC: 0.7 of the flight
  // A partial ACK shows the next hole (RFC 6582).
  assert.deepEqual(brief(peer.send(ack(3001))).slice(0, 1), ["A 3001 1 1000"]);
  peer.send(ack(10_001));
  assert.ok(peer.stack.field(child, "congestionWindow") <= 5000);
});

test("limited transmit sends new data on the first two duplicates", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(20_000));
  assert.equal(peer.received().length, 10);
  assert.deepEqual(brief(peer.send(ack(1))), ["A 10001 1 1000"]);
  assert.deepEqual(brief(peer.send(ack(1))), ["A 11001 1 1000"]);
});

// RFC 9293 MUST-19
test("a time-out collapses the window to one segment", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, text(10_000));
  peer.received();
  assert.equal(peer.pass(250).length, 1);
  assert.equal(peer.stack.field(child, "congestionWindow"), MSS);
  assert.equal(peer.send(ack(1001)).length, 2);
});

test("the round trip is measured and its time-out has a floor", async () => {
  const { peer, child } = await established();
  peer.stack.send(child, "a");
  peer.received();
  peer.pass(100);
  peer.send(ack(2));
  assert.ok(peer.stack.field(child, "timeoutMilliseconds") >= 200);
  assert.ok(peer.stack.field(child, "roundTripMicroseconds") > 10_000);
});

// RFC 9293 MUST-18
test("what was sent twice is not measured, and the doubled time-out stays until something is", async () => {
  const { peer, child } = await established();
  const before = peer.stack.field(child, "roundTripMicroseconds");
  const timeout = peer.stack.field(child, "timeoutMilliseconds");
  peer.stack.send(child, "a");
  peer.received();
  assert.equal(peer.pass(timeout + 1).length, 1);
  peer.send(ack(2));
  assert.equal(peer.stack.field(child, "roundTripMicroseconds"), before);
  assert.equal(peer.stack.field(child, "timeoutMilliseconds"), 2 * timeout);
  peer.stack.send(child, "b");
  peer.send(ack(3));
  assert.equal(peer.stack.field(child, "timeoutMilliseconds"), timeout);
});

test("after a lost syn the time-out starts at three seconds and the window at one segment", async () => {
  const peer = await Peer.create();
  const socket = peer.stack.connect(0x0a000009, PEER_PORT);
  const port = peer.received()[0]?.sourcePort ?? 0;
  assert.equal(peer.pass(1000).length, 1);
  peer.send({ flags: "SA", ack: 1, destinationPort: port });
  assert.equal(peer.stack.field(socket, "timeoutMilliseconds"), 3000);
  peer.stack.send(socket, text(2000));
  assert.equal(peer.received().length, 1);
});

// RFC 9293 MUST-39, SHLD-14, MAY-8
test("the receive window closes, and opens with an update when the application reads", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetReceiveLimit", child, 8192);
  let sequence = 1;
  let window = 65535;
  for (let i = 0; i < 200 && window !== 0; i++) {
    const [answer] = [...peer.send({ sequence, ack: 1, text: "x".repeat(1000) }), ...peer.pass(50)];
    assert.ok(answer !== undefined);
    assert.ok(answer.ack + answer.window >= sequence, "the right edge never moves left");
    sequence = answer.ack;
    window = answer.window;
  }
  assert.equal(window, 0);
  const [refused] = peer.send({ sequence, ack: 1, text: "y" });
  assert.deepEqual([refused?.ack, refused?.window], [sequence, 0]);
  let updates = 0;
  for (let i = 0; i < 100; i++) {
    if (peer.stack.read(child, 1000) === -Errno.EAGAIN) break;
    updates += peer.received().length;
  }
  assert.ok(updates >= 1 && updates < 10, `${updates} window updates`);
});

test("reading a request from a wide window is not worth a segment of its own", async () => {
  const { peer, child } = await established();
  peer.send({ sequence: 1, ack: 1, text: "request" });
  peer.stack.readText(child);
  assert.deepEqual(peer.received(), []);
});

test("an idle connection holds a page in each direction, none when memory is not plentiful or it had more", async () => {
  const exchange = async (options: StackOptions, answer: Uint8Array): Promise<number[]> => {
    const { peer, child } = await established(65535, options);
    const used = [peer.stack.call("bufferPagesUsed")];
    const note = (): number => used.push(peer.stack.call("bufferPagesUsed"));
    for (let i = 0; i < 2; i++) {
      peer.send({ sequence: 1 + i * 7, ack: 1 + i * answer.length, text: "request" });
      note();
      assert.equal(peer.stack.readText(child), "request");
      peer.stack.send(child, answer);
      note();
      assert.equal(
        peer.received().reduce((sum, { text }) => sum + text.length, 0),
        answer.length,
      );
      peer.send({ sequence: 8 + i * 7, ack: 1 + (i + 1) * answer.length });
      note();
    }
    peer.stack.close(child);
    peer.send({ sequence: 15, ack: 2 + 2 * answer.length, flags: "R" });
    note();
    return used;
  };
  assert.deepEqual(await exchange({ bufferPages: 800 }, text(500)), [0, 1, 2, 2, 2, 2, 2, 0]);
  assert.deepEqual(await exchange({ bufferPages: 800 }, text(5000)), [0, 1, 3, 1, 1, 3, 1, 0]);
  assert.deepEqual(await exchange({ bufferPages: 8 }, text(500)), [0, 1, 1, 0, 1, 1, 0, 0]);
});

// RFC 9293 MAY-5, MUST-24, MUST-25, MUST-26, MUST-27, MUST-29, SHLD-12
test("keep-alive probes an idle peer, is content with answers and ends a dead connection", async () => {
  const { peer, child } = await established();
  peer.pass(3 * 3600_000);
  assert.deepEqual(peer.received(), []); // off by default
  peer.stack.call("tcpSetKeepAliveTimes", child, 10_000_000_000n, 1_000_000_000n, 3, peer.stack.now);
  peer.stack.call("tcpSetKeepAlive", child, true, peer.stack.now);
  assert.deepEqual(brief(peer.pass(100)), ["A 0 1"]);
  for (let i = 0; i < 5; i++) {
    peer.send(ack(1));
    assert.deepEqual(peer.pass(9_900), []);
    assert.deepEqual(brief(peer.pass(200)), ["A 0 1"]);
  }
  peer.send(ack(1));
  peer.pass(10_000);
  const last = brief(peer.pass(5_000));
  assert.equal(last.at(-1)?.slice(0, 2), "RA");
  assert.equal(peer.stack.field(child, "state"), State.CLOSED);
  assert.equal(peer.stack.error(child), Errno.ETIMEDOUT);
});

// RFC 9293 MUST-28
test("keep-alive waits two hours unless told otherwise", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetKeepAlive", child, true, peer.stack.now);
  assert.deepEqual(peer.pass(7_199_000), []);
  assert.deepEqual(brief(peer.pass(2000)), ["A 0 1"]);
});

test("a keep-alive probe of the peer is answered", async () => {
  const { peer } = await established();
  assert.deepEqual(brief(peer.send({ sequence: 0, ack: 1 })), ["A 1 1"]);
});

test("without frames output waits and goes on later", async () => {
  const { peer, child } = await established();
  peer.stack.call("setFrames", 0);
  assert.equal(peer.stack.send(child, "hello"), 5);
  assert.deepEqual(peer.received(), []);
  peer.stack.call("setFrames", 100);
  peer.stack.run(peer.stack.now);
  assert.deepEqual(brief(peer.received()), ["PA 1 1 hello"]);
});

test("segmentation offload sends whole windows in one frame, in whole segments, from where the text lies", async () => {
  const { peer, child } = await established(65535, { features: OFFLOADS });
  const sent = Array.from({ length: 60_000 }, (_, i) => 97 + ((i ^ (i >> 5)) % 26));
  peer.stack.send(child, Uint8Array.from(sent));
  const first = peer.received();
  assert.ok(first.map((segment) => segment.text).join("") === String.fromCharCode(...sent.slice(0, 10 * MSS)));
  assert.ok(first.every((segment) => segment.text.length === MSS));
  assert.equal(peer.stack.call("attachedFrames"), 1);
});

test("a small segment is copied into its frame", async () => {
  const { peer, child } = await established(65535, { features: OFFLOADS });
  peer.stack.send(child, text(MSS));
  assert.equal(peer.received().length, 1);
  assert.equal(peer.stack.call("attachedFrames"), 0);
});

test("without room for fragments output waits and goes on later", async () => {
  const { peer, child } = await established(65535, { features: OFFLOADS });
  peer.stack.call("refuseAttach", 2);
  peer.stack.send(child, text(10 * MSS));
  assert.deepEqual(peer.received(), []);
  peer.stack.run(peer.stack.now);
  assert.deepEqual(peer.received(), []);
  peer.stack.run(peer.stack.now);
  assert.equal(peer.received().length, 10);
});

test("a device that cannot gather gets segments one by one", async () => {
  const { peer, child } = await established(65535, { features: GSO_TCPV4 | CHECKSUM_OFFLOAD_TX });
  peer.stack.send(child, text(10 * MSS));
  assert.deepEqual(
    peer.received().map((segment) => segment.text.length),
    new Array<number>(10).fill(MSS),
  );
});
