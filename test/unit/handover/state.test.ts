// What moves with a connection: the receiver goes on exactly where the owner stopped, and the owner does nothing more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, mssOption, timestampOption } from "../tcp/peer.ts";
import { Errno, Poll, State, type Field } from "../tcp/stack.ts";
import { connected, handOver, handToChild, INHERITED, sentBy, typesOf } from "./by_hand.ts";

const OPTIONS = Uint8Array.from([...mssOption(1000), 1, 3, 3, 7, 4, 2, ...timestampOption(7, 0)]);
const text = (length: number): Uint8Array => Uint8Array.from({ length }, (_unused, index) => 97 + (index % 26));

test("text that is not read, text that came early, and text that is not acknowledged", async () => {
  const scene = await connected();
  scene.peer.send({ sequence: 1, ack: 1, text: "read me" });
  scene.peer.send({ sequence: 11, ack: 1, text: "early" });
  scene.parent.send(scene.socket, "sent");
  scene.parent.send(scene.socket, "held back by Nagle");
  scene.peer.received();
  const { child, peer } = handToChild(scene);
  assert.equal(child.readText(scene.socket), "read me");
  assert.equal(child.field(scene.socket, "ranges"), 1);
  assert.deepEqual(brief(peer.send({ sequence: 8, ack: 5, text: "gap" })), ["PA 5 16 held back by Nagle"]);
  assert.equal(child.readText(scene.socket), "gapearly");
});

test("large rings, of which the text goes round the end", async () => {
  const scene = await connected({ options: Uint8Array.from(mssOption(1400)) });
  const sent = text(40_000);
  const all: number[] = [];
  let { peer } = scene;
  for (let at = 0; at < sent.length; at += 1000) {
    peer.send({ sequence: 1 + at, ack: 1, text: new TextDecoder().decode(sent.subarray(at, at + 1000)) });
    if (at === 20_000) all.push(...(scene.parent.read(scene.socket, 15_000) as Uint8Array));
  }
  scene.parent.send(scene.socket, text(100_000));
  const moved = handToChild(scene);
  peer = moved.peer;
  for (let part = moved.child.read(scene.socket); typeof part !== "number"; part = moved.child.read(scene.socket))
    all.push(...part);
  assert.deepEqual(Uint8Array.from(all), sent);
  let end = 1;
  let received = "";
  for (let rounds = 0; rounds < 200 && received.length < 100_000; rounds++) {
    for (const segment of [...peer.send({ sequence: 40_001, ack: end, window: 65535 }), ...peer.pass(300)]) {
      if (segment.sequence > end) continue;
      received += segment.text.slice(end - segment.sequence);
      end = Math.max(end, segment.sequence + segment.text.length);
    }
  }
  assert.equal(received, new TextDecoder().decode(text(100_000)));
});

test("variables: sequence numbers, windows, round trip, options", async () => {
  const scene = await connected({ options: OPTIONS });
  scene.parent.send(scene.socket, text(3000));
  scene.peer.pass(20);
  scene.peer.send({ sequence: 1, ack: 3001, options: Uint8Array.from(timestampOption(9, 0)), text: "abc" });
  scene.parent.send(scene.socket, text(500));
  const fields: Field[] = ["sendUnacknowledged", "sendNext", "sendMax", "sendWindow", "receiveNext", "receiveEdge"];
  fields.push("congestionWindow", "slowStartThreshold", "segmentSize", "roundTripMicroseconds", "timestampRecent");
  fields.push("timeoutMilliseconds", "receiveLimit", "sendLimit");
  const before = fields.map((field) => scene.parent.field(scene.socket, field));
  const { child } = handToChild(scene);
  assert.deepEqual(
    fields.map((field) => child.field(scene.socket, field)),
    before,
  );
  assert.equal(child.field(scene.socket, "state"), State.ESTABLISHED);
});

test("the retransmission timer runs at the receiver and nowhere else", async () => {
  const scene = await connected();
  scene.parent.send(scene.socket, "lost");
  scene.peer.received();
  const child = scene.parent.fork(2);
  const peer = handOver(scene.parent, scene.peer, child);
  assert.deepEqual(brief(peer.pass(250)), ["PA 1 1 lost"]);
  assert.deepEqual(scene.peer.pass(5000), []);
  assert.equal(scene.parent.field(scene.socket, "state"), INHERITED);
});

