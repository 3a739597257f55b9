// The C that the image pipeline makes must mean what WebAssembly means: every operator, on the awkward inputs (zeros,
// extremes, NaNs, boundaries) and on seeded random ones.
import { describe, it } from "node:test";
import { fromBits, toBits } from "./bits.ts";
import { compare, equal, START } from "./compare.ts";
import { randomSource, type ValueType } from "./random.ts";

const I32_BINARY = ["add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr", "eq", "lt_s", "lt_u", "ge_s", "ge_u"]; // prettier-ignore
const I32_UNARY = ["clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s"];
const I64_UNARY = [...I32_UNARY, "extend32_s"];
const FLOAT_BINARY = ["add", "sub", "mul", "div", "min", "max", "copysign"];
const FLOAT_COMPARISON = ["eq", "ne", "lt", "gt", "le", "ge"];
const FLOAT_UNARY = ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"];
const COMPARISONS = new Set(["eq", "lt_s", "lt_u", "ge_s", "ge_u", "eqz", ...FLOAT_COMPARISON]);

interface Operator {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType;
}

function operator(name: string, parameters: readonly ValueType[], result: ValueType): Operator {
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

function isNan(type: ValueType, bits: bigint): boolean {
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
