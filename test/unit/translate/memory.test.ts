// Memory access in the C that the image pipeline makes: loads, stores, copies and atomic operations, inside and outside.
import { describe, it } from "node:test";
import { fromBits, toBits } from "./bits.ts";
import { compare, START } from "./compare.ts";
import type { Call } from "./native.ts";
import { randomSource, type ValueType } from "./random.ts";

const MEMORY_TYPES: readonly ValueType[] = ["i32", "i64", "f32", "f64"];
const LOADS = [...MEMORY_TYPES.map((type) => `${type}.load`), ...narrow("i32", [8, 16]), ...narrow("i64", [8, 16, 32])];
const STORES = [...MEMORY_TYPES.map((type) => `${type}.store`), "i32.store8", "i32.store16", "i64.store8", "i64.store16", "i64.store32"]; // prettier-ignore
const RMW_WIDTHS = [["i32", ""], ["i32", "8"], ["i32", "16"], ["i64", ""], ["i64", "8"], ["i64", "16"], ["i64", "32"]] as const; // prettier-ignore
const RMW_OPERATIONS = ["add", "sub", "and", "or", "xor", "xchg"];

function narrow(type: string, widths: readonly number[]): string[] {
  return widths.flatMap((width) => [`${type}.load${width}_s`, `${type}.load${width}_u`]);
}

function typeOf(name: string): ValueType {
  return name.slice(0, 3) as ValueType;
}

const OFFSET = 5;

function loadFunction(name: string): string {
  const value = toBits(typeOf(name), `(${name} offset=${OFFSET} (i32.wrap_i64 (local.get 0)))`);
  return `(func (export "${name}") (param i64) (result i64) ${value})`;
}

function storeFunction(name: string): string {
  const value = fromBits(typeOf(name), "(local.get 1)");
  return `(func (export "${name}") (param i64 i64) (${name} offset=${OFFSET} (i32.wrap_i64 (local.get 0)) ${value}))`;
}

function atomicFunctions(): { name: string; text: string; values: number }[] {
  return RMW_WIDTHS.flatMap(([type, width]) => {
    const suffix = width === "" ? "" : "_u";
    const address = "(i32.wrap_i64 (local.get 0))";
    const value = (index: number): string => fromBits(type, `(local.get ${index})`);
    const wrap = (name: string, values: number, body: string): { name: string; text: string; values: number } => ({
      name,
      values,
      text: `(func (export "${name}") (param ${"i64 ".repeat(values + 1)}) (result i64) ${body})`,
    });
    const load = `${type}.atomic.load${width}${suffix}`;
    const store = `${type}.atomic.store${width}`;
    const exchange = `${type}.atomic.rmw${width}.cmpxchg${suffix}`;
    return [
      wrap(load, 0, toBits(type, `(${load} ${address})`)),
      wrap(store, 1, `(${store} ${address} ${value(1)}) (i64.const 0)`),
      wrap(exchange, 2, toBits(type, `(${exchange} ${address} ${value(1)} ${value(2)})`)),
      ...RMW_OPERATIONS.map((op) => {
        const name = `${type}.atomic.rmw${width}.${op}${suffix}`;
        return wrap(name, 1, toBits(type, `(${name} ${address} ${value(1)})`));
      }),
    ];
  });
}

const HASH = `
  (func (export "hash") (param i64 i64) (result i64) (local i64)
    (loop $next
      (local.set 2 (i64.add (i64.mul (local.get 2) (i64.const 0x100000001b3))
                            (i64.load8_u (i32.wrap_i64 (local.get 0)))))
      (local.set 0 (i64.add (local.get 0) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get 0) (local.get 1))))
    (local.get 2))`;

