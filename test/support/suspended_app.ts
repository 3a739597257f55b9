// A compiled app on the fake Xen. For Domain it is a generator of system calls like the apps in JavaScript: at each call its stack is unwound
// (binaryen's Asyncify) and its memory put to where the kernel sees the app's; before it goes on, the memory is taken back. Each thread of the app
// has a stack of its own, as in an image.
// An unwound stack lies at the lower end of the app's memory only while Asyncify writes or reads it: what is there otherwise is kept meanwhile. So a
// program needs to leave no room for it, and sees the memory that it would see in an image.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { App, SystemCall } from "../../tools/fake-xen/coroutines.ts";
import { APP_BASE, type Domain } from "../../tools/fake-xen/domain.ts";

/** Where what is made for the fake Xen is kept. */
export const CACHE = resolve(import.meta.dirname, "../../build/cache/fake-xen");
const WASM_PAGE = 65536;
/** Pages that the kernel gives an app at its start. */
const KERNEL_PAGES = 2;
const FRAMES = 16;
const FRAMES_START = FRAMES + 8;
const [NORMAL, UNWINDING] = [0, 1];

export type Value = number | bigint;

/** Makes a system call; what it returned. */
export type Perform = (call: SystemCall) => Generator<SystemCall, Value, Value>;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __stack_pointer?: WebAssembly.Global;
  readonly asyncify_start_unwind: (buffer: number) => void;
  readonly asyncify_stop_unwind: () => void;
  readonly asyncify_start_rewind: (buffer: number) => void;
  readonly asyncify_stop_rewind: () => void;
  readonly asyncify_get_state: () => number;
}

/** A thread of the app, or a handler that runs on one. */
interface Stack {
  /** The exported stack pointer, where there is one. */
  pointer: number;
  frames: Uint8Array;
  result: Value;
}

/** The module, able to stop in what it imports from `imported`; made once. */
export async function suspendableModule(binary: Uint8Array, imported: string): Promise<WebAssembly.Module> {
  const key = createHash("sha256").update(imported).update(binary).digest("hex").slice(0, 24);
  const file = join(CACHE, `app-${key}.wasm`);
  const made = await readFile(file).catch(async () => {
    // It loads binaryen, which takes seconds of processor time.
    const { makeAppSuspendable } = await import("../../tools/fake-xen/suspendable.ts");
    const module = makeAppSuspendable(binary, imported);
    await mkdir(CACHE, { recursive: true });
    await writeFile(`${file}.${process.pid}`, module);
    await rename(`${file}.${process.pid}`, file);
    return module;
  });
  return WebAssembly.compile(new Uint8Array(made));
}

export class SuspendedApp<Own extends object> {
  readonly exports: Exports & Own;
  private running: Stack | undefined;
  private wanted: SystemCall | undefined;
  private knownPages = KERNEL_PAGES;
  private kept = new Uint8Array();
  private hasRun = false;

  /**
   * @param imported the module whose functions are system calls
   * @param answers those that are answered here
   * @param longResults those whose result has 64 bits
   */
  constructor(
    module: WebAssembly.Module,
    imported: string,
    private readonly domain: Domain,
    answers: Readonly<Record<string, (...args: readonly Value[]) => Value>> = {},
    private readonly longResults: readonly string[] = [],
  ) {
    const functions: Record<string, (...args: readonly Value[]) => Value> = {};
    for (const { name } of WebAssembly.Module.imports(module)) functions[name] = (...args) => this.call(name, args);
    const instance = new WebAssembly.Instance(module, { [imported]: { ...functions, ...answers } });
    this.exports = instance.exports as unknown as Exports & Own;
    // Without a page there is no room for a stack.
    if (this.exports.memory.buffer.byteLength === 0) this.exports.memory.grow(1);
  }

  /** A stack whose exported stack pointer begins at `pointer`. */
  newStack(pointer = 0): Stack {
    return { pointer, frames: new Uint8Array(), result: 0 };
  }

  /** The stack that has called. */
  get current(): Stack | undefined {
    return this.running;
  }

  /** Runs `entry` on `stack` to its end: what it returned. */
  *run(stack: Stack, entry: () => number | undefined, perform: Perform): App {
    this.takeMemory();
    this.hasRun = true;
    const { exports } = this;
    for (;;) {
      this.running = stack;
      if (exports.__stack_pointer !== undefined) exports.__stack_pointer.value = stack.pointer;
      const status = entry();
      if (exports.asyncify_get_state() !== UNWINDING) {
        this.giveMemory();
        return status ?? 0;
      }
      exports.asyncify_stop_unwind();
      stack.pointer = Number(exports.__stack_pointer?.value ?? 0);
      stack.frames = this.takeFrames();
      stack.result = yield* this.systemCall(perform);
      this.takeMemory();
      this.putFrames(stack.frames);
      exports.asyncify_start_rewind(FRAMES);
    }
  }

  /** The import: the first time it stops its stack; when that goes on, it returns the result. */
  private call(name: string, args: readonly Value[]): Value {
    const { running, exports } = this;
    if (running === undefined) throw new Error(`${name} is called by nobody`);
    if (exports.asyncify_get_state() !== NORMAL) {
      exports.asyncify_stop_rewind();
      this.bytes().set(this.kept, FRAMES);
      return running.result;
    }
    this.wanted = { name, args };
    this.putFrames(new Uint8Array(WASM_PAGE - FRAMES_START));
    new DataView(exports.memory.buffer).setUint32(FRAMES, FRAMES_START, true);
    exports.asyncify_start_unwind(FRAMES);
    return this.longResults.includes(name) ? 0n : 0;
  }

  private *systemCall(perform: Perform): Generator<SystemCall, Value, Value> {
    if (this.wanted === undefined) throw new Error("stopped for no reason");
    const wanted = this.wanted;
    const pages = this.exports.memory.buffer.byteLength / WASM_PAGE;
    if (pages > this.knownPages) {
      const before = Number(yield { name: "app_memory_grow", args: [pages - this.knownPages] });
      if (before !== this.knownPages) throw new Error(`the kernel has no ${pages} pages for the app`);
      this.knownPages = pages;
    }
    this.giveMemory();
    return yield* perform(wanted);
  }

  private bytes(): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer);
  }

  /** Puts an unwound stack into the app's memory, and keeps what was there. */
  private putFrames(frames: Uint8Array): void {
    const end = FRAMES_START + frames.length;
    this.kept = this.bytes().slice(FRAMES, end);
    this.bytes().set(frames, FRAMES_START);
    const view = new DataView(this.exports.memory.buffer);
    view.setUint32(FRAMES, end, true);
    view.setUint32(FRAMES + 4, WASM_PAGE, true);
  }

  /** Takes the stack that has been unwound out of the app's memory. */
  private takeFrames(): Uint8Array {
    const frames = this.bytes().slice(FRAMES_START, new DataView(this.exports.memory.buffer).getUint32(FRAMES, true));
    this.bytes().set(this.kept, FRAMES);
    return frames;
  }

  private giveMemory(): void {
    this.domain.memory.bytes.set(this.bytes(), APP_BASE);
  }

  private takeMemory(): void {
    if (!this.hasRun) return;
    const bytes = this.bytes();
    bytes.set(this.domain.memory.bytes.subarray(APP_BASE, APP_BASE + bytes.length));
  }
}
