// A process of a family: a TCP stack with a mailbox that can be forked as a domain is, by copying its memory and its variables.
import binaryen from "binaryen";
import { Mailbox, MAILBOX_PAGES } from "../../../tools/forkd/family/mailbox.ts";
import { compileAssemblyBinary } from "../../support/assembly.ts";
import { emptyHooks } from "../../support/hooks.ts";
import { Stack, type StackOptions } from "../tcp/stack.ts";

const HARNESS = "test/unit/handover/harness.ts";
const PAGE = 4096;
/** Hooks of with_fork that the harness implements, beside all of with_fork_network. */
const FAMILY_HOOKS = ["familyMessage", "familyRoom"];
/** Those of with_fork_network that it does not: the family's addresses and system calls are no concern of these tests. */
const ADDRESS_HOOKS = ["networkFollows", "networkAddressesChanged", "streamShutdownLater"];

let compiled: Promise<WebAssembly.Module> | undefined;

/** The harness, with its variables exported. */
async function compile(): Promise<WebAssembly.Module> {
  const module = binaryen.readBinary(await compileAssemblyBinary(HARNESS));
  const { MutableGlobals, BulkMemory, SignExt, NontrappingFPToInt, Atomics } = binaryen.Features;
  module.setFeatures(MutableGlobals | BulkMemory | SignExt | NontrappingFPToInt | Atomics);
  for (let index = 0; index < module.getNumGlobals(); index++) {
    const info = binaryen.getGlobalInfo(module.getGlobalByIndex(index));
    if (info.mutable) module.addGlobalExport(info.name, `global$${index}`);
  }
  return WebAssembly.compile(new Uint8Array(module.emitBinary()));
}

export class Process extends Stack {
  readonly #module: WebAssembly.Module;
  readonly #options: StackOptions;
  readonly #mailboxAt: number;
  mailbox: Mailbox;
  /** Pages of flows that it has told of: addresses. */
  flowPages: number[] = [];
  alive = true;

  private constructor(
    readonly pid: number,
    host: number,
    module: WebAssembly.Module,
    options: StackOptions,
    parent?: Process,
  ) {
    super(host, module, options, parent);
    this.#module = module;
    this.#options = options;
    this.#mailboxAt = parent === undefined ? this.call("mailboxStart") : parent.#mailboxAt;
    if (this.#mailboxAt === 0) throw new Error("no memory for the mailbox");
    this.mailbox = new Mailbox(this.bytes(this.#mailboxAt, MAILBOX_PAGES * PAGE));
  }

  protected override hooks(module: WebAssembly.Module): Record<string, WebAssembly.ModuleImports> {
    const hooks = emptyHooks(module);
    const bind = (group: string, name: string): void => {
      (hooks[group] ??= {})[name] = (...args: number[]) => this.call(name, ...args);
    };
    for (const name of FAMILY_HOOKS) bind("with_fork", name);
    bind("with_network", "socketClose");
    for (const name of Object.keys(hooks["with_fork_unix_rights"] ?? {})) bind("with_fork_unix_rights", name);
    for (const name of Object.keys(hooks["with_fork_network"] ?? {})) {
      if (!ADDRESS_HOOKS.includes(name)) bind("with_fork_network", name);
    }
    return hooks;
  }

  /** The first process, 10.0.0.`host`. */
  static async first(host: number, options: StackOptions = {}): Promise<Process> {
    compiled ??= compile();
    return new Process(1, host, await compiled, options);
  }

  /** fork(): the child. */
  fork(pid: number): Process {
    this.call("networkShares", false);
    const child = new Process(pid, this.host, this.#module, { ...this.#options, seed: pid * 1000 }, this);
    child.mailbox.empty();
    child.call("mailboxForked");
    child.call("networkForked");
    child.call("networkPorts", 32768 + 128 * pid, 128);
    this.call("networkShares", true);
    return child;
  }

  /** The event of forkd. */
  event(): void {
    this.call("mailboxTake");
  }
}
