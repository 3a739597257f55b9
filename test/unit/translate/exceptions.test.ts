// Exceptions of WebAssembly in the C that the image pipeline makes: the same as in Node, but for the end of a program that catches none.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import binaryen from "binaryen";
import { compare, START } from "./compare.ts";
import { assembleText, buildNative, type Call } from "./native.ts";

// Throws what its first argument says: $number with the second, $small with its lower half, $none; nothing for 0.
const THROWER = `
  (tag $number (param i64)) (tag $small (param i32)) (tag $none)
  (func $throw (param i64 i64) (result i64)
    (if (i64.eq (local.get 0) (i64.const 1)) (then (throw $number (local.get 1))))
    (if (i64.eq (local.get 0) (i64.const 2)) (then (throw $small (i32.wrap_i64 (local.get 1)))))
    (if (i64.eq (local.get 0) (i64.const 3)) (then (throw $none)))
    (i64.add (local.get 1) (i64.const 1000)))`;

const TEXT = `(module (memory 1) ${START} ${THROWER}
  (table 1 funcref) (elem (i32.const 0) $throw) (type $f (func (param i64 i64) (result i64)))
  (global $count (mut i64) (i64.const 0))
  (func (export "tags") (param i64 i64) (result i64)
    (try (result i64) (do (call $throw (local.get 0) (local.get 1)))
      (catch $number (i64.const 1) (i64.add))
      (catch $small (i64.extend_i32_s) (i64.const 77) (i64.mul))
      (catch_all (i64.const 3))))
  (func (export "one") (param i64 i64) (result i64)
    (try (result i64)
      (do (try (result i64) (do (call $throw (local.get 0) (local.get 1))) (catch $number)))
      (catch_all (i64.const -1))))
  (func (export "again") (param i64 i64) (result i64)
    (try (result i64)
      (do (try (result i64) (do (call $throw (local.get 0) (local.get 1)))
        (catch_all (drop (call $throw (i64.const 0) (i64.const 0))) (drop (try (result i64) (do (call $throw (i64.const 3) (i64.const 0)))
          (catch_all (i64.const 0)))) (rethrow 0))))
      (catch $number (i64.const 10) (i64.mul))
      (catch $small (i64.extend_i32_s) (i64.const 77) (i64.mul))
      (catch $none (i64.const 5))))
  (func (export "delegated") (param i64 i64) (result i64)
    (try $outer (result i64)
      (do (try (result i64) (do (try (result i64) (do (return (call $throw (local.get 0) (local.get 1)))) (delegate $outer)))
        (catch_all (i64.const 666))))
      (catch $number) (catch_all (i64.const 8))))
  (func (export "left") (param i64) (result i64)
    (try (result i64) (do
      (block $out (try (do (br_if $out (i64.eqz (local.get 0))) (drop (call $throw (local.get 0) (i64.const 4)))) (catch $none)))
      (call $throw (i64.const 1) (i64.const 9))) (catch $number)))
  (func (export "kept") (param i64) (result i64) (local $before i64) (local $inside i64) (local.set $before (i64.const 100))
    (i64.sub (i64.mul (local.get 0) (i64.const 7)) (try (result i64)
      (do (local.set $inside (i64.add (local.get 0) (i64.const 5))) (local.set 0 (i64.const 1)) (call $throw (i64.const 1) (local.get $inside)))
      (catch $number (i64.add (local.get $inside)) (i64.add (local.get $before)) (i64.add (local.get 0))))))
  (func (export "indirect") (param i64 i64) (result i64)
    (try (result i64) (do (call_indirect (type $f) (local.get 0) (local.get 1) (i32.const 0))) (catch $number) (catch_all (i64.const 2))))
  (func (export "all") (param i64 i64) (result i64) (local $log i64)
    (try (do (drop (call $throw (local.get 0) (local.get 1))))
      (catch $number (local.set $log (i64.mul (i64.const 3))))
      (catch $small (drop) (try (do (throw $none)) (catch $number (local.set $log)) (catch_all
        (if (i64.eqz (local.get 1)) (then (local.set $log (i64.const 1))) (else (local.set $log (i64.const 2))))
        (local.set $log (i64.add (local.get $log) (i64.const 4))))))
      (catch_all
        (if (i64.eqz (local.get 1)) (then (local.set $log (i64.const 8))) (else (local.set $log (i64.const 16))))
        (try (do (throw $none)) (catch $number (local.set $log)) (catch_all))
        (local.set $log (i64.add (local.get $log) (i64.const 32)))))
    (try (do (drop (call $throw (local.get 0) (local.get 1))))
      (catch $number (drop))
      (catch_all
        (try (do (throw $none)) (catch $number (local.set $log)) (catch_all (local.set $log (i64.add (local.get $log) (i64.const 64)))))
        (local.set $log (i64.add (local.get $log) (i64.const 128)))))
    (local.get $log))
  (func $deep (param i64 i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0)) (then (call $throw (i64.const 1) (local.get 1)))
      (else (i64.add (i64.const 1) (call $deep (i64.sub (local.get 0) (i64.const 1)) (local.get 1))))))
  (func (export "deep") (param i64 i64) (result i64)
    (try (result i64) (do (call $deep (local.get 0) (local.get 1))) (catch $number)))
  (func $each (param i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0)) (then (call $throw (i64.const 1) (i64.const 0)))
      (else (try (result i64) (do (call $each (i64.sub (local.get 0) (i64.const 1))))
        (catch $number (i64.add (local.get 0)) (local.set 0) (throw $number (local.get 0)))))))
  (func (export "each") (param i64) (result i64) (try (result i64) (do (call $each (local.get 0))) (catch $number)))
  (func (export "often") (param i64) (result i64) (local $sum i64)
    (loop $more (try (do (drop (call $throw (i64.and (local.get 0) (i64.const 3)) (local.get 0))))
        (catch $number (local.set $sum (i64.add (local.get $sum)))) (catch_all (local.set $sum (i64.add (local.get $sum) (i64.const 1)))))
      (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
      (br_if $more (i64.ne (local.get 0) (i64.const 0))))
    (local.get $sum)))`;

