// Taking signals without handlers – sigtimedwait, signalfd – and waiting under a mask of one's own: ppoll, pselect, epoll_pwait. On the whole kernel.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, type Calls, type Piece } from "./calls.ts";
import { fork, runProcess, wait } from "./process.ts";
import { catches, sigaction } from "./sigaction.ts";

const [EINTR, EBADF, EAGAIN, EFAULT, EINVAL] = [4, 9, 11, 14, 22];
const [SIGHUP, SIGKILL, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD] = [1, 9, 10, 12, 15, 17];
const [BLOCK, UNBLOCK, SETMASK] = [0, 1, 2];
const [DEFAULT, IGNORE] = [0, 1];
const [SFD_NONBLOCK, SFD_CLOEXEC] = [0x800, 0x80000];
const POLLIN = 1;
const RECORD = 128;
const SECOND = 1e9;
const BILLION = 1_000_000_000n;
const [SET, INFORMATION, POLL] = [0x3000, 0x3200, 0x3400];
/** No memory of the app's. */
const WRONG = [8, 0xffff_fff0];

const kernel = await fakeKernel();

const bits = (...signals: readonly number[]): number => signals.reduce((set, signal) => set | (1 << signal), 0) >>> 0;

function put(calls: Calls, ...signals: readonly number[]): void {
  calls.put(SET, new Uint8Array(Uint32Array.of(bits(...signals)).buffer));
}

function* mask(calls: Calls, how: number, ...signals: readonly number[]): Piece<void> {
  put(calls, ...signals);
  assert.equal(yield* calls.call("posix_sigprocmask", how, SET, 0), 0);
}

function* held(calls: Calls): Piece<number> {
  assert.equal(yield* calls.call("posix_sigprocmask", BLOCK, 0, SET), 0);
  return calls.get(SET, 4).readUInt32LE();
}

function* raise(calls: Calls, signal: number): Piece<void> {
  assert.equal(yield* calls.call("posix_kill", 1, signal), 0);
}

function take(calls: Calls, nanoseconds: bigint, ...signals: readonly number[]): Piece<number> {
  put(calls, ...signals);
  return calls.call("posix_sigtimedwait", SET, INFORMATION, nanoseconds);
}

/** signal, code, pid, status as siginfo_t has them. */
function information(calls: Calls): number[] {
  return [0, 8, 16, 24].map((at) => calls.get(INFORMATION + at, 4).readInt32LE());
}

