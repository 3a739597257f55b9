// Which functions of an app check the stack: all but those that need little of it, what they call included.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { it } from "node:test";
import { translateModule } from "../../../tools/image/translate.ts";
import { readModule } from "../../../tools/image/wasm.ts";
import { runWasm2c } from "../../../tools/image/wasm2c.ts";
import { START } from "./compare.ts";
import { assembleText, buildNative } from "./native.ts";

const LOCALS = Array.from({ length: 80 }, (_, i) => `(local $l${i} i64)`).join(" ");
const USES = Array.from({ length: 80 }, (_, i) => `(local.set $l${i} (i64.mul (local.get 0) (i64.const ${i + 2})))`);
const SUM = Array.from({ length: 80 }, (_, i) => `(local.get $l${i})`).reduce(
  (sum, term) => `(i64.add ${sum} ${term})`,
);

const TEXT = `(module
  (import "posix" "add" (func $add (param i32 i64) (result i64)))
  (table 1 funcref) (elem (i32.const 0) $leaf) (type $f (func (param i64) (result i64)))
  (memory 1) ${START}
  (func $leaf (export "leaf") (param i64) (result i64) (i64.add (local.get 0) (i64.load8_u (i32.const 8))))
  (func (export "copies") (param i64) (memory.copy (i32.const 0) (i32.const 8) (i32.wrap_i64 (local.get 0))))
  (func (export "large") (param i64) (result i64) ${LOCALS} ${USES.join(" ")} ${SUM})
  (func $calls (export "calls") (param i64) (result i64) (call $leaf (local.get 0)))
  (func $deep (export "deep") (param i64) (result i64) (call $calls (local.get 0)))
  (func (export "mixed") (param i64) (result i64) (i64.add (call $deep (local.get 0)) (call $again (local.get 0))))
  (func $ping (export "ping") (param i64) (result i64) (call $pong (local.get 0)))
  (func $pong (export "pong") (param i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1)) (else (call $ping (i64.sub (local.get 0) (i64.const 1))))))
  (func (export "asks") (param i64) (result i64) (call $add (i32.const 1) (local.get 0)))
  (func (export "jumps") (param i64) (result i64) (call_indirect (type $f) (local.get 0) (i32.const 0)))
  (func (export "grows") (param i64) (result i64) (i64.extend_i32_u (memory.grow (i32.wrap_i64 (local.get 0)))))
  (func $again (export "again") (param i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 7)) (else (call $again (i64.sub (local.get 0) (i64.const 1)))))))`;

it("leaves the stack check out of functions that need little stack and cannot recur, and only there", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "karyon-leaves-"));
  try {
    const file = path.join(folder, "test.wasm");
    const binary = await assembleText(TEXT);
    await writeFile(file, binary);
    const { text, exports } = translateModule("app", await runWasm2c(file, "app"), readModule(file, binary));
    const checks = (name: string): boolean => {
      const body = new RegExp(`^\\w+ ${exports.get(name)?.symbol}\\([^;]*\\{\\n[^]*?^\\}`, "m").exec(text)?.[0];
      assert.ok(body !== undefined, name);
      return body.includes("APP_PROLOGUE;");
    };
    const names = [...exports.keys()].filter((name) => !name.startsWith("_"));
    assert.deepEqual(
      names.filter((name) => checks(name)),
      ["large", "mixed", "ping", "pong", "asks", "jumps", "grows", "again"],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("still ends a recursion that has leaves", async () => {
  const leaf = (value: bigint): bigint => value ^ (value >> 1n);
  const text = `(module (memory 1) ${START}
    (func $leaf (param i64) (result i64) (i64.xor (local.get 0) (i64.shr_u (local.get 0) (i64.const 1))))
    (func $again (export "again") (param i64) (result i64)
      (if (result i64) (i64.eqz (local.get 0))
        (then (i64.const 1000))
        (else (call $leaf (call $again (i64.sub (local.get 0) (i64.const 1))))))))`;
  const run = await buildNative(await assembleText(text));
  const [few, many] = await run([
    { name: "again", values: [2n] },
    { name: "again", values: [1_000_000n] },
  ]);
  assert.deepEqual(few, { trap: 0, result: leaf(leaf(1000n)) });
  assert.equal(many?.trap, 8);
});
