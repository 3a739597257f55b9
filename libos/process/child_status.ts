// A child's status as wait(2) encodes it, told as siginfo_t tells it.
import { CLD_CONTINUED, CLD_EXITED, CLD_KILLED, CLD_STOPPED, SIGCONT } from "../posix/signal_constants";

const CONTINUED: i32 = 0xffff;

/** CLD_…: what the child did. */
export function statusCode(status: i32): i32 {
  if ((status & 0x7f) == 0) return CLD_EXITED;
  if (status == CONTINUED) return CLD_CONTINUED;
  return (status & 0xff) == 0x7f ? CLD_STOPPED : CLD_KILLED;
}

/** The exit status, or the signal that it was. */
export function statusValue(status: i32): i32 {
  if (status == CONTINUED) return SIGCONT;
  return (status & 0x7f) == 0 || (status & 0xff) == 0x7f ? (status >> 8) & 0xff : status & 0x7f;
}
