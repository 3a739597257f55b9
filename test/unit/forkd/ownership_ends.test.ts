// What becomes of connections when a process dies while they are on their way, and when forkd does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE, MESSAGE_LAST } from "../../../tools/forkd/family/mailbox.ts";
import { flow, HandoverScene } from "./handover_scene.ts";

const { claim, release, state, ready, offer } = MESSAGE;
const [ENOMEM, ECONNRESET] = [12, 104];
const [CLAIMED, RELEASED, OFFERED] = [0, 1, 2];
const ONE = flow(1000);

test("the receiver dies: its sender goes on, or who waits has its turn, or the peer is told where it had begun to live", () => {
  const scene = new HandoverScene(4);
  scene.hold(ONE, 1, 2, 3, 4);
  scene.say(2, claim, ONE);
  assert.deepEqual(scene.dies(2), []);
  assert.deepEqual(scene.got(1), ["hand 1000 2 0", "sole 1000"]);
  scene.say(3, claim, ONE);
  scene.say(4, claim, ONE);
  scene.dies(3);
  assert.deepEqual(scene.got(1), ["hand 1000 3 0", "sole 1000", "hand 1000 4 0"]);
  scene.process(4).list(ONE, 0);
  assert.deepEqual(scene.dies(4), [1000], "it may have spoken with the peer");
  assert.deepEqual([scene.got(1), scene.done], [["moved 1000"], []]);
});

test("the receiver of what was released dies: the next that holds it gets it, the owner ends it where there is none", () => {
  const scene = new HandoverScene(4);
  scene.hold(ONE, 1, 2, 3, 4);
  scene.say(1, release, ONE);
  scene.say(2, claim, ONE);
  scene.dies(2);
  assert.deepEqual(scene.got(1), [`hand 1000 2 ${RELEASED}`, `hand 1000 3 ${RELEASED}`], "at once: it stands still");
  scene.dies(3);
  scene.dies(4);
  assert.deepEqual(scene.got(1), [`hand 1000 4 ${RELEASED}`, "sole 1000"]);
});

test("the sender dies: who was to have it hears that it is lost, its peer is reset", () => {
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1, 2, 3);
  scene.hold(flow(1001), 1);
  scene.say(2, claim, ONE);
  scene.say(3, claim, ONE);
  scene.say(1, state, ONE, [CLAIMED, 1, 0], 2);
  assert.deepEqual(scene.dies(1), [1000, 1001]);
  assert.deepEqual(scene.got(2), ["state 1000 0 1 0 from 1", `refuse 1000 ${ECONNRESET}`]);
  assert.deepEqual(scene.got(3), [`refuse 1000 ${ECONNRESET}`]);
  scene.say(3, claim, ONE);
  assert.deepEqual(scene.got(3), [`refuse 1000 ${ECONNRESET}`], "and for ever");
});

test("the sender dies when all was sent: the connection lives on, unless its receiver cannot take it or dies, too", () => {
  for (const end of ["takes", "refuses", "dies"] as const) {
    const scene = new HandoverScene(3);
    scene.hold(ONE, 1, 2);
    scene.say(2, claim, ONE);
    scene.say(1, state, ONE, [CLAIMED, 1, 0], 2, MESSAGE_LAST);
    assert.deepEqual(scene.dies(1), [], "nobody resets it");
    assert.deepEqual(scene.done, ["1000 to 2"]);
    if (end === "takes") scene.installs(2, ONE);
    else if (end === "refuses") scene.say(2, ready, ONE, [ENOMEM]);
    else scene.dies(2);
    assert.deepEqual(scene.done.slice(1), end === "takes" ? ["1000 to 2"] : ["lost 1000"], end);
  }
});

test("what an old owner lists before it has heard that it has it no more is not its own", () => {
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1, 2);
  scene.say(2, claim, ONE);
  scene.installs(2, ONE);
  assert.deepEqual(scene.dies(1), []);
  const other = flow(1001);
  scene.hold(other, 2, 3);
  scene.say(3, claim, other);
  scene.installs(3, other);
  assert.deepEqual(scene.dies(3), [1001]);
});

test("forkd is killed while a connection is on its way: the next one knows from what members say again", () => {
  // The state is on its way.
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1, 2, 3);
  scene.say(2, claim, ONE);
  scene.restart();
  scene.say(1, state, ONE, [CLAIMED, 1, 0], 2, MESSAGE_LAST);
  assert.deepEqual(scene.got(2), ["state 1000 0 1 0 from 1"]);
  scene.say(3, claim, ONE);
  scene.installs(2, ONE);
  for (const pid of [3, 2]) scene.told(pid);
  assert.deepEqual([scene.got(1), scene.done], [["hand 1000 2 0"], []], "not before all have told");
  scene.say(1, claim, ONE, [2]);
  scene.told(1);
  assert.deepEqual([scene.got(1), scene.got(2), scene.done], [["moved 1000"], ["hand 1000 3 0"], ["1000 to 2"]]);
});

test("forkd is killed: who was to have it is there already, has gone, or is still waiting", () => {
  for (const [state_, said, steered] of [
    ["has it", "moved 1000", ["1000 to 2"]],
    ["has died", "sole 1000", []],
    ["waits", "hand 1000 2 0", []],
  ] as const) {
    const scene = new HandoverScene(3);
    scene.hold(ONE, 1, 2);
    scene.say(2, claim, ONE);
    scene.got(1);
    if (state_ === "has it") scene.process(2).list(ONE, 0);
    if (state_ === "has died") scene.family.members.delete(2);
    scene.restart();
    scene.say(1, claim, ONE, [2]);
    for (const pid of scene.family.members.keys()) scene.told(pid);
    assert.deepEqual(scene.got(1), [said], state_);
    assert.deepEqual(scene.done, steered);
    if (state_ !== "waits") continue;
    scene.say(1, state, ONE, [CLAIMED, 1, 0], 2, MESSAGE_LAST);
    scene.installs(2, ONE);
    assert.deepEqual(scene.got(1), ["moved 1000"]);
  }
});

test("forkd is killed: releases and offers that nobody has answered are answered by the next", () => {
  const scene = new HandoverScene(3);
  scene.acceptors = [3];
  for (const one of [ONE, flow(1001)]) scene.hold(one, 1);
  scene.restart();
  scene.say(1, release, ONE);
  scene.say(1, offer, flow(1001));
  for (const pid of [1, 2]) scene.told(pid);
  assert.deepEqual(scene.got(1), []);
  scene.acceptors = [2];
  scene.dies(3);
  assert.deepEqual(scene.got(1), ["sole 1000", `hand 1001 2 ${OFFERED}`]);
});

test("only what a forkd has found can have been on its way: nobody gives away what is not asked for", () => {
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1, 2);
  scene.say(1, claim, ONE, [3]);
  scene.say(1, state, ONE, [CLAIMED, 1, 0], 3, MESSAGE_LAST);
  assert.deepEqual([scene.got(1), scene.got(3)], [[], []]);
});
