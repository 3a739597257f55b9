// Connections that go from process to process by descriptors through a pipe (SCM_RIGHTS): the receiver gets them whole, and nobody keeps one that
// has none to use it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Errno, Poll, State } from "../tcp/stack.ts";
import { Scene } from "./passing_scene.ts";

const INHERITED = 11;
const [EOPNOTSUPP, ETOOMANYREFS, EBUSY] = [95, 109, 16];
const WRITABLE = 0x104;

test("a connection that was never used goes to a process that was there before it: text before, on the way and afterwards", async () => {
  const scene = await Scene.start();
  const { parent, client } = scene;
  const child = scene.child(1);
  const one = scene.connect();
  scene.says(one, "before ");
  assert.equal(scene.send(one), 1);
  scene.closeNear(one);
  scene.says(one, "on the way ");
  assert.equal(parent.call("passingUnfinished"), 1);
  const { fd, socket } = scene.take(child);
  assert.equal(child.field(socket, "state"), INHERITED);
  assert.equal(child.field(socket, "remotePort"), client.call("tcpLocalPort", scene.far[one] ?? 0));
  scene.says(one, "taken");
  assert.equal(parent.call("passingUnfinished"), 0);
  child.poll(socket); // it is claimed, and what the client still holds back comes to its new owner
  scene.pass(500);
  assert.equal(child.readText(socket), "before on the way taken");
  assert.equal(child.field(socket, "state"), State.ESTABLISHED);
  child.send(socket, "answer");
  scene.pass();
  assert.equal(scene.hears(one), "answer");
  assert.equal(child.call("descriptorClose", fd), 0);
  client.close(scene.far[one] ?? 0);
  scene.assertClean();
  assert.equal(client.call("socketCount"), 0);
});

test("one that the sender has used goes all the same; if it is used again, the receiver hears EBUSY until that is closed", async () => {
  const scene = await Scene.start();
  const child = scene.child(0);
  const one = scene.connect();
  const near = scene.parent.call("socketOf", scene.near[one] ?? -1);
  scene.says(one, "head body");
  assert.equal(Buffer.from(scene.parent.read(near, 5) as Uint8Array).toString(), "head ");
  scene.send(one);
  const { fd, socket } = scene.take(child);
  assert.equal(scene.read(child, socket), "body");
  assert.equal(scene.parent.field(near, "state"), INHERITED);
  child.call("descriptorClose", fd);
  scene.pass();
  assert.equal(scene.parent.read(near), -Errno.EAGAIN, "it is still the parent's, too");
  scene.pass();
  scene.parent.send(near, "mine");
  scene.send(one);
  scene.parent.send(near, " still");
  const again = scene.take(child);
  assert.equal(scene.read(child, again.socket), -EBUSY);
  scene.closeNear(one);
  scene.pass();
  scene.says(one, "yours");
  assert.equal(scene.read(child, again.socket), "yours");
  assert.equal(scene.hears(one), "mine still");
  child.call("descriptorClose", again.fd);
  scene.client.close(scene.far[one] ?? 0);
  scene.assertClean();
});

test("the receiver closes it, or gives no room for it, or reads its byte without it: the peer hears the end", async () => {
  const scene = await Scene.start();
  const child = scene.child(0);
  for (const room of [1, 0]) {
    const one = scene.connect();
    scene.send(one);
    scene.closeNear(one);
    const { descriptors, cut } = scene.receive(child, 1, room);
    assert.deepEqual([descriptors.length, cut], [room, room === 0]);
    scene.pass();
    assert.equal(scene.client.poll(scene.far[one] ?? 0) & Poll.RDHUP, room === 0 ? Poll.RDHUP : 0);
    for (const fd of descriptors) child.call("descriptorClose", fd);
    scene.pass();
    assert.equal(scene.hears(one), 0);
    scene.client.close(scene.far[one] ?? 0);
  }
  scene.assertClean();
});

test("several in one message, and one message a read: whose bytes are read has them", async () => {
  const scene = await Scene.start();
  const [first, second] = [scene.child(0), scene.child(1)];
  const [one, two] = [scene.connect(), scene.connect()];
  assert.equal(scene.send(one, 10, 2), 10);
  assert.equal(scene.send(two, 20), 20);
  scene.closeNear(one);
  scene.closeNear(two);
  const both = scene.receive(first, 4);
  assert.deepEqual([both.result, both.descriptors.length], [4, 2]);
  assert.equal(first.call("socketOf", both.descriptors[0] ?? -1), first.call("socketOf", both.descriptors[1] ?? -1));
  assert.deepEqual(scene.receive(first, 100), { result: 26, descriptors: [first.call("passedAt", 0)], cut: false });
  scene.end(second);
  for (const process of [first]) for (const fd of [3, 4, 5]) assert.equal(process.call("descriptorClose", fd), 0);
  scene.pass(100);
  for (const index of [one, two]) {
    assert.equal(scene.hears(index), 0);
    scene.client.close(scene.far[index] ?? 0);
  }
  scene.assertClean();
});

