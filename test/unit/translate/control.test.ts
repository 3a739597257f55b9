// Control flow in the C that the image pipeline makes: indirect calls, branches, globals, traps, endless recursion.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import binaryen from "binaryen";
import { compare, START } from "./compare.ts";
import { assembleText, buildNative, type Call, type Outcome } from "./native.ts";

describe("translated control", () => {
  const text = `(module (memory 1) ${START}
    (type $unary (func (param i64) (result i64)))
    (type $same (func (param i64) (result i64)))
    (type $none (func (result i64)))
    (table 8 funcref)
    (elem (i32.const 1) $double $square $none $square)
    (global $count (mut i64) (i64.const 40))
    (global $limit f64 (f64.const nan))
    (func $double (param i64) (result i64) (i64.shl (local.get 0) (i64.const 1)))
    (func $square (param i64) (result i64) (i64.mul (local.get 0) (local.get 0)))
    (func $none (result i64) (global.set $count (i64.add (global.get $count) (i64.const 1))) (global.get $count))
    (func (export "indirect") (param i64 i64) (result i64)
      (call_indirect (type $same) (local.get 1) (i32.wrap_i64 (local.get 0))))
    (func (export "indirectNone") (param i64) (result i64) (call_indirect (type $none) (i32.wrap_i64 (local.get 0))))
    (func (export "unreachable") (unreachable))
    (func (export "limit") (result i64) (i64.reinterpret_f64 (global.get $limit)))
    (func $deep (export "deep") (param i64) (result i64)
      (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 0))
        (else (i64.xor (local.get 0) (i64.rotl (call $deep (i64.sub (local.get 0) (i64.const 1))) (i64.const 5))))))
    (func (export "switch") (param i64) (result i64)
      (block $c (block $b (block $a (br_table $a $b $c (i32.wrap_i64 (local.get 0)))) (return (i64.const 7)))
        (return (i64.const 8))) (i64.const 9))
    (func (export "size") (result i64) (i64.extend_i32_u (memory.size))))`;
  let run: (calls: readonly Call[]) => Promise<Outcome[]>;

  before(async () => {
    run = await buildNative(await assembleText(text));
  });

  it("checks indirect calls for bounds, null and type", async () => {
    const indices = [0n, 1n, 2n, 3n, 4n, 5n, 7n, 8n, 9n, 0x7fffffffn, 0xffffffffn];
    const calls = indices.flatMap((i) => [
      { name: "indirect", values: [i, 21n] },
      { name: "indirectNone", values: [i] },
    ]);
    await compare(text, calls);
    const kinds = (await run([0n, 3n, 8n].map((i) => ({ name: "indirect", values: [i, 1n] })))).map(({ trap }) => trap);
    assert.deepEqual(kinds, [6, 7, 5], "null, type, bounds");
  });

  it("has tables with segments of no functions", async () => {
    const empty = `(module (memory 1) ${START}
      (type $none (func (result i64)))
      (table 2 funcref)
      (elem (i32.const 1))
      (func (export "indirect") (param i64) (result i64) (call_indirect (type $none) (i32.wrap_i64 (local.get 0)))))`;
    await compare(
      empty,
      [0n, 1n, 2n].map((i) => ({ name: "indirect", values: [i] })),
    );
  });

  it("branches, keeps globals, and stops at unreachable", async () => {
    const calls = [0n, 1n, 2n, 3n, 0xffffffffn].map((v) => ({ name: "switch", values: [v] }));
    await compare(text, [...calls, { name: "unreachable", values: [] }, { name: "limit", values: [] }]);
  });

  it("ends endless recursion with a trap, and goes on", async () => {
    const shallow = [100n, 50n].map((depth) => ({ name: "deep", values: [depth] }));
    await compare(text, shallow);
    const [before, endless, after] = await run([
      { name: "deep", values: [50n] },
      { name: "deep", values: [1_000_000_000n] },
      { name: "deep", values: [50n] },
    ]);
    assert.equal(endless?.trap, 8);
    assert.deepEqual(after, before);
  });

  it("has switches of 500 cases, which are as many blocks in each other", async () => {
    const cases = Array.from({ length: 500 }, (_, i) => i);
    const blocks = cases.reduce(
      (inner, i) => `(block $c${i} ${inner}) (return (i64.const ${3 * i + 1}))`,
      `(br_table ${cases.map((i) => `$c${i}`).join(" ")} (i32.wrap_i64 (local.get 0)))`,
    );
    // wabt's own parser has too small a stack for this.
    const module = binaryen.parseText(
      `(module (memory 1) ${START} (func (export "case") (param i64) (result i64) ${blocks}))`,
    );
    const ofMany = await buildNative(new Uint8Array(module.emitBinary()));
    module.dispose();
    const values = [0n, 1n, 250n, 499n, 500n];
    const outcomes = await ofMany(values.map((value) => ({ name: "case", values: [value] })));
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      [1n, 4n, 751n, 1498n, 1498n],
    );
  });
});
