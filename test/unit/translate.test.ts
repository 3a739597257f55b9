// The C that the image pipeline makes must mean what WebAssembly means. Every operator runs natively and in Node's
// WebAssembly on the same inputs: the awkward ones (zeros, extremes, NaNs, boundaries) and seeded random ones.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { assembleText, buildNative, callInNode, sameTrap, type Call, type Outcome } from "./translate/native.ts";
import { randomSource } from "./translate/random.ts";

const I32_BINARY = ["add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr", "eq", "lt_s", "lt_u", "ge_s", "ge_u"]; // prettier-ignore
const I32_UNARY = ["clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s"];
const I64_UNARY = [...I32_UNARY, "extend32_s"];
const FLOAT_BINARY = ["add", "sub", "mul", "div", "min", "max", "copysign"];
const FLOAT_COMPARISON = ["eq", "ne", "lt", "gt", "le", "ge"];
const FLOAT_UNARY = ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"];
const COMPARISONS = new Set(["eq", "lt_s", "lt_u", "ge_s", "ge_u", "eqz", ...FLOAT_COMPARISON]);

type Type = "i32" | "i64" | "f32" | "f64";

// Every function of the tests takes and returns i64 bit patterns, so that NaNs pass unchanged.
function fromBits(type: Type, value: string): string {
  switch (type) {
    case "i32":
      return `(i32.wrap_i64 ${value})`;
    case "i64":
      return value;
    case "f32":
      return `(f32.reinterpret_i32 (i32.wrap_i64 ${value}))`;
    case "f64":
      return `(f64.reinterpret_i64 ${value})`;
  }
}

function toBits(type: Type, value: string): string {
  switch (type) {
    case "i32":
      return `(i64.extend_i32_u ${value})`;
    case "i64":
      return value;
    case "f32":
      return `(i64.extend_i32_u (i32.reinterpret_f32 ${value}))`;
    case "f64":
      return `(i64.reinterpret_f64 ${value})`;
  }
}

interface Operator {
  readonly name: string;
  readonly parameters: readonly Type[];
  readonly result: Type;
}

function operator(name: string, parameters: readonly Type[], result: Type): Operator {
  return { name, parameters, result };
}

function operators(): Operator[] {
  const integers = (["i32", "i64"] as const).flatMap((type) => [
    ...I32_BINARY.map((op) => operator(`${type}.${op}`, [type, type], COMPARISONS.has(op) ? "i32" : type)),
    ...(type === "i32" ? I32_UNARY : I64_UNARY).map((op) =>
      operator(`${type}.${op}`, [type], COMPARISONS.has(op) ? "i32" : type),
    ),
  ]);
  const floats = (["f32", "f64"] as const).flatMap((type) => [
    ...FLOAT_BINARY.map((op) => operator(`${type}.${op}`, [type, type], type)),
    ...FLOAT_COMPARISON.map((op) => operator(`${type}.${op}`, [type, type], "i32")),
    ...FLOAT_UNARY.map((op) => operator(`${type}.${op}`, [type], type)),
  ]);
  const conversions = (["i32", "i64"] as const).flatMap((integer) =>
    (["f32", "f64"] as const).flatMap((float) =>
      ["s", "u"].flatMap((sign) => [
        operator(`${integer}.trunc_${float}_${sign}`, [float], integer),
        operator(`${integer}.trunc_sat_${float}_${sign}`, [float], integer),
        operator(`${float}.convert_${integer}_${sign}`, [integer], float),
      ]),
    ),
  );
  return [
    ...integers,
    ...floats,
    ...conversions,
    operator("f64.promote_f32", ["f32"], "f64"),
    operator("f32.demote_f64", ["f64"], "f32"),
    operator("i64.extend_i32_s", ["i32"], "i64"),
    operator("i64.extend_i32_u", ["i32"], "i64"),
    operator("i32.wrap_i64", ["i64"], "i32"),
  ];
}

function operatorFunction({ name, parameters, result }: Operator): string {
  const list = parameters.map((type, i) => fromBits(type, `(local.get ${i})`)).join(" ");
  const declared = parameters.map(() => "i64").join(" ");
  return `(func (export "${name}") (param ${declared}) (result i64) ${toBits(result, `(${name} ${list})`)})`;
}

const MEMORY_TYPES: readonly Type[] = ["i32", "i64", "f32", "f64"];
const LOADS = [...MEMORY_TYPES.map((type) => `${type}.load`), ...narrow("i32", [8, 16]), ...narrow("i64", [8, 16, 32])];
const STORES = [...MEMORY_TYPES.map((type) => `${type}.store`), "i32.store8", "i32.store16", "i64.store8", "i64.store16", "i64.store32"]; // prettier-ignore
const RMW_WIDTHS = [["i32", ""], ["i32", "8"], ["i32", "16"], ["i64", ""], ["i64", "8"], ["i64", "16"], ["i64", "32"]] as const; // prettier-ignore
const RMW_OPERATIONS = ["add", "sub", "and", "or", "xor", "xchg"];

function narrow(type: string, widths: readonly number[]): string[] {
  return widths.flatMap((width) => [`${type}.load${width}_s`, `${type}.load${width}_u`]);
}

