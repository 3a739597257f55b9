// An app in AssemblyScript, compiled as the image tool does it, on the fake Xen: for Domain it is a generator of system calls like the apps in
// JavaScript. At each call its stack is unwound (binaryen's Asyncify) and its memory put to where the kernel sees the app's; before
// it goes on, the memory is taken back. Threads of the app have a stack each, as they have in an image.
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import { APP_BASE, type Domain } from "../../tools/fake-xen/domain.ts";
import { compileAssembly } from "../../tools/image/assembly.ts";
import { StageCache } from "../../tools/image/cache.ts";
import { appCompilation } from "../../tools/image/compilations.ts";
import { Compiler } from "../../tools/image/compiler.ts";

const CACHE = resolve(import.meta.dirname, "../../build/cache/fake-xen");
const WASM_PAGE = 65536;
/** Pages that the kernel gives an app at its start. */
const KERNEL_PAGES = 2;
const MAIN_THREAD = 1;
const [NORMAL, UNWINDING] = [0, 1];
/** Calls whose result has 64 bits. */
const LONG_RESULTS = ["lseek"];
const NO_RESULT = ["exit", "exit_group", "thread_exit"];
/** Calls that are the kernel's programs_… in an app which changes its environment (tools/image/system_calls.ts). */
const OTHERS = ["arguments_size", "arguments_get", "environment_size", "environment_get"];

type Value = number | bigint;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __stack_pointer: WebAssembly.Global;
  readonly _start: () => number;
  readonly _thread_start: (entry: number, argument: number) => void;
  readonly _exit_handler: (word: number) => void;
  readonly _signal_handler: (word: number, signal: number) => void;
  readonly asyncify_start_unwind: (buffer: number) => void;
  readonly asyncify_stop_unwind: () => void;
  readonly asyncify_start_rewind: (buffer: number) => void;
  readonly asyncify_stop_rewind: () => void;
  readonly asyncify_get_state: () => number;
}

/** A thread of the app, or a handler that runs on one. */
interface Stack {
  readonly id: () => number;
  readonly buffer: number;
  pointer: number;
  result: Value;
}

/** The module of the app in `folder` (absolute, or from the repository), by its source with `main`. */
export async function assemblyApp(folder: string, source = "index.ts"): Promise<WebAssembly.Module> {
  const compilation = appCompilation(resolve(import.meta.dirname, "../..", folder), source);
  const cache = new StageCache(CACHE);
  const made = await cache.discoveringStage("app", [JSON.stringify(compilation)], async (work) => {
    const compiler = new Compiler();
    try {
      const { wasm, inputs } = await compileAssembly(compiler, compilation);
      await writeFile(join(work, "module.wasm"), wasm);
      return inputs;
    } finally {
      await compiler.close();
    }
  });
  const binary = await readFile(join(made, "module.wasm"));
  return WebAssembly.compile(new Uint8Array(await suspendable(binary)));
}

async function suspendable(binary: Uint8Array): Promise<Uint8Array> {
  const file = join(CACHE, `app-${createHash("sha256").update(binary).digest("hex").slice(0, 24)}.wasm`);
  try {
    return await readFile(file);
  } catch {
    const { makeAppSuspendable } = await import("../../tools/fake-xen/suspendable.ts");
    const made = makeAppSuspendable(binary);
    await mkdir(CACHE, { recursive: true });
    await writeFile(`${file}.${process.pid}`, made);
    await rename(`${file}.${process.pid}`, file);
    return made;
  }
}

/** The app, for a domain: `host.create({ app: (domain) => runAssembly(module, domain) })`. */
export function runAssembly(module: WebAssembly.Module, domain: Domain): App {
  return new AssemblyApp(module, domain).main();
}

class AssemblyApp {
  private readonly exports: Exports;
  private readonly imports: readonly string[];
  private readonly stacks = new Map<number, Stack>();
  private readonly threadIds = new Map<number, number>();
  private running: Stack | undefined;
  private wanted: { readonly name: string; readonly args: readonly Value[] } | undefined;
  private knownPages = KERNEL_PAGES;

  constructor(
    module: WebAssembly.Module,
    private readonly domain: Domain,
  ) {
    const posix: Record<string, (...args: readonly Value[]) => Value> = {};
    this.imports = WebAssembly.Module.imports(module).map(({ name }) => name);
    for (const name of this.imports) posix[name] = (...args) => this.call(name, args);
    posix["thread_self"] = () => this.running?.id() ?? MAIN_THREAD;
    posix["thread_shadow_stack"] = (id) => this.stacks.get(Number(id))?.pointer ?? -1;
    this.exports = new WebAssembly.Instance(module, { posix }).exports as unknown as Exports;
  }