describe("sigtimedwait", () => {
  test("takes what is pending, the lowest first, and tells of it", () => {
    runProcess(kernel, function* ({ calls, forkd }) {
      yield* mask(calls, BLOCK, SIGUSR1, SIGUSR2, SIGCHLD);
      yield* raise(calls, SIGUSR2);
      yield* raise(calls, SIGUSR1);
      assert.equal(yield* take(calls, -1n, SIGUSR1, SIGUSR2), SIGUSR1);
      assert.deepEqual(information(calls), [SIGUSR1, 0, 1, 0]);
      assert.equal(yield* take(calls, 0n, SIGUSR1), -EAGAIN);
      assert.equal(yield* take(calls, 0n, SIGUSR1, SIGUSR2), SIGUSR2);
      forkd.answers = [2];
      assert.equal(yield* fork(calls), 2);
      forkd.exit(2, 7 << 8);
      assert.equal(yield* take(calls, -1n, SIGCHLD), SIGCHLD);
      assert.deepEqual(information(calls), [SIGCHLD, 1, 2, 7]);
      assert.deepEqual(yield* wait(calls, 2), [2, 7 << 8]);
    });
  });

  test("waits, for a time or for ever, and lets no handler and no default get what it waits for", () => {
    runProcess(kernel, function* (scene) {
      const { calls, host, forkd } = scene;
      const seen = yield* catches(scene, SIGUSR1);
      for (const signal of [SIGUSR1, SIGTERM]) {
        host.world.after(2 * SECOND, () => forkd.signal(2, signal));
        assert.equal(yield* take(calls, -1n, SIGUSR1, SIGTERM, SIGKILL), signal);
        assert.deepEqual(information(calls), [signal, 0, 2, 0]);
      }
      assert.deepEqual(seen, []);
      const start = host.world.now;
      assert.equal(yield* take(calls, 3n * BILLION, SIGUSR1), -EAGAIN);
      assert.ok(Math.abs(host.world.now - start - 3 * SECOND) < SECOND / 10);
      yield* raise(calls, SIGUSR1);
      assert.deepEqual(seen, [SIGUSR1], "afterwards it goes to its handler again");
    });
  });

  test("ends with EINTR for another signal's handler", () => {
    runProcess(kernel, function* (scene) {
      const { calls, host, forkd } = scene;
      const seen = yield* catches(scene, SIGUSR2);
      host.world.after(SECOND, () => forkd.signal(2, SIGUSR2));
      assert.equal(yield* take(calls, -1n, SIGUSR1), -EINTR);
      assert.deepEqual(seen, [SIGUSR2]);
      for (const wrong of WRONG) {
        assert.equal(yield* calls.call("posix_sigtimedwait", wrong, 0, 0n), -EFAULT);
        assert.equal(yield* calls.call("posix_sigtimedwait", SET, wrong, 0n), -EFAULT);
      }
      yield* sigaction(calls, SIGUSR2, { handler: DEFAULT });
    });
  });
});

describe("xl shutdown", () => {
  test("is a SIGTERM to take for who holds that up", () => {
    runProcess(kernel, function* ({ calls, host, guest }) {
      yield* mask(calls, BLOCK, SIGTERM);
      const node = `/local/domain/${guest.domain.id}/control/shutdown`;
      host.world.after(2 * SECOND, () => host.store.tree.write(node, "poweroff"));
      assert.equal(yield* take(calls, 60n * BILLION, SIGTERM), SIGTERM);
      assert.equal(host.store.get(node), "");
    });
  });

  test("and for who waits for it", () => {
    runProcess(kernel, function* ({ calls, host, guest }) {
      const node = `/local/domain/${guest.domain.id}/control/shutdown`;
      host.world.after(2 * SECOND, () => host.store.tree.write(node, "poweroff"));
      assert.equal(yield* take(calls, 60n * BILLION, SIGTERM), SIGTERM);
    });
  });

  test("it ends who lets go of it without a handler", () => {
    const { forkd } = runProcess(
      kernel,
      function* ({ calls, host, guest }) {
        yield* mask(calls, BLOCK, SIGTERM);
        const node = `/local/domain/${guest.domain.id}/control/shutdown`;
        host.world.after(2 * SECOND, () => host.store.tree.write(node, "poweroff"));
        yield* calls.sleep(5);
        yield* mask(calls, UNBLOCK, SIGTERM);
        assert.fail("it goes on");
      },
      { ends: false },
    );
    assert.equal(forkd.exitStatus, SIGTERM);
  });
});

