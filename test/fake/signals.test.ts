// Signals as one process sees them: dispositions, handlers and what they interrupt, kill() and its requests to forkd.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, type Calls, type Piece } from "./calls.ts";
import { EVENT } from "./forkd.ts";
import { fork, runProcess, wait, type Scene } from "./process.ts";
import { sigaction } from "./sigaction.ts";

const [ESRCH, EINTR, ECHILD, EFAULT, EINVAL, ENOSYS] = [3, 4, 10, 14, 22, 38];
const [SIGHUP, SIGKILL, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP] = [
  1, 9, 10, 12, 15, 17, 18, 19, 20,
];
const [SIGURG, SIGWINCH] = [23, 28];
const [DEFAULT, IGNORE] = [0, 1];
const WORD = 0x3000;

const kernel = await fakeKernel();

/** signal(): what it returns, or what was there before. */
function signal(calls: Calls, number: number, handler: number): Piece<number> {
  return sigaction(calls, number, { handler });
}

/** Catches `number` and notes each handler that runs. */
function* catches({ calls, guest }: Scene, number: number, then: (signal: number) => Piece<void> = nothing) {
  const seen: number[] = [];
  const word = 0x8000 + number * 8;
  guest.domain.signalHandlers.set(word, function* (caught): App {
    seen.push(caught);
    yield* then(caught);
    return 0;
  });
  yield* signal(calls, number, word);
  return seen;
}

function* nothing(): Piece<void> {
  return;
}

function kill(calls: Calls, pid: number, number: number): Piece<number> {
  return calls.call("posix_kill", pid, number);
}

describe("dispositions", () => {
  test("are returned when they change; SIGKILL and SIGSTOP have none", () => {
    runProcess(kernel, function* ({ calls }) {
      assert.equal(yield* signal(calls, SIGTERM, IGNORE), DEFAULT);
      assert.equal(yield* signal(calls, SIGTERM, 0x8000), IGNORE);
      assert.equal(yield* signal(calls, SIGTERM, DEFAULT), 0x8000);
      for (const none of [0, 32, -1, 64, SIGKILL, SIGSTOP]) {
        assert.equal(yield* signal(calls, none, IGNORE), -EINVAL, String(none));
      }
      assert.equal(yield* calls.call("posix_sigaction", SIGTERM, 8, 0), -EFAULT);
      assert.equal(yield* calls.call("posix_sigaction", SIGTERM, 0, 8), -EFAULT);
      assert.equal(yield* signal(calls, SIGTERM, DEFAULT), DEFAULT);
    });
  });

  test("by default most signals end the process, with their number as its status", () => {
    for (const number of [SIGHUP, SIGUSR1, SIGTERM, 31]) {
      const { forkd, console } = runProcess(
        kernel,
        function* ({ calls, host, forkd: daemon }) {
          host.world.after(5e9, () => daemon.signal(2, number));
          yield* calls.sleep(60);
        },
        { ends: false },
      );
      assert.equal(forkd.exitStatus, number);
      assert.match(console, new RegExp(`signal ${number}`));
    }
  });

  test("SIGCHLD, SIGURG, SIGWINCH and SIGCONT do nothing by default, and what is ignored never does", () => {
    runProcess(kernel, function* ({ calls, forkd }) {
      for (const number of [SIGCHLD, SIGURG, SIGWINCH, SIGCONT]) forkd.signal(2, number);
      assert.equal(yield* signal(calls, SIGTERM, IGNORE), DEFAULT);
      forkd.signal(2, SIGTERM);
      for (const none of [0, 32, -5, 1 << 30]) forkd.signal(2, none);
      assert.equal(yield* calls.sleep(1), 0);
      assert.equal(yield* kill(calls, 1, SIGTERM), 0);
    });
  });

  test("SIGTSTP asks forkd to stop the process, which goes on after that", () => {
    const { forkd } = runProcess(kernel, function* ({ calls, forkd: daemon }) {
      daemon.signal(2, SIGTSTP);
      assert.equal(yield* calls.sleep(1), 0);
    });
    assert.deepEqual(forkd.kills, [{ pid: 1, signal: SIGTSTP }]);
  });
});

