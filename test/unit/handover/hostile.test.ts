// What a process that has gone wrong can send: nothing of it stops the kernel that gets it. A state that makes no sense is refused as a whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE, MESSAGE_LAST, type Message } from "../../../tools/forkd/family/mailbox.ts";
import { Random } from "../../support/random.ts";
import { mssOption, timestampOption, type Peer } from "../tcp/peer.ts";
import {
  answerOf,
  connected,
  flowOf,
  give,
  INHERITED,
  post,
  sentBy,
  stateOf,
  withWords,
  type Connected,
} from "./by_hand.ts";
import { FLOW } from "./ownership.ts";
import type { Process } from "./process.ts";

const COUNT = Number(process.env["KARYON_HANDOVER_LIES"] ?? 1500);
const EINVAL = 22;
const HEADER = FLOW + 12;
const OPTIONS = Uint8Array.from([...mssOption(1000), 1, 3, 3, 7, 4, 2, ...timestampOption(7, 0)]);

/** A connection with everything: text both ways, gaps, retransmissions. */
async function busy(): Promise<Connected> {
  const scene = await connected({ options: OPTIONS });
  const options = (stamp: number): Uint8Array => Uint8Array.from(timestampOption(stamp, 0));
  scene.parent.send(scene.socket, new Uint8Array(9000).fill(120));
  scene.peer.send({ sequence: 1, ack: 1, text: "in order", options: options(8) });
  scene.peer.send({ sequence: 20, ack: 1, text: "early", options: options(9) });
  scene.peer.send({ sequence: 40, ack: 1, text: "earlier", options: options(9) });
  const sack = new Uint8Array(24);
  sack.set([...timestampOption(10, 0), 1, 1, 5, 10]);
  new DataView(sack.buffer).setUint32(16, (scene.peer.stackIsn + 3001) >>> 0);
  new DataView(sack.buffer).setUint32(20, (scene.peer.stackIsn + 9001) >>> 0);
  scene.peer.send({ sequence: 9, ack: 1, options: sack });
  scene.peer.received();
  return scene;
}

/** Whatever the child has now, it lives: time passes, segments come, the application does what it likes. */
function live(child: Process, peer: Peer, socket: number, random: Random): void {
  const turned = peer.turnTo(child);
  for (let i = 0; i < 3; i++) {
    const [sequence, ack] = [random.between(0, 60), random.between(0, 9100)];
    turned.send({ sequence, ack, text: "xyz", options: Uint8Array.from(timestampOption(20 + i, 0)) });
    child.read(socket);
    child.send(socket, "abc");
    child.poll(socket);
    turned.pass(random.between(0, 4000));
    turned.received();
  }
}

function copyOf(messages: readonly Message[]): Message[] {
  return messages.map((message) => ({ ...message, payload: message.payload.slice() }));
}

/** Takes the connection away from the child again, so that the next state can come. */
function takeBack(child: Process, peer: Peer, socket: number): void {
  if (child.field(socket, "state") === INHERITED) return;
  post(child, MESSAGE.hand, withWords(flowOf(peer), 1, 1));
  for (let more = sentBy(child); more.length !== 0; more = sentBy(child)) child.event();
  post(child, MESSAGE.moved, flowOf(peer));
  sentBy(child);
}

test("a state whose lengths or order are wrong is refused, and leaves nothing behind", async () => {
  const scene = await busy();
  const child = scene.parent.fork(2);
  sentBy(child);
  const good = stateOf(scene.parent, scene.peer, child);
  const kind = ({ payload }: Message): number => new DataView(payload.buffer).getUint32(FLOW + 4, true);
  const changes: ((messages: Message[]) => Message[])[] = [
    (all) => all.slice(1),
    (all) => all.filter((message) => kind(message) !== 2),
    (all) => all.filter((message) => kind(message) !== 5),
    (all) => [...all.slice(0, -1), ...all.slice(-1).map((last) => ({ ...last, flags: 0 })), ...all.slice(-1)],
    (all) => all.map((message, at) => (at === 0 ? { ...message, flags: MESSAGE_LAST } : message)),
    (all) => [...all.slice(0, 1), ...all.slice(1).reverse()],
    (all) => all.map((message) => ({ ...message, payload: message.payload.slice(0, -1) })),
    (all) => all.map((message) => ({ ...message, payload: message.payload.slice(0, HEADER) })),
    (all) => all.flatMap((message) => [message, message]),
  ];
  for (const [index, change] of changes.entries()) {
    const answer = give(child, change(copyOf(good)));
    assert.ok(answer === EINVAL || (answer === undefined && index === 0), `change ${index}: ${answer}`);
    assert.equal(child.field(scene.socket, "state"), INHERITED);
    assert.equal(child.call("bufferPagesUsed"), 0);
    assert.equal(child.call("rangeListCount"), 0);
    assert.equal(child.call("retransmissionLogCount"), 0);
  }
  assert.equal(give(child, good), 0);
});

