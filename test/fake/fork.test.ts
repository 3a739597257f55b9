// fork and wait as the parent sees them, with a forkd that answers by script.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, Calls, type Piece } from "./calls.ts";
import { FakeForkd } from "./forkd.ts";
import { fork, runProcess, wait, type Scene } from "./process.ts";

const [ECHILD, EAGAIN, ENOMEM, EFAULT, EINVAL, ENOSYS] = [10, 11, 12, 14, 22, 38];
const WNOHANG = 1;
const ANY = -1;

const kernel = await fakeKernel();

/** Runs `body` as the app of a domain that offers fork, once forkd serves it. */
function run(body: (scene: Scene) => Piece<void>, commandLine = "ip=off fork=3"): FakeForkd {
  return runProcess(kernel, body, { commandLine }).forkd;
}

test("without forkd, or where the command line does not offer it, fork fails with ENOSYS", () => {
  for (const commandLine of ["ip=off", "ip=off fork=0", "ip=off fork=65", "ip=off fork=many", "ip=off fork=2"]) {
    run(function* ({ calls }) {
      assert.equal(yield* fork(calls), -ENOSYS);
      assert.equal(yield* calls.call("posix_getpid"), 1);
      assert.equal(yield* calls.call("posix_getppid"), 0);
      assert.deepEqual(yield* wait(calls, ANY), [-ECHILD, -1]);
    }, commandLine);
  }
});

test("a fork right after the start waits for forkd to come, but not for ever", () => {
  const host = new Host(kernel, 5);
  const results: number[] = [];
  const guest = host.create({
    commandLine: "ip=off fork=1",
    app: function* (domain) {
      results.push(yield* fork(new Calls(domain)));
      return 0;
    },
  });
  const forkd = new FakeForkd(host, guest);
  forkd.answers = [2];
  host.world.after(3e9, () => forkd.attach());
  host.world.runUntil(() => guest.domain.shutdown !== undefined, 600e9);
  assert.deepEqual(results, [2]);
});

test("the parent gets the child's pid, and its status once", () => {
  const forkd = run(function* ({ calls, host, forkd: daemon }) {
    daemon.answers = [2];
    assert.equal(yield* fork(calls), 2);
    assert.equal(daemon.sequence, 1);
    assert.equal(yield* calls.call("posix_fork_stats", BUFFER, 1000), 32);
    const [called, , , notified, answered] = Array.from({ length: 5 }, (_, i) =>
      calls.get(BUFFER + i * 8, 8).readBigUInt64LE(),
    );
    assert.ok(called !== undefined && notified !== undefined && answered !== undefined);
    assert.ok(called <= notified && answered - notified >= 3_000_000n);
    assert.equal(yield* calls.call("posix_fork_stats", 8, 1), -EFAULT);
    assert.deepEqual(yield* wait(calls, ANY, WNOHANG), [0, -1]);
    assert.deepEqual(yield* wait(calls, 3, WNOHANG), [-ECHILD, -1]);
    host.world.after(5e9, () => daemon.exit(2, 42 << 8));
    assert.deepEqual(yield* wait(calls, 2), [2, 42 << 8]);
    assert.equal(daemon.consumed, 1);
    assert.deepEqual(yield* wait(calls, 2), [-ECHILD, -1]);
  });
  assert.equal(forkd.exitStatus, 7 << 8);
});

test("forkd's errors are fork's, and what is no error number is EAGAIN", () => {
  run(function* ({ calls, forkd }) {
    forkd.answers = [-EAGAIN, -ENOMEM, 0, -100_000];
    assert.equal(yield* fork(calls), -EAGAIN);
    assert.equal(yield* fork(calls), -ENOMEM);
    assert.equal(yield* fork(calls), -EAGAIN);
    assert.equal(yield* fork(calls), -EAGAIN);
    assert.deepEqual(yield* wait(calls, ANY), [-ECHILD, -1]);
  });
});

test("children are waited for by pid and in any order; zombies count against the limit", () => {
  run(function* ({ calls, forkd }) {
    forkd.answers = [2, 3, 4, 5];
    for (const pid of [2, 3, 4]) assert.equal(yield* fork(calls), pid);
    assert.equal(yield* fork(calls), -EAGAIN);
    assert.equal(forkd.requests, 3);
    forkd.exit(4, 139);
    forkd.exit(3, 0);
    yield* calls.sleep(0.1);
    assert.equal(yield* fork(calls), -EAGAIN);
    assert.deepEqual(yield* wait(calls, 3), [3, 0]);
    assert.deepEqual(yield* wait(calls, 0), [4, 139]);
    assert.deepEqual(yield* wait(calls, ANY, WNOHANG), [0, -1]);
    assert.equal(yield* fork(calls), 5);
  });
});

