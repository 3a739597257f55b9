// The guest's mailbox whole: what it sends, what it takes in, when it tells forkd, and when it tries again. forkd's own code is at the
// other end of the guest's memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FlowPages } from "../../tools/forkd/family/flow_pages.ts";
import { Mailbox, MAILBOX_PAGES, MESSAGE } from "../../tools/forkd/family/mailbox.ts";
import { fakeKernel } from "../support/fake.ts";
import { Random } from "../support/random.ts";
import type { Calls, Piece } from "./calls.ts";
import { runProcess, type Scene } from "./process.ts";

const MAILBOX = 180;
const UNKNOWN = 999;

const kernel = await fakeKernel("test/fake/harness_mailbox.ts");

function mailboxOf({ guest, forkd }: Scene): Mailbox {
  const bytes = guest.domain.memory.bytes;
  return new Mailbox(bytes.subarray(forkd.get(MAILBOX), forkd.get(MAILBOX) + MAILBOX_PAGES * 4096));
}

function* send(calls: Calls, pid: number, length: number): Piece<boolean> {
  return (yield* calls.call("test_send", UNKNOWN, pid, length)) !== 0;
}

test("a process sends to forkd and to others; it is heard of once", () => {
  runProcess(kernel, function* (scene) {
    const { calls, forkd } = scene;
    const mailbox = mailboxOf(scene);
    const events = forkd.events;
    assert.equal(yield* send(calls, 2, 11), true);
    assert.equal(yield* send(calls, 0, 0), true);
    assert.equal(forkd.events - events, 1, "forkd has not read the first yet");
    const first = mailbox.next();
    assert.ok(first !== undefined);
    assert.deepEqual([first.type, first.pid, first.payload.length], [UNKNOWN, 2, 11]);
    mailbox.taken(first);
    const second = mailbox.next();
    assert.ok(second !== undefined);
    assert.deepEqual([second.pid, second.payload.length], [0, 0]);
    mailbox.taken(second);
    assert.equal(yield* send(calls, 3, 5), true);
    assert.equal(forkd.events - events, 2);
  });
});

test("what comes in is taken in, and what nobody knows is said once", () => {
  const { console } = runProcess(kernel, function* (scene) {
    const { calls, forkd } = scene;
    const mailbox = mailboxOf(scene);
    const message = { type: UNKNOWN, flags: 0, pid: 5, payload: new Uint8Array(3000) };
    let sent = 0;
    for (let round = 0; round < 40; round++) {
      for (; mailbox.hasRoom(message); sent++) mailbox.put(message);
      const events = forkd.events;
      forkd.notify();
      yield* calls.sleep(0.01);
      assert.equal(forkd.events - events, 1, "forkd may have waited for room");
      assert.ok(mailbox.hasRoom({ payload: new Uint8Array(4096) }));
    }
    assert.equal(sent, 40 * 5);
  });
  assert.equal(console.match(/no use for message 999 of process 5/g)?.length, 1, console);
});

test("without room, or without forkd, it tries again when there is some", () => {
  runProcess(kernel, function* (scene) {
    const { calls, forkd } = scene;
    const mailbox = mailboxOf(scene);
    let sent = 0;
    while (yield* send(calls, 2, 1000)) sent += 1;
    assert.equal(sent, 16);
    forkd.notify();
    yield* calls.sleep(0.01);
    assert.equal(yield* calls.call("test_rooms"), 0, "nothing has changed");
    let told = false;
    for (let message = mailbox.next(); message !== undefined; message = mailbox.next()) {
      if (mailbox.taken(message)) told = true;
    }
    assert.ok(told);
    forkd.notify();
    yield* calls.sleep(0.01);
    assert.equal(yield* calls.call("test_rooms"), 1);
    assert.equal(yield* send(calls, 2, 4096), true);
  });
  runProcess(
    kernel,
    function* ({ calls }) {
      assert.equal(yield* send(calls, 2, 1), false);
    },
    { served: false },
  );
});

test("a mailbox that is not in order is used no more, and nothing else suffers", () => {
  const { console } = runProcess(kernel, function* (scene) {
    const { calls, guest, forkd } = scene;
    const page = forkd.get(MAILBOX);
    guest.domain.memory.setU32(page + 8, 0x12345);
    forkd.notify();
    forkd.notify();
    yield* calls.sleep(0.01);
    assert.equal(yield* send(calls, 2, 1), false);
    forkd.answers = [2];
    assert.equal(yield* calls.call("posix_fork"), 2);
  });
  assert.equal(console.match(/mailbox holds what cannot be/g)?.length, 1, console);
});

test("forkd reads the connections of a process, those of this moment", () => {
  runProcess(kernel, function* (scene) {
    const { calls, guest } = scene;
    const mailbox = mailboxOf(scene);
    const pages = new FlowPages();
    const ports = (): number[] => {
      for (let message = mailbox.next(); message !== undefined; message = mailbox.next()) {
        assert.equal(message.type, MESSAGE.flowPage);
        const page = Buffer.from(message.payload).readUInt32LE();
        const bytes = guest.domain.memory.bytes;
        pages.add(page, () => ({ bytes: bytes.subarray(page * 4096, (page + 1) * 4096), unmap: () => undefined }));
        mailbox.taken(message);
      }
      return pages.owned().map(({ remotePort }) => remotePort - 1000);
    };
    const present = new Set<number>();
    const random = new Random(12);
    for (let step = 0; step < 1200; step++) {
      const index = random.between(0, 299);
      const call = present.has(index) ? "test_disconnect" : "test_connect";
      assert.equal(yield* calls.call(call, index), 0);
      if (!present.delete(index)) present.add(index);
      if (step % 50 === 0) assert.deepEqual(new Set(ports()), present);
    }
    assert.equal(ports().length, present.size, "each once");
    const [flow] = pages.owned();
    assert.ok(flow !== undefined);
    assert.deepEqual([flow.protocol, flow.localPort], [6, 80]);
    assert.deepEqual([...flow.local.subarray(10)], [0xff, 0xff, 10, 0, 0, 2]);
    assert.deepEqual([...flow.remote.subarray(10)], [0xff, 0xff, 10, 0, 0, 3]);
  });
});
