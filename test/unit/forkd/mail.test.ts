// How forkd carries messages between members: who they are from, what happens where there is no room, who is hurt by a lie.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Letter } from "../../../tools/forkd/family/mail.ts";
import { Scene, TYPE } from "./mail_scene.ts";

test("a message reaches whom it is for, and says who it is from", () => {
  const scene = new Scene(3);
  scene.guest(2).send(3, Uint8Array.of(1, 2, 3));
  scene.event(2);
  assert.deepEqual(scene.guest(3).receive(), { type: TYPE, flags: 0, pid: 2, payload: Uint8Array.of(1, 2, 3) });
  assert.equal(scene.guest(1).receive(), undefined);
  assert.deepEqual(scene.notified, [3]);
});

test("who hears of a type hears of each message once, and can keep it back; an addressee may be gone, or forkd", () => {
  const scene = new Scene(3);
  const heard: (number | undefined)[][] = [];
  scene.mail.handle(TYPE, ({ sender, pid, addressee, payload }: Letter) => {
    heard.push([sender.pid, pid, addressee?.pid, payload[0]]);
    return payload[0] !== 9;
  });
  for (const [to, what] of [[0, 1], [2, 9], [7, 3], [2, 4]] as const) scene.guest(1).send(to, Uint8Array.of(what)); // prettier-ignore
  scene.event(1);
  assert.deepEqual(heard, [[1, 0, undefined, 1], [1, 2, 2, 9], [1, 7, undefined, 3], [1, 2, 2, 4]]); // prettier-ignore
  assert.deepEqual(scene.drain(2), [4]);
  scene.mail.handle(TYPE, () => {
    throw new Error("this is wrong");
  });
  scene.guest(1).send(2, Uint8Array.of(5));
  scene.guest(1).send(2, Uint8Array.of(6), TYPE + 1);
  scene.event(1);
  assert.deepEqual(scene.drain(2), [6]);
  assert.match(scene.log.join(), /test-1: message 13: .*this is wrong/);
});

test("a sender waits for its addressee's room, others do not; nothing is lost or changes its order", () => {
  const scene = new Scene(4);
  const first = scene.fill(1, 2);
  scene.event(1);
  assert.equal(scene.fill(1, 2), first, "forkd has made room");
  scene.event(1);
  assert.equal(scene.fill(1, 2), 0, "and now waits");
  scene.guest(3).send(4, Uint8Array.of(77));
  scene.event(3);
  assert.deepEqual(scene.drain(4), [77]);
  scene.notified.length = 0;
  const numbers = Array.from({ length: first }, (_, i) => i);
  assert.deepEqual(scene.drain(2), numbers);
  scene.event(2);
  assert.deepEqual(scene.drain(2), numbers);
  assert.deepEqual(new Set(scene.notified), new Set([1, 2]), "the sender has room, the addressee has mail");
});

test("two who fill each other's mailboxes come to no standstill", () => {
  const scene = new Scene(2);
  const sent = [0, 0];
  for (let round = 0; round < 3; round++) {
    sent[0] = (sent[0] ?? 0) + scene.fill(1, 2);
    sent[1] = (sent[1] ?? 0) + scene.fill(2, 1);
    for (const pid of [1, 2]) scene.event(pid);
  }
  const received = [0, 0];
  for (let round = 0; round < 10; round++) {
    for (const pid of [1, 2]) {
      received[2 - pid] = (received[2 - pid] ?? 0) + scene.drain(pid).length;
      scene.event(pid);
    }
  }
  assert.deepEqual(received, sent);
});

test("what forkd has to say waits for room, goes before later messages, and keeps it from asking for more", () => {
  const scene = new Scene(2);
  const full = scene.fill(1, 2);
  scene.event(1);
  scene.mail.post(scene.member(2), { type: TYPE, payload: Uint8Array.of(200, ...new Uint8Array(999)) });
  scene.fill(1, 2);
  scene.event(1);
  scene.guest(2).send(1, Uint8Array.of(50));
  scene.event(2);
  assert.deepEqual(scene.drain(1), [], "it has an answer to read first");
  assert.equal(scene.drain(2).length, full);
  scene.event(2);
  assert.deepEqual(scene.drain(1), [50]);
  assert.deepEqual(scene.drain(2).slice(0, 2), [200, 0]);
});

test("a lie costs who lies its mailbox, is logged once, and keeps nobody waiting", () => {
  const scene = new Scene(3);
  scene.fill(1, 2);
  scene.event(1);
  scene.fill(1, 2);
  scene.guest(1).send(3, Uint8Array.of(1));
  scene.event(1);
  new Uint32Array(scene.guest(2).bytes.buffer)[0] = 0xffff_fff0;
  scene.event(2);
  scene.event(2);
  scene.event(1);
  assert.equal(scene.log.filter((line) => line.startsWith("test-2 gets no mail any more")).length, 1);
  scene.guest(1).send(2, Uint8Array.of(2));
  scene.guest(1).send(3, Uint8Array.of(3));
  scene.event(1);
  assert.deepEqual(scene.drain(3), [1, 3]);
  const reader = new Scene(2);
  new Uint32Array(reader.guest(2).bytes.buffer)[3] = 8;
  reader.guest(1).send(2, Uint8Array.of(1));
  reader.event(1);
  assert.equal(reader.log.filter((line) => line.startsWith("test-2 gets no mail any more")).length, 1);
});

test("the last words of a member arrive when it has ended; who waited for it goes on", () => {
  const scene = new Scene(3);
  const full = scene.fill(1, 3);
  scene.event(1);
  scene.fill(2, 1);
  scene.fill(1, 3);
  scene.event(1);
  scene.member(1).ending = true;
  scene.mail.lastWords(scene.member(1));
  scene.member(1).family.members.delete(1);
  scene.mail.forget(scene.member(1));
  assert.equal(scene.drain(3).length, full);
  scene.event(3);
  assert.equal(scene.drain(3).length, full);
  scene.event(2);
  assert.ok(scene.guest(2).send(3, Uint8Array.of(1)), "what was for the dead one is not kept");
});

test("a flood of one member's leaves others their turn", async () => {
  const scene = new Scene(2);
  let count = 0;
  scene.mail.handle(TYPE, () => {
    count += 1;
    scene.guest(1).send(0, Uint8Array.of(1));
    return true;
  });
  scene.guest(1).send(0, Uint8Array.of(1));
  scene.event(1);
  assert.ok(count > 0 && count <= 100, `${count} at once`);
  await new Promise((done) => setImmediate(done));
  assert.ok(count > 100);
  scene.member(1).ending = true;
});
