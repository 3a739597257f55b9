// sigqueue(): a signal that comes with a value, and who finds it, on the whole kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, type Calls, type Piece } from "./calls.ts";
import { runProcess } from "./process.ts";
import { catches, sigaction } from "./sigaction.ts";

const [ESRCH, EINVAL, ENOSYS] = [3, 22, 38];
const SECOND = 1e9;
const [SIGKILL, SIGUSR1, SIGUSR2, SIGTERM, SIGSTOP] = [9, 10, 12, 15, 19];
const [BLOCK, IGNORE, SI_USER, SI_QUEUE] = [0, 1, 0, -1];
const SA_SIGINFO = 4;
const RECORD = 128;
const [SET, INFORMATION] = [0x3000, 0x3200];
const BOTH = (1 << SIGUSR1) | (1 << SIGUSR2);

const kernel = await fakeKernel();

const queue = (calls: Calls, pid: number, signal: number, value = 0): Piece<number> =>
  calls.call("posix_sigqueue", pid, signal, value);

/** signal, code, pid and value, as siginfo_t has them. */
function information(calls: Calls): number[] {
  return [0, 8, 16, 24].map((at) => calls.get(INFORMATION + at, 4).readInt32LE());
}

function* holdUp(calls: Calls): Piece<void> {
  calls.put(SET, new Uint8Array(Uint32Array.of(BOTH).buffer));
  assert.equal(yield* calls.call("posix_sigprocmask", BLOCK, SET, 0), 0);
}

test("sigtimedwait tells the value; of a kind one waits, with the first", () => {
  runProcess(kernel, function* ({ calls }) {
    yield* holdUp(calls);
    assert.equal(yield* queue(calls, 1, SIGUSR2, -5), 0);
    assert.equal(yield* queue(calls, 1, SIGUSR2, 6), 0);
    assert.equal(yield* queue(calls, 1, SIGUSR1, 0x7fff_ffff), 0);
    const take = (): Piece<number> => calls.call("posix_sigtimedwait", SET, INFORMATION, 0n);
    assert.equal(yield* take(), SIGUSR1);
    assert.deepEqual(information(calls), [SIGUSR1, SI_QUEUE, 1, 0x7fff_ffff]);
    assert.equal(yield* take(), SIGUSR2);
    assert.deepEqual(information(calls), [SIGUSR2, SI_QUEUE, 1, -5]);
    assert.equal(yield* take(), -11, "and no more");
    assert.equal(yield* calls.call("posix_kill", 1, SIGUSR2), 0);
    assert.equal(yield* take(), SIGUSR2);
    assert.deepEqual(information(calls), [SIGUSR2, SI_USER, 1, 0]);
  });
});

test("a handler finds it, and a signalfd where Linux has it", () => {
  runProcess(kernel, function* (scene) {
    const { calls } = scene;
    const told: number[][] = [];
    yield* catches(scene, SIGTERM, {
      flags: SA_SIGINFO,
      *then() {
        assert.equal(yield* calls.call("posix_signal_information", SIGTERM, INFORMATION), 0);
        told.push(information(calls));
      },
    });
    assert.equal(yield* queue(calls, 1, SIGTERM, 77), 0);
    assert.deepEqual(told, [[SIGTERM, SI_QUEUE, 1, 77]]);

    yield* holdUp(calls);
    const fd = yield* calls.call("posix_signalfd", -1, SET, 0);
    assert.equal(yield* queue(calls, 1, SIGUSR1, -2), 0);
    assert.equal(yield* calls.call("posix_read", fd, BUFFER, RECORD), RECORD);
    const record = calls.get(BUFFER, RECORD);
    assert.deepEqual([record.readUInt32LE(0), record.readInt32LE(8), record.readUInt32LE(12)], [SIGUSR1, SI_QUEUE, 1]);
    assert.deepEqual([record.readInt32LE(40), record.readInt32LE(44)], [0, -2], "ssi_status, ssi_int");
    assert.equal(record.readBigUInt64LE(48), 0xffff_fffen, "ssi_ptr");
  });
});

test("a relative's comes with its value; one of a kind waits, with the first", () => {
  runProcess(kernel, function* ({ calls, host, forkd }) {
    yield* holdUp(calls);
    const take = (seconds: number): Piece<number> =>
      calls.call("posix_sigtimedwait", SET, INFORMATION, BigInt(seconds) * 1_000_000_000n);
    host.world.after(SECOND, () => forkd.queued(3, SIGUSR1, -9));
    assert.equal(yield* take(10), SIGUSR1);
    assert.deepEqual(information(calls), [SIGUSR1, SI_QUEUE, 3, -9]);
    host.world.after(SECOND, () => {
      forkd.queued(3, 64, 1);
      forkd.queued(2, SIGUSR2, 5);
      forkd.signal(3, SIGUSR2);
    });
    yield* calls.sleep(2);
    assert.equal(yield* take(0), SIGUSR2);
    assert.deepEqual(information(calls), [SIGUSR2, SI_QUEUE, 2, 5]);
    assert.equal(yield* take(0), -11, "what is no signal is none");
  });
});

test("another process gets it by forkd, and without one nobody does", () => {
  const { forkd } = runProcess(kernel, function* ({ calls, forkd: daemon }) {
    daemon.killAnswers = [-ESRCH, 0, 0, "none"];
    assert.equal(yield* queue(calls, 9, SIGUSR1, 4), -ESRCH);
    assert.equal(yield* queue(calls, 9, SIGUSR1, -5), 0);
    assert.equal(yield* queue(calls, 9, SIGKILL, 6), 0);
    daemon.detach();
    assert.equal(yield* queue(calls, 9, SIGUSR1, 7), -ENOSYS);
  });
  assert.deepEqual(forkd.kills.slice(0, 3), [
    { pid: 9, signal: SIGUSR1, value: 4 },
    { pid: 9, signal: SIGUSR1, value: -5 },
    { pid: 9, signal: SIGKILL },
  ]);
});

test("what is refused: no signal, no such process", () => {
  const { forkd } = runProcess(kernel, function* ({ calls, forkd: daemon }) {
    for (const none of [-1, 32, 64]) assert.equal(yield* queue(calls, 1, none), -EINVAL);
    for (const none of [0, -1, -7]) assert.equal(yield* queue(calls, none, SIGUSR1), -ESRCH);
    assert.equal(yield* queue(calls, 1, 0), 0);
    daemon.killAnswers = [-ESRCH, 0];
    for (const result of [-ESRCH, 0]) assert.equal(yield* queue(calls, 9, 0), result);
    assert.equal(yield* queue(calls, 1, SIGSTOP), 0);
    yield* sigaction(calls, SIGUSR1, { handler: IGNORE });
    assert.equal(yield* queue(calls, 1, SIGUSR1, 5), 0);
  });
  const looks = { pid: 9, signal: 0 };
  assert.deepEqual(forkd.kills, [looks, looks, { pid: 1, signal: SIGSTOP }]);
});

test("SIGKILL ends the process all the same", () => {
  const { forkd } = runProcess(
    kernel,
    function* ({ calls }) {
      yield* queue(calls, 1, SIGKILL, 5);
      assert.fail("it goes on");
    },
    { ends: false },
  );
  assert.equal(forkd.exitStatus, SIGKILL);
});