describe("translated memory access", () => {
  const data = '(data (i32.const 16) "Karyon\\00\\ff\\80\\7f\\fe")';
  const text = `(module (memory 2) ${START} ${data} ${HASH} ${LOADS.map(loadFunction).join("\n")} ${STORES.map(storeFunction).join("\n")})`;

  it("loads and stores at any alignment, and faults outside", async () => {
    const random = randomSource(1n);
    const addresses = [0n, 1n, 11n, 65530n, 131064n, 131072n - 5n, 131072n, 0x7fffffffn, 0xfffffff0n, 0xffffffffn];
    const address = (): bigint => (random.below(4) === 0 ? random.pick(addresses) : BigInt(random.below(131000)));
    const calls = Array.from({ length: 6000 }, (_, i): Call => {
      if (i % 100 === 99) return { name: "hash", values: [0n, 131072n] };
      if (random.below(2) === 0) return { name: random.pick(LOADS), values: [address()] };
      return { name: random.pick(STORES), values: [address(), random.bits("i64")] };
    });
    // A store over the end writes nothing, in either world, because no page is half there.
    await compare(text, [...LOADS.map((name) => ({ name, values: [11n] })), ...calls]);
  });

  it("lays down data: side by side, apart, one over the other", async () => {
    const bytes = Array.from({ length: 256 }, (_, i): Call => ({ name: "i32.load8_u", values: [BigInt(i)] }));
    for (const segments of [
      [
        [16, "one"],
        [19, "two"],
        [30, "\\01\\00"],
        [94, "near"],
        [200, "far"],
        [250, ""],
      ],
      [
        [30, "three"],
        [16, "under"],
        [18, "over"],
        [33, "later"],
      ],
    ]) {
      // prettier-ignore
      const laid = segments.map(([at, text]) => `(data (i32.const ${at}) "${text}")`).join(" ");
      await compare(`(module (memory 1) ${START} ${laid} ${loadFunction("i32.load8_u")})`, bytes);
    }
  });

  it("copies and fills, overlapping or not", async () => {
    const bulk = `
      (func (export "copy") (param i64 i64 i64)
        (memory.copy (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1)) (i32.wrap_i64 (local.get 2))))
      (func (export "fill") (param i64 i64 i64)
        (memory.fill (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1)) (i32.wrap_i64 (local.get 2))))
      (func (export "copy16") (param i64 i64)
        (memory.copy (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1)) (i32.const 16)))
      (func (export "scatter") (param i64 i64) (i64.store (i32.wrap_i64 (local.get 0)) (local.get 1)))`;
    const random = randomSource(2n);
    const seed = Array.from({ length: 500 }, (_, i) => ({
      name: "scatter",
      values: [BigInt(i * 8), random.bits("i64")],
    }));
    const calls = Array.from({ length: 3000 }, (): Call[] => {
      const length = BigInt(random.below(random.pick([4, 40, 140, 2000])));
      const to = BigInt(random.below(2000));
      const from = random.below(2) === 0 ? BigInt(random.below(2000)) : to + BigInt(random.below(40)) - 20n;
      const hash = { name: "hash", values: [0n, 4096n] };
      if (from < 0n) return [{ name: "fill", values: [to, random.bits("i64"), length] }, hash];
      return [
        random.below(8) === 0 ? { name: "copy16", values: [to, from] } : { name: "copy", values: [to, from, length] },
        hash,
      ];
    }).flat();
    const outside = [
      { name: "copy", values: [131070n, 0n, 3n] },
      { name: "copy", values: [0n, 0xfffffff0n, 0x20n] },
      { name: "fill", values: [0xffffffffn, 1n, 0xffffffffn] },
      { name: "copy", values: [0n, 0n, 0n] },
    ];
    await compare(`(module (memory 2) ${START} ${HASH} ${bulk})`, [...seed, ...calls, ...outside]);
  });

  it("reads, writes and exchanges atomically, aligned only", async () => {
    const functions = atomicFunctions();
    const random = randomSource(3n);
    const calls = Array.from({ length: 6000 }, (): Call => {
      const { name, values } = random.pick(functions);
      const address = BigInt(random.below(8) * (random.below(6) === 0 ? 1 : 8));
      // Small numbers, so that comparisons succeed often enough.
      const small = random.below(2) === 0;
      return {
        name,
        values: [
          address,
          ...Array.from({ length: values }, () => (small ? BigInt(random.below(3)) : random.bits("i64"))),
        ],
      };
    });
    await compare(`(module (memory 1) ${START} ${functions.map((f) => f.text).join("\n")})`, calls);
  });
});
