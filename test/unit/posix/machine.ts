// An app in JavaScript, with threads, on the real kernel (fake Xen), run to its end.
import assert from "node:assert/strict";
import { Host } from "../../../tools/fake-xen/host.ts";
import type { App } from "../../../tools/fake-xen/coroutines.ts";
import type { BlkbackSettings } from "../../../tools/fake-xen/blkback.ts";
import { filesBlob } from "../../../tools/image/files.ts";
import { Calls, type Piece } from "../../fake/calls.ts";
import { ignoreBrokenPipes, sigaction } from "../../fake/sigaction.ts";

/** Errors, positive. */
export const ENOENT = 2;
export const EBADF = 9;
export const EFAULT = 14;
export const ENOTDIR = 20;
export const EINVAL = 22;
export const EMFILE = 24;

/** Where the apps of these tests put paths. */
const PATH = 0x2000;

/** What the kernel knows handlers by. */
const HANDLERS = 0x8000;

/** What posix_thread_create wants as the size of a stack. */
const THREAD_STACK = 65536;

/** A thread that was started; `done` when it has ended. */
export interface Thread {
  done: boolean;
}

/** What an app gets: the calls, virtual time, calls with paths, and threads. */
export class Process extends Calls {
  /** ns since boot. */
  now: () => number = () => 0;
  private failure: unknown;

  /** Starts a thread that runs `body`; it begins when this one blocks or yields. */
  *thread(body: () => Piece<void>): Piece<Thread> {
    const thread: Thread = { done: false };
    const entry = this.domain.threadEntries.size + 1;
    this.domain.threadEntries.set(entry, () => this.runThread(thread, body));
    const id = yield* this.call("posix_thread_create", entry, 0, THREAD_STACK, 0);
    assert.ok(id > 0, `thread_create: ${id}`);
    return thread;
  }

  private *runThread(thread: Thread, body: () => Piece<void>): App {
    try {
      yield* body();
    } catch (error) {
      this.failure ??= error;
    }
    thread.done = true;
    return 0;
  }

  /** Has `handler` called when `signal` comes: 0, as what was there before. */
  *catches(signal: number, handler: () => App): Piece<number> {
    const word = HANDLERS + 8 * signal;
    this.domain.signalHandlers.set(word, handler);
    return yield* sigaction(this, signal, { handler: word });
  }

  /** Lets other threads run until all have nothing more to do but wait. */
  *settle(): Piece<void> {
    yield* this.call("posix_nanosleep", 1_000_000n);
    if (this.failure !== undefined) throw this.failure;
  }

  /** Waits until `threads` have ended; throws what one of them has thrown. */
  *join(...threads: readonly Thread[]): Piece<void> {
    const end = this.now() + 60e9;
    while (!threads.every(({ done }) => done)) {
      yield* this.settle();
      assert.ok(this.now() < end, "a thread waits for ever");
    }
    if (this.failure !== undefined) throw this.failure;
  }

  *withPath(name: string, path: string, ...args: readonly number[]): Piece<number> {
    const bytes = Buffer.from(path);
    this.put(PATH, bytes);
    return yield* this.call(name, PATH, bytes.length, ...args);
  }
}

/**
 * Boots a domain without network whose app is `app`, which ignores SIGPIPE; returns when it has ended.
 *
 * @param files contents by path
 * @param memory of the domain, in MiB
 * @param options more of the kernel's command line
 * @param disks its block devices
 */
export function runApp(
  kernel: WebAssembly.Module,
  app: (process: Process) => Piece<void>,
  files: Readonly<Record<string, string>> = {},
  memory = 16,
  options = "",
  disks: readonly BlkbackSettings[] = [],
): string {
  const host = new Host(kernel, 1);
  const blob = filesBlob(
    Object.entries(files).map(([path, text]) => ({
      path,
      data: Buffer.from(text),
      modified: 1_700_000_000_123_456_789n,
    })),
  );
  let failure: unknown;
  let done = false;
  const guest = host.create({
    commandLine: `ip=off ${options} env.A=1 -- one two`,
    files: blob,
    memory,
    disks,
    app: function* (domain): App {
      const process = new Process(domain);
      process.now = () => host.world.now;
      try {
        yield* ignoreBrokenPipes(process);
        yield* app(process);
        done = true;
      } catch (error) {
        failure = error;
        return 1;
      }
      return 0;
    },
  });
  host.world.runUntil(() => guest.domain.shutdown !== undefined, 3600e9);
  if (failure !== undefined) throw failure;
  assert.equal(guest.domain.shutdown, "poweroff", guest.console);
  assert.ok(done, guest.console);
  return guest.console;
}
