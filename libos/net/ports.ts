// Ephemeral port selection (RFC 6056 algorithm 1, "simple port randomization"), shared by TCP and UDP.
import { EADDRINUSE } from "../../kernel/errno";
import { randomU32 } from "../../kernel/random";

/** First and last ephemeral port. RFC 6056 section 3.2 wants the range large; below it live registered services. */
const FIRST: u32 = 32768;
const LAST: u32 = 65535;

/**
 * A random port that is not in use, or -EADDRINUSE.
 * @param inUse function index of (port: u16, context: usize) => bool
 * @param context passed through to `inUse`, for example the connection whose remote end decides
 */
export function ephemeralPort(inUse: u32, context: usize): i32 {
  const count = LAST - FIRST + 1;
  let port = FIRST + (randomU32() % count);
  for (let left = count; left != 0; left--) {
    if (!call_indirect<bool>(inUse, <u16>port, context)) return <i32>port;
    port = port == LAST ? FIRST : port + 1;
  }
  return -EADDRINUSE;
}
