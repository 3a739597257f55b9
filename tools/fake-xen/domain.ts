// One PV domain under Node: the real kernel.wasm, its memory, and Xen as it sees it.
import { build, layOut, writeStartInfo, type Layout, type Ports } from "./builder.ts";
import { ConsoleRing } from "./console_ring.ts";
import { Coroutines, type App } from "./coroutines.ts";
import { EventChannels } from "./event_channels.ts";
import { GrantTable } from "./grant_table.ts";
import { GuestMemory, PAGE_SIZE } from "./guest_memory.ts";
import { dispatch } from "./hypercalls.ts";
import type { Runnable, World } from "./world.ts";

const WASM_PAGE = 65536;
/** Where the app's memory is, and how much of it exists here. */
export const APP_BASE = 0x4000_0000;
const APP_SIZE = 128 << 20;
const APP_INITIAL_PAGES = 2;
/** Where the image's name is. */
const NAME_ADDRESS = 0x2fff_0000;
/** Stopped stacks are kept above all frames of the domain. */
const STACKS = 0x3000_0000;

const VIRQ_TIMER = 0;

// vcpu_info of vCPU 0, at the start of shared_info.
const UPCALL_PENDING = 0;
const UPCALL_MASK = 1;

export interface DomainSettings {
  readonly module: WebAssembly.Module;
  readonly id: number;
  readonly memory: number; // MiB
  readonly commandLine: string;
  readonly app: (domain: Domain) => App;
  /** Programs that execve may begin, by their numbers; without any there is only `app`. */
  readonly programs?: readonly ((domain: Domain) => App)[];
  readonly files?: Uint8Array;
  readonly seed: number;
  /** Where the app's memory begins; a page behind 0 if absent. */
  readonly appLowest?: number;
}

/** How a domain ended (sched.h, SHUTDOWN_*). */
export const SHUTDOWN_REASONS = ["poweroff", "reboot", "suspend", "crash"] as const;
export type ShutdownReason = (typeof SHUTDOWN_REASONS)[number];

export class Domain implements Runnable {
  readonly id: number;
  readonly memory: GuestMemory;
  readonly events: EventChannels;
  readonly grants: GrantTable;
  readonly console: ConsoleRing;
  readonly layout: Layout;
  ports: Ports;
  /** Set when the domain has shut down; "suspend" until resume() or restore(). */
  shutdown: ShutdownReason | undefined;
  /** The app's handlers of signals, by what it told posix_signal. */
  readonly signalHandlers = new Map<number, (signal: number) => App>();
  /** What the app's threads run, by the entry that posix_thread_create was told; gets its argument. */
  readonly threadEntries = new Map<number, (argument: number) => App>();
  /** What the hypercall in which the domain stopped returns when it goes on. */
  private hypercallResult = 0n;
  private readonly coroutines: Coroutines;
  private app: (domain: Domain) => App;
  private readonly programs: readonly ((domain: Domain) => App)[];
  private sharedInfoMfn: number;
  private waiting: { readonly ports: readonly number[] } | undefined;
  private waitNumber = 0;
  private timerNumber = 0;
  private randomState: bigint;
  private readonly appLowest: number;

  constructor(
    readonly world: World,
    settings: DomainSettings,
  ) {
    this.id = settings.id;
    this.app = settings.app;
    this.programs = settings.programs ?? [];
    this.appLowest = settings.appLowest ?? PAGE_SIZE;
    this.randomState = BigInt(settings.seed) * 0x9e3779b97f4a7c15n + BigInt(settings.id);
    const instance = new WebAssembly.Instance(settings.module, this.imports(settings.module));
    const exports = instance.exports as unknown as Record<string, (...args: readonly (number | bigint)[]) => number>;
    const wasm = instance.exports["memory"] as WebAssembly.Memory;
    const staticEnd = exports["staticDataEnd"]?.() ?? 0;
    if (staticEnd === 0) throw new Error("the kernel does not export staticDataEnd");
    wasm.grow((APP_BASE + APP_SIZE) / WASM_PAGE - wasm.buffer.byteLength / WASM_PAGE);
    this.memory = new GuestMemory(wasm.buffer, (settings.memory << 20) / PAGE_SIZE);
    this.memory.bytes.set(Buffer.from("image\0"), NAME_ADDRESS);
    this.grants = new GrantTable(this.memory);
    this.sharedInfoMfn = this.memory.newXenFrame();
    this.events = new EventChannels(
      () => this.memory.xenFrame(this.sharedInfoMfn),
      (port) => this.wake(port),
    );
    this.coroutines = new Coroutines(exports, this.memory.view, STACKS, {
      handler: (word, signal) => {
        const handler = this.signalHandlers.get(word);
        if (handler === undefined) throw new Error(`signal ${signal}: no handler ${word}`);
        return handler(signal);
      },
      unmask: () => this.unmaskEvents(),
    });
    const files = settings.files ?? new Uint8Array();
    this.layout = layOut(staticEnd, files.length, this.memory.pages);
    this.ports = { store: this.events.allocateUnbound(), console: this.events.allocateUnbound() };
    build(this.memory, this.layout, this.sharedInfoMfn, this.ports, settings.commandLine, files);
    this.writeTime();
    this.console = new ConsoleRing(this.memory, this.layout.console, () => this.events.raise(this.ports.console));
    this.events.bind(this.ports.console, () => this.console.drain());
    this.coroutines.start("kernelMain", [this.layout.startInfo]);
    world.add(this);
  }

