// Who gets a connection: who claims it, unless its owner uses it, and when it is released or offered; and what happens when that fails.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE } from "../../../tools/forkd/family/mailbox.ts";
import { brief } from "../tcp/peer.ts";
import { Errno, Poll, State } from "../tcp/stack.ts";
import {
  answerOf,
  connected,
  flowOf,
  give,
  handOver,
  INHERITED,
  post,
  sentBy,
  Sharing,
  stateOf,
  typesOf,
  withWords,
} from "./by_hand.ts";
import { Reason } from "./ownership.ts";

const [EBUSY, ENOMEM] = [16, 12];

test("reading, writing, polling and closing a direction claim, once; options and addresses do not", async () => {
  const { parent, socket } = await connected();
  for (const use of ["read", "send", "poll", "shutdown", "peek"]) {
    const child = parent.fork(2);
    child.call("tcpSetNoDelay", socket, true, child.now);
    assert.equal(child.call("tcpLocalPort", socket), 80);
    assert.deepEqual(typesOf(sentBy(child)), []);
    for (let again = 0; again < 2; again++) {
      if (use === "read") assert.equal(child.read(socket), -Errno.EAGAIN);
      else if (use === "send") assert.equal(child.send(socket, "x"), -Errno.EAGAIN);
      else if (use === "poll") assert.equal(child.poll(socket), 0);
      else if (use === "peek") assert.equal(child.call("tcpPeek", socket, child.scratch, 1), -Errno.EAGAIN);
      else assert.equal(child.shutdown(socket), -Errno.EAGAIN);
    }
    assert.deepEqual(typesOf(sentBy(child)), [MESSAGE.claim], use);
  }
});

test("an owner that uses it keeps it; one that only polls, or has used it before the fork, does not", async () => {
  const { parent, peer, socket } = await connected();
  parent.send(socket, "before");
  const child = parent.fork(2);
  parent.poll(socket);
  const claimed = withWords(flowOf(peer), child.pid, Reason.CLAIMED);
  parent.send(socket, "after");
  sentBy(parent);
  post(parent, MESSAGE.hand, claimed);
  const [refusal] = sentBy(parent);
  assert.deepEqual([refusal?.type, refusal?.pid], [MESSAGE.refuse, child.pid]);
  assert.equal(new DataView(refusal?.payload.buffer ?? new ArrayBuffer(44)).getUint32(40, true), EBUSY);
  child.poll(socket);
  post(child, MESSAGE.refuse, refusal?.payload ?? new Uint8Array(0), 1);
  assert.equal(child.poll(socket) & Poll.ERR, Poll.ERR);
  assert.equal(child.read(socket), -EBUSY);
  sentBy(child);
  assert.equal(child.read(socket), -Errno.EAGAIN);
  assert.deepEqual(typesOf(sentBy(child)), [MESSAGE.claim], "a later try claims again");
  parent.fork(3);
  sentBy(parent);
  parent.poll(socket);
  post(parent, MESSAGE.hand, claimed);
  assert.ok(
    typesOf(sentBy(parent)).every((type) => type === MESSAGE.state),
    "after a fork it is free again",
  );
});

test("who waits for a connection is woken when it has come, when it is refused, and where it was when that fails", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  const woken = (process: typeof child, happens: () => void): boolean => {
    process.call("waitBegin", socket);
    happens();
    return process.call("waitEnd") === 1;
  };
  child.read(socket);
  const refuse = withWords(flowOf(peer), EBUSY);
  assert.ok(woken(child, () => void post(child, MESSAGE.refuse, refuse, 1)));
  assert.equal(child.read(socket), -EBUSY);
  child.read(socket);
  const state = stateOf(parent, peer, child, Reason.CLAIMED);
  assert.ok(woken(parent, () => void post(parent, MESSAGE.sole, flowOf(peer))));
  assert.equal(
    woken(child, () => void give(child, state.slice(0, -1))),
    false,
  );
  assert.ok(woken(child, () => void give(child, state)));
  assert.equal(child.field(socket, "state"), State.ESTABLISHED);
});

test("a claim of what is over: the connection is reset for who wants it", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  child.read(socket);
  peer.send({ flags: "R", sequence: 1 });
  sentBy(parent);
  post(parent, MESSAGE.hand, withWords(flowOf(peer), child.pid, Reason.CLAIMED));
  const [refusal] = sentBy(parent);
  post(child, MESSAGE.refuse, refusal?.payload ?? new Uint8Array(0), 1);
  assert.equal(child.read(socket), -Errno.ECONNRESET);
  assert.equal(child.read(socket), 0);
  child.close(socket);
  assert.deepEqual([child.call("socketCount"), child.call("tableCount")], [1, 0]);
});

test("what comes for another's connection is neither answered nor taken for a stranger's", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  const astray = peer.turnTo(child);
  assert.deepEqual(astray.send({ sequence: 1, ack: 1, text: "for the parent" }), []);
  assert.deepEqual(astray.send({ flags: "R", sequence: 1 }), []);
  assert.deepEqual(astray.pass(10_000), []);
  assert.equal(child.field(socket, "state"), INHERITED);
});

