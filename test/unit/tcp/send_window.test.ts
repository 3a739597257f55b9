// The sending side at the peer's window: silly, closed, probed, shrunk.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief } from "./peer.ts";
import { ack, established, text } from "./sender.ts";
import { Errno, State } from "./stack.ts";

// RFC 9293 MUST-38
test("sender avoids the silly window", async () => {
  const { peer, child } = await established(4000);
  peer.stack.send(child, text(10_000));
  assert.equal(peer.received().length, 4);
  assert.deepEqual(peer.send(ack(4001, 100)), []); // 100 bytes of window are not worth a segment
  assert.deepEqual(brief(peer.send(ack(4001, 2500))), ["A 4001 1 1000", "A 5001 1 1000"]);
});

// RFC 9293 MUST-38
test("a small window is used after the override time-out", async () => {
  const { peer, child } = await established(4000);
  peer.stack.send(child, text(10_000));
  peer.received();
  peer.send(ack(4001, 100));
  assert.deepEqual(brief(peer.pass(2000)).slice(0, 1), ["A 4001 1 100"]);
});

// RFC 9293 MUST-35, MUST-36, MUST-37, SHLD-29, SHLD-30
test("zero window is probed with back-off for ever", async () => {
  const { peer, child } = await established(4000);
  peer.stack.send(child, text(10_000));
  peer.received();
  peer.send(ack(4001, 0));
  const times: number[] = [];
  for (let i = 0; i < 1000 && times.length < 8; i++) {
    const [probe] = peer.pass(100);
    if (probe === undefined) continue;
    times.push(i);
    assert.deepEqual([probe.sequence, probe.text.length], [4001, 1]);
    peer.send(ack(4001, 0));
  }
  assert.equal(times.length, 8);
  for (let i = 2; i < times.length; i++) {
    const ratio = ((times[i] ?? 0) - (times[i - 1] ?? 0)) / ((times[i - 1] ?? 0) - (times[i - 2] ?? 0));
    assert.ok(ratio > 1.4 && ratio < 2.6, `interval ${i} grows by ${ratio}`);
  }
  for (let i = 0; i < 200; i++) {
    peer.pass(10_000);
    peer.send(ack(4001, 0));
  }
  assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
  const answer = brief(peer.send(ack(4001, 65535)));
  assert.equal(answer[0], "A 4001 1 1000");
});

test("a probe that is taken moves the transfer on", async () => {
  const { peer, child } = await established(4000);
  peer.stack.send(child, text(6000));
  peer.received();
  peer.send(ack(4001, 0));
  assert.equal(peer.pass(1000)[0]?.text.length, 1);
  const rest = peer.send(ack(4002, 65535));
  assert.equal(rest[0]?.sequence, 4002);
  assert.equal(
    rest.reduce((sum, segment) => sum + segment.text.length, 0),
    1999,
  );
});

test("zero window without any answer ends the connection at last", async () => {
  const { peer, child } = await established(4000);
  peer.stack.send(child, text(10_000));
  peer.received();
  peer.send(ack(4001, 0));
  peer.pass(900_000);
  assert.equal(peer.stack.field(child, "state"), State.CLOSED);
  assert.equal(peer.stack.error(child), Errno.ETIMEDOUT);
});

test("fin waits behind a closed window and is probed", async () => {
  const { peer, child } = await established(1000);
  peer.stack.send(child, text(1000));
  peer.stack.shutdown(child);
  peer.received();
  assert.deepEqual(peer.send(ack(1001, 0)), []);
  assert.deepEqual(brief(peer.pass(1000)).slice(0, 1), ["FA 1001 1"]);
  peer.send(ack(1002, 0));
  assert.equal(peer.stack.field(child, "state"), State.FIN_WAIT_2);
});

test("acknowledgments pass while our window probe is in flight", async () => {
  const { peer, child } = await established(1000);
  peer.stack.send(child, text(3000));
  peer.received();
  peer.send(ack(1001, 0));
  assert.equal(peer.pass(1000)[0]?.sequence, 1001);
  peer.send({ sequence: 1, ack: 1001, window: 0, text: "hello" });
  const [answer] = peer.pass(100);
  assert.deepEqual([answer?.sequence, answer?.ack, answer?.text], [1001, 6, ""]);
});

// RFC 9293 MUST-34, SHLD-15, SHLD-16
test("a window that shrinks from the right is survived", async () => {
  const { peer, child } = await established(10_000);
  peer.stack.send(child, text(10_000));
  assert.equal(peer.received().length, 10);
  assert.deepEqual(peer.send(ack(2001, 1000)), []);
  const again = peer.pass(1500);
  assert.ok(again.length >= 1 && again.every(({ sequence }) => sequence >= 2001 && sequence < 3001));
  assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
  const rest = peer.send(ack(3001, 65535));
  assert.equal(rest[0]?.sequence, 3001);
});

// RFC 9293 SHLD-17
test("what a shrunken window leaves outside does not time the connection out", async () => {
  const { peer, child } = await established(10_000);
  peer.stack.send(child, text(10_000));
  peer.received();
  peer.send(ack(2001, 0));
  for (let i = 0; i < 360; i++) if (peer.pass(10_000).length !== 0) peer.send(ack(2001, 0));
  assert.equal(peer.stack.field(child, "state"), State.ESTABLISHED);
  assert.equal(peer.send(ack(2001, 65_535))[0]?.sequence, 2001);
});

// RFC 9293 MUST-38
test("the override time-out sends what the window holds and nothing beyond it", async () => {
  const { peer, child } = await established(4000);
  peer.stack.send(child, text(10_000));
  peer.received();
  peer.send(ack(4001, 100));
  assert.deepEqual(brief(peer.pass(450)), ["A 4001 1 100"]);
  assert.equal(peer.stack.field(child, "sendMax") - peer.stack.field(child, "sendUnacknowledged"), 100);
});
