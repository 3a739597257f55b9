// NewReno's part of congestion control (RFC 5681, RFC 6582): one segment more each round trip, half after a loss.
import { flightSize, windowGrow } from "./congestion_window";
import { TcpSocket } from "./socket";

/** Congestion avoidance: `acked` bytes are acknowledged (RFC 3465, 2.1: a window of them opens it by a segment). */
export function newRenoAvoid(s: TcpSocket, acked: u32): void {
  s.windowCredit += acked;
  if (s.windowCredit < s.congestionWindow) return;
  s.windowCredit -= s.congestionWindow;
  windowGrow(s, s.segmentSize);
}

/** The slow start threshold after a loss (RFC 5681 (4)): half of what is in flight, at least two segments. */
export function newRenoThreshold(s: TcpSocket): u32 {
  s.windowCredit = 0;
  return max(flightSize(s) >> 1, 2 * s.segmentSize);
}