test("segments that come to the old owner while and after it hands over follow the state", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  const state = stateOf(parent, peer, child);
  const late = new TextEncoder().encode("x".repeat(5000));
  assert.deepEqual(peer.send({ sequence: 1, ack: 1, text: "during" }), []);
  assert.deepEqual(peer.send({ sequence: 7, ack: 1, text: new TextDecoder().decode(late) }), []);
  const during = sentBy(parent);
  assert.deepEqual(typesOf(during), [MESSAGE.frame, MESSAGE.frame, MESSAGE.frame], "the long one in two pieces");
  assert.equal(give(child, state), 0);
  post(parent, MESSAGE.moved, flowOf(peer));
  assert.deepEqual(peer.send({ sequence: 5007, ack: 1, text: "after" }), []);
  for (const { type, payload, flags } of [...during, ...sentBy(parent)]) post(child, type, payload, 1, flags);
  assert.equal(child.readText(socket), `during${"x".repeat(5000)}after`);
  peer.pass(1500);
  peer.send({ sequence: 5012, ack: 1, text: "much later" });
  assert.deepEqual(typesOf(sentBy(parent)), []);
});

test("without memory the receiver says so, and the owner goes on", async () => {
  const { parent, peer, socket } = await connected();
  peer.send({ sequence: 1, ack: 1, text: "unread" });
  const child = parent.fork(2);
  assert.equal(child.read(socket), -Errno.EAGAIN);
  const blocks: number[] = [];
  for (let block = child.call("pageBlock", 0); block !== 0; block = child.call("pageBlock", 0)) blocks.push(block);
  child.call("pageBlockFree", blocks.pop() ?? 0, 0);
  const state = stateOf(parent, peer, child, Reason.CLAIMED);
  assert.equal(give(child, state), ENOMEM);
  assert.equal(child.read(socket), -ENOMEM);
  assert.equal(child.field(socket, "state"), INHERITED);
  post(parent, MESSAGE.sole, flowOf(peer));
  assert.equal(parent.field(socket, "state"), State.ESTABLISHED);
  assert.equal(parent.readText(socket), "unread");
  assert.deepEqual(brief(peer.pass(50)), ["A 1 7"]);
});

test("what its owner closes lives on without a FIN until it is known who has it", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  sentBy(parent);
  parent.close(socket);
  assert.deepEqual(typesOf(sentBy(parent)), [MESSAGE.release]);
  assert.deepEqual(brief(peer.send({ sequence: 1, ack: 1, text: "hello" })), []);
  assert.deepEqual(brief(peer.pass(50)), ["A 1 6"]);
  assert.equal(parent.call("unfinished"), 1);
  const turned = handOver(parent, peer, child);
  assert.equal(child.readText(socket), "hello");
  assert.equal(parent.call("unfinished"), 0);
  child.close(socket);
  assert.deepEqual(typesOf(sentBy(child)).at(-1), MESSAGE.release);
  assert.deepEqual(turned.received(), []);
  post(child, MESSAGE.sole, flowOf(peer));
  assert.deepEqual(brief(turned.received()), ["FA 1 6"]);
  peer.pass(1500);
  assert.equal(parent.call("socketCount"), 1);
});

test("the end of a released connection: unread text and SO_LINGER of 0 reset it, as they would have", async () => {
  for (const linger of [false, true]) {
    const { parent, peer, socket } = await connected();
    parent.fork(2);
    if (linger) parent.call("tcpSetLinger", socket, 0);
    else peer.send({ sequence: 1, ack: 1, text: "unread" });
    parent.close(socket);
    assert.ok(peer.pass(100).every(({ flags }) => flags === "A"));
    post(parent, MESSAGE.sole, flowOf(peer));
    assert.deepEqual(
      peer.received().map(({ flags }) => flags),
      ["RA"],
    );
    assert.equal(parent.call("socketCount"), 1);
  }
});

test("a connection that no fork has seen closes without asking anybody", async () => {
  const { parent, peer, socket } = await connected();
  parent.close(socket);
  assert.deepEqual(typesOf(sentBy(parent)), []);
  assert.deepEqual(brief(peer.received()), ["FA 1 1"]);
});

test("closed on its way: it goes, and its old owner is a holder no more", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  const state = stateOf(parent, peer, child, Reason.CLAIMED);
  parent.close(socket);
  assert.deepEqual(typesOf(sentBy(parent)), []);
  assert.equal(give(child, state), 0);
  post(parent, MESSAGE.moved, flowOf(peer));
  assert.deepEqual(typesOf(sentBy(parent)), [MESSAGE.release]);
  peer.pass(2000);
  assert.deepEqual([parent.call("socketCount"), parent.call("tableCount")], [1, 0]);
});

test("closed on its way, which fails: then it is released", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  stateOf(parent, peer, child, Reason.CLAIMED);
  parent.close(socket);
  post(parent, MESSAGE.sole, flowOf(peer));
  assert.deepEqual(typesOf(sentBy(parent)), [MESSAGE.release]);
  post(parent, MESSAGE.sole, flowOf(peer));
  assert.deepEqual(brief(peer.received()), ["FA 1 1"]);
});