describe("signalfd", () => {
  function* open(calls: Calls, flags: number, ...signals: readonly number[]): Piece<number> {
    put(calls, ...signals);
    const fd = yield* calls.call("posix_signalfd", -1, SET, flags);
    assert.ok(fd > 2);
    return fd;
  }

  function* ready(calls: Calls, fd: number): Piece<number> {
    calls.put(POLL, new Uint8Array(Uint32Array.of(fd, POLLIN).buffer));
    return yield* calls.call("posix_poll", POLL, 1, 0n);
  }

  const read = (calls: Calls, fd: number, count: number): Piece<number> => calls.call("posix_read", fd, BUFFER, count);

  test("gives what is held up and pending, as many as there is room for", () => {
    runProcess(kernel, function* ({ calls, forkd }) {
      yield* mask(calls, BLOCK, SIGHUP, SIGUSR1, SIGUSR2, SIGTERM);
      const fd = yield* open(calls, SFD_NONBLOCK | SFD_CLOEXEC, SIGHUP, SIGUSR1, SIGUSR2);
      assert.equal(yield* ready(calls, fd), 0);
      assert.equal(yield* read(calls, fd, RECORD), -EAGAIN);
      for (const signal of [SIGTERM, SIGUSR2, SIGUSR1, SIGHUP]) yield* raise(calls, signal);
      forkd.signal(5, SIGUSR1); // it is pending already
      assert.equal(yield* ready(calls, fd), 1);
      assert.equal(yield* read(calls, fd, 2 * RECORD + 1), 2 * RECORD);
      const records = [0, RECORD].map((at) => [0, 8, 12].map((of) => calls.get(BUFFER + at + of, 4).readInt32LE()));
      assert.deepEqual(records, [[SIGHUP, 0, 1], [SIGUSR1, 0, 1]]); // prettier-ignore
      assert.equal(yield* read(calls, fd, RECORD - 1), -EINVAL);
      assert.equal(yield* read(calls, fd, 5 * RECORD), RECORD);
      assert.equal(yield* ready(calls, fd), 0);
      put(calls, SIGTERM);
      assert.equal(yield* calls.call("posix_signalfd", fd, SET, 0), fd, "another set");
      assert.equal(yield* read(calls, fd, RECORD), RECORD);
      assert.equal(calls.get(BUFFER, 4).readInt32LE(), SIGTERM);
      yield* mask(calls, UNBLOCK, SIGTERM); // it has been taken
      assert.equal(yield* calls.call("posix_write", fd, BUFFER, RECORD), -EINVAL);
      assert.equal(yield* calls.call("posix_close", fd), 0);
    });
  });

  test("has read, poll and epoll wait; a child's are its own", () => {
    runProcess(kernel, function* (scene) {
      const { calls, host, forkd } = scene;
      yield* mask(calls, BLOCK, SIGUSR1, SIGCHLD);
      const fd = yield* open(calls, 0, SIGUSR1, SIGCHLD);
      host.world.after(2 * SECOND, () => forkd.signal(2, SIGUSR1));
      assert.equal(yield* read(calls, fd, RECORD), RECORD);
      assert.deepEqual([calls.get(BUFFER, 4).readInt32LE(), calls.get(BUFFER + 12, 4).readInt32LE()], [SIGUSR1, 2]);
      calls.put(POLL, new Uint8Array(Uint32Array.of(fd, POLLIN).buffer));
      host.world.after(2 * SECOND, () => forkd.signal(2, SIGUSR1));
      assert.equal(yield* calls.call("posix_poll", POLL, 1, -1n), 1);
      const epoll = yield* calls.call("posix_epoll_create", 0);
      calls.put(POLL, new Uint8Array(Uint32Array.of(POLLIN, 0, 7, 0).buffer));
      assert.equal(yield* calls.call("posix_epoll_ctl", epoll, 1, fd, POLL), 0);
      assert.equal(yield* calls.call("posix_epoll_wait", epoll, BUFFER, 4, -1n), 1);
      assert.equal(yield* read(calls, fd, RECORD), RECORD);
      assert.equal(yield* calls.call("posix_epoll_wait", epoll, BUFFER, 4, 0n), 0);
      forkd.answers = [3];
      assert.equal(yield* fork(calls), 3);
      host.world.after(2 * SECOND, () => forkd.exit(3, 9));
      assert.equal(yield* calls.call("posix_epoll_wait", epoll, BUFFER, 4, -1n), 1);
      assert.equal(yield* read(calls, fd, RECORD), RECORD);
      const record = [0, 8, 12, 40].map((at) => calls.get(BUFFER + at, 4).readInt32LE());
      assert.deepEqual(record, [SIGCHLD, 2, 3, 9]);
      assert.deepEqual(yield* wait(calls, 3), [3, 9]);
      const seen = yield* catches(scene, SIGUSR2);
      host.world.after(2 * SECOND, () => forkd.signal(2, SIGUSR2));
      assert.equal(yield* read(calls, fd, RECORD), -EINTR);
      assert.deepEqual(seen, [SIGUSR2]);
    });
  });

  test("refuses what is none", () => {
    runProcess(kernel, function* ({ calls }) {
      put(calls, SIGUSR1);
      assert.equal(yield* calls.call("posix_signalfd", -1, SET, 1), -EINVAL);
      assert.equal(yield* calls.call("posix_signalfd", 1, SET, 0), -EINVAL);
      for (const fd of [77, -2]) assert.equal(yield* calls.call("posix_signalfd", fd, SET, 0), -EBADF);
      for (const wrong of WRONG) assert.equal(yield* calls.call("posix_signalfd", -1, wrong, 0), -EFAULT);
    });
  });
});

