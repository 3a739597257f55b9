// Who gets a connection that several processes hold: one after the other, and nobody who does not hold it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE, MESSAGE_LAST } from "../../../tools/forkd/family/mailbox.ts";
import { flow, HandoverScene } from "./handover_scene.ts";

const { claim, refuse, release, hand, sole, state, frame, moved, ready, offer } = MESSAGE;
const [EBADF, ENOMEM, EBUSY, ECONNREFUSED, ECONNRESET] = [9, 12, 16, 111, 104];
const [CLAIMED, RELEASED, OFFERED] = [0, 1, 2];
/** Behind a connection in SOLE. */
const STILL_OFFERED = 1;
const ONE = flow(1000);

test("who claims a connection gets it from its owner; its frames follow when it has it", () => {
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1, 2, 3);
  scene.say(2, claim, ONE);
  assert.deepEqual([scene.got(1), scene.got(2), scene.done], [["hand 1000 2 0"], [], []]);
  scene.say(1, state, ONE, [CLAIMED, 1, 0], 2, MESSAGE_LAST);
  scene.say(1, frame, ONE, [7], 2);
  assert.deepEqual(scene.got(2), ["state 1000 0 1 0 from 1", "frame 1000 7 from 1"]);
  scene.installs(2, ONE);
  assert.deepEqual([scene.got(1), scene.got(2), scene.done], [["moved 1000"], [], ["1000 to 2"]]);
  scene.say(1, frame, ONE, [8], 2);
  assert.deepEqual(scene.got(2), ["frame 1000 8 from 1"], "what arrives late");
  scene.process(1).list(ONE, 1);
  scene.say(1, claim, ONE);
  assert.deepEqual(scene.got(2), ["hand 1000 1 0"], "and back");
  assert.deepEqual(scene.log, []);
});

test("of those that claim at once each gets it in turn; who claims twice gets it once", () => {
  const scene = new HandoverScene(4);
  scene.hold(ONE, 1, 2, 3, 4);
  for (const pid of [2, 3, 3, 4, 2, 1]) scene.say(pid, claim, ONE);
  assert.deepEqual(scene.got(1), ["hand 1000 2 0"]);
  scene.installs(2, ONE);
  assert.deepEqual([scene.got(1), scene.got(2)], [["moved 1000"], ["hand 1000 3 0"]]);
  // Process 1 has not read its message yet, and lists itself as the owner still.
  scene.say(2, refuse, ONE, [EBUSY], 3);
  assert.deepEqual([scene.got(3), scene.got(2)], [["refuse 1000 16 from 2"], ["hand 1000 4 0"]]);
  scene.installs(4, ONE);
  assert.deepEqual([scene.got(2), scene.got(4)], [["moved 1000"], []]);
  assert.deepEqual(scene.done, ["1000 to 2", "1000 to 4"]);
});

test("a connection without owner, or that is not the family's, is refused", () => {
  const scene = new HandoverScene(2);
  scene.process(2).list(ONE, 1);
  scene.say(2, claim, ONE);
  const strange = flow(1001, 66);
  scene.hold(strange, 1, 2);
  scene.say(2, claim, strange);
  assert.deepEqual(scene.got(2), [`refuse 1000 ${ECONNRESET}`, `refuse 1001 ${ECONNRESET}`]);
  scene.say(1, release, strange);
  assert.deepEqual(scene.got(1), ["sole 1001"]);
});

test("an owner that has done with a connection keeps it where nobody else holds it", () => {
  const scene = new HandoverScene(2);
  scene.hold(ONE, 1);
  scene.say(1, release, ONE);
  assert.deepEqual(scene.got(1), ["sole 1000"]);
  scene.say(2, release, flow(77));
  assert.deepEqual([scene.got(2), scene.log], [[], []]);
});

test("it goes to the one that holds it, of several to the first that wants it or to the last that is left", () => {
  const scene = new HandoverScene(4);
  scene.hold(ONE, 1, 2);
  scene.say(1, release, ONE);
  assert.deepEqual(scene.got(1), [`hand 1000 2 ${RELEASED}`]);
  const other = flow(1001);
  scene.hold(other, 1, 2, 3, 4);
  scene.say(1, release, other);
  assert.deepEqual(scene.got(1), []);
  scene.say(3, claim, other);
  assert.deepEqual(scene.got(1), [`hand 1001 3 ${RELEASED}`]);
  scene.installs(3, other);
  scene.process(1).unlist(other);
  scene.say(3, release, other);
  assert.deepEqual(scene.got(3), []);
  scene.process(2).unlist(other);
  scene.say(2, release, other);
  assert.deepEqual(scene.got(3), [`hand 1001 4 ${RELEASED}`]);
  const third = flow(1002);
  scene.hold(third, 1, 2, 4);
  scene.say(1, release, third);
  scene.dies(4);
  assert.deepEqual(scene.got(1), ["moved 1001", `hand 1002 2 ${RELEASED}`]);
});