test("a delayed acknowledgment is sent by the receiver", async () => {
  const scene = await connected();
  scene.peer.send({ sequence: 1, ack: 1, text: "x" });
  const { peer } = handToChild(scene);
  assert.deepEqual(brief(peer.pass(45)), ["A 1 2"]);
  assert.deepEqual(scene.peer.pass(100), []);
});

test("a closed window is probed on, and opens", async () => {
  const scene = await connected({ window: 10 });
  scene.parent.send(scene.socket, text(30));
  scene.peer.received();
  scene.peer.send({ sequence: 1, ack: 11, window: 0 });
  const { peer } = handToChild(scene);
  assert.deepEqual(brief(peer.pass(2000)).slice(0, 1), ["A 11 1 k"]);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 11, window: 1000 })), ["PA 11 1 klmnopqrstuvwxyzabcd"]);
});

test("our own closed window opens when the receiver has read", async () => {
  const scene = await connected();
  scene.parent.call("tcpSetReceiveLimit", scene.socket, 4096);
  scene.peer.send({ sequence: 1, ack: 1, text: "x" });
  let [sequence, answers] = [2, scene.peer.pass(50)];
  while ((answers.at(-1)?.window ?? 1) !== 0) {
    const room = Math.min(answers.at(-1)?.window ?? 1000, 1000);
    answers = [...scene.peer.send({ sequence, ack: 1, text: "y".repeat(room) }), ...scene.peer.pass(50)];
    sequence += room;
  }
  const { child, peer } = handToChild(scene);
  peer.received();
  let read = 0;
  for (let part = child.read(scene.socket); typeof part !== "number"; part = child.read(scene.socket))
    read += part.length;
  assert.equal(read, sequence - 1);
  assert.ok((peer.received().at(-1)?.window ?? 0) >= 1000, "the peer is told");
});

test("ends: the peer's FIN, behind a gap, and ours that waits", async () => {
  const scene = await connected({ window: 4 });
  scene.parent.send(scene.socket, "12345678");
  scene.parent.shutdown(scene.socket);
  scene.peer.send({ flags: "FA", sequence: 4, ack: 1, window: 4, text: "lo" });
  scene.peer.received();
  const { child, peer } = handToChild(scene);
  assert.equal(child.read(scene.socket), -Errno.EAGAIN);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 5, window: 4, text: "hel" })), ["PA 5 7 5678"]);
  assert.equal(child.readText(scene.socket), "hello");
  assert.equal(child.read(scene.socket), 0);
  assert.equal(child.field(scene.socket, "state"), State.CLOSING);
  assert.deepEqual(brief(peer.send({ sequence: 7, ack: 9, window: 100 })), ["FA 9 7"]);
  peer.send({ sequence: 7, ack: 10, window: 100 });
  assert.equal(child.field(scene.socket, "state"), State.TIME_WAIT);
  assert.equal(child.poll(scene.socket) & Poll.HUP, Poll.HUP);
});

test("urgent text stays urgent", async () => {
  const scene = await connected();
  scene.peer.send({ flags: "UA", sequence: 1, ack: 1, urgent: 3, text: "abcdef" });
  const { child } = handToChild(scene);
  assert.equal(child.poll(scene.socket) & Poll.PRI, Poll.PRI);
  child.read(scene.socket, 3);
  assert.equal(child.poll(scene.socket) & Poll.PRI, 0);
});

test("marks of congestion are echoed on until the peer has slowed down", async () => {
  const scene = await connected({ flags: "SEC" });
  scene.peer.send({ sequence: 1, ack: 1, text: "x", service: 3 });
  const { peer } = handToChild(scene);
  const echoes = (flags: string, sequence: number): boolean | undefined => {
    const answers = [...peer.send({ flags, sequence, ack: 1, text: "y", service: 2 }), ...peer.pass(50)];
    return answers.at(-1)?.flags.includes("E");
  };
  assert.equal(echoes("A", 2), true);
  assert.equal(echoes("AC", 3), false);
});

