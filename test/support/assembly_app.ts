// An app in AssemblyScript on the fake Xen, compiled as the image tool does it; threads, handlers of signals and those of atexit as in an image.
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { App, SystemCall } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { compileAssembly } from "../../tools/image/assembly.ts";
import { StageCache } from "../../tools/image/cache.ts";
import { appCompilation } from "../../tools/image/compilations.ts";
import { Compiler } from "../../tools/image/compiler.ts";
import { CACHE, suspendableModule, SuspendedApp, type Value } from "./suspended_app.ts";

const MODULE = "posix";
const MAIN_THREAD = 1;
/** Calls whose result has 64 bits. */
const LONG_RESULTS = ["lseek"];
const NO_RESULT = ["exit", "exit_group", "thread_exit"];
/** Calls that are the kernel's programs_… in an app which changes its environment (tools/image/system_calls.ts). */
const OTHERS = ["arguments_size", "arguments_get", "environment_size", "environment_get"];

interface Exports {
  readonly __stack_pointer: WebAssembly.Global;
  readonly _start: () => number;
  readonly _thread_start: (entry: number, argument: number) => void;
  readonly _exit_handler: (word: number) => void;
  readonly _signal_handler: (word: number, signal: number) => void;
}

type Stack = ReturnType<SuspendedApp<Exports>["newStack"]>;

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
  return suspendableModule(await readFile(join(made, "module.wasm")), MODULE);
}

/** The app, for a domain: `host.create({ app: (domain) => runAssembly(module, domain) })`. */
export function runAssembly(module: WebAssembly.Module, domain: Domain): App {
  return new AssemblyApp(module, domain).main();
}

class AssemblyApp {
  private readonly app: SuspendedApp<Exports>;
  private readonly imports: readonly string[];
  /** By thread. */
  private readonly stacks = new Map<number, Stack>();
  private readonly ids = new Map<Stack, () => number>();
  private readonly threadIds = new Map<number, number>();

  constructor(
    module: WebAssembly.Module,
    private readonly domain: Domain,
  ) {
    this.imports = WebAssembly.Module.imports(module).map(({ name }) => name);
    const answers = {
      thread_self: (): number => this.callerId(),
      thread_shadow_stack: (id: Value = 0): number => this.stacks.get(Number(id))?.pointer ?? -1,
    };
    this.app = new SuspendedApp<Exports>(module, MODULE, domain, answers, LONG_RESULTS);
  }

  *main(): App {
    const { _start: start, __stack_pointer: top } = this.app.exports;
    const status = yield* this.run(start, top.value as number, () => MAIN_THREAD);
    yield* this.exitHandlers(top.value as number);
    return status;
  }

  private callerId(): number {
    const { current } = this.app;
    return (current && this.ids.get(current)?.()) ?? MAIN_THREAD;
  }

  private *run(entry: () => number | undefined, pointer: number, id: () => number): App {
    const stack = this.app.newStack(pointer);
    const below = this.stacks.get(id());
    this.stacks.set(id(), stack);
    this.ids.set(stack, id);
    const status = yield* this.app.run(stack, entry, (call) => this.systemCall(call));
    this.ids.delete(stack);
    if (below !== undefined) this.stacks.set(id(), below);
    return status;
  }

  private *systemCall({ name, args }: SystemCall): Generator<SystemCall, Value, Value> {
    if (name === "thread_create") this.prepareThread(args.map(Number));
    if (name === "sigaction") this.prepareHandler(Number(args[1]));
    if (name === "exit") yield* this.exitHandlers(this.app.current?.pointer ?? 0);
    const others = OTHERS.includes(name) && this.imports.includes("environment_set");
    const result = yield { name: `${others ? "programs" : "posix"}_${name}`, args };
    if (name === "thread_create") this.threadIds.set(Number(args[1]), Number(result));
    return NO_RESULT.includes(name) ? 0 : result;
  }

  // What atexit was told, the last first.
  private *exitHandlers(pointer: number): Generator<SystemCall, void, Value> {
    while (this.imports.includes("atexit")) {
      const word = Number(yield { name: "exitHandlerTake", args: [0] });
      if (word === 0) return;
      yield* this.run(
        () => void this.app.exports._exit_handler(word),
        pointer,
        () => MAIN_THREAD,
      );
    }
  }

  private prepareThread([entry = 0]: readonly number[]): void {
    this.domain.threadEntries.set(entry, (argument) => {
      const id = (): number => this.threadIds.get(argument) ?? -1;
      const start = (): undefined => void this.app.exports._thread_start(entry, argument);
      // The record of a thread, which it gets as its argument, is where its shadow stack begins.
      return this.run(start, argument, id);
    });
  }

  private prepareHandler(action: number): void {
    if (action === 0) return;
    const word = new DataView(this.app.exports.memory.buffer).getUint32(action, true);
    this.domain.signalHandlers.set(word, (signal) => {
      const start = (): undefined => void this.app.exports._signal_handler(word, signal);
      return this.run(start, this.stacks.get(MAIN_THREAD)?.pointer ?? 0, () => MAIN_THREAD);
    });
  }
}
