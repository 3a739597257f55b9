// The threads of one kernel under Node. A thread is a pile of calls into wasm, of which all can be stopped by Asyncify
// in an import; on top of the pile of an app's thread stands the JavaScript app itself, a generator that yields the
// system calls it wants made. So exactly one wasm stack exists at any time, and threads switch by unwinding it.
import { INTERRUPTED, RESTARTED } from "../image/system_calls.ts";
import { noteCall, noteResult } from "./call_log.ts";

/** A call of a kernel export that an app asks for: name and arguments; the result comes back from `yield`. */
export interface SystemCall {
  readonly name: string;
  readonly args: readonly (number | bigint)[];
}

/** An app: yields system calls, returns its exit status. */
export type App = Generator<SystemCall, number, number | bigint>;

/** What an app has beside its main function. */
export interface Handlers {
  /** The handler of a signal, by the app's word for it. */
  readonly handler: (word: number, signal: number) => App;
  /** Unmasks events at the end of a system call; whether one is pending. */
  readonly unmask: () => boolean;
}

type Export = (...args: readonly (number | bigint)[]) => number | bigint | undefined;

interface Call {
  readonly entry: () => number | bigint | undefined;
  readonly buffer: number;
  readonly returned: (result: number | bigint) => void;
  stopped: boolean;
}

/** Why a call stopped. */
export type Stop =
  | { readonly kind: "switch"; readonly saveAt: number; readonly target: number }
  | { readonly kind: "app"; readonly start: () => App }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly (number | bigint)[] }
  | { readonly kind: "wait" }
  | { readonly kind: "end" };

interface Thread {
  readonly token: number;
  readonly calls: Call[];
  /** The app, and above it the handlers of signals that run. */
  readonly apps: App[];
  /** How the system calls go on that the handlers interrupted. */
  readonly handled: (() => void)[];
  exitStatus: number;
  callResult: number;
}

/** The exports that Asyncify adds. */
interface AsyncifyExports {
  readonly asyncify_start_unwind: (buffer: number) => void;
  readonly asyncify_stop_unwind: () => void;
  readonly asyncify_start_rewind: (buffer: number) => void;
  readonly asyncify_stop_rewind: () => void;
  readonly asyncify_get_state: () => number;
}

// What signalTake tells beside the handler (libos/process/signals.ts).
const SIGNAL = 0x3f;
/** The signal, and whether the handler is to be told more. */
const HANDLER = 0x7f;
const RESTARTS = 0x80;

const UNWINDING = 1;
const REWINDING = 2;
/** Stack pointers from here on are tokens of stopped threads; lower ones are of threads that have never run. */
const FIRST_TOKEN = 0xf000_0000;
const BUFFER_SIZE = 0x10000;

/** Runs the threads of one kernel instance. */
export class Coroutines {
  private readonly threads = new Map<number, Thread>();
  private readonly freeBuffers: number[] = [];
  private nextToken = FIRST_TOKEN;
  private stop: Stop | undefined;
  private current: Thread;
  /** Whether a handler of a signal is to run. */
  signalsDue = false;
  /** What is held up again behind the handler that begins. */
  handlerMask = 0;
  /** Whether the kernel has something to do before the app goes on. */
  workDue = false;
  /** Whether the app's threads end at their system calls, because one of them executes a program. */
  threadsEnd = false;
  /** System calls that have ended without another call of the kernel. */
  quickReturns = 0;

  constructor(
    private readonly exports: Readonly<Record<string, Export>>,
    private readonly view: DataView,
    /** Unused memory for the stopped stacks. */
    private nextBuffer: number,
    private readonly handlers: Handlers,
  ) {
    this.current = this.newThread();
  }

  private get asyncify(): AsyncifyExports {
    return this.exports as unknown as AsyncifyExports;
  }

  private newThread(): Thread {
    const thread: Thread = { token: this.nextToken++, calls: [], apps: [], handled: [], exitStatus: 0, callResult: 0 };
    this.threads.set(thread.token, thread);
    return thread;
  }

  private push(name: string, args: readonly (number | bigint)[], returned: (result: number | bigint) => void): void {
    const entry = this.exports[name];
    if (entry === undefined) throw new Error(`the kernel has no export ${name}`);
    const buffer = this.freeBuffers.pop() ?? (this.nextBuffer += BUFFER_SIZE) - BUFFER_SIZE;
    this.current.calls.push({ entry: () => entry(...args), buffer, returned, stopped: false });
  }

  /** Begins the first thread. */
  start(name: string, args: readonly number[]): void {
    this.push(name, args, () => undefined);
  }

  /**
   * For imports that may stop: the first time it stops the calling thread for `why` and returns false; when the thread
   * goes on it returns true.
   */
  suspend(why: Stop): boolean {
    if (this.asyncify.asyncify_get_state() === REWINDING) {
      this.asyncify.asyncify_stop_rewind();
      return true;
    }
    const call = this.current.calls.at(-1);
    if (call === undefined) throw new Error("no call under way");
    this.stop = why;
    this.view.setUint32(call.buffer, call.buffer + 8, true);
    this.view.setUint32(call.buffer + 4, call.buffer + BUFFER_SIZE, true);
    this.asyncify.asyncify_start_unwind(call.buffer);
    return false;
  }

