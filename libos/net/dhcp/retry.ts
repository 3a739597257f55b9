// When a message to which nothing has come is sent again (RFC 2131 section 4.1). Times in ns.
import { randomU32 } from "../../../kernel/random";

export const SECOND: u64 = 1_000_000_000;

/**
 * First retransmission interval. RFC 2131 section 4.1 recommends 4 s; but an appliance is there before the bridge in
 * dom0 forwards to it, and its first message is often lost.
 */
export const RETRY_FIRST: u64 = SECOND;
export const RETRY_MAXIMUM: u64 = 64 * SECOND;

/** RFC 2131 section 4.1: randomised, so that many clients that started together drift apart. */
export function jitter(interval: u64): u64 {
  return interval - interval / 4 + (<u64>randomU32() * (interval / 2 / 1024)) / 4194304;
}
