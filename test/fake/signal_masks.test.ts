// What sigaction's flags and the mask of signals do, on the whole kernel.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, type Calls, type Piece } from "./calls.ts";
import { fork, runProcess } from "./process.ts";
import { catches, sigaction } from "./sigaction.ts";

const [EINTR, EFAULT, EINVAL] = [4, 14, 22];
const [SIGHUP, SIGKILL, SIGUSR1, SIGUSR2, SIGCHLD, SIGSTOP] = [1, 9, 10, 12, 17, 19];
const [NOCLDSTOP, NOCLDWAIT, SIGINFO, RESTART, NODEFER, RESETHAND] = [1, 2, 4, 0x10000000, 0x40000000, 0x80000000];
const [BLOCK, UNBLOCK, SETMASK] = [0, 1, 2];
const [DEFAULT, IGNORE] = [0, 1];
const [WORD, OTHER] = [0x3000, 0x3010];
const SECOND = 1e9;

const kernel = await fakeKernel();

const bit = (signal: number): number => (1 << signal) >>> 0;

function* mask(calls: Calls, how: number, set: number): Piece<number> {
  calls.put(WORD, new Uint8Array(Uint32Array.of(set).buffer));
  const result = yield* calls.call("posix_sigprocmask", how, WORD, OTHER);
  return result < 0 ? result : calls.get(OTHER, 4).readUInt32LE();
}

function* pending(calls: Calls): Piece<number> {
  assert.equal(yield* calls.call("posix_sigpending", WORD), 0);
  return calls.get(WORD, 4).readUInt32LE();
}

function* raise(calls: Calls, signal: number): Piece<void> {
  assert.equal(yield* calls.call("posix_kill", 1, signal), 0);
}

describe("the mask", () => {
  test("holds signals up, one of each, until they are let through; SIGKILL and SIGSTOP pass", () => {
    runProcess(kernel, function* (scene) {
      const { calls } = scene;
      const seen = yield* catches(scene, SIGUSR1);
      assert.equal(yield* mask(calls, BLOCK, bit(SIGUSR1) | bit(SIGKILL) | bit(SIGSTOP) | 1), 0);
      assert.equal(yield* mask(calls, BLOCK, bit(SIGHUP)), bit(SIGUSR1));
      yield* raise(calls, SIGUSR1);
      yield* raise(calls, SIGUSR1);
      assert.deepEqual(seen, []);
      assert.equal(yield* calls.sleep(1), 0, "nothing is interrupted");
      assert.equal(yield* pending(calls), bit(SIGUSR1));
      assert.equal(yield* mask(calls, UNBLOCK, bit(SIGUSR1)), bit(SIGUSR1) | bit(SIGHUP));
      assert.deepEqual(seen, [SIGUSR1]);
      assert.equal(yield* mask(calls, SETMASK, 0), bit(SIGHUP));
      assert.equal(yield* mask(calls, 3, 0), -EINVAL);
      for (const wrong of [8, 0xffff_fff0]) {
        assert.equal(yield* calls.call("posix_sigprocmask", BLOCK, wrong, 0), -EFAULT);
        assert.equal(yield* calls.call("posix_sigprocmask", BLOCK, 0, wrong), -EFAULT);
        assert.equal(yield* calls.call("posix_sigpending", wrong), -EFAULT);
        assert.equal(yield* calls.call("posix_sigsuspend", wrong), -EFAULT);
      }
      assert.equal(yield* calls.call("posix_sigprocmask", 77, 0, OTHER), 0, "without a set nobody asks how");
    });
  });

  test("what waits is forgotten when it is ignored; what ends the process does so when it is let through", () => {
    const { forkd } = runProcess(
      kernel,
      function* ({ calls }) {
        yield* mask(calls, BLOCK, bit(SIGUSR1) | bit(SIGCHLD));
        yield* raise(calls, SIGUSR1);
        yield* raise(calls, SIGCHLD);
        assert.equal(yield* pending(calls), bit(SIGUSR1) | bit(SIGCHLD), "held up before it is looked at");
        yield* sigaction(calls, SIGUSR1, { handler: IGNORE });
        assert.equal(yield* pending(calls), bit(SIGCHLD));
        yield* sigaction(calls, SIGUSR1, { handler: DEFAULT });
        yield* raise(calls, SIGUSR1);
        yield* mask(calls, UNBLOCK, bit(SIGCHLD));
        yield* mask(calls, UNBLOCK, bit(SIGUSR1));
        assert.fail("it goes on");
      },
      { ends: false },
    );
    assert.equal(forkd.exitStatus, SIGUSR1);
  });

  test("sigsuspend lets through what it is told, and all is as before behind the handler", () => {
    runProcess(kernel, function* (scene) {
      const { calls, host, forkd } = scene;
      const [one, two] = [yield* catches(scene, SIGUSR1), yield* catches(scene, SIGUSR2)];
      yield* mask(calls, SETMASK, bit(SIGUSR1));
      yield* raise(calls, SIGUSR1);
      host.world.after(2 * SECOND, () => forkd.signal(2, SIGUSR2));
      host.world.after(4 * SECOND, () => forkd.signal(2, SIGUSR1));
      calls.put(WORD, new Uint8Array(Uint32Array.of(bit(SIGUSR2)).buffer));
      assert.equal(yield* calls.call("posix_sigsuspend", WORD), -EINTR, "it had come already");
      assert.deepEqual([one.splice(0), two], [[SIGUSR1], []]);
      assert.equal(yield* mask(calls, BLOCK, 0), bit(SIGUSR1));
      const start = host.world.now;
      calls.put(WORD, new Uint8Array(Uint32Array.of(bit(SIGUSR2)).buffer));
      assert.equal(yield* calls.call("posix_sigsuspend", WORD), -EINTR);
      assert.ok(host.world.now - start > 3 * SECOND, "SIGUSR2 does not end it");
      assert.deepEqual([one, two], [[SIGUSR1], [SIGUSR2]], "SIGUSR2 is let through behind it");
    });
  });
});