test("a child that ends while its parent forks again is not lost", () => {
  run(function* ({ calls, host, forkd }) {
    forkd.answers = [2, 3];
    assert.equal(yield* fork(calls), 2);
    host.world.after(2e6, () => forkd.exit(2, 256)); // while forkd makes the second
    assert.equal(yield* fork(calls), 3);
    assert.deepEqual(yield* wait(calls, ANY, WNOHANG), [2, 256]);
  });
});

test("while a shell is made the other threads go on; when one stands ready none is asked for, nor for the first fork", () => {
  run(function* ({ calls, guest, host, forkd }) {
    const slept: number[] = [];
    forkd.makesShells = true;
    forkd.shellLatency = 3.5e9;
    forkd.answers = [2, 3, 4];
    assert.equal(yield* fork(calls), 2);
    assert.equal(forkd.shellsAsked, 0);
    const start = host.world.now;
    guest.domain.threadEntries.set(1, function* () {
      for (let i = 0; i < 4; i++) {
        yield* calls.sleep(1);
        slept.push(Math.round((host.world.now - start) / 1e9));
      }
      yield* calls.call("posix_thread_exit");
      return 0;
    });
    assert.ok((yield* calls.call("posix_thread_create", 1, 0, 32768, 0)) > 0);
    assert.equal(yield* fork(calls), 3);
    assert.deepEqual([slept, forkd.shellsAsked], [[1, 2, 3], 1]);
    assert.ok(host.world.now - start < 3.6e9);
    assert.equal(yield* fork(calls), 4);
    assert.equal(forkd.shellsAsked, 1);
  });
});

test("a shell that cannot be had: the fork is tried all the same; a forkd that dies meanwhile is not waited for", () => {
  run(function* ({ calls, host, forkd }) {
    forkd.answers = [2, -ENOMEM];
    assert.equal(yield* fork(calls), 2);
    assert.equal(yield* fork(calls), -ENOMEM);
    assert.equal(forkd.shellsAsked, 1);
    forkd.shellLatency = 600e9;
    host.world.after(4e9, () => forkd.detach());
    const start = host.world.now;
    assert.equal(yield* fork(calls), -EAGAIN);
    assert.ok(host.world.now - start < 6e9);
  });
});

test("the ring of exit events goes round", () => {
  run(function* ({ calls, forkd }) {
    for (let pid = 2; pid < 150; pid++) {
      forkd.answers = [pid];
      assert.equal(yield* fork(calls), pid);
      forkd.exit(pid, pid << 8);
      assert.deepEqual(yield* wait(calls, pid), [pid, pid << 8]);
    }
  });
});

test("a wrong pointer or option changes nothing", () => {
  run(function* ({ calls, forkd }) {
    forkd.answers = [2];
    assert.equal(yield* fork(calls), 2);
    forkd.exit(2, 0);
    assert.equal(yield* calls.call("posix_wait4", ANY, 8, 0, 0), -EFAULT);
    assert.equal(yield* calls.call("posix_wait4", ANY, -2, 0, 0), -EFAULT);
    assert.equal(yield* calls.call("posix_wait4", ANY, 0, 4, 0), -EINVAL);
    assert.equal(yield* calls.call("posix_wait4", ANY, 0, 0, 0), 2);
  });
});

test("a forkd that dies: its open request fails with EAGAIN and is withdrawn, the next fork with ENOSYS", () => {
  run(function* ({ calls, host, forkd }) {
    host.world.after(4e9, () => forkd.detach());
    assert.equal(yield* fork(calls), -EAGAIN);
    assert.equal(forkd.result, -EAGAIN);
    assert.equal(yield* fork(calls), -ENOSYS);
    forkd.attach();
    forkd.answers = [2];
    assert.equal(yield* fork(calls), 2);
  });
});

test("the descriptor is offered again after a restore", () => {
  const host = new Host(kernel, 5);
  const guest = host.create({ commandLine: "ip=off fork=1" });
  const forkd = new FakeForkd(host, guest);
  forkd.attach();
  host.store.tree.remove("/local/domain/1/data/fork");
  guest.saveAndRestore();
  forkd.attach();
});

test("exit and exit_group end the process there and then, with the low eight bits of its status", () => {
  for (const call of ["posix_exit", "posix_exit_group"]) {
    const { forkd } = runProcess(
      kernel,
      function* ({ calls }) {
        yield* calls.call(call, 0x103);
        assert.fail(`${call} has returned`);
      },
      { ends: false },
    );
    assert.equal(forkd.exitStatus, 3 << 8);
  }
});