describe("handlers", () => {
  test("run at the end of the system call that the signal interrupts with EINTR", () => {
    runProcess(kernel, function* (scene) {
      const { calls, host, forkd } = scene;
      const seen = yield* catches(scene, SIGUSR1);
      const udp = yield* calls.socket("udp");
      const tcp = yield* calls.socket("tcp");
      assert.equal(yield* calls.bind(tcp, 80), 0);
      assert.equal(yield* calls.call("posix_listen", tcp, 4), 0);
      calls.put(BUFFER, Buffer.from([udp, 0, 0, 0, 1, 0, 0, 0]));
      calls.put(BUFFER + 64, Buffer.alloc(128));
      calls.put(BUFFER + 256, Buffer.alloc(4));
      forkd.answers = [2];
      assert.equal(yield* fork(calls), 2);
      const blocking = [
        ["posix_nanosleep", 60_000_000_000n, WORD],
        ["posix_pause"],
        ["posix_read", 0, BUFFER + 512, 8],
        ["posix_recvfrom", udp, BUFFER + 512, 8, 0, 0],
        ["posix_accept", tcp, 0, 0],
        ["posix_poll", BUFFER, 1, -1n],
        ["posix_poll", 0, 0, -1n],
        ["posix_select", 0, 0, 0, 0, 60_000_000_000n],
        ["posix_futex_wait", BUFFER + 256, 0, -1n],
        ["posix_wait4", 2, 0, 0, 0],
        ["posix_waitid", 1, 2, 0, 4, 0],
      ] as const;
      for (const [name, ...args] of blocking) {
        const start = host.world.now;
        host.world.after(5e9, () => forkd.signal(2, SIGUSR1));
        assert.equal(yield* calls.call(name, ...args), -EINTR, name);
        assert.deepEqual(seen.splice(0), [SIGUSR1], name);
        assert.ok(host.world.now - start < 6e9, name);
        if (name !== "posix_nanosleep") continue;
        const left =
          Number(calls.get(WORD, 8).readBigInt64LE()) + Number(calls.get(WORD + 8, 8).readBigInt64LE()) / 1e9;
        assert.ok(left > 54 && left <= 55, String(left));
      }
    });
  });

  test("do not end a call that has its result already, and run behind it", () => {
    runProcess(kernel, function* (scene) {
      const { calls, forkd } = scene;
      const seen = yield* catches(scene, SIGCHLD);
      forkd.answers = [2];
      assert.equal(yield* fork(calls), 2);
      forkd.exit(2, 0);
      assert.deepEqual(yield* wait(calls, 2), [2, 0]);
      assert.deepEqual(seen, [SIGCHLD]);
    });
  });

  test("a signal that comes while no call waits ends the next one that would", () => {
    runProcess(kernel, function* (scene) {
      const { calls } = scene;
      const seen = yield* catches(scene, SIGUSR1);
      const other = yield* catches(scene, SIGUSR2, function* () {
        assert.equal(yield* kill(calls, 1, SIGUSR1), 0);
        assert.deepEqual(seen, [SIGUSR1]); // another signal's handler runs within this one's
      });
      assert.equal(yield* kill(calls, 1, SIGUSR2), 0);
      assert.deepEqual(other, [SIGUSR2]);
      assert.equal(yield* calls.sleep(1), 0);
    });
  });

  test("the signal of a handler that runs waits until it has returned, once however often it came", () => {
    runProcess(kernel, function* (scene) {
      const { calls, forkd } = scene;
      let depth = 0;
      let calledAt: number[] = [];
      const seen = yield* catches(scene, SIGUSR1, function* () {
        calledAt.push(++depth);
        if (calledAt.length === 1) {
          for (let i = 0; i < 5; i++) forkd.signal(2, SIGUSR1);
          assert.equal(yield* calls.sleep(1), 0, "not interrupted by itself");
        }
        depth--;
      });
      assert.equal(yield* kill(calls, 1, SIGUSR1), 0);
      assert.deepEqual(seen, [SIGUSR1, SIGUSR1]);
      assert.deepEqual(calledAt, [1, 1]);
      calledAt = [];
    });
  });

  test("one that has become SIG_IGN or SIG_DFL before it ran does not run", () => {
    runProcess(kernel, function* (scene) {
      const { calls } = scene;
      const seen = yield* catches(scene, SIGUSR1);
      yield* catches(scene, SIGUSR2, function* () {
        yield* signal(calls, SIGUSR1, IGNORE);
      });
      const [first, second] = yield* catchBoth(scene);
      assert.deepEqual([first, second, seen], [[SIGUSR1], [SIGUSR2], []]);
    });
  });

  test("can fork, and a child can be made while one runs", () => {
    runProcess(kernel, function* (scene) {
      const { calls, forkd } = scene;
      forkd.answers = [2];
      let pid = 0;
      yield* catches(scene, SIGUSR1, function* () {
        pid = yield* fork(calls);
      });
      assert.equal(yield* kill(calls, 1, SIGUSR1), 0);
      assert.equal(pid, 2);
      forkd.exit(2, 0);
      assert.deepEqual(yield* wait(calls, 2), [2, 0]);
    });
  });

  test("SIGTERM's gets what xl shutdown wishes; without one it ends the domain", () => {
    runProcess(kernel, function* (scene) {
      const seen = yield* catches(scene, SIGTERM);
      const { calls, host, guest } = scene;
      const node = `/local/domain/${guest.domain.id}/control/shutdown`;
      host.world.after(2e9, () => host.store.tree.write(node, "poweroff"));
      assert.equal(yield* calls.sleep(60), -EINTR);
      assert.deepEqual(seen, [SIGTERM]);
      assert.equal(host.store.get(node), "");
    });
    const { forkd } = runProcess(
      kernel,
      function* ({ calls, host, guest }) {
        const node = `/local/domain/${guest.domain.id}/control/shutdown`;
        assert.equal(yield* signal(calls, SIGTERM, IGNORE), DEFAULT);
        host.world.after(2e9, () => host.store.tree.write(node, "poweroff"));
        yield* calls.sleep(60);
      },
      { ends: false },
    );
    assert.equal(forkd.exitStatus, SIGTERM);
  });
});

