// wait4, waitid and getrusage, and the children that process 1 adopts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import type { Calls, Piece } from "./calls.ts";
import { EVENT } from "./forkd.ts";
import { fork, runProcess, wait } from "./process.ts";

const [ECHILD, EAGAIN, EFAULT, EINVAL] = [10, 11, 14, 22];
const [WNOHANG, WUNTRACED, WEXITED, WCONTINUED, WNOWAIT] = [1, 2, 4, 8, 0x1000000];
const [P_ALL, P_PID, P_PGID] = [0, 1, 2];
const [SIGCHLD, SIGCONT, SIGSTOP] = [17, 18, 19];
const [CLD_EXITED, CLD_KILLED, CLD_STOPPED, CLD_CONTINUED] = [1, 2, 5, 6];
const ANY = -1;
const INFORMATION = 0x6000;
const USAGE = 0x6100;

const kernel = await fakeKernel();

interface Information {
  readonly result: number;
  readonly signal: number;
  readonly code: number;
  readonly pid: number;
  readonly status: number;
}

function* waitid(calls: Calls, kind: number, id: number, options: number): Piece<Information> {
  calls.put(INFORMATION, Buffer.alloc(128, 0xff));
  const result = yield* calls.call("posix_waitid", kind, id, INFORMATION, options, 0);
  const bytes = calls.get(INFORMATION, 128);
  const at = (offset: number): number => bytes.readInt32LE(offset);
  return { result, signal: at(0), code: at(8), pid: at(16), status: at(24) };
}

/** ru_utime in microseconds and ru_maxrss in KiB. */
function usage(calls: Calls): readonly [number, number] {
  const bytes = calls.get(USAGE, 144);
  return [Number(bytes.readBigInt64LE(0)) * 1e6 + Number(bytes.readBigInt64LE(8)), Number(bytes.readBigInt64LE(32))];
}

test("stops and continuations are told to who asks for them, once, and ends above all", () => {
  runProcess(kernel, function* ({ calls, forkd }) {
    forkd.answers = [2];
    assert.equal(yield* fork(calls), 2);
    forkd.tell(EVENT.stopped, 2, SIGSTOP);
    assert.deepEqual(yield* wait(calls, 2, WNOHANG), [0, -1]);
    assert.deepEqual(yield* wait(calls, 2, WNOHANG | WCONTINUED), [0, -1]);
    assert.deepEqual(yield* wait(calls, 2, WUNTRACED), [2, (SIGSTOP << 8) | 0x7f]);
    assert.deepEqual(yield* wait(calls, 2, WUNTRACED | WNOHANG), [0, -1]);
    forkd.tell(EVENT.continued, 2, 0);
    assert.deepEqual(yield* wait(calls, ANY, WCONTINUED), [2, 0xffff]);
    forkd.tell(EVENT.stopped, 2, SIGSTOP);
    forkd.exit(2, 9);
    assert.deepEqual(yield* wait(calls, 2, WUNTRACED | WCONTINUED), [2, 9]);
    assert.deepEqual(yield* wait(calls, ANY, WUNTRACED), [-ECHILD, -1]);
  });
});

