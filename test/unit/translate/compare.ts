// Makes the same calls natively and in Node's WebAssembly, and demands the same outcomes.
import assert from "node:assert/strict";
import { assembleText, buildNative, callInNode, sameTrap, type Call, type Outcome } from "./native.ts";

/** What the image pipeline demands of every module. */
export const START = '(func (export "_start"))';

/** Fails at the first of `calls` that comes out differently. */
export async function compare(
  text: string,
  calls: readonly Call[],
  same: (call: Call, ours: Outcome, nodes: Outcome) => boolean = equal,
): Promise<void> {
  const binary = await assembleText(text);
  const run = await buildNative(binary);
  const ours = await run(calls);
  const { instance } = await WebAssembly.instantiate(binary);
  const nodes = callInNode(instance, calls);
  calls.forEach((call, i) => {
    const [a, b] = [ours[i], nodes[i]];
    assert.ok(a !== undefined && b !== undefined);
    const what = `${call.name}(${call.values.map((v) => `0x${v.toString(16)}`).join(", ")})`;
    assert.ok(same(call, a, b), `${what}: natively ${show(a)}, in Node ${show(b)}`);
  });
}

/** The same result, or the same kind of trap. */
export function equal(_call: Call, ours: Outcome, nodes: Outcome): boolean {
  return sameTrap(ours.trap, nodes.trap) && ours.result === nodes.result;
}

function show({ trap, result }: Outcome): string {
  return trap === 0 ? `0x${result.toString(16)}` : `trap ${trap}`;
}
