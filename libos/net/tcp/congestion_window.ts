// What the congestion control algorithms share: the window's bounds and the flight. Windows are in bytes.
import { TcpSocket } from "./socket";

/** Upper bound of the window: beyond any send buffer, small enough that sums do not overflow. */
export const WINDOW_MAX: u32 = 1 << 28;

/** Bytes sent and not acknowledged. */
export function flightSize(s: TcpSocket): u32 {
  return s.sendMax - s.sendUnacknowledged;
}

/** Opens the window by `bytes`. */
export function windowGrow(s: TcpSocket, bytes: u32): void {
  s.congestionWindow = min(s.congestionWindow + bytes, WINDOW_MAX);
}
