// Values of every type as i64 bit patterns: the functions of these tests take and return nothing else, so that NaNs pass
// unchanged.
import type { ValueType } from "./random.ts";

/** WebAssembly text that makes a value of `type` of its bits. */
export function fromBits(type: ValueType, value: string): string {
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

/** WebAssembly text that makes bits of a value of `type`. */
export function toBits(type: ValueType, value: string): string {
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