test("a released connection that its peer ends leaves nothing behind", async () => {
  const { parent, peer, socket } = await connected();
  parent.fork(2);
  parent.close(socket);
  peer.send({ flags: "R", sequence: 1 });
  assert.deepEqual([parent.call("socketCount"), parent.call("tableCount")], [1, 0]);
  sentBy(parent);
  post(parent, MESSAGE.hand, withWords(flowOf(peer), 2, Reason.RELEASED));
  assert.deepEqual(typesOf(sentBy(parent)), [MESSAGE.refuse]);
});

test("a process that ends and hears nothing lets go of what is its own", async () => {
  const { parent, peer, socket } = await connected();
  parent.fork(2);
  parent.call("served", false);
  parent.close(socket);
  assert.equal(parent.call("unfinished"), 1);
  parent.call("networkReleases", parent.now);
  assert.deepEqual(brief(peer.received()), ["FA 1 1"]);
});

test("a fork in the middle of a hand-over: the child has neither what goes nor what comes", async () => {
  const scene = await connected();
  const { parent, peer, socket } = scene;
  peer.send({ sequence: 1, ack: 1, text: "x".repeat(9000) });
  const child = parent.fork(2);
  const state = stateOf(parent, peer, child);
  const ofParent = parent.fork(3);
  for (const { type, payload, flags } of state.slice(0, -1)) post(child, type, payload, 1, flags);
  const ofChild = child.fork(4);
  for (const process of [ofParent, ofChild]) {
    assert.equal(process.field(socket, "state"), INHERITED);
    assert.equal(process.call("sharingOf", socket), Sharing.SHARED);
    assert.equal(process.call("bufferPagesUsed"), 0);
    process.close(socket);
    assert.equal(process.call("socketCount"), 1);
  }
  const [last] = state.slice(-1);
  assert.ok(last !== undefined);
  assert.equal(give(child, [last]), 0);
  assert.equal((child.read(socket) as Uint8Array).length, 9000);
});

test("connections that nobody has accepted go to another who listens; without one they are reset", async () => {
  const { parent, peer, listener, socket } = await connected();
  parent.fork(9);
  const second = peer.turnTo(parent);
  second.port += 1;
  second.send({ flags: "S" });
  second.send({ sequence: 1, ack: 1, text: "hello" });
  const child = parent.fork(2);
  assert.equal(child.accept(listener), 0);
  sentBy(parent);
  parent.call("tcpClose", listener, parent.now);
  assert.deepEqual(typesOf(sentBy(parent)).at(-1), MESSAGE.offer);
  const state = stateOf(parent, second, child, Reason.OFFERED);
  assert.equal(give(child, state), 0);
  post(parent, MESSAGE.moved, flowOf(second));
  const taken = child.accept(listener);
  assert.equal(child.readText(taken), "hello");
  child.close(socket);
  assert.equal(answerOf(sentBy(child)), undefined);
});

test("nobody takes what was offered", async () => {
  const { parent, peer, listener, socket } = await connected();
  parent.fork(9);
  const second = peer.turnTo(parent);
  second.port += 1;
  second.send({ flags: "S" });
  second.send({ sequence: 1, ack: 1 });
  parent.call("tcpClose", listener, parent.now);
  post(parent, MESSAGE.sole, flowOf(second));
  assert.deepEqual(
    second.received().map(({ flags }) => flags),
    ["RA"],
  );
  assert.equal(parent.field(socket, "state"), State.ESTABLISHED);
});

test("without forkd claims and releases wait; a new one is told what there is, at last that this was all", async () => {
  const { parent, peer, socket } = await connected();
  const child = parent.fork(2);
  for (const process of [parent, child]) {
    sentBy(process);
    process.call("served", false);
  }
  parent.close(socket);
  child.read(socket);
  assert.deepEqual([...sentBy(parent), ...sentBy(child)], []);
  for (const [process, type] of [
    [parent, MESSAGE.release],
    [child, MESSAGE.claim],
  ] as const) {
    process.call("served", true);
    for (let again = 0; again < 2; again++) {
      post(process, MESSAGE.listening, new Uint8Array(0));
      const types = sentBy(process).map((message) => message.type);
      assert.deepEqual(types, [MESSAGE.flowPage, type, MESSAGE.listening]);
    }
  }
  handOver(parent, peer, child);
});

test("a mailbox without room: all claims go as soon as there is some", async () => {
  const { parent, peer, listener, socket } = await connected();
  parent.call("tcpListen", listener, 1000);
  const sockets = [socket];
  for (let i = 1; i < 400; i++) {
    const next = peer.turnTo(parent);
    next.port += i;
    sockets.push(next.open(listener));
  }
  const child = parent.fork(2);
  for (const one of sockets) assert.equal(child.read(one), -Errno.EAGAIN);
  let claims = 0;
  for (let more = sentBy(child); more.length !== 0; more = sentBy(child)) {
    claims += more.filter(({ type }) => type === MESSAGE.claim).length;
    child.event();
  }
  assert.equal(claims, sockets.length);
});
