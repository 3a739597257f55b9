// Seeded inputs for operators: half of them values at which something changes, half of them any bits.

/** The types that operators take. */
export type ValueType = "i32" | "i64" | "f32" | "f64";

/** A deterministic source of test values. */
export interface RandomSource {
  /** 0 … limit - 1 */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  /** The bits of a value of `type`. */
  bits(type: ValueType): bigint;
  /** Arguments for an operator: its corner cases combined, and `count` random ones. */
  tuples(types: readonly ValueType[], count: number): bigint[][];
}

const F32_CORNERS = [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 0.9999999, -0.9999999, 2147483520, 2147483648, -2147483648, -2147483904, 4294967040, 4294967296, 9223371487098961920, 9223372036854775808, -9223372036854775808, 18446742974197923840, 18446744073709551616, 8388607.5, 1e-45, 3.4028235e38, Infinity, -Infinity]; // prettier-ignore
const F64_CORNERS = [...F32_CORNERS, 2147483647, 2147483647.5, -2147483648.5, -2147483649, 4294967295, 4294967295.5, 9223372036854774784, 18446744073709549568, 4503599627370495.5, 5e-324, 1.7976931348623157e308]; // prettier-ignore
const F32_NANS = [0x7fc00000n, 0xffc00000n, 0x7fa00001n, 0xff800001n, 0x7fffffffn];
const F64_NANS = [0x7ff8000000000000n, 0xfff8000000000000n, 0x7ff4000000000001n, 0xfff0000000000001n, 0x7fffffffffffffffn]; // prettier-ignore

const CORNERS: Readonly<Record<ValueType, readonly bigint[]>> = {
  i32: [
    0n,
    1n,
    2n,
    7n,
    31n,
    32n,
    33n,
    0x7fn,
    0x80n,
    0xffn,
    0x8000n,
    0x7fffffffn,
    0x80000000n,
    0xfffffffen,
    0xffffffffn,
  ],
  i64: [0n, 1n, 2n, 63n, 64n, 65n, 0x80n, 0x8000n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x7fffffffffffffffn, 0x8000000000000000n, 0xffffffffffffffffn], // prettier-ignore
  f32: [...F32_CORNERS.map((value) => BigInt(new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0)), ...F32_NANS],
  f64: [...F64_CORNERS.map((value) => new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n), ...F64_NANS],
};

/** xorshift64* with `seed` (not 0). */
export function randomSource(seed: bigint): RandomSource {
  let state = seed;
  const next = (): bigint => {
    state ^= state >> 12n;
    state = BigInt.asUintN(64, state ^ (state << 25n));
    state ^= state >> 27n;
    return BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn);
  };
  const below = (limit: number): number => Number(next() % BigInt(limit));
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const bits = (type: ValueType): bigint => {
    if (below(2) === 0) return pick(CORNERS[type]);
    return type === "i32" || type === "f32" ? next() & 0xffffffffn : next();
  };
  const corners = (types: readonly ValueType[]): bigint[][] =>
    types.reduce<bigint[][]>((rows, type) => rows.flatMap((row) => CORNERS[type].map((v) => [...row, v])), [[]]);
  return {
    below,
    pick,
    bits,
    tuples: (types, count) => [...corners(types), ...Array.from({ length: count }, () => types.map(bits))],
  };
}