  *main(): App {
    const { _start: start, __stack_pointer: top } = this.exports;
    const status = yield* this.run(start, top.value as number, () => MAIN_THREAD);
    yield* this.exitHandlers(top.value as number);
    return status;
  }

  // The import: the first time it stops its stack; when that goes on, it returns the result.
  private call(name: string, args: readonly Value[]): Value {
    const stack = this.running;
    if (stack === undefined) throw new Error(`${name} is called by nobody`);
    if (this.exports.asyncify_get_state() !== NORMAL) {
      this.exports.asyncify_stop_rewind();
      return stack.result;
    }
    this.wanted = { name, args };
    const view = new DataView(this.exports.memory.buffer);
    view.setUint32(stack.buffer, stack.buffer + 8, true);
    view.setUint32(stack.buffer + 4, stack.buffer + WASM_PAGE, true);
    this.exports.asyncify_start_unwind(stack.buffer);
    return LONG_RESULTS.includes(name) ? 0n : 0;
  }

  // A page beyond the heap, which grows around it.
  private newStack(pointer: number, id: () => number): Stack {
    return { id, pointer, buffer: this.exports.memory.grow(1) * WASM_PAGE, result: 0 };
  }

  private *run(entry: () => number | undefined, pointer: number, id: () => number): App {
    this.takeMemory();
    const stack = this.newStack(pointer, id);
    const below = this.stacks.get(id());
    this.stacks.set(id(), stack);
    for (let goesOn = false; ; goesOn = true) {
      this.running = stack;
      this.exports.__stack_pointer.value = stack.pointer;
      if (goesOn) this.exports.asyncify_start_rewind(stack.buffer);
      const status = entry();
      if (this.exports.asyncify_get_state() !== UNWINDING) {
        this.giveMemory();
        if (below !== undefined) this.stacks.set(id(), below);
        return status ?? 0;
      }
      this.exports.asyncify_stop_unwind();
      stack.pointer = this.exports.__stack_pointer.value as number;
      stack.result = yield* this.systemCall();
      this.takeMemory();
    }
  }

  private *systemCall(): Generator<{ name: string; args: readonly Value[] }, Value, Value> {
    if (this.wanted === undefined) throw new Error("stopped for no reason");
    const { name, args } = this.wanted;
    const pages = this.exports.memory.buffer.byteLength / WASM_PAGE;
    if (pages > this.knownPages) yield { name: "app_memory_grow", args: [pages - this.knownPages] };
    this.knownPages = Math.max(pages, this.knownPages);
    this.giveMemory();
    if (name === "thread_create") this.prepareThread(args.map(Number));
    if (name === "sigaction") this.prepareHandler(Number(args[1]));
    if (name === "exit") yield* this.exitHandlers(this.running?.pointer ?? 0);
    const others = OTHERS.includes(name) && this.imports.includes("environment_set");
    const result = yield { name: `${others ? "programs" : "posix"}_${name}`, args };
    if (name === "thread_create") this.threadIds.set(Number(args[1]), Number(result));
    return NO_RESULT.includes(name) ? 0 : result;
  }

  // What atexit was told, the last first.
  private *exitHandlers(pointer: number): Generator<{ name: string; args: readonly Value[] }, void, Value> {
    while (this.imports.includes("atexit")) {
      const word = Number(yield { name: "exitHandlerTake", args: [0] });
      if (word === 0) return;
      yield* this.run(
        () => void this.exports._exit_handler(word),
        pointer,
        () => MAIN_THREAD,
      );
    }
  }

  private prepareThread([entry = 0]: readonly number[]): void {
    this.domain.threadEntries.set(entry, (argument) => {
      const id = (): number => this.threadIds.get(argument) ?? -1;
      const start = (): undefined => void this.exports._thread_start(entry, argument);
      // The record of a thread, which it gets as its argument, is where its shadow stack begins.
      return this.run(start, argument, id);
    });
  }

  private prepareHandler(action: number): void {
    if (action === 0) return;
    const word = new DataView(this.exports.memory.buffer).getUint32(action, true);
    this.domain.signalHandlers.set(word, (signal) => {
      const start = (): undefined => void this.exports._signal_handler(word, signal);
      return this.run(start, this.stacks.get(MAIN_THREAD)?.pointer ?? 0, () => MAIN_THREAD);
    });
  }

  private giveMemory(): void {
    this.domain.memory.bytes.set(new Uint8Array(this.exports.memory.buffer), APP_BASE);
  }

  private takeMemory(): void {
    if (this.stacks.size === 0) return;
    const bytes = new Uint8Array(this.exports.memory.buffer);
    bytes.set(this.domain.memory.bytes.subarray(APP_BASE, APP_BASE + bytes.length));
  }
}
