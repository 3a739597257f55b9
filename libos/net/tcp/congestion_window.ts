// What the congestion control algorithms share: the window's bounds and the flight. Windows are in bytes.
import { TcpSocket } from "./socket";

/** Upper bound of the window: beyond any send buffer, small enough that sums do not overflow. */
export const WINDOW_MAX: u32 = 1 << 28;

/**
 * Bytes sent and not acknowledged; after a time-out, of what was sent again. What limited transmit has sent beyond the
 * window does not count (RFC 5681, 3.2 step 1).
 */
export function flightSize(s: TcpSocket): u32 {
  return min(s.sendNext - s.sendUnacknowledged, s.congestionWindow);
}

/** Opens the window by `bytes`. */
export function windowGrow(s: TcpSocket, bytes: u32): void {
  s.congestionWindow = min(s.congestionWindow + bytes, WINDOW_MAX);
}