test("each word of the block may be anything", async () => {
  const scene = await busy();
  const child = scene.parent.fork(2);
  const good = stateOf(scene.parent, scene.peer, child);
  const random = new Random(7);
  const [block] = good;
  assert.ok(block !== undefined);
  let [refused, taken] = [0, 0];
  for (let at = HEADER; at + 4 <= block.payload.length; at += 4) {
    for (const value of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const changed = copyOf(good);
      new DataView(changed[0]?.payload.buffer ?? new ArrayBuffer(0)).setUint32(at, value, true);
      if (give(child, changed) === 0) taken += 1;
      else refused += 1;
      live(child, scene.peer, scene.socket, random);
      takeBack(child, scene.peer, scene.socket);
    }
  }
  assert.ok(refused > 50 && taken > 50, `${refused} refused, ${taken} taken`);
});

test(`${COUNT} states with random bytes changed`, async () => {
  const scene = await busy();
  const child = scene.parent.fork(2);
  const good = stateOf(scene.parent, scene.peer, child);
  const random = new Random(8);
  for (let i = 0; i < COUNT; i++) {
    const changed = copyOf(good);
    for (let changes = random.between(1, 5); changes > 0; changes--) {
      const { payload } = changed[random.between(0, Math.min(changed.length, 5) - 1)] ?? { payload: new Uint8Array(1) };
      payload[random.between(FLOW, payload.length - 1)] = random.u32() & 255;
    }
    give(child, changed);
    live(child, scene.peer, scene.socket, random);
    takeBack(child, scene.peer, scene.socket);
  }
});

test("frames: too short, for others' ports, in pieces that do not fit", async () => {
  const scene = await connected();
  const child = scene.parent.fork(2);
  const flow = flowOf(scene.peer);
  const random = new Random(9);
  for (let i = 0; i < 500; i++) {
    const payload = new Uint8Array(FLOW + random.between(0, 4056));
    payload.set(random.bytes(payload.length - FLOW), FLOW);
    payload.set(flow);
    if (random.fraction() < 0.7 && payload.length >= FLOW + 8) {
      new DataView(payload.buffer).setUint32(FLOW + 4, random.between(0, 2) * 4048, true);
    }
    post(random.fraction() < 0.5 ? child : scene.parent, MESSAGE.frame, payload, 3, random.between(0, 1));
  }
  assert.deepEqual(scene.peer.received(), []);
  assert.equal(scene.parent.readText(scene.socket), -11);
});

test("orders about connections that are not there, or from others than forkd", async () => {
  const scene = await connected();
  const child = scene.parent.fork(2);
  sentBy(child);
  sentBy(scene.parent);
  const strange = flowOf(scene.peer);
  strange[33] = 1;
  for (const type of [MESSAGE.hand, MESSAGE.sole, MESSAGE.moved, MESSAGE.refuse, MESSAGE.state, MESSAGE.frame]) {
    for (const payload of [new Uint8Array(0), new Uint8Array(39), strange, withWords(strange, 2, 1, 0, 0)])
      post(child, type, payload);
    for (const process of [child, scene.parent]) post(process, type, withWords(flowOf(scene.peer), 2, 1), 5);
  }
  assert.equal(answerOf(sentBy(scene.parent)), undefined);
  scene.peer.send({ sequence: 1, ack: 1, text: "still here" });
  assert.equal(scene.parent.readText(scene.socket), "still here");
});
