// Processes that end, or fork, while connections are on their way by descriptors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE } from "../../../tools/forkd/family/mailbox.ts";
import { Errno, Poll } from "../tcp/stack.ts";
import { Scene } from "./passing_scene.ts";

test("nobody is left to receive it: the peer hears the end", async () => {
  const scene = await Scene.start();
  const [first, second] = [scene.child(0), scene.child(1)];
  const [one, two] = [scene.connect(), scene.connect()];
  scene.send(one);
  scene.closeNear(one);
  scene.end(first);
  assert.equal(scene.client.poll(scene.far[one] ?? 0) & Poll.RDHUP, 0, "the other can have it");
  scene.end(second);
  scene.pass(100);
  assert.equal(scene.hears(one), 0);
  assert.notEqual(scene.send(two), 1);
  scene.closeNear(two);
  for (const far of scene.far) scene.client.close(far);
  scene.assertClean();
});

test("the last that could receive it closes the pipe", async () => {
  const scene = await Scene.start();
  const one = scene.connect();
  scene.send(one);
  scene.closeNear(one);
  for (const child of scene.children) {
    assert.equal(scene.parent.call("passingUnfinished"), 1);
    child.call("pipeLeave", child.pid);
    scene.pass();
  }
  assert.equal(scene.parent.call("passingUnfinished"), 0);
  scene.pass(100);
  assert.equal(scene.hears(one), 0);
  scene.client.close(scene.far[one] ?? 0);
  scene.assertClean();
});

test("who has taken it dies before he could say so", async () => {
  const scene = await Scene.start();
  const child = scene.child(0);
  const [one, two] = [scene.connect(), scene.connect()];
  scene.send(one);
  scene.closeNear(one);
  scene.family.tamper = (message, from) => (from === child.pid && message.type === MESSAGE.taken ? null : message);
  const { result } = scene.receive(child);
  assert.equal(result, 1);
  scene.pass();
  assert.equal(scene.parent.call("passingUnfinished"), 1);
  scene.end(child);
  assert.equal(scene.parent.call("passingUnfinished"), 0);
  scene.pass(100);
  assert.equal(scene.hears(one), 0, "as of a descriptor that a process has taken with it");
  scene.send(two);
  scene.closeNear(two);
  const { fd, socket } = scene.take(scene.child(1));
  scene.says(two, "goes on");
  assert.equal(scene.read(scene.child(1), socket), "goes on");
  scene.child(1).call("descriptorClose", fd);
  for (const far of scene.far) scene.client.close(far);
  scene.assertClean();
});

test("the sender dies: what nobody has taken is reset", async () => {
  const scene = await Scene.start();
  const [one, two] = [scene.connect(), scene.connect()];
  scene.send(one);
  scene.send(two);
  scene.take(scene.child(0));
  scene.pass();
  scene.end(scene.parent);
  const taken = scene.child(0).call("socketOf", 3);
  assert.equal(scene.read(scene.child(0), taken), -Errno.ECONNRESET);
  const { socket } = scene.take(scene.child(1));
  assert.equal(scene.child(1).read(socket), -Errno.ECONNRESET);
  assert.equal(scene.child(1).read(socket), 0);
  for (const child of scene.children) assert.equal(child.call("descriptorClose", 3), 0);
  scene.pass();
  assert.equal(scene.child(0).call("placesFree"), 4);
  for (const child of scene.children) assert.equal(child.call("tableCount"), 0);
});

test("a fork of the sender has nothing of what is on its way", async () => {
  const scene = await Scene.start(1);
  const one = scene.connect();
  scene.send(one);
  scene.closeNear(one);
  const late = scene.family.fork(scene.parent);
  late.call("passingForked");
  scene.pass();
  assert.deepEqual([late.call("passingUnfinished"), late.call("tableCount")], [0, 0]);
  const { fd, socket } = scene.take(scene.child(0));
  scene.says(one, "text");
  assert.equal(scene.read(scene.child(0), socket), "text");
  scene.child(0).call("descriptorClose", fd);
  scene.client.close(scene.far[one] ?? 0);
  scene.assertClean();
});

test("a sender that exits waits until what it has sent is taken, and lets go of it when it waits no longer", async () => {
  const scene = await Scene.start();
  const { parent } = scene;
  const [one, two] = [scene.connect(), scene.connect()];
  for (const index of [one, two]) {
    scene.send(index);
    scene.closeNear(index);
  }
  const { fd } = scene.take(scene.child(0));
  scene.pass();
  assert.equal(parent.call("unfinished"), 1);
  parent.call("networkReleases", parent.now);
  scene.pass(100);
  assert.equal(scene.hears(two), 0, "nobody has received it");
  assert.equal(scene.hears(one), -Errno.EAGAIN, "this one lives on");
  assert.equal(scene.child(0).call("descriptorClose", fd), 0);
  scene.pass(100);
  assert.equal(scene.hears(one), 0);
});
