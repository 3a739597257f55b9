// Challenge ACKs (RFC 5961, 7; RFC 9293 MAY-12): the answer to a segment that may be forged. A bounded number per second, with a random
// part so that nobody counts them from outside (CVE-2016-5696).
import { randomU32 } from "../../../kernel/random";
import { CHALLENGE_ACKS_PER_SECOND } from "./constants";
import { tcpExtendedCounters } from "./counters";

const SECOND: u64 = 1000000000;

let windowEnd: u64 = 0;
let left: u32 = 0;

/** True when one more may be sent at `now`; counts it. */
export function challengeAllowed(now: u64): bool {
  if (now >= windowEnd) {
    windowEnd = now + SECOND;
    left = (CHALLENGE_ACKS_PER_SECOND >> 1) + (randomU32() % CHALLENGE_ACKS_PER_SECOND);
  }
  if (left == 0) return false;
  left -= 1;
  tcpExtendedCounters.tcpChallengeAck += 1;
  return true;
}
