// Lifetimes in router advertisements: seconds, or for ever.
import { NEVER } from "../../../kernel/time/clock";

const SECOND: u64 = 1_000_000_000;
const INFINITE: u32 = 0xffffffff;

/** When a life of `seconds` from `now` on ends. */
export function lifetimeEnd(seconds: u32, now: u64): u64 {
  return seconds == INFINITE ? NEVER : now + <u64>seconds * SECOND;
}