test("who takes what was released may have closed it meanwhile, or have no room for it: then the next has its turn", () => {
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1, 2);
  scene.say(1, release, ONE);
  scene.process(2).unlist(ONE);
  scene.say(2, release, ONE);
  scene.say(2, ready, ONE, [EBADF]);
  assert.deepEqual(scene.got(1), [`hand 1000 2 ${RELEASED}`, "sole 1000"]);
  const other = flow(1001);
  scene.hold(other, 1, 2, 3);
  scene.say(1, release, other);
  scene.say(2, claim, other);
  scene.say(2, ready, other, [ENOMEM]);
  assert.deepEqual(scene.got(1), [`hand 1001 2 ${RELEASED}`, `hand 1001 3 ${RELEASED}`]);
  scene.say(3, ready, other, [ENOMEM]);
  assert.deepEqual(scene.got(1), ["sole 1001"]);
});

test("what was claimed but could not be taken stays with its owner", () => {
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1, 2, 3);
  scene.say(2, claim, ONE);
  scene.say(3, claim, ONE);
  scene.say(2, ready, ONE, [ENOMEM]);
  assert.deepEqual(scene.got(1), ["hand 1000 2 0", "sole 1000", "hand 1000 3 0"]);
  assert.deepEqual(scene.done, []);
});

test("a child that has not told yet may hold what its owner has done with; what it says waits", () => {
  const scene = new HandoverScene(1);
  scene.hold(ONE, 1);
  scene.born(2, false);
  scene.born(3, false);
  scene.say(1, release, ONE);
  scene.hold(ONE, 1, 2);
  scene.say(2, claim, ONE);
  assert.deepEqual(scene.got(1), []);
  scene.told(2);
  assert.deepEqual(scene.got(1), [`hand 1000 2 ${RELEASED}`], "it need not wait for the other child");
  const other = flow(1001);
  scene.hold(other, 1);
  scene.say(1, release, other);
  scene.born(4, false);
  scene.told(3);
  assert.deepEqual(scene.got(1), ["sole 1001"], "nor for children born later of those that do not hold it");
});

test("a child born late of one that holds it is waited for when that one closes or dies", () => {
  for (const end of ["closes", "dies"] as const) {
    const scene = new HandoverScene(3);
    scene.hold(ONE, 1, 2, 3);
    scene.say(1, release, ONE);
    scene.born(4, false);
    for (const pid of [2, 3]) {
      if (end === "dies") scene.dies(pid);
      else {
        scene.process(pid).unlist(ONE);
        scene.say(pid, release, ONE);
      }
    }
    assert.deepEqual(scene.got(1), [], end);
    scene.process(4).list(ONE, 1);
    scene.told(4);
    assert.deepEqual(scene.got(1), [`hand 1000 4 ${RELEASED}`]);
  }
});

test("nobody waits for a child whose mailbox is of no use, or that dies", () => {
  const scene = new HandoverScene(1);
  scene.hold(ONE, 1);
  scene.born(2, false);
  scene.born(3, false);
  scene.say(1, release, ONE);
  scene.mail.giveUp(scene.member(2), new Error("nonsense"));
  scene.dies(3);
  scene.ownership.refresh([scene.family]);
  assert.deepEqual(scene.got(1), ["sole 1000"]);
});

test("what was never accepted is offered to those that accept on its port, one after the other", () => {
  const scene = new HandoverScene(4);
  scene.acceptors = [1, 2, 3];
  scene.hold(ONE, 1);
  scene.say(1, offer, ONE);
  assert.deepEqual(scene.got(1), [`hand 1000 2 ${OFFERED}`]);
  scene.say(1, state, ONE, [OFFERED, 1, 0], 2);
  scene.say(2, ready, ONE, [ECONNREFUSED]);
  assert.deepEqual(scene.got(1), [`hand 1000 3 ${OFFERED}`]);
  scene.say(1, state, ONE, [OFFERED, 1, 0], 3, MESSAGE_LAST);
  scene.installs(3, ONE);
  assert.deepEqual([scene.got(1), scene.done], [["moved 1000"], ["1000 to 3"]]);
});