describe("translated exceptions", () => {
  it("are caught where Node's are, with their values", async () => {
    const kinds = [0n, 1n, 2n, 3n].flatMap((kind) =>
      [0n, 1n, 0xffff_ffff_ffffn].map((value) => [kind, value] as const),
    );
    const calls: Call[] = [
      ...["tags", "one", "again", "delegated", "indirect", "all"].flatMap((name) =>
        kinds.map((values) => ({ name, values })),
      ),
      ...[0n, 1n, 3n].map((value) => ({ name: "left", values: [value] })),
      { name: "kept", values: [12n] },
      ...[0n, 1n, 300n].flatMap((depth) => [
        { name: "deep", values: [depth, 5n] },
        { name: "each", values: [depth] },
      ]),
      { name: "often", values: [100_000n] },
    ];
    await compare(TEXT, calls);
  });

  it("end the program where nothing catches them, by a function of the kernel", async () => {
    const text = `(module (memory 1) ${START} ${THROWER}
      (func (export "free") (param i64) (result i64) (call $throw (local.get 0) (i64.const 3)))
      (func (export "missed") (param i64) (result i64)
        (try (result i64) (do (call $throw (local.get 0) (i64.const 3))) (catch $none (i64.const 4)))))`;
    const run = await buildNative(await assembleText(text), {
      exports: { wasiUncaught: { result: "void", parameters: [] } },
      source: "void kernel_wasiUncaught(void) { trap(TRAP_ABORT); }",
    });
    const uncaught = 10;
    const outcomes = await run(
      ["free", "missed"].flatMap((name) => [0n, 1n, 3n].map((kind) => ({ name, values: [kind] }))),
    );
    assert.deepEqual(
      outcomes.map(({ trap, result }) => trap || Number(result)),
      [1003, uncaught, uncaught, 1003, uncaught, 4],
    );
  });

  it("can be those of WebAssembly 3.0, which Node need not know", async () => {
    const module = binaryen.parseText(`(module (memory 1) ${START} (tag $number (param i64))
      (func $throw (param i64) (if (i64.ne (local.get 0) (i64.const 0)) (then (throw $number (local.get 0)))))
      (func (export "tried") (param i64) (result i64)
        (block $caught (result i64)
          (try_table (catch $number $caught) (call $throw (local.get 0)))
          (i64.const 100))))`);
    module.setFeatures(binaryen.Features.ExceptionHandling);
    const run = await buildNative(new Uint8Array(module.emitBinary()));
    module.dispose();
    const outcomes = await run([0n, 5n].map((value) => ({ name: "tried", values: [value] })));
    assert.deepEqual(outcomes, [
      { trap: 0, result: 100n },
      { trap: 0, result: 5n },
    ]);
  });
});