test("timestamps: old segments are refused as before", async () => {
  const scene = await connected({ options: OPTIONS });
  scene.peer.send({ sequence: 1, ack: 1, text: "new", options: Uint8Array.from(timestampOption(1000, 0)) });
  const { child, peer } = handToChild(scene);
  const options = Uint8Array.from(timestampOption(999, 0));
  assert.equal(peer.send({ sequence: 4, ack: 1, text: "old", options }).length, 1);
  assert.equal(child.readText(scene.socket), "new");
});

test("keep-alive goes on, from the last sign of life of the peer", async () => {
  const scene = await connected();
  scene.parent.call("tcpSetKeepAlive", scene.socket, true, scene.parent.now);
  scene.parent.call("tcpSetKeepAliveTimes", scene.socket, 10_000_000_000n, 1_000_000_000n, 3, scene.parent.now);
  scene.peer.pass(6000);
  const { peer } = handToChild(scene);
  assert.deepEqual(brief(peer.pass(3900)), []);
  assert.deepEqual(brief(peer.pass(200)), ["A 0 1"]);
  assert.deepEqual(scene.peer.pass(20_000), []);
});

test("fast recovery goes on: what is lost is sent again, once", async () => {
  const scene = await connected({ options: Uint8Array.from([...mssOption(1000), 1, 1, 4, 2]) });
  scene.parent.send(scene.socket, text(10_000));
  scene.peer.received();
  const sack = (left: number, right: number): Uint8Array => {
    const options = new Uint8Array(12);
    options.set([1, 1, 5, 10]);
    new DataView(options.buffer).setUint32(4, (scene.peer.stackIsn + left) >>> 0);
    new DataView(options.buffer).setUint32(8, (scene.peer.stackIsn + right) >>> 0);
    return options;
  };
  const again = scene.peer.send({ sequence: 1, ack: 1, options: sack(4001, 10_001) });
  assert.equal(again.filter(({ sequence }) => sequence === 1).length, 1);
  const { peer } = handToChild(scene);
  const rest = peer.send({ sequence: 1, ack: 1001, options: sack(4001, 10_001) });
  assert.ok(rest.every(({ sequence }) => sequence >= 1001 && sequence < 4001));
  assert.deepEqual(peer.send({ sequence: 1, ack: 10_001 }), []);
  assert.deepEqual(peer.pass(3000), []);
});

test("options that the receiver has set since the fork stay its own", async () => {
  const scene = await connected();
  const child = scene.parent.fork(2);
  child.call("tcpSetNoDelay", scene.socket, true, child.now);
  child.call("tcpSetSendLimit", scene.socket, 8192);
  const peer = handOver(scene.parent, scene.peer, child);
  child.send(scene.socket, "one");
  child.send(scene.socket, "two");
  assert.deepEqual(brief(peer.received()), ["PA 1 1 one", "PA 4 1 two"]);
  assert.equal(child.field(scene.socket, "sendLimit"), 8192);
});

test("a connection goes through three processes, and back to the first", async () => {
  const scene = await connected();
  const child = scene.parent.fork(2);
  const grandchild = child.fork(3);
  let { peer } = scene;
  let [sequence, owner] = [1, scene.parent];
  for (const next of [child, grandchild, scene.parent, child]) {
    peer.send({ sequence, ack: 1, text: `for ${next.pid}` });
    sequence += 5;
    peer = handOver(owner, peer, next);
    assert.equal(next.readText(scene.socket), `for ${next.pid}`);
    owner = next;
  }
  assert.deepEqual(typesOf(sentBy(scene.parent)), []);
});

test("text that nobody has read of a connection that is over", async () => {
  const scene = await connected();
  const child = scene.parent.fork(2);
  scene.parent.shutdown(scene.socket);
  scene.peer.send({ flags: "FA", sequence: 1, ack: 2, text: "the rest" });
  assert.equal(scene.parent.field(scene.socket, "state"), State.TIME_WAIT);
  handOver(scene.parent, scene.peer, child);
  assert.equal(child.readText(scene.socket), "the rest");
  assert.equal(child.read(scene.socket), 0);
});