type Wait = (calls: Calls, nanoseconds: bigint, set: number) => Piece<number>;

/** Each waits for nothing but its time. */
const waits: Readonly<Record<string, Wait>> = {
  ppoll: (calls, nanoseconds, set) => calls.call("posix_ppoll", 0, 0, nanoseconds, set),
  pselect: (calls, nanoseconds, set) => calls.call("posix_pselect", 0, 0, 0, 0, nanoseconds, set),
  *epoll_pwait(calls, nanoseconds, set) {
    const epoll = yield* calls.call("posix_epoll_create", 0);
    const result = yield* calls.call("posix_epoll_pwait", epoll, BUFFER, 4, nanoseconds, set);
    yield* calls.call("posix_close", epoll);
    return result;
  },
};

for (const [name, waitFor] of Object.entries(waits)) {
  test(`${name} waits under its own mask`, () => {
    runProcess(kernel, function* (scene) {
      const { calls, host, forkd } = scene;
      const [one, two] = [yield* catches(scene, SIGUSR1), yield* catches(scene, SIGUSR2)];
      yield* mask(calls, SETMASK, SIGUSR1);
      yield* raise(calls, SIGUSR1);
      put(calls, SIGUSR2);
      assert.equal(yield* waitFor(calls, -1n, SET), -EINTR, "it had come already");
      assert.deepEqual(one.splice(0), [SIGUSR1]);
      assert.equal(yield* held(calls), bits(SIGUSR1));

      put(calls, SIGUSR2);
      host.world.after(SECOND, () => forkd.signal(2, SIGUSR2));
      host.world.after(2 * SECOND, () => forkd.signal(2, SIGUSR1));
      const start = host.world.now;
      assert.equal(yield* waitFor(calls, 60n * BILLION, SET), -EINTR);
      assert.ok(host.world.now - start >= 2 * SECOND, "SIGUSR2 does not end it");
      assert.deepEqual([one.splice(0), two.splice(0)], [[SIGUSR1], [SIGUSR2]]);

      put(calls, SIGUSR1, SIGUSR2);
      host.world.after(SECOND, () => forkd.signal(2, SIGUSR2));
      assert.equal(yield* waitFor(calls, 3n * BILLION, SET), 0);
      assert.deepEqual(two.splice(0), [SIGUSR2], "let through behind it");
      assert.equal(yield* held(calls), bits(SIGUSR1));

      host.world.after(SECOND, () => forkd.signal(2, SIGUSR1));
      assert.equal(yield* waitFor(calls, 3n * BILLION, 0), 0, "without a set nothing changes");
      assert.deepEqual(one, []);
      yield* sigaction(calls, SIGUSR1, { handler: IGNORE });
      for (const wrong of WRONG) assert.equal(yield* waitFor(calls, 0n, wrong), -EFAULT);
      assert.equal(yield* held(calls), bits(SIGUSR1));
    });
  });
}
