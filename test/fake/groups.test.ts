// Process groups and sessions as a process sees them: what it asks of forkd, and which children it waits for. On the whole kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import type { Calls, Piece } from "./calls.ts";
import { EVENT } from "./forkd.ts";
import { fork, runProcess, wait, type Scene } from "./process.ts";
import { catches } from "./sigaction.ts";

const [EPERM, ESRCH, ECHILD, EINVAL, ENOSYS] = [1, 3, 10, 22, 38];
const [SIGHUP, SIGUSR1] = [1, 10];
const [WNOHANG, WEXITED] = [1, 4];
const P_PGID = 2;
const [SETPGID, SETSID, GETPGID, GETSID] = [3, 4, 5, 6];
const ANY = -1;

const kernel = await fakeKernel();

function* forks({ calls, forkd }: Scene, ...pids: readonly number[]): Piece<void> {
  for (const pid of pids) {
    forkd.answers = [pid];
    assert.equal(yield* fork(calls), pid);
  }
}

function kill(calls: Calls, pid: number, signal: number): Piece<number> {
  return calls.call("posix_kill", pid, signal);
}

test("forkd judges setpgid and setsid, and tells of others; of itself a process knows", () => {
  runProcess(kernel, function* ({ calls, forkd }) {
    assert.equal(yield* calls.call("posix_getpgid", 0), 1);
    assert.equal(yield* calls.call("posix_getsid", 1), 1);
    assert.equal(yield* calls.call("posix_setpgid", 0, 0), -EPERM, "process 1 has begun the session");
    assert.equal(yield* calls.call("posix_setsid"), -EPERM);
    for (const [pid, group] of [
      [-1, 0],
      [0, -1],
      [2, -7],
    ] as const)
      // prettier-ignore
      assert.equal(yield* calls.call("posix_setpgid", pid, group), -EINVAL);
    assert.equal(yield* calls.call("posix_getpgid", -1), -ESRCH);
    assert.equal(yield* calls.call("posix_getsid", -1), -ESRCH);
    assert.deepEqual(forkd.groupRequests, []);
    forkd.groupAnswers = [0, -EPERM, 7, 8, -ESRCH];
    assert.equal(yield* calls.call("posix_setpgid", 5, 0), 0);
    assert.equal(yield* calls.call("posix_setpgid", 5, 9), -EPERM);
    assert.equal(yield* calls.call("posix_getpgid", 5), 7);
    assert.equal(yield* calls.call("posix_getsid", 5), 8);
    assert.equal(yield* calls.call("posix_getsid", 6), -ESRCH);
    forkd.belongs(4, 3);
    assert.deepEqual([yield* calls.call("posix_getpgid", 1), yield* calls.call("posix_getsid", 0)], [4, 3]);
    forkd.groupAnswers = [1];
    assert.equal(yield* calls.call("posix_setsid"), 1);
    assert.deepEqual(
      forkd.groupRequests.map(({ operation, pid, group }) => [operation, pid, group]),
      [[SETPGID, 5, 5], [SETPGID, 5, 9], [GETPGID, 5, 0], [GETSID, 5, 0], [GETSID, 6, 0], [SETSID, 1, 0]], // prettier-ignore
    );
  });
});

test("without fork there is one process, one group and one session", () => {
  runProcess(
    kernel,
    function* ({ calls }) {
      assert.equal(yield* calls.call("posix_getpgid", 0), 1);
      assert.equal(yield* calls.call("posix_getpgid", 2), -ESRCH);
      assert.equal(yield* calls.call("posix_setpgid", 2, 2), -ESRCH);
      assert.equal(yield* calls.call("posix_setsid"), -EPERM);
      assert.equal(yield* calls.call("posix_killpg", 2, SIGHUP), -ESRCH);
      assert.equal(yield* calls.call("posix_killpg", 1, 0), 0);
    },
    { commandLine: "ip=off" },
  );
});

