// Programs in C for WASI on the real kernel (fake Xen): Debian's clang compiles them, and each function of WASI that they call is the kernel's.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { App, SystemCall } from "../../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../../tools/fake-xen/domain.ts";
import { Host, type Guest, type GuestSettings } from "../../../tools/fake-xen/host.ts";
import { filesBlob } from "../../../tools/image/files.ts";
import { runHostTool } from "../../../tools/image/process.ts";
import { WASI_MODULE } from "../../../tools/image/wasi.ts";
import { Calls } from "../calls.ts";
import { ignoreBrokenPipes } from "../sigaction.ts";
import { suspendableModule, SuspendedApp } from "../../support/suspended_app.ts";

/** For a program with setjmp(). */
export const JUMP_FLAGS = [
  ...["-mexception-handling", "-mllvm", "-wasm-enable-sjlj"],
  ...["-I", path.join(import.meta.dirname, "libc"), path.join(import.meta.dirname, "libc/setjmp.c")],
];

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
export async function suspendableProgram(file: string, flags: readonly string[] = []): Promise<WebAssembly.Module> {
  return suspendableModule(await compileProgram(file, flags), WASI_MODULE);
}

/** What is done before a program begins; broken pipes end none, as in an image for WASI (tools/image/hooks.ts). */
export function* wasiStart(domain: Domain): Generator<SystemCall, void, number | bigint> {
  yield* ignoreBrokenPipes(new Calls(domain));
  yield { name: "wasiStart", args: [] };
}

/** The program as the app of a domain; `told` learns of each call and what it returned. */
export function* wasiApp(
  program: WebAssembly.Module,
  domain: Domain,
  told: (call: SystemCall, result: number) => void = () => undefined,
): App {
  const app = new SuspendedApp<{ readonly _start: () => undefined }>(program, WASI_MODULE, domain);
  yield* wasiStart(domain);
  let caught = true;
  const start = (): undefined => {
    caught = catches(app.exports._start);
  };
  const status = yield* app.run(app.newStack(), start, function* (call) {
    const result = yield { name: `wasi_${call.name}`, args: call.args };
    told(call, Number(result));
    return result;
  });
  if (!caught) yield { name: "wasiUncaught", args: [] };
  return status;
}

/** Calls a function; false when it ends by an exception of WebAssembly. */
function catches(start: () => void): boolean {
  try {
    start();
    return true;
  } catch (error) {
    if (error instanceof WebAssembly.Exception) return false;
    throw error;
  }
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
