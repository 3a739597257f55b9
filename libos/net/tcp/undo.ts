// Undoing a loss that was none (Eifel, RFC 3522 and RFC 4015): when the first acknowledgment after a retransmission
// echoes a timestamp from before it, the original has arrived after all, and the windows are as they were.
import { tcpExtendedCounters } from "./counters";
import { timestampClock } from "./isn";
import { sequenceMax } from "./sequence";
import { RECOVERY, REORDERING, RETRANSMIT_FIRST, TIMESTAMPS, UNDO } from "./flags";
import { TcpSocket } from "./socket";
import { HAS_TIMESTAMPS, TcpSegment } from "../wire/tcp";

/** Remembers the windows, before a loss changes them and something is sent again. */
export function undoPrepare(s: TcpSocket, now: u64): void {
  if (!s.has(TIMESTAMPS)) return;
  s.undoWindow = s.congestionWindow;
  s.undoThreshold = s.slowStartThreshold;
  s.undoStamp = timestampClock(now) + s.timestampOffset;
  s.set(UNDO);
}

/** The first acknowledgment of new data afterwards; true when it undid the loss. */
export function undoAcknowledged(s: TcpSocket, segment: TcpSegment): bool {
  s.clear(UNDO);
  if ((segment.options & HAS_TIMESTAMPS) == 0 || <i32>(segment.timestampEcho - s.undoStamp) >= 0) return false;
  if (s.has(RECOVERY)) tcpExtendedCounters.tcpFullUndo += 1;
  else tcpExtendedCounters.tcpLossUndo += 1;
  s.clear(RECOVERY | RETRANSMIT_FIRST);
  s.set(REORDERING);
  s.congestionWindow = max(s.congestionWindow, s.undoWindow);
  s.slowStartThreshold = s.undoThreshold;
  s.duplicateAcks = 0;
  s.lostBelow = s.sendUnacknowledged;
  s.sendNext = sequenceMax(s.sendNext, s.sendMax); // a time-out had put us back
  return true;
}