test("waitid: by pid, any and group; its siginfo; WNOWAIT", () => {
  runProcess(kernel, function* ({ calls, forkd }) {
    forkd.answers = [2, 3];
    assert.equal(yield* fork(calls), 2);
    assert.equal(yield* fork(calls), 3);
    const none = { result: 0, signal: 0, code: 0, pid: 0, status: 0 };
    assert.deepEqual(yield* waitid(calls, P_ALL, 0, WEXITED | WNOHANG), none);
    forkd.tell(EVENT.stopped, 3, SIGSTOP);
    const about = { result: 0, signal: SIGCHLD };
    assert.deepEqual(yield* waitid(calls, P_PID, 2, WUNTRACED | WNOHANG), none);
    const stopped = { ...about, code: CLD_STOPPED, pid: 3, status: SIGSTOP };
    assert.deepEqual(yield* waitid(calls, P_ALL, 0, WUNTRACED | WNOWAIT), stopped);
    assert.deepEqual(yield* waitid(calls, P_PGID, 1, WUNTRACED), stopped);
    forkd.tell(EVENT.continued, 3, 0);
    const continued = { ...about, code: CLD_CONTINUED, pid: 3, status: SIGCONT };
    assert.deepEqual(yield* waitid(calls, P_PGID, 0, WCONTINUED | WEXITED), continued);
    forkd.exit(2, 42 << 8);
    const exited = { ...about, code: CLD_EXITED, pid: 2, status: 42 };
    for (const flag of [WNOWAIT, WNOWAIT, 0]) assert.deepEqual(yield* waitid(calls, P_PID, 2, WEXITED | flag), exited);
    assert.equal((yield* waitid(calls, P_PID, 2, WEXITED)).result, -ECHILD);
    forkd.exit(3, 11);
    assert.deepEqual(yield* waitid(calls, P_ALL, 0, WEXITED), { ...about, code: CLD_KILLED, pid: 3, status: 11 });
    for (const [kind, id, options, error] of [
      [P_ALL, 0, 0, EINVAL],
      [P_ALL, 0, WNOHANG, EINVAL],
      [P_ALL, 0, WEXITED | 16, EINVAL],
      [9, 0, WEXITED, EINVAL],
      [P_PID, 0, WEXITED, EINVAL],
      [P_PGID, 7, WEXITED, ECHILD],
      [P_ALL, 0, WEXITED, ECHILD],
    ] as const) {
      assert.equal((yield* waitid(calls, kind, id, options)).result, -error, `${kind} ${id} ${options}`);
    }
    assert.equal(yield* calls.call("posix_waitid", P_ALL, 0, 8, WEXITED, 0), -EFAULT);
    assert.equal(yield* calls.call("posix_waitid", P_ALL, 0, 0, WEXITED, 8), -EFAULT);
  });
});

test("what children have used comes with their end, and adds up", () => {
  runProcess(kernel, function* ({ calls, forkd }) {
    forkd.answers = [2, 3];
    assert.equal(yield* fork(calls), 2);
    assert.equal(yield* fork(calls), 3);
    forkd.exit(2, 0, { cpuTime: 2_500_000_000n, frames: 100n });
    assert.equal(yield* calls.call("posix_wait4", 2, 0, 0, USAGE), 2);
    assert.deepEqual(usage(calls), [2_500_000, 400]);
    forkd.exit(3, 0, { cpuTime: 1_000_000n, frames: 70n });
    assert.equal(yield* calls.call("posix_waitid", P_PID, 3, 0, WEXITED, USAGE), 0);
    assert.deepEqual(usage(calls), [1000, 280]);
    assert.equal(yield* calls.call("posix_getrusage", -1, USAGE), 0);
    assert.deepEqual(usage(calls), [2_501_000, 400]);
    assert.equal(yield* calls.call("posix_getrusage", 0, USAGE), 0);
    assert.equal(usage(calls)[1], 16 * 1024);
    assert.equal(yield* calls.call("posix_getrusage", 5, USAGE), -EINVAL);
    assert.equal(yield* calls.call("posix_getrusage", 0, 8), -EFAULT);
    assert.equal(yield* calls.call("posix_wait4", ANY, 0, 0, 8), -EFAULT);
  });
});

test("process 1 can wait for those it adopts, and need not", () => {
  runProcess(kernel, function* ({ calls, host, forkd }) {
    forkd.tell(EVENT.adopted, 7, 0);
    yield* calls.sleep(0.1);
    assert.deepEqual(yield* wait(calls, 7, WNOHANG), [0, -1]);
    host.world.after(2e9, () => forkd.exit(7, 3 << 8));
    assert.deepEqual(yield* wait(calls, ANY), [7, 3 << 8]);
    // Never waited for, they neither use up the limit of three nor the table.
    for (let pid = 100; pid < 400; pid++) {
      if (pid % 2 === 0) forkd.tell(EVENT.adopted, pid, 0);
      forkd.exit(pid, 0);
      yield* calls.sleep(0.001);
    }
    forkd.answers = [500, 501, 502];
    for (const pid of [500, 501, 502]) assert.equal(yield* fork(calls), pid);
    assert.equal(yield* fork(calls), -EAGAIN);
    forkd.exit(501, 0);
    assert.deepEqual(yield* wait(calls, 501), [501, 0]);
    assert.deepEqual(yield* wait(calls, 399), [399, 0]);
    assert.deepEqual(yield* wait(calls, 100), [-ECHILD, -1]);
  });
});

test("a child that has ended before its fork() returns is not lost", () => {
  runProcess(kernel, function* ({ calls, host, forkd }) {
    forkd.answers = [2];
    forkd.beforeAnswer = () => forkd.exit(2, 256);
    assert.equal(yield* fork(calls), 2);
    assert.deepEqual(yield* wait(calls, 2), [2, 256]);
    assert.ok(host.world.now > 0);
  });
});
