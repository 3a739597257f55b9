// Ephemeral port selection (RFC 6056 algorithm 1, "simple port randomization"), shared by TCP and UDP. Processes of a family, which have one
// address, each have ports of their own: so the answers to what one begins reach it (docs/fork.md, "One address").
import { EADDRINUSE } from "../../kernel/errno";
import { randomU32 } from "../../kernel/random";

/** First and last ephemeral port. RFC 6056 section 3.2 wants the range large; below it live registered services. */
const FIRST: u32 = 32768;
const LAST: u32 = 65535;

let first: u32 = FIRST;
let count: u32 = LAST - FIRST + 1;

/** From now on ports come from these: the others are those of other processes with our address. Of none, none is given. */
export function ephemeralPortsSet(firstPort: u32, ports: u32): void {
  first = firstPort;
  count = ports;
}

/**
 * A random port that is not in use, or -EADDRINUSE.
 * @param inUse function index of (port: u16, context: usize) => bool
 * @param context passed through to `inUse`, for example the connection whose remote end decides
 */
export function ephemeralPort(inUse: u32, context: usize): i32 {
  let port = count == 0 ? 0 : first + (randomU32() % count);
  for (let left = count; left != 0; left--) {
    if (!call_indirect<bool>(inUse, <u16>port, context)) return <i32>port;
    port = port + 1 == first + count ? first : port + 1;
  }
  return -EADDRINUSE;
}
