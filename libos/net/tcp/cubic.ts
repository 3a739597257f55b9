// CUBIC's part of congestion control (RFC 9438). After a loss the window grows along a cubic function of time: quickly
// up to near the size at which the loss came, slowly around it, then quickly again; so its growth does not depend on the
// round trip. Where NewReno would have grown faster, CUBIC does as it would.
//
//   W_cubic(t) = C (t - K)^3 + W_max     in segments and seconds, C = 0.4
//   K = cbrt((W_max - cwnd_epoch) / C)   the time at which W_max is reached again
//
// Here windows are bytes and t and K milliseconds, in integers: an error of less than a byte each acknowledgment.
import { WINDOW_MAX, flightSize } from "./congestion_window";
import { TcpSocket } from "./socket";

const MILLISECOND: u64 = 1000000;
/** Largest |t - K| that is looked at, ms: what follows from it cannot overflow, and is beyond any window. */
const DISTANCE_MAX: u64 = 200000;

/** No loss is known, and congestion avoidance has not begun: at establishment, and after a time-out (RFC 9438, 4.8). */
export function cubicReset(s: TcpSocket): void {
  s.cubicMaximum = 0;
  s.cubicPrior = 0;
  s.cubicEpoch = 0;
}

/** The slow start threshold after a loss (RFC 9438, 4.6 and 4.7): 0.7 of what is in flight, at least two segments. */
export function cubicThreshold(s: TcpSocket): u32 {
  const window = s.congestionWindow;
  // Fast convergence: a window that has not come back to the last maximum leaves room to newer flows, (1 + 0.7) / 2.
  s.cubicMaximum = window < s.cubicMaximum ? window - (window * 3) / 20 : window;
  s.cubicPrior = window;
  s.cubicEpoch = 0;
  return max((flightSize(s) * 7) / 10, 2 * s.segmentSize);
}

/** The window was not used: the time that passes meanwhile does not open it (RFC 9438, 5.8). */
export function cubicPause(s: TcpSocket): void {
  s.cubicEpoch = 0;
}

/** Congestion avoidance: `acked` bytes are acknowledged (RFC 9438, 4.2 to 4.5). */
export function cubicAvoid(s: TcpSocket, acked: u32, now: u64): void {
  if (s.cubicEpoch == 0) epochStart(s, now);
  const window = s.congestionWindow;
  const counted = min(acked, window);
  estimateGrow(s, counted);
  // Where the function stands one round trip from now, at most one and a half windows.
  const target = min(windowAt(s, now - s.cubicEpoch + s.smoothedRoundTrip), window + (window >> 1));
  let next = window;
  if (target > window) next += <u32>((<u64>(target - window) * counted) / window);
  s.congestionWindow = min(max(next, s.cubicEstimate), WINDOW_MAX);
}

/** A stage of congestion avoidance begins. */
function epochStart(s: TcpSocket, now: u64): void {
  const window = s.congestionWindow;
  s.cubicEpoch = now;
  s.cubicEstimate = window;
  s.windowCredit = 0;
  s.cubicMaximum = max(s.cubicMaximum, window);
  // In seconds K = cbrt(segments / 0.4).
  s.cubicOffset = cubeRoot((<u64>(s.cubicMaximum - window) * 2500000000) / s.segmentSize);
}

/** W_cubic after `elapsed` ns of this stage, bytes. */
function windowAt(s: TcpSocket, elapsed: u64): u32 {
  const time = elapsed / MILLISECOND;
  const offset = <u64>s.cubicOffset;
  const distance = min(time > offset ? time - offset : offset - time, DISTANCE_MAX);
  const bytes = (((distance * distance * distance) / 1000) * 4 * s.segmentSize) / 10000000;
  if (time > offset) return <u32>min<u64>(s.cubicMaximum + bytes, WINDOW_MAX);
  return bytes < s.cubicMaximum ? s.cubicMaximum - <u32>bytes : 0;
}

/** W_est, what NewReno with our factor would have (RFC 9438, 4.3): 9/17 of a segment each round trip, later one. */
function estimateGrow(s: TcpSocket, acked: u32): void {
  let credit = <u64>acked * s.segmentSize;
  if (s.cubicEstimate < s.cubicPrior) credit = (credit * 9) / 17;
  credit += s.windowCredit;
  s.cubicEstimate = <u32>min<u64>(s.cubicEstimate + credit / s.congestionWindow, WINDOW_MAX);
  s.windowCredit = <u32>(credit % s.congestionWindow);
}

/** The largest integer whose cube is at most `value`, digit by binary digit; value < 2^63. */
function cubeRoot(value: u64): u32 {
  let root: u64 = 0;
  for (let bit: u64 = 1 << 20; bit != 0; bit >>= 1) {
    const trial = root | bit;
    if (trial * trial * trial <= value) root = trial;
  }
  return <u32>root;
}