test("wait takes children of a group; they change it by themselves, by their parent, and are adopted with it", () => {
  runProcess(kernel, function* (scene) {
    const { calls, forkd } = scene;
    yield* forks(scene, 2, 3);
    forkd.belongs(6, 1);
    yield* forks(scene, 4);
    assert.deepEqual(yield* wait(calls, 0, WNOHANG), [0, -1], "4 is of 6, as its parent was");
    assert.deepEqual(yield* wait(calls, -9, WNOHANG), [-ECHILD, -1]);
    forkd.exit(2, 0);
    yield* calls.sleep(1);
    assert.deepEqual(yield* wait(calls, 0, WNOHANG), [0, -1], "2 is of 1");
    forkd.exit(4, 0);
    assert.deepEqual(yield* wait(calls, 0), [4, 0]);
    assert.deepEqual(yield* wait(calls, 0), [-ECHILD, -1]);
    assert.deepEqual(yield* wait(calls, ANY), [2, 0]);
    forkd.tell(EVENT.group, 3, 9);
    yield* calls.sleep(1);
    assert.deepEqual(yield* wait(calls, -9, WNOHANG), [0, -1]);
    assert.equal(yield* calls.call("posix_setpgid", 3, 8), 0);
    assert.deepEqual(yield* wait(calls, -9, WNOHANG), [-ECHILD, -1]);
    assert.deepEqual(yield* wait(calls, -8, WNOHANG), [0, -1]);
    forkd.tell(EVENT.adopted, 5, 8);
    forkd.exit(5, 256);
    assert.deepEqual(yield* wait(calls, -8), [5, 256]);
    forkd.exit(3, 512);
    yield* calls.sleep(1);
    assert.equal(yield* calls.call("posix_getpgid", 3), 8, "it has ended, and nobody has waited for it");
    assert.equal(yield* calls.call("posix_waitid", P_PGID, -1, 0, WEXITED, 0), -EINVAL);
    assert.equal(yield* calls.call("posix_waitid", P_PGID, 7, 0, WEXITED, 0), -ECHILD);
    assert.equal(yield* calls.call("posix_waitid", P_PGID, 8, 0, WEXITED, 0), 0);
    assert.deepEqual(yield* wait(calls, -0x80000000), [-ECHILD, -1]);
  });
});

test("a child that begins a group before its fork() returns here is of that group", () => {
  runProcess(kernel, function* ({ calls, forkd }) {
    forkd.answers = [2];
    forkd.beforeAnswer = () => forkd.tell(EVENT.group, 2, 2);
    assert.equal(yield* fork(calls), 2);
    forkd.exit(2, 0);
    assert.deepEqual(yield* wait(calls, -2), [2, 0]);
  });
});

test("kill of a group asks for the others in it, and reaches the caller when it is of it", () => {
  runProcess(kernel, function* (scene) {
    const { calls, forkd } = scene;
    const seen = yield* catches(scene, SIGUSR1);
    assert.equal(yield* kill(calls, 0, SIGUSR1), 0);
    assert.equal(yield* kill(calls, -7, SIGUSR1), 0);
    assert.equal(seen.length, 1);
    forkd.belongs(7, 1);
    forkd.killAnswers = [-ESRCH, -ESRCH, -ESRCH];
    assert.equal(yield* kill(calls, -7, SIGUSR1), 0, "nobody else is in it");
    assert.equal(yield* calls.call("posix_killpg", 0, SIGUSR1), 0);
    assert.equal(yield* calls.call("posix_killpg", 1, SIGUSR1), -ESRCH);
    assert.equal(seen.length, 3);
    assert.equal(yield* kill(calls, -1, SIGUSR1), 0, "everybody");
    assert.equal(seen.length, 4);
    const asked = forkd.kills.map(({ pid }) => pid);
    assert.deepEqual(asked, [-1, -7, -7, -7, -1, 0]);
    assert.equal(yield* kill(calls, -0x80000000, SIGUSR1), -ESRCH);
    assert.equal(yield* calls.call("posix_killpg", -5, SIGUSR1), -ESRCH);
    for (const none of [-1, 32]) assert.equal(yield* kill(calls, -7, none), -EINVAL);
    forkd.detach();
    assert.equal(yield* kill(calls, -9, SIGUSR1), -ENOSYS);
    assert.equal(yield* calls.call("posix_setpgid", 5, 5), -ENOSYS);
  });
});