/** Both signals come while a call waits, SIGUSR1 is handled first and makes SIGUSR2 ignored. */
function* catchBoth(scene: Scene): Piece<readonly [number[], number[]]> {
  const { calls, host, forkd } = scene;
  const second = yield* catches(scene, SIGUSR2);
  const first = yield* catches(scene, SIGUSR1);
  host.world.after(1e9, () => {
    forkd.signal(2, SIGUSR2);
    forkd.signal(2, SIGUSR1);
  });
  assert.equal(yield* calls.sleep(5), -EINTR);
  return [first, second];
}

describe("kill", () => {
  test("asks forkd for another process, and takes its answer", () => {
    const { forkd } = runProcess(kernel, function* ({ calls, forkd: daemon }) {
      daemon.killAnswers = [0, -ESRCH, -EINVAL];
      assert.equal(yield* kill(calls, 2, SIGTERM), 0);
      assert.equal(yield* kill(calls, 3, 0), -ESRCH);
      assert.equal(yield* kill(calls, 4, SIGUSR1), -EINVAL);
      for (const none of [-1, 32, 65]) assert.equal(yield* kill(calls, 2, none), -EINVAL);
    });
    assert.deepEqual(
      forkd.kills.map(({ pid, signal: number }) => [pid, number]),
      [
        [2, SIGTERM],
        [3, 0],
        [4, SIGUSR1],
      ],
    );
  });

  test("of the whole family asks for the others and reaches the caller", () => {
    const { forkd } = runProcess(kernel, function* (scene) {
      const { calls } = scene;
      const seen = yield* catches(scene, SIGUSR1);
      assert.equal(yield* kill(calls, 0, SIGUSR1), 0);
      assert.equal(yield* kill(calls, -1, SIGUSR1), 0);
      assert.deepEqual(seen, [SIGUSR1, SIGUSR1]);
    });
    assert.deepEqual(
      forkd.kills.map(({ pid }) => pid),
      [-1, 0],
      "the group, and everybody",
    );
  });

  test("of a zombie succeeds without forkd knowing it", () => {
    const { forkd } = runProcess(kernel, function* ({ calls, forkd: daemon }) {
      daemon.answers = [2];
      assert.equal(yield* fork(calls), 2);
      daemon.exit(2, 0);
      assert.equal(yield* calls.sleep(1), 0);
      assert.equal(yield* kill(calls, 2, SIGTERM), 0);
      assert.deepEqual(yield* wait(calls, 2), [2, 0]);
      daemon.killAnswers = [-ESRCH];
      assert.equal(yield* kill(calls, 2, 0), -ESRCH);
    });
    assert.equal(forkd.kills.length, 1);
  });

  test("of itself: SIGKILL ends it, SIGSTOP asks forkd", () => {
    const { forkd } = runProcess(
      kernel,
      function* ({ calls }) {
        assert.equal(yield* kill(calls, 1, SIGSTOP), 0);
        assert.equal(yield* kill(calls, 1, 0), 0);
        yield* kill(calls, 1, SIGKILL);
      },
      { ends: false },
    );
    assert.deepEqual(forkd.kills, [{ pid: 1, signal: SIGSTOP }]);
    assert.equal(forkd.exitStatus, SIGKILL);
  });

  test("without fork there is nobody else; with it and without forkd nobody can be reached", () => {
    const alone = { served: false };
    for (const [commandLine, error] of [["ip=off", -ESRCH] as const, ["ip=off fork=3", -ENOSYS] as const]) {
      runProcess(
        kernel,
        function* (scene) {
          const seen = yield* catches(scene, SIGUSR1);
          assert.equal(yield* kill(scene.calls, 2, SIGUSR1), error);
          assert.equal(yield* kill(scene.calls, 1, SIGUSR1), 0);
          assert.equal(yield* kill(scene.calls, 0, SIGUSR1), 0);
          assert.deepEqual(seen, [SIGUSR1, SIGUSR1]);
        },
        { commandLine, ...alone },
      );
    }
  });

  test("a forkd that dies while it is asked: ENOSYS; the next one is asked anew", () => {
    runProcess(kernel, function* ({ calls, host, forkd }) {
      forkd.killAnswers = ["none"];
      host.world.after(4e9, () => forkd.detach());
      assert.equal(yield* kill(calls, 2, SIGTERM), -ENOSYS);
      forkd.attach();
      assert.equal(yield* kill(calls, 2, SIGTERM), 0);
      assert.equal(forkd.kills.length, 2);
    });
  });
});

test("SIGCHLD comes when a child ends, stops and goes on; ignored, children leave nothing behind", () => {
  runProcess(kernel, function* (scene) {
    const { calls, host, forkd } = scene;
    const seen = yield* catches(scene, SIGCHLD);
    forkd.answers = [2, 3];
    assert.equal(yield* fork(calls), 2);
    for (const [kind, value] of [
      [EVENT.stopped, SIGSTOP],
      [EVENT.continued, 0],
      [EVENT.exit, 0],
    ] as const) {
      host.world.after(1e9, () => forkd.tell(kind, 2, value));
      assert.equal(yield* calls.sleep(60), -EINTR);
      assert.deepEqual(seen.splice(0), [SIGCHLD]);
    }
    assert.deepEqual(yield* wait(calls, -1), [2, 0]);
    assert.notEqual(yield* signal(calls, SIGCHLD, IGNORE), IGNORE);
    assert.equal(yield* fork(calls), 3);
    host.world.after(1e9, () => forkd.exit(3, 0));
    assert.deepEqual(yield* wait(calls, 3), [-ECHILD, -1]);
  });
});