describe("sigaction", () => {
  test("a handler is not interrupted by its own signal and its mask, unless it says so", () => {
    runProcess(kernel, function* (scene) {
      const { calls } = scene;
      const order: string[] = [];
      const inner = yield* catches(scene, SIGUSR2);
      yield* catches(scene, SIGUSR1, {
        mask: bit(SIGUSR2),
        then: function* () {
          order.push("begins");
          yield* raise(calls, SIGUSR2);
          if (order.length === 1) yield* raise(calls, SIGUSR1);
          order.push(`ends, inner ${inner.length}`);
        },
      });
      yield* raise(calls, SIGUSR1);
      assert.deepEqual(order, ["begins", "ends, inner 0", "begins", "ends, inner 0"]);
      assert.equal(inner.length, 1);
      let depth = 0;
      yield* catches(scene, SIGHUP, {
        flags: NODEFER,
        then: function* (): Piece<void> {
          if (++depth < 5) yield* raise(calls, SIGHUP);
          assert.equal(depth, 5, "all begin before one ends");
        },
      });
      yield* raise(calls, SIGHUP);
      assert.equal(yield* mask(calls, BLOCK, 0), 0);
    });
  });

  test("more handlers within each other than there is room for wait", () => {
    runProcess(kernel, function* (scene) {
      const { calls } = scene;
      let running = 0;
      let most = 0;
      assert.equal(yield* calls.call("posix_pipe", BUFFER, 0), 0);
      const readEnd = calls.get(BUFFER, 4).readInt32LE();
      const seen = yield* catches(scene, SIGHUP, {
        flags: NODEFER | RESTART,
        then: function* () {
          most = Math.max(most, ++running);
          if (seen.length < 100) yield* raise(calls, SIGHUP);
          // What no handler follows is not made again, for ever.
          if (running === 64 && seen.length < 100)
            assert.equal(yield* calls.call("posix_read", readEnd, BUFFER, 1), -EINTR);
          running -= 1;
        },
      });
      yield* raise(calls, SIGHUP);
      yield* calls.call("posix_getpid");
      assert.equal(most, 64);
      assert.equal(seen.length, 100);
    });
  });

  test("SA_RESETHAND: once, then as by default", () => {
    const { forkd } = runProcess(
      kernel,
      function* (scene) {
        const seen = yield* catches(scene, SIGUSR1, { flags: RESETHAND });
        yield* raise(scene.calls, SIGUSR1);
        assert.deepEqual(seen, [SIGUSR1]);
        yield* raise(scene.calls, SIGUSR1);
      },
      { ends: false },
    );
    assert.equal(forkd.exitStatus, SIGUSR1);
  });

  test("SA_RESTART: a read goes on behind the handler, a sleep and a poll do not", () => {
    runProcess(kernel, function* (scene) {
      const { calls, host, forkd } = scene;
      assert.equal(yield* calls.call("posix_pipe", BUFFER, 0), 0);
      const [readEnd, writeEnd] = [calls.get(BUFFER, 4).readInt32LE(), calls.get(BUFFER + 4, 4).readInt32LE()];
      const writes = function* (): Piece<void> {
        yield* calls.call("posix_write", writeEnd, BUFFER, 3);
      };
      for (const [flags, expected] of [
        [RESTART, 3],
        [0, -EINTR],
      ] as const) {
        // prettier-ignore
        const seen = yield* catches(scene, SIGUSR1, { flags, then: flags === 0 ? undefined : writes });
        host.world.after(2 * SECOND, () => forkd.signal(2, SIGUSR1));
        assert.equal(yield* calls.call("posix_read", readEnd, BUFFER + 64, 64), expected);
        assert.deepEqual(seen, [SIGUSR1]);
      }
      yield* catches(scene, SIGUSR1, { flags: RESTART });
      host.world.after(2 * SECOND, () => forkd.signal(2, SIGUSR1));
      assert.equal(yield* calls.sleep(60), -EINTR);
      host.world.after(2 * SECOND, () => forkd.signal(2, SIGUSR1));
      assert.equal(yield* calls.call("posix_poll", 0, 0, -1n), -EINTR);
      yield* catches(scene, SIGUSR2);
      host.world.after(2 * SECOND, () => {
        forkd.signal(2, SIGUSR1);
        forkd.signal(2, SIGUSR2);
      });
      assert.equal(yield* calls.call("posix_read", readEnd, BUFFER, 8), -EINTR, "one of two handlers restarts nothing");
    });
  });

  test("SA_SIGINFO: who has sent it, and what a child has done", () => {
    runProcess(kernel, function* (scene) {
      const { calls, forkd } = scene;
      const told: number[][] = [];
      const tell = (signal: number) =>
        function* (): Piece<void> {
          assert.equal(yield* calls.call("posix_signal_information", signal, WORD), 0);
          told.push([0, 8, 16, 24].map((at) => calls.get(WORD + at, 4).readInt32LE()));
        };
      const seen = yield* catches(scene, SIGUSR1, { flags: SIGINFO, then: tell(SIGUSR1) });
      yield* catches(scene, SIGCHLD, { flags: SIGINFO, then: tell(SIGCHLD) });
      yield* raise(calls, SIGUSR1);
      assert.deepEqual(seen, [SIGUSR1 | 64]);
      forkd.answers = [2];
      assert.equal(yield* fork(calls), 2);
      forkd.exit(2, 7 << 8);
      yield* calls.sleep(1);
      assert.deepEqual(told, [[SIGUSR1, 0, 1, 0], [SIGCHLD, 1, 2, 7]]); // prettier-ignore
      assert.equal(yield* calls.call("posix_signal_information", 0, WORD), -EINVAL);
      assert.equal(yield* calls.call("posix_signal_information", SIGUSR1, 8), -EFAULT);
    });
  });

  test("asks without changing, and refuses what is no signal", () => {
    runProcess(kernel, function* ({ calls }) {
      assert.equal(
        yield* sigaction(calls, SIGUSR1, { handler: 0x9000, flags: NOCLDSTOP | NOCLDWAIT, mask: 6 }),
        DEFAULT,
      );
      for (let i = 0; i < 2; i++) {
        assert.equal(yield* sigaction(calls, SIGUSR1), 0x9000);
        assert.deepEqual([0x310c + 4, 0x310c + 8].map((at) => calls.get(at, 4).readUInt32LE()), [3, 6]); // prettier-ignore
      }
      for (const none of [0, 32, -1]) assert.equal(yield* sigaction(calls, none), -EINVAL);
      assert.equal(yield* sigaction(calls, SIGKILL), DEFAULT);
      assert.equal(yield* sigaction(calls, SIGKILL, { handler: IGNORE }), -EINVAL);
      yield* sigaction(calls, SIGUSR1, { handler: DEFAULT });
    });
  });
});