  // ---- running ----

  get runnable(): boolean {
    return this.waiting === undefined && this.shutdown === undefined;
  }

  run(): void {
    this.coroutines.run();
  }

  /** How many system calls have ended without another call of the kernel. */
  get quickReturns(): number {
    return this.coroutines.quickReturns;
  }

  private wake(port: number): void {
    if (this.waiting?.ports.includes(port) === true) this.waiting = undefined;
  }

  /** SCHEDOP_poll: sleeps until one of the ports is pending or until `timeout` (0: for ever). */
  poll(ports: readonly number[], timeout: number): bigint {
    if (ports.some((port) => this.events.isPending(port))) return 0n;
    const number = ++this.waitNumber;
    this.waiting = { ports };
    if (timeout !== 0) {
      this.world.at(timeout, () => {
        if (this.waitNumber === number) this.waiting = undefined;
      });
    }
    this.hypercallResult = 0n;
    this.coroutines.suspend({ kind: "wait" });
    return 0n;
  }

  setTimer(deadline: number): void {
    const number = ++this.timerNumber;
    if (deadline === 0) return;
    this.world.at(deadline, () => {
      if (this.timerNumber === number) this.events.raiseVirq(VIRQ_TIMER);
    });
  }

  /** SCHEDOP_shutdown. */
  stop(reason: ShutdownReason): bigint {
    this.shutdown = reason;
    this.coroutines.suspend({ kind: reason === "suspend" ? "wait" : "end" });
    return 0n;
  }

  /** After "suspend": the domain goes on as if nothing had been (xl save -c). */
  resume(): void {
    this.hypercallResult = 1n;
    this.shutdown = undefined;
  }

  /** In place of a fork: makes this domain, memory as it is, the child; 0. The parent's side when it is undefined. */
  becomeChild: (() => 0) | undefined;

  /** After "suspend": the domain goes on as a restored copy, with other frames, ports and grants. */
  restore(): void {
    this.hypercallResult = 0n;
    this.memory.renumber();
    this.grants.reset();
    this.events.reset();
    this.sharedInfoMfn = this.memory.newXenFrame();
    this.ports = { store: this.events.allocateUnbound(), console: this.events.allocateUnbound() };
    this.events.bind(this.ports.console, () => this.console.drain());
    writeStartInfo(this.memory, this.layout, this.sharedInfoMfn, this.ports);
    this.writeTime();
    this.timerNumber += 1;
    this.shutdown = undefined;
  }

  /** vcpu_time_info such that a tick is a nanosecond, and the wall clock at 2026-01-01. */
  private writeTime(): void {
    const page = this.memory.xenFrame(this.sharedInfoMfn);
    page.setUint32(32 + 24, 0x8000_0000, true);
    page.setInt8(32 + 28, 1);
    page.setUint32(3076, 1_767_225_600, true);
    page.setUint8(UPCALL_MASK, 1); // events begin masked
  }

  // ---- imports ----

