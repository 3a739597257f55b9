// What becomes of a connection whose owner has died, with those of its family that knew of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE } from "../../../tools/forkd/family/mailbox.ts";
import { Errno, State } from "../tcp/stack.ts";
import { connected, flowOf, give, handOver, post, sentBy, stateOf } from "./by_hand.ts";

test("the owner dies: the peer is reset by who has handed it over just now, and by who still has a descriptor", async () => {
  for (const closed of [true, false]) {
    const { parent, peer, socket } = await connected();
    const child = parent.fork(2);
    handOver(parent, peer, child);
    if (closed) parent.close(socket);
    sentBy(parent);
    post(parent, MESSAGE.reset, flowOf(peer));
    const [provocation] = peer.received();
    assert.equal(provocation?.flags, "S");
    const [reset] = peer.send({ flags: "A", sequence: 77, ack: 99 });
    assert.deepEqual([reset?.flags, reset?.sequence], ["R", 99]);
    if (!closed) assert.equal(parent.read(socket), -Errno.ECONNRESET);
    if (!closed) parent.close(socket);
    assert.deepEqual([parent.call("socketCount"), parent.call("tableCount")], [1, 0]);
  }
});

test("a reset of what is ours, or on its way from us, changes nothing", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  post(parent, MESSAGE.reset, flowOf(peer));
  assert.equal(parent.field(socket, "state"), State.ESTABLISHED);
  const state = stateOf(parent, peer, child);
  post(parent, MESSAGE.reset, flowOf(peer));
  assert.deepEqual(peer.received(), []);
  assert.equal(give(child, state), 0);
});
