// Programs in C for WASI on the real kernel (fake Xen): Debian's clang compiles them, and each function of WASI that they call is the kernel's. A
// program has a memory of its own here, which is copied to where the kernel looks before each call, and back behind it.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { App, SystemCall } from "../../../tools/fake-xen/coroutines.ts";
import { APP_BASE, type Domain } from "../../../tools/fake-xen/domain.ts";
import { Host, type Guest, type GuestSettings } from "../../../tools/fake-xen/host.ts";
import { makeAppSuspendable } from "../../../tools/fake-xen/suspendable.ts";
import { filesBlob } from "../../../tools/image/files.ts";
import { runHostTool } from "../../../tools/image/process.ts";
import { WASI_MODULE } from "../../../tools/image/wasi.ts";

const WASM_PAGE = 65536;
/** Where its stack is kept while it is stopped: below its data, which --global-base moves up. */
const STOPPED = 1024;
const GLOBAL_BASE = 32768;
const [UNWINDING, REWINDING] = [1, 2];

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly _start: () => void;
  readonly asyncify_start_unwind: (buffer: number) => void;
  readonly asyncify_stop_unwind: () => void;
  readonly asyncify_start_rewind: (buffer: number) => void;
  readonly asyncify_stop_rewind: () => void;
  readonly asyncify_get_state: () => number;
}

/** Compiles a program of this folder; `flags` for clang. */
export async function compileProgram(file: string, flags: readonly string[] = []): Promise<Uint8Array> {
  const folder = await mkdtemp(path.join(tmpdir(), "karyon-wasi-"));
  try {
    const output = path.join(folder, "program.wasm");
    const source = path.join(import.meta.dirname, file);
    await runHostTool("wasi-clang", ["-O1", "-Wall", "-Wextra", "-Werror", ...flags, "-o", output, source]);
    return new Uint8Array(await readFile(output));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The same, to be stopped in its calls. */
export async function suspendableProgram(file: string): Promise<WebAssembly.Module> {
  const binary = await compileProgram(file, [`-Wl,--global-base=${GLOBAL_BASE}`]);
  return WebAssembly.compile(new Uint8Array(makeAppSuspendable(binary, WASI_MODULE)));
}

/** The program as the app of a domain. */
export function* wasiApp(program: WebAssembly.Module, domain: Domain): App {
  let call: SystemCall | undefined;
  let result = 0;
  const functions: Record<string, (...args: readonly (number | bigint)[]) => number> = {};
  for (const { module, name } of WebAssembly.Module.imports(program)) {
    assert.equal(module, WASI_MODULE);
    functions[name] = (...args) => {
      if (exports.asyncify_get_state() === REWINDING) {
        exports.asyncify_stop_rewind();
        return result;
      }
      call = { name: `wasi_${name}`, args };
      exports.asyncify_start_unwind(STOPPED);
      return 0;
    };
  }
  const instance = new WebAssembly.Instance(program, { [WASI_MODULE]: functions });
  const exports = instance.exports as unknown as Exports;
  yield { name: "wasiStart", args: [] };
  new DataView(exports.memory.buffer).setUint32(STOPPED, STOPPED + 8, true);
  new DataView(exports.memory.buffer).setUint32(STOPPED + 4, GLOBAL_BASE, true);
  for (;;) {
    exports._start();
    if (exports.asyncify_get_state() !== UNWINDING) return 0;
    exports.asyncify_stop_unwind();
    assert.ok(call !== undefined);
    yield* grow(exports.memory);
    const mine = new Uint8Array(exports.memory.buffer);
    domain.memory.bytes.set(mine, APP_BASE);
    result = Number(yield call);
    mine.set(domain.memory.bytes.subarray(APP_BASE, APP_BASE + mine.length));
    exports.asyncify_start_rewind(STOPPED);
  }
}

/** Gives the kernel's view of the memory the size that the program's has. */
function* grow(memory: WebAssembly.Memory): Generator<SystemCall, void, number | bigint> {
  const missing = memory.buffer.byteLength / WASM_PAGE - Number(yield { name: "app_memory_size", args: [] });
  if (missing <= 0) return;
  assert.notEqual(Number(yield { name: "app_memory_grow", args: [missing] }), -1);
}

/** A domain in which the program runs, and its host. */
export function boot(
  kernel: WebAssembly.Module,
  program: WebAssembly.Module,
  settings: Omit<GuestSettings, "app" | "files"> & { readonly files?: Readonly<Record<string, string>> } = {},
): { readonly host: Host; readonly guest: Guest } {
  const host = new Host(kernel, 1);
  const files = Object.entries(settings.files ?? {}).map(([file, text]) => ({
    path: file,
    data: Buffer.from(text),
    modified: 1_700_000_000_123_456_789n,
  }));
  const guest = host.create({
    commandLine: "ip=off",
    ...settings,
    files: filesBlob(files),
    appLowest: 0,
    app: (domain) => wasiApp(program, domain),
  });
  return { host, guest };
}

/** Waits for the domain's end; its console, without the kernel's own lines. */
export function finish(host: Host, guest: Guest): { readonly output: string; readonly status: number } {
  host.world.runUntil(() => guest.domain.shutdown !== undefined, 600e9);
  assert.equal(guest.domain.shutdown, "poweroff", guest.console);
  const status = /app: exit status (\d+)/.exec(guest.console)?.[1];
  assert.ok(status !== undefined, guest.console);
  return { output: guest.console.replaceAll("\r", ""), status: Number(status) };
}
