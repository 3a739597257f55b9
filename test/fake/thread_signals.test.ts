// Masks and signals of threads (pthread_sigmask(3), pthread_kill(3)), on the whole kernel.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, type Piece } from "./calls.ts";
import { runProcess, type Scene } from "./process.ts";
import { sigaction } from "./sigaction.ts";

const [ESRCH, EINTR, EAGAIN, EINVAL, EPIPE] = [3, 4, 11, 22, 32];
const [SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGSTOP] = [1, 10, 12, 13, 19];
const [BLOCK, UNBLOCK, SETMASK] = [0, 1, 2];
const DEFAULT = 0;
const SI_TKILL = -6;
const [WORD, OTHER] = [0x3000, 0x3010];
const MAIN = 1;
const FOREVER = 1000;
const SECOND = 1e9;

const kernel = await fakeKernel();

const bit = (signal: number): number => (1 << signal) >>> 0;

/** An app with threads. */
class Threads {
  private entries = 0;

  constructor(private readonly scene: Scene) {}

  /** Starts a thread: its id. */
  *start(body: () => Piece<void>): Piece<number> {
    const { calls, guest } = this.scene;
    const entry = ++this.entries;
    guest.domain.threadEntries.set(entry, function* (): App {
      yield* body();
      yield* calls.call("posix_thread_exit");
      return 0;
    });
    const id = yield* calls.call("posix_thread_create", entry, 0, 32768, 0);
    assert.ok(id > MAIN);
    return id;
  }

  /** Sets the calling thread's mask: what it was. */
  *mask(how: number, set: number): Piece<number> {
    const { calls } = this.scene;
    calls.put(WORD, new Uint8Array(Uint32Array.of(set).buffer));
    assert.equal(yield* calls.call("posix_sigprocmask", how, WORD, OTHER), 0);
    return calls.get(OTHER, 4).readUInt32LE();
  }

  *pending(): Piece<number> {
    const { calls } = this.scene;
    assert.equal(yield* calls.call("posix_sigpending", WORD), 0);
    return calls.get(WORD, 4).readUInt32LE();
  }

  /** Notes on which threads the handler of `signal` runs. */
  *catches(signal: number, then?: () => Piece<void>): Piece<number[]> {
    const { calls, guest } = this.scene;
    const ran: number[] = [];
    const handler = 0x8000 + signal * 8;
    guest.domain.signalHandlers.set(handler, function* (): App {
      ran.push(yield* calls.call("posix_thread_self"));
      if (then !== undefined) yield* then();
      return 0;
    });
    yield* sigaction(calls, signal, { handler });
    return ran;
  }

  raise(signal: number): Piece<number> {
    return this.scene.calls.call("posix_kill", 1, signal);
  }

  tell(thread: number, signal: number): Piece<number> {
    return this.scene.calls.call("posix_thread_kill", thread, signal);
  }
}

function run(body: (threads: Threads, scene: Scene) => Piece<void>): void {
  runProcess(kernel, (scene) => body(new Threads(scene), scene));
}

