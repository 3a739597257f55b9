// Takes a WebAssembly text module through the image pipeline to a native program of this host, so that the same calls
// can be made there and in Node's WebAssembly.
import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import loadWabt from "wabt";
import { appUnit } from "../../../tools/image/glue.ts";
import type { KernelHooks } from "../../../tools/image/hooks.ts";
import type { KernelExports } from "../../../tools/image/signature.ts";
import { Compiler } from "../../../tools/image/compiler.ts";
import { assemble, compileC } from "../../../tools/image/native.ts";
import { repositoryPath } from "../../../tools/image/paths.ts";
import { runHostTool } from "../../../tools/image/process.ts";
import { translateModule } from "../../../tools/image/translate.ts";
import { readModule } from "../../../tools/image/wasm.ts";
import { runWasm2c } from "../../../tools/image/wasm2c.ts";

/** A call of an exported function that takes i64 bit patterns. */
export interface Call {
  readonly name: string;
  readonly values: readonly bigint[];
}

/** What came of a call: the result's bits, or the kind of trap. */
export interface Outcome {
  readonly trap: number;
  readonly result: bigint;
}

/** A memory fault, where boot/runtime.h has no kind of its own. */
export const FAULT = 1000;

const REQUEST_SIZE = 32;
const RESPONSE_SIZE = 16;

/** WebAssembly text to binary. */
export async function assembleText(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const wabt = await loadWabt();
  const module = wabt.parseWat("test.wat", text, { threads: true, exceptions: true });
  return new Uint8Array(module.toBinary({ write_debug_names: true }).buffer);
}

/**
 * Builds the program; its exported functions must take and return i64 (or nothing).
 *
 * @param kernel functions the module may import, with the C that implements them
 * @returns runs calls, one after the other, in a fresh process
 */
export async function buildNative(
  binary: Uint8Array,
  kernel: { exports: KernelExports; hooks?: KernelHooks; source: string } = { exports: {}, source: "" },
  aim: "size" | "speed" = "speed",
): Promise<(calls: readonly Call[]) => Promise<Outcome[]>> {
  const folder = await mkdtemp(path.join(tmpdir(), "karyon-translate-"));
  const file = (name: string): string => path.join(folder, name);
  const optimized = await admitted(binary);
  await writeFile(file("test.wasm"), optimized);
  const module = readModule("test.wasm", optimized);
  const translation = translateModule("app", await runWasm2c(file("test.wasm"), "app"), module);
  const names = [...translation.exports.keys()].filter((name) => name !== "_start");
  const cases = names.map((name, i) => {
    const target = translation.exports.get(name);
    const list = (target?.parameters ?? []).map((_, k) => `a${k}`).join(", ");
    const call = `${target?.symbol}(${list})`;
    return `    case ${i}: ${target?.result === "void" ? `${call}; return 0` : `return ${call}`};`;
  });
  const source = [
    appUnit(translation, module, kernel.exports, kernel.hooks),
    kernel.source,
    "static u64 call(u64 function, u64 a0, u64 a1, u64 a2) {",
    "  (void)a0, (void)a1, (void)a2;",
    "  switch (function) {",
    ...cases,
    "  }",
    "  return 0;",
    "}",
    '#include "test/unit/translate/harness.c"',
  ].join("\n");
  await writeFile(file("test.c"), source);
  await compileC(file("test.c"), file("test.o"), aim);
  await assemble(repositoryPath("boot/exceptions.asm"), file("exceptions.o"));
  const objects = [file("test.o"), file("exceptions.o")];
  await runHostTool("ld", ["-static", "-nostdlib", "-z", "noexecstack", "-o", file("test"), ...objects]);
  return async (calls) => {
    const input = Buffer.alloc(calls.length * REQUEST_SIZE);
    calls.forEach(({ name, values }, i) => {
      input.writeBigUInt64LE(BigInt(names.indexOf(name)), i * REQUEST_SIZE);
      values.forEach((value, k) => input.writeBigUInt64LE(BigInt.asUintN(64, value), i * REQUEST_SIZE + 8 + k * 8));
    });
    const output = await runWithInput(file("test"), input);
    return calls.map((_, i) => ({
      trap: Number(output.readBigUInt64LE(i * RESPONSE_SIZE)),
      result: output.readBigUInt64LE(i * RESPONSE_SIZE + 8),
    }));
  };
}

async function admitted(binary: Uint8Array): Promise<Uint8Array> {
  const compiler = new Compiler();
  try {
    return await compiler.admit("test.wasm", binary);
  } finally {
    await compiler.close();
  }
}

function runWithInput(program: string, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "buffer", maxBuffer: 1 << 28, timeout: 60_000 } as const;
    const child = execFile(program, [], options, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    child.stdin?.end(input);
  });
}

/** Makes the same calls in Node. */
export function callInNode(instance: WebAssembly.Instance, calls: readonly Call[]): Outcome[] {
  return calls.map(({ name, values }) => {
    const target = instance.exports[name] as (...values: bigint[]) => bigint | undefined;
    try {
      return { trap: 0, result: BigInt.asUintN(64, target(...values) ?? 0n) };
    } catch (error) {
      return { trap: trapKind(error), result: 0n };
    }
  });
}

const TRAP_MESSAGES: readonly (readonly [RegExp, number])[] = [
  [/^unreachable/, 1],
  [/(?:divide|remainder) by zero/, 2],
  [/divide result unrepresentable/, 3],
  [/float unrepresentable/, 34],
  [/table index is out of bounds/, 5],
  [/null function or function signature mismatch/, 67],
  [/Maximum call stack/, 8],
  [/unaligned/, 9],
  [/memory access out of bounds/, FAULT],
];

// V8 does not distinguish two pairs of kinds that we do: 34 stands for 3 or 4, 67 for 6 or 7.
function trapKind(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  return TRAP_MESSAGES.find(([pattern]) => pattern.test(message))?.[1] ?? -1;
}

/** Whether Node's kind of trap and ours mean the same. */
export function sameTrap(ours: number, nodes: number): boolean {
  return ours === nodes || (nodes === 34 && (ours === 3 || ours === 4)) || (nodes === 67 && (ours === 6 || ours === 7));
}