  private imports(module: WebAssembly.Module): WebAssembly.Imports {
    const imports: Record<string, WebAssembly.ModuleImports> = { boot: this.bootImports() };
    // The apps here may make every call, so they have whatever belongs to one (kernel/optional/with_*.ts).
    for (const imported of WebAssembly.Module.imports(module)) {
      if (!imported.module.startsWith("with_")) continue;
      const hooks = (imports[imported.module] ??= {});
      hooks[imported.name] = (...args: readonly (number | bigint)[]) => this.callExport(imported.name, args);
    }
    return imports;
  }

  private startApp(start: () => App): boolean {
    return this.coroutines.suspend({ kind: "app", start });
  }

  private thread(entry: number, argument: number): App {
    const thread = this.threadEntries.get(entry);
    if (thread === undefined) throw new Error(`no thread has the entry ${entry}`);
    return thread(argument);
  }

  private callExport(name: string, args: readonly (number | bigint)[]): number {
    return this.coroutines.suspend({ kind: "call", name, args }) ? this.coroutines.callResult : 0;
  }

  /** Whether an event is pending, for which no upcall will come. */
  private unmaskEvents(): boolean {
    this.memory.bytes[this.layout.sharedInfo + UPCALL_MASK] = 0;
    return this.memory.bytes[this.layout.sharedInfo + UPCALL_PENDING] !== 0;
  }

  private random(): bigint {
    this.randomState = BigInt.asUintN(64, this.randomState * 6364136223846793005n + 1442695040888963407n);
    return this.randomState ^ (this.randomState >> 29n);
  }

  private bootImports(): WebAssembly.ModuleImports {
    const place = (name: keyof Layout) => () => this.layout[name];
    return {
      hypercall: (number: number, ...args: readonly bigint[]) => {
        // A hypercall that goes on is called once more; its arguments are not there any more.
        if (!this.coroutines.resuming) return dispatch(this, number, args);
        this.coroutines.suspend({ kind: "wait" });
        return this.hypercallResult;
      },
      contextSwitch: (saveAt: number, target: number) => {
        this.coroutines.suspend({ kind: "switch", saveAt: saveAt >>> 0, target: target >>> 0 });
      },
      threadStart: () => 0n,
      // No copies are made here: what returns is the parent, or in its place the child.
      forkContext: () => (this.becomeChild === undefined ? this.callExport("forkRequest", []) : this.becomeChild()),
      forkChild: () => 0n,
      faultEntry: () => 0n,
      eventCallback: () => 0n,
      failsafeCallback: () => 0n,
      rdtsc: () => BigInt((this.world.now += 20)),
      rdrand: () => this.random(),
      barrier: () => undefined,
      eventsMask: () => void (this.memory.bytes[this.layout.sharedInfo + UPCALL_MASK] = 1),
      eventsUnmask: () => Number(this.unmaskEvents()),
      machineToPhys: (mfn: bigint) => BigInt(this.memory.pfn(Number(mfn))),
      appInitialPages: () => APP_INITIAL_PAGES,
      appLowest: () => this.appLowest,
      appMaximumPages: () => APP_SIZE / WASM_PAGE,
      appDataCopy: () => undefined,
      appStart: () => (this.startApp(() => this.app(this)) ? this.coroutines.exitStatus : 0),
      appThreadStart: (entry: number, argument: number) => {
        // As in boot/app.h: one that has not begun does not begin any more.
        if (this.coroutines.threadsEnd && !this.coroutines.resuming) return;
        this.startApp(() => this.thread(entry, argument));
      },
      appName: () => NAME_ADDRESS,
      appPrograms: () => this.programs.length,
      appProgramPages: () => APP_INITIAL_PAGES,
      appProgramSelect: (number: number) => void (this.app = this.programs[number] ?? this.app),
      appThreadsEnd: (end: number) => void (this.coroutines.threadsEnd = end !== 0),
      appStackPointerGet: () => 0,
      appStackPointerSet: () => undefined,
      setStackLimit: () => undefined,
      workDue: (due: number) => void (this.coroutines.workDue = due !== 0),
      signalsDue: (due: number) => void (this.coroutines.signalsDue = due !== 0),
      handlerMask: (mask: number) => void (this.coroutines.handlerMask = mask),
      imageBase: () => 0,
      ...Object.fromEntries(
        (
          [
            ...["textStart", "textEnd", "rodataEnd", "sharedInfo", "bootStack", "trapStack"],
            ...["trapEntries", "symbols", "filesStart"],
          ] as (keyof Layout)[]
        ).map((name) => [name, place(name)]),
      ),
    };
  }
}