function typeOf(name: string): Type {
  return name.slice(0, 3) as Type;
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

const START = '(func (export "_start"))';
const HASH = `
  (func (export "hash") (param i64 i64) (result i64) (local i64)
    (loop $next
      (local.set 2 (i64.add (i64.mul (local.get 2) (i64.const 0x100000001b3))
                            (i64.load8_u (i32.wrap_i64 (local.get 0)))))
      (local.set 0 (i64.add (local.get 0) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get 0) (local.get 1))))
    (local.get 2))`;

async function compare(
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

function equal(_call: Call, ours: Outcome, nodes: Outcome): boolean {
  return sameTrap(ours.trap, nodes.trap) && ours.result === nodes.result;
}

function show({ trap, result }: Outcome): string {
  return trap === 0 ? `0x${result.toString(16)}` : `trap ${trap}`;
}

function isNan(type: Type, bits: bigint): boolean {
  if (type === "f32") return (bits & 0x7fffffffn) > 0x7f800000n;
  return type === "f64" && (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n;
}

describe("translated operators", () => {
  it("compute what WebAssembly computes", async () => {
    const all = operators();
    const random = randomSource(0x6b6172796f6en);
    const calls = all.flatMap(({ name, parameters }) =>
      random.tuples(parameters, 400).map((values) => ({ name, values })),
    );
    const results = new Map(all.map((op) => [op.name, op.result]));
    await compare(
      `(module (memory 1) ${START} ${all.map(operatorFunction).join("\n")})`,
      calls,
      (call, ours, nodes) => {
        const type = results.get(call.name) ?? "i64";
        // Which NaN arithmetic makes is not determined; that it is one, is.
        const nans = isNan(type, ours.result) && isNan(type, nodes.result) && !/abs|neg|copysign/.test(call.name);
        return equal(call, ours, nodes) || (nans && ours.trap === 0 && nodes.trap === 0);
      },
    );
  });
});

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
});

describe("the seam between app and kernel", () => {
  it("calls M_N for an import M.N with events masked, and leaves the kernel behind it", async () => {
    const text = `(module
      (import "posix" "add" (func $add (param i32 i64) (result i64)))
      (memory 1 9) ${START}
      (func (export "add") (param i64 i64) (result i64) (call $add (i32.wrap_i64 (local.get 0)) (local.get 1)))
      (func (export "size") (result i64) (i64.extend_i32_u (memory.size)))
      (func (export "grow") (param i64) (result i64) (i64.extend_i32_u (memory.grow (i32.wrap_i64 (local.get 0))))))`;
    const run = await buildNative(await assembleText(text), {
      exports: {
        posix_add: { result: "u64", parameters: ["u32", "u64"] },
        app_memory_size: { result: "u32", parameters: [] },
        app_memory_grow: { result: "u32", parameters: ["u32"] },
      },
      source: `
        u64 kernel_posix_add(u32 a, u64 b) { return boot_sharedInfo[1] == 1 ? a + b : 0; }
        u32 kernel_app_memory_size(void) { return 77; }
        u32 kernel_app_memory_grow(u32 pages) { return pages + 1; }`,
    });
    const outcomes = await run([
      { name: "add", values: [0xffffffffn, 1n] },
      { name: "size", values: [] },
      { name: "grow", values: [4n] },
    ]);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      [0x100000000n, 77n, 5n],
    );
  });

  it("binds what belongs to a system call to the kernel's export when the app makes the call, else to nothing", async () => {
    const text = `(module
      (import "posix" "add" (func $add (param i32 i64) (result i64)))
      (memory 1) ${START}
      (func (export "add") (param i64 i64) (result i64) (call $add (i32.wrap_i64 (local.get 0)) (local.get 1))))`;
    const twice = { result: "u32", parameters: ["u32"] };
    const run = await buildNative(await assembleText(text), {
      exports: { posix_add: { result: "u64", parameters: ["u32", "u64"] }, twice },
      hooks: [
        { ...twice, module: "with_add", name: "twice", symbol: "hook_twice" },
        { ...twice, module: "with_other", name: "thrice", symbol: "hook_thrice" },
      ],
      source: `
        u64 kernel_posix_add(u32 a, u64 b) { return hook_twice(a) * 100 + hook_thrice(a) + b; }
        u32 kernel_twice(u32 a) { return 2 * a; }`,
    });
    const [{ result } = { result: 0n }] = await run([{ name: "add", values: [3n, 1n] }]);
    assert.equal(result, 601n);
  });

  it("names an import that the kernel does not offer, or offers otherwise", async () => {
    const text = `(module
      (import "posix" "fly" (func (param i32)))
      (import "posix" "add" (func (param i32)))
      (memory 1) ${START})`;
    const exports = { posix_add: { result: "u64", parameters: ["u32"] } };
    await assert.rejects(buildNative(await assembleText(text), { exports, source: "" }), {
      code: "IMAGE_IMPORT_MISSING",
      message: /posix\.add\(u32\); posix\.fly\(u32\)/,
    });
  });

  it("refuses what an image cannot hold", async () => {
    const imported = await assembleText(`(module (import "env" "memory" (memory 1)) ${START})`);
    await assert.rejects(buildNative(imported), { code: "IMAGE_BAD_WASM", message: /env\.memory/ });
    const nothing = await assembleText("(module (memory 1))");
    await assert.rejects(buildNative(nothing), { code: "IMAGE_NO_START" });
  });
});