test("what is offered waits for somebody who accepts, until there is nobody but its owner", () => {
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1);
  scene.say(1, offer, ONE);
  assert.deepEqual(scene.got(1), [], "nobody accepts yet");
  scene.acceptors = [1, 2];
  scene.ownership.acceptorCame(scene.family);
  assert.deepEqual(scene.got(1), [`hand 1000 2 ${OFFERED}`]);
  scene.say(1, state, ONE, [OFFERED, 1, 0], 2);
  scene.say(2, ready, ONE, [ECONNREFUSED]);
  assert.deepEqual(scene.got(1), [`sole 1000 ${STILL_OFFERED}`], "its owner goes on with it");
  scene.acceptors = [2, 3];
  scene.ownership.acceptorCame(scene.family);
  assert.deepEqual(scene.got(1), [`hand 1000 2 ${OFFERED}`], "who had no room is asked again");
  scene.dies(2);
  assert.deepEqual(scene.got(1), [`hand 1000 3 ${OFFERED}`]);
  scene.dies(3);
  assert.deepEqual(scene.got(1), ["sole 1000"]);
});

test("what its owner accepts after all is offered to nobody any more", () => {
  const scene = new HandoverScene(3);
  scene.acceptors = [2];
  scene.hold(ONE, 1);
  scene.say(1, offer, ONE);
  assert.deepEqual(scene.got(1), [`hand 1000 2 ${OFFERED}`]);
  scene.say(1, refuse, ONE, [EBUSY], 2);
  scene.acceptors = [2, 3];
  scene.ownership.acceptorCame(scene.family);
  assert.deepEqual(scene.got(1), []);
  scene.acceptors = [];
  scene.hold(flow(1001), 1);
  scene.say(1, offer, flow(1001));
  scene.hold(flow(1001), 1, 2);
  scene.say(2, claim, flow(1001));
  assert.deepEqual(scene.got(1), [`hand 1001 2 ${CLAIMED}`]);
  scene.say(1, refuse, flow(1001), [EBUSY], 2);
  scene.acceptors = [3];
  scene.ownership.acceptorCame(scene.family);
  assert.deepEqual(scene.got(1), []);
});

test("a connection that ends while it is to be given away is nobody's", () => {
  const scene = new HandoverScene(3);
  scene.hold(ONE, 1, 2, 3);
  scene.say(1, release, ONE);
  scene.process(1).unlist(ONE);
  scene.say(2, claim, ONE);
  assert.deepEqual(scene.got(2), [`refuse 1000 ${ECONNRESET}`]);
  const other = flow(1001);
  scene.hold(other, 1, 2);
  scene.say(1, release, other);
  scene.process(1).unlist(other);
  scene.say(1, refuse, other, [ECONNRESET], 2);
  assert.deepEqual([scene.got(2), scene.got(1)], [[`refuse 1001 ${ECONNRESET} from 1`], [`hand 1001 2 ${RELEASED}`]]);
});

test("nobody gets what it does not hold, or sends what it does not have; a liar is named once", () => {
  const scene = new HandoverScene(4);
  scene.hold(ONE, 1, 2);
  scene.say(3, claim, ONE);
  scene.process(3).list(ONE, 0);
  scene.say(3, ready, ONE, [0]);
  scene.process(3).unlist(ONE);
  scene.say(3, state, ONE, [CLAIMED, 1, 0], 2, MESSAGE_LAST);
  scene.say(3, frame, ONE, [1], 1);
  scene.say(3, offer, ONE);
  scene.say(3, refuse, ONE, [EBUSY], 2);
  for (const type of [hand, sole, moved]) scene.say(3, type, ONE, [2, 0], 1);
  for (const type of [claim, release, ready, offer]) scene.say(3, type, ONE, [0], 1);
  assert.deepEqual([scene.got(1), scene.got(2), scene.got(3)], [[], [], [`refuse 1000 ${EBADF}`]]);
  assert.deepEqual(scene.done, []);
  assert.deepEqual(scene.log, ["test-3 says that it has a connection which nobody gave it: ignored"]);
  // An owner can send it only to whom forkd says, and who was not given it cannot take it.
  scene.say(2, claim, ONE);
  scene.say(1, state, ONE, [CLAIMED, 1, 0], 4, MESSAGE_LAST);
  scene.process(4).list(ONE, 0);
  scene.say(4, ready, ONE, [0]);
  scene.say(2, ready, ONE, [0]);
  assert.deepEqual([scene.got(2), scene.got(4), scene.done], [[], [], []]);
  assert.equal(scene.log.length, 3);
});

test("nonsense is named, and changes nothing", () => {
  const scene = new HandoverScene(2);
  for (const type of [claim, refuse, release, state, frame, ready, offer]) {
    for (const to of [0, 2]) assert.ok(scene.process(1).mailbox.send(to, new Uint8Array(39), type));
  }
  scene.mail.serve(scene.member(1));
  assert.deepEqual([scene.got(1), scene.got(2), scene.done, scene.log.length], [[], [], [], 1]);
});