test("four are on their way through a pipe at most; who waits for a place is told when there is one", async () => {
  const scene = await Scene.start();
  const child = scene.child(0);
  const one = scene.connect();
  assert.equal(scene.send(one, 1, 5), -ETOOMANYREFS);
  for (let i = 0; i < 3; i++) assert.equal(scene.send(one), 1);
  assert.equal(scene.send(one, 1, 2), -Errno.EAGAIN);
  assert.equal(scene.parent.call("writerEvents"), 0);
  assert.equal(scene.send(one), 1);
  assert.equal(scene.parent.call("writerEvents"), WRITABLE, "for bytes alone there is room");
  assert.equal(scene.send(one), -Errno.EAGAIN);
  assert.equal(scene.parent.call("writerEvents"), 0);
  const { fd } = scene.take(child);
  scene.pass();
  assert.equal(scene.parent.call("placesFree"), 1);
  assert.equal(scene.parent.call("writerEvents"), WRITABLE);
  const others = [scene.take(child), scene.take(child), scene.take(child)];
  assert.ok(
    others.every((other) => other.socket === child.call("socketOf", fd)),
    "one open file",
  );
  assert.equal(child.field(others[0]?.socket ?? 0, "state"), INHERITED);
  for (const { fd: other } of [{ fd }, ...others]) assert.equal(child.call("descriptorClose", other), 0);
  scene.closeNear(one);
  scene.client.close(scene.far[one] ?? 0);
  scene.assertClean();
});

test("what is no connection with another host does not go, and nothing is sent", async () => {
  const scene = await Scene.start();
  const { parent } = scene;
  const listener = parent.call("descriptorOf", scene.listener);
  const closed = parent.call("descriptorOf", parent.socket());
  for (const fd of [listener, closed, 0]) assert.equal(parent.call("passSend", fd, 1, 1), -EOPNOTSUPP);
  assert.equal(scene.child(0).call("passReceive", 1, 1), -Errno.EAGAIN);
  parent.call("descriptorClose", closed);
});

test("one that has failed goes, too, and is reset for the receiver", async () => {
  const scene = await Scene.start();
  const one = scene.connect();
  scene.client.call("tcpAbort", scene.far[one] ?? 0, scene.client.now);
  scene.pass();
  assert.equal(scene.send(one), 1);
  scene.closeNear(one);
  const { fd, socket } = scene.take(scene.child(0));
  assert.equal(scene.child(0).read(socket), -Errno.ECONNRESET);
  scene.child(0).call("descriptorClose", fd);
  scene.assertClean();
});

test("there and back, and on to a third", async () => {
  const scene = await Scene.start();
  const { parent } = scene;
  const [first, second] = [scene.child(0), scene.child(1)];
  first.call("mayWrite", 2);
  scene.share();
  const one = scene.connect();
  scene.send(one);
  scene.closeNear(one);
  const there = scene.take(first);
  scene.says(one, "one");
  assert.equal(scene.read(first, there.socket), "one");
  assert.equal(first.call("passSend", there.fd, 1, 1), 1);
  first.call("descriptorClose", there.fd);
  scene.pass();
  // Whoever reads first has it: here who has sent it.
  const back = scene.take(first);
  assert.equal(back.socket, there.socket);
  assert.equal(first.call("passSend", back.fd, 1, 1), 1);
  first.call("descriptorClose", back.fd);
  scene.pass();
  const third = scene.take(second);
  scene.says(one, "two");
  assert.equal(scene.read(second, third.socket), "two");
  assert.equal(second.call("descriptorClose", third.fd), 0);
  scene.client.close(scene.far[one] ?? 0);
  scene.assertClean();
  assert.equal(parent.call("tableCount"), 0);
});

test("options come with it, but for those that the receiver has set", async () => {
  const scene = await Scene.start();
  const one = scene.connect();
  const near = scene.parent.call("socketOf", scene.near[one] ?? -1);
  scene.parent.call("tcpSetNoDelay", near, true, scene.parent.now);
  scene.send(one);
  const nodelay = 1;
  scene.closeNear(one);
  const { fd, socket } = scene.take(scene.child(0));
  scene.child(0).call("tcpSetSendLimit", socket, 20_000);
  scene.says(one, "x");
  assert.equal(scene.read(scene.child(0), socket), "x");
  assert.equal(scene.child(0).field(socket, "flags") & nodelay, nodelay);
  assert.ok(scene.child(0).field(socket, "sendLimit") <= 40_000);
  scene.child(0).call("descriptorClose", fd);
  scene.client.close(scene.far[one] ?? 0);
  scene.assertClean();
});

test("forkd is away, or begins anew: what was taken goes when it is there", async () => {
  const scene = await Scene.start();
  const child = scene.child(0);
  const one = scene.connect();
  scene.family.serving = false;
  scene.send(one);
  scene.closeNear(one);
  const { fd, socket } = scene.take(child);
  scene.says(one, "text");
  assert.equal(scene.read(child, socket), -Errno.EAGAIN);
  assert.equal(scene.parent.call("passingUnfinished"), 1);
  scene.family.serving = true;
  scene.family.restart();
  scene.pass(50);
  assert.equal(scene.parent.call("passingUnfinished"), 0);
  assert.equal(scene.read(child, socket), "text");
  child.call("descriptorClose", fd);
  scene.client.close(scene.far[one] ?? 0);
  scene.assertClean();
});