describe("masks of threads", () => {
  test("each has its own, a new one its maker's", () => {
    run(function* (threads, { calls }) {
      const masks: number[] = [];
      yield* threads.mask(SETMASK, bit(SIGUSR1));
      yield* threads.start(function* () {
        masks.push(yield* threads.mask(BLOCK, bit(SIGUSR2)));
        yield* calls.sleep(2);
        masks.push(yield* threads.mask(SETMASK, 0));
      });
      yield* calls.sleep(1);
      assert.equal(yield* threads.mask(SETMASK, bit(SIGHUP)), bit(SIGUSR1));
      yield* calls.sleep(2);
      assert.deepEqual(masks, [bit(SIGUSR1), bit(SIGUSR1) | bit(SIGUSR2)]);
      assert.equal(yield* threads.mask(SETMASK, 0), bit(SIGHUP));
    });
  });

  test("a signal is the main thread's, or another's while that holds it up, or waits", () => {
    run(function* (threads, { calls }) {
      const ran = yield* threads.catches(SIGUSR1);
      const results: number[] = [];
      yield* threads.mask(BLOCK, bit(SIGUSR1));
      const holds = yield* threads.start(function* () {
        results.push(yield* calls.sleep(FOREVER));
      });
      yield* threads.raise(SIGUSR1);
      yield* calls.sleep(1);
      assert.deepEqual([ran, results], [[], []]);
      const takes = yield* threads.start(function* () {
        yield* threads.mask(UNBLOCK, bit(SIGUSR1));
        results.push(yield* calls.sleep(FOREVER));
      });
      yield* calls.sleep(1);
      assert.deepEqual([ran.splice(0), results], [[takes], []], "it had come before");
      yield* threads.raise(SIGUSR1);
      assert.equal(yield* calls.sleep(1), 0);
      assert.deepEqual([ran.splice(0), results], [[takes], [-EINTR]]);
      yield* threads.raise(SIGUSR1);
      assert.equal(yield* threads.pending(), bit(SIGUSR1), "that thread has ended");
      yield* threads.mask(UNBLOCK, bit(SIGUSR1));
      yield* threads.raise(SIGUSR1);
      assert.deepEqual([ran, results], [[MAIN, MAIN], [-EINTR]]);
      assert.equal(yield* threads.tell(holds, 0), 0);
    });
  });

  test("without a handler a signal has its effect when one thread lets it through", () => {
    const { forkd } = runProcess(
      kernel,
      function* (scene) {
        const threads = new Threads(scene);
        yield* threads.mask(BLOCK, bit(SIGUSR1));
        yield* threads.raise(SIGUSR1);
        yield* threads.start(function* () {
          yield* threads.mask(UNBLOCK, bit(SIGUSR1));
        });
        yield* scene.calls.sleep(1);
      },
      { ends: false },
    );
    assert.equal(forkd.exitStatus, SIGUSR1);
  });

  test("handlers on several threads have what was held up before them be held up again, in whatever order they return", () => {
    run(function* (threads, { calls }) {
      const order: string[] = [];
      yield* threads.catches(SIGUSR1, function* () {
        order.push("1 begins");
        yield* calls.sleep(2);
        order.push("1 ends");
      });
      yield* threads.catches(SIGUSR2, function* () {
        order.push("2 begins");
        yield* calls.sleep(2);
        order.push("2 ends");
      });
      yield* threads.mask(SETMASK, bit(SIGHUP));
      const masks: number[] = [];
      const other = yield* threads.start(function* () {
        yield* threads.mask(SETMASK, bit(SIGPIPE));
        yield* calls.sleep(1);
        yield* calls.sleep(10);
        masks.push(yield* threads.mask(BLOCK, 0));
      });
      yield* threads.start(function* () {
        yield* calls.sleep(1.5);
        yield* threads.tell(other, SIGUSR1);
        yield* calls.sleep(1);
        yield* threads.tell(MAIN, SIGUSR2);
        yield* calls.sleep(0.5);
        assert.equal(yield* threads.mask(BLOCK, 0), bit(SIGHUP));
      });
      assert.equal(yield* calls.sleep(10), -EINTR);
      masks.push(yield* threads.mask(BLOCK, 0));
      yield* calls.sleep(1);
      assert.deepEqual(order, ["1 begins", "2 begins", "1 ends", "2 ends"]);
      assert.deepEqual(masks, [bit(SIGPIPE), bit(SIGHUP)]);
    });
  });

  test("sigsuspend lets through to its thread alone", () => {
    run(function* (threads, { calls }) {
      const ran = yield* threads.catches(SIGUSR1);
      yield* threads.mask(BLOCK, bit(SIGUSR1));
      const ends: number[] = [];
      const waiting = yield* threads.start(function* () {
        calls.put(WORD, new Uint8Array(4));
        ends.push(yield* calls.call("posix_sigsuspend", WORD), yield* threads.mask(BLOCK, 0));
      });
      yield* calls.sleep(1);
      yield* threads.raise(SIGUSR1);
      yield* threads.raise(SIGUSR1);
      assert.equal(yield* calls.sleep(1), 0);
      assert.deepEqual([ran, ends], [[waiting], [-EINTR, bit(SIGUSR1)]]);
      assert.equal(yield* threads.pending(), 0);
    });
  });

  test("what a thread was to handle that ends is another's, also when it is the main thread", () => {
    runProcess(
      kernel,
      function* (scene) {
        const { calls, host, forkd } = scene;
        const threads = new Threads(scene);
        const ran = yield* threads.catches(SIGUSR1);
        const other: number = yield* threads.start(function* (): Piece<void> {
          host.world.after(SECOND, () => forkd.signal(2, SIGUSR1));
          assert.equal(yield* calls.sleep(FOREVER), -EINTR);
          assert.deepEqual(ran, [other]);
          yield* calls.call("posix_exit", 0);
        });
        yield* calls.call("posix_thread_exit");
      },
      { ends: false },
    );
  });
});