  /** True while an import is called again because its thread goes on. */
  get resuming(): boolean {
    return this.asyncify.asyncify_get_state() === REWINDING;
  }

  /** Exit status of the app whose thread goes on. */
  get exitStatus(): number {
    return this.current.exitStatus;
  }

  /** What the export returned that the thread's import has called. */
  get callResult(): number {
    return this.current.callResult;
  }

  /** Runs threads until one waits in Xen ("wait") or the domain is over ("end"). */
  run(): "wait" | "end" {
    for (;;) {
      const call = this.current.calls.at(-1);
      if (call === undefined) throw new Error("a thread returned");
      if (call.stopped) {
        call.stopped = false;
        this.asyncify.asyncify_start_rewind(call.buffer);
      }
      this.stop = undefined;
      const result = call.entry();
      if (this.asyncify.asyncify_get_state() !== UNWINDING) {
        this.current.calls.pop();
        this.freeBuffers.push(call.buffer);
        call.returned(result ?? 0);
        continue;
      }
      this.asyncify.asyncify_stop_unwind();
      call.stopped = true;
      const stop = this.stop as Stop | undefined;
      if (stop === undefined) throw new Error("stopped for no reason");
      if (stop.kind === "wait" || stop.kind === "end") return stop.kind;
      if (stop.kind === "call") this.callBack(stop.name, stop.args);
      else if (stop.kind === "switch") this.switchTo(stop.saveAt, stop.target);
      else this.startApp(stop.start());
    }
  }

  /** The import calls an export of the kernel, whose result it returns when its thread goes on. */
  private callBack(name: string, args: readonly (number | bigint)[]): void {
    const thread = this.current;
    this.push(name, args, (result) => (thread.callResult = Number(result)));
  }

  private switchTo(saveAt: number, target: number): void {
    this.view.setBigUint64(saveAt, BigInt(this.current.token), true);
    if (target >= FIRST_TOKEN) {
      const thread = this.threads.get(target);
      if (thread === undefined) throw new Error("switch to a thread that does not exist");
      this.current = thread;
      return;
    }
    this.current = this.newThread();
    this.push("threadMain", [], () => undefined);
  }

  private startApp(app: App): void {
    this.current.apps.push(app);
    this.advance(undefined);
  }

  /** The app goes on with the result of its last system call (undefined: it begins). */
  private advance(result: number | bigint | undefined): void {
    const thread = this.current;
    const app = thread.apps.at(-1);
    if (app === undefined) throw new Error("no app");
    const step = result === undefined ? app.next(0) : app.next(result);
    if (step.done === true && thread.apps.length > 1) {
      thread.apps.pop();
      thread.handled.pop()?.();
      return;
    }
    if (step.done === true) {
      thread.exitStatus = step.value;
      return; // boot.appStart or appThreadStart returns it
    }
    const { name, args } = step.value;
    this.systemCall(name, args);
  }

  private systemCall(name: string, args: readonly (number | bigint)[]): void {
    const again = RESTARTED.test(name) ? (): void => this.systemCall(name, args) : undefined;
    noteCall(name);
    this.push(name, args, (value) => {
      noteResult(name, value);
      this.systemCallDone(value, value === INTERRUPTED ? again : undefined);
    });
  }

  /**
   * The way back to the app: the kernel does what is pending, if anything is (boot/app.h, leaveKernel).
   *
   * @param again makes the call once more, which may be if all handlers that run let it
   */
  private systemCallDone(value: number | bigint, again: (() => void) | undefined): void {
    if (this.threadsEnd) return this.push("execThreadEnds", [], () => this.leave(value, again));
    this.leave(value, again);
  }

  private leave(value: number | bigint, again: (() => void) | undefined): void {
    const goOn = (): void =>
      this.signalsDue ? this.runHandlers([0, 0], () => this.advance(value), again) : this.advance(value);
    if (this.handlers.unmask() || this.workDue) return this.push("leaveKernel", [], goOn);
    this.quickReturns += 1;
    goOn();
  }

  /** What the end of a system call does in an app that catches signals (tools/image/glue.ts). */
  private runHandlers(
    ended: readonly [signal: number, mask: number],
    goOn: () => void,
    again: (() => void) | undefined,
  ): void {
    this.push("signalTake", ended, (taken) => {
      const next = BigInt.asUintN(64, BigInt(taken));
      if (next === 0n) return ended[0] === 0 || again === undefined ? goOn() : again();
      const what = Number(next >> 32n);
      const mask = this.handlerMask;
      const restarts = (what & RESTARTS) === 0 ? undefined : again;
      this.current.handled.push(() => this.runHandlers([what & SIGNAL, mask], goOn, restarts));
      this.startApp(this.handlers.handler(Number(next & 0xffff_ffffn), what & HANDLER));
    });
  }
}
