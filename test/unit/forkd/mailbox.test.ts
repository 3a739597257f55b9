// A mailbox between a guest and forkd: the guest's rings (kernel/fork/message_ring.ts) and forkd's, on the same memory.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Mailbox, MAILBOX_PAGES, MOST_PAYLOAD, type Message } from "../../../tools/forkd/family/mailbox.ts";
import { compileAssembly } from "../../support/assembly.ts";
import { Random } from "../../support/random.ts";

interface Guest {
  readonly memory: WebAssembly.Memory;
  readonly text: WebAssembly.Global;
  init(): number;
  send(type: number, flags: number, pid: number, length: number, first: number): number;
  next(): number;
  type(): number;
  flags(): number;
  pid(): number;
  length(): number;
  payload(): number;
  consume(size: number): number;
}

const RING = 16384;
const { exports } = await WebAssembly.instantiate(await compileAssembly("test/unit/forkd/harness_mailbox.ts"));
const guest = exports as unknown as Guest;
let words: Uint32Array;
let mailbox: Mailbox;

beforeEach(() => {
  const bytes = new Uint8Array(guest.memory.buffer, guest.init(), MAILBOX_PAGES * 4096);
  words = new Uint32Array(bytes.buffer, bytes.byteOffset, 4);
  mailbox = new Mailbox(bytes);
});

function text(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);
}

function send(payload: Uint8Array, pid = 2, first = payload.length): number {
  new Uint8Array(guest.memory.buffer, Number(guest.text.value)).set(payload);
  return guest.send(13, 1, pid, payload.length, first);
}

/** Takes in the next message as the guest does. */
function receive(): { readonly message: Message; readonly tell: boolean } {
  const size = guest.next();
  assert.ok(size > 0);
  const payload = new Uint8Array(guest.memory.buffer, guest.payload(), guest.length()).slice();
  const message = { type: guest.type(), flags: guest.flags(), pid: guest.pid(), payload };
  return { message, tell: guest.consume(size) !== 0 };
}

test("messages come through both rings as they were sent, wherever these begin and end", () => {
  const random = new Random(6);
  for (let round = 0; round < 3000; round++) {
    const payload = text(random.between(0, 4) === 0 ? random.between(0, MOST_PAYLOAD) : random.between(0, 99), round);
    assert.equal(send(payload, round, random.between(0, payload.length)), 1);
    const sent = mailbox.next();
    assert.deepEqual(sent, { type: 13, flags: 1, pid: round, payload });
    assert.equal(mailbox.taken(sent), false);
    assert.equal(mailbox.next(), undefined);
    const message = { type: 7, flags: 0, pid: 5 - round, payload };
    assert.ok(mailbox.hasRoom(message));
    mailbox.put(message);
    assert.deepEqual(receive().message, message);
    assert.equal(guest.next(), 0);
  }
});

test("a guest that finds no room is told when there is some; it tells forkd of the first message only", () => {
  assert.equal(send(text(4000)), 1);
  for (let i = 0; i < 3; i++) assert.equal(send(text(4000)), 0);
  assert.equal(send(text(1000)), -1);
  assert.equal(send(text(300)), 0, "smaller ones fit");
  const tells: boolean[] = [];
  for (let message = mailbox.next(); message !== undefined; message = mailbox.next())
    tells.push(mailbox.taken(message));
  assert.deepEqual(tells, [true, true, false, false, false]);
  assert.equal(send(text(MOST_PAYLOAD)), 1);
});

test("forkd that finds no room is told when there is some", () => {
  const message = { type: 7, flags: 0, pid: 3, payload: text(4000) };
  for (let i = 0; i < 4; i++) {
    assert.ok(mailbox.hasRoom(message));
    mailbox.put(message);
  }
  assert.equal(mailbox.hasRoom(message), false);
  assert.deepEqual([receive().tell, receive().tell, receive().tell], [true, false, false]);
});

test("another forkd goes on where the one before stopped, and a child begins with empty rings", () => {
  assert.equal(send(text(10)), 1);
  assert.equal(send(text(20)), 0);
  const first = mailbox.next();
  assert.ok(first !== undefined);
  mailbox.taken(first);
  mailbox.put({ type: 7, flags: 0, pid: 3, payload: text(5) });
  const bytes = new Uint8Array(words.buffer, words.byteOffset, MAILBOX_PAGES * 4096);
  const other = new Mailbox(bytes);
  assert.equal(other.next()?.payload.length, 20);
  other.put({ type: 7, flags: 0, pid: 4, payload: text(6) });
  assert.deepEqual([receive().message.payload.length, receive().message.payload.length], [5, 6]);
  other.put({ type: 7, flags: 0, pid: 4, payload: text(6) });
  other.empty();
  assert.deepEqual([other.next(), guest.next()], [undefined, 0]);
});

test("lies are errors, and indices of forkd's that a guest writes mean nothing", () => {
  assert.equal(send(text(10)), 1);
  words[1] = 77;
  words[2] = 99;
  assert.equal(mailbox.next()?.payload.length, 10);
  const lies: (() => unknown)[] = [
    () => ((words[0] = RING + 8), mailbox.next()),
    () => ((words[0] = 8), mailbox.next()),
    () => ((words[0] = -8), mailbox.next()),
    () => ((words[3] = 8), mailbox.hasRoom({ payload: text(1) })),
  ];
  for (const lie of lies) assert.throws(lie, { code: "FORK_MAILBOX" });
  words[0] = 32;
  for (const length of [17, MOST_PAYLOAD + 1, 0x7fffffff, 0xffffffff]) {
    new DataView(words.buffer, words.byteOffset + 4096).setUint32(0, length, true);
    assert.throws(() => mailbox.next(), { code: "FORK_MAILBOX" }, `${length}`);
  }
});

test("a guest does not believe everything either", () => {
  words[2] = RING + 8;
  assert.equal(guest.next(), -1);
  words[2] = 8;
  assert.equal(guest.next(), -1);
  words[2] = 32;
  for (const length of [17, MOST_PAYLOAD + 1, 0xffffffff]) {
    new DataView(words.buffer, words.byteOffset + 4096 + RING).setUint32(0, length, true);
    assert.equal(guest.next(), -1, `${length}`);
  }
  words[1] = 1000;
  assert.equal(send(text(1)), -1, "more is read than was sent");
});