describe("pthread_kill", () => {
  test("reaches that thread alone", () => {
    run(function* (threads, { calls }) {
      const ran = yield* threads.catches(SIGUSR1);
      const results: number[] = [];
      const sleeper = function* (): Piece<void> {
        results.push(yield* calls.sleep(FOREVER));
      };
      const [one, two] = [yield* threads.start(sleeper), yield* threads.start(sleeper)];
      yield* calls.sleep(1);
      assert.equal(yield* threads.tell(two, SIGUSR1), 0);
      assert.equal(yield* calls.sleep(1), 0);
      assert.deepEqual([ran, results], [[two], [-EINTR]]);
      assert.equal(yield* threads.tell(two, SIGUSR1), -ESRCH, "it has ended");
      assert.equal(yield* threads.tell(one, 0), 0);
      assert.deepEqual(ran, [two]);
      assert.equal(yield* threads.tell(MAIN, SIGUSR1), 0);
      assert.deepEqual(ran, [two, MAIN]);
      for (const none of [-1, 32]) assert.equal(yield* threads.tell(MAIN, none), -EINVAL);
      for (const none of [0, -1, 5000, 0x7fffffff]) assert.equal(yield* threads.tell(none, SIGUSR1), -ESRCH);
    });
  });

  test("held up by that thread it waits, whatever others hold up, and sigtimedwait takes it there", () => {
    run(function* (threads, { calls }) {
      const ran = yield* threads.catches(SIGUSR1);
      const taken: number[] = [];
      const other = yield* threads.start(function* () {
        yield* threads.mask(BLOCK, bit(SIGUSR1));
        yield* calls.sleep(2);
        taken.push(yield* threads.pending());
        calls.put(WORD, new Uint8Array(Uint32Array.of(bit(SIGUSR1)).buffer));
        taken.push(yield* calls.call("posix_sigtimedwait", WORD, OTHER, 0n));
        taken.push(calls.get(OTHER + 8, 4).readInt32LE());
        taken.push(yield* calls.call("posix_sigtimedwait", WORD, OTHER, 0n));
      });
      yield* calls.sleep(1);
      yield* threads.tell(other, SIGUSR1);
      calls.put(WORD, new Uint8Array(Uint32Array.of(bit(SIGUSR1)).buffer));
      assert.equal(yield* threads.pending(), 0, "not main's");
      yield* calls.sleep(2);
      assert.deepEqual([ran, taken], [[], [bit(SIGUSR1), SIGUSR1, SI_TKILL, -EAGAIN]]);
    });
  });

  test("without a handler it is the process that ends; SIGSTOP stops the process", () => {
    const { forkd } = runProcess(
      kernel,
      function* (scene) {
        const { calls, forkd } = scene;
        const threads = new Threads(scene);
        yield* sigaction(calls, SIGUSR1, { handler: DEFAULT });
        const other = yield* threads.start(function* () {
          yield* calls.sleep(FOREVER);
        });
        yield* calls.sleep(1);
        const before = forkd.kills.length;
        assert.equal(yield* threads.tell(other, SIGSTOP), 0);
        assert.equal(forkd.kills.length, before + 1);
        yield* threads.tell(other, SIGUSR1);
      },
      { ends: false },
    );
    assert.equal(forkd.exitStatus, SIGUSR1);
  });
});

test("SIGPIPE is for the thread that writes: one that holds it up finds it pending, and nobody ends", () => {
  run(function* (threads, { calls }) {
    yield* sigaction(calls, SIGPIPE, { handler: DEFAULT });
    assert.equal(yield* calls.call("posix_pipe", BUFFER, 0), 0);
    const [readEnd, writeEnd] = [calls.get(BUFFER, 4).readInt32LE(), calls.get(BUFFER + 4, 4).readInt32LE()];
    yield* calls.call("posix_close", readEnd);
    const seen: number[] = [];
    yield* threads.start(function* () {
      yield* threads.mask(BLOCK, bit(SIGPIPE));
      seen.push(yield* calls.call("posix_write", writeEnd, BUFFER, 1), yield* threads.pending());
      calls.put(WORD, new Uint8Array(Uint32Array.of(bit(SIGPIPE)).buffer));
      seen.push(yield* calls.call("posix_sigtimedwait", WORD, 0, 0n));
    });
    yield* calls.sleep(1);
    assert.deepEqual(seen, [-EPIPE, bit(SIGPIPE), SIGPIPE]);
  });
});
