// Whether a connection block that another process has sent can be worked on: no number in it may lead out of the rings and lists, divide by
// zero or make a timer run for ever. That the numbers are a good idea is the sender's concern, and harms its connection only.
import {
  BUFFER_MIN,
  MSS_MIN,
  RECEIVE_BUFFER_MAX,
  RTO_MAX,
  RTO_MIN,
  SEGMENT_SIZE_MAX,
  SEND_BUFFER_MAX,
} from "../tcp/constants";
import { CUBIC, NEW_RENO } from "../tcp/congestion";
import { WINDOW_MAX } from "../tcp/congestion_window";
import { ECN_REDUCED } from "../tcp/ecn";
import { FIN_ACKNOWLEDGED, FIN_KNOWN, FIN_QUEUED, RECOVERY } from "../tcp/flags";
import { RANGES_MAX, rangeEnd, rangeListBytes, rangeStart, rangesOf } from "../tcp/range_list";
import { retransmissionLogBytes, retransmissionLogSound } from "../tcp/retransmission_log";
import { TRANSMIT_MARKS, TcpSocket } from "../tcp/socket";
import { CLOSE_WAIT, ESTABLISHED, FIN_WAIT_2, TIME_WAIT, peerHasFinished } from "../tcp/state";

/** RFC 7323, 2.3. */
const SCALE_MAX: u8 = 14;
/** Less than any segment has of text, and more than options take. */
const SEGMENT_MIN: u32 = 48;
/** No window is larger, so no two numbers of a connection are further apart. */
const FAR: u32 = 1 << 30;
/** Times between two events of a timer, ns: at least a second where an application chooses them. */
const INTERVAL_MIN: u64 = 1_000_000_000;
/** About half a year: sums of such times do not overflow. */
const TIME_MAX: u64 = 1 << 54;

/**
 * `state` is what the block is to be in, `early` the bytes behind the text in order in the receive ring, `lists` the announced bytes of both range
 * lists (that of early text in the lower half) and `again` those of the log.
 */
export function blockIsSound(s: TcpSocket, state: u32, early: u32, lists: u32, again: u32): bool {
  if (state < ESTABLISHED || state > TIME_WAIT) return false;
  if (!sendSideSound(s, state) || !receiveSideSound(s, state, early, lists & 0xffff)) return false;
  return numbersSound(s) && reportsSound(s, lists >> 16, again);
}

function sendSideSound(s: TcpSocket, state: u32): bool {
  const held = s.sendBuffer.length;
  const finished = state != ESTABLISHED && state != CLOSE_WAIT;
  if (finished != s.has(FIN_QUEUED)) return false;
  const acknowledged = s.has(FIN_ACKNOWLEDGED);
  if (acknowledged != (state == FIN_WAIT_2 || state == TIME_WAIT) || (acknowledged && held != 0)) return false;
  const most = held + (finished && !acknowledged ? 1 : 0);
  const sent = s.sendMax - s.sendUnacknowledged;
  if (sent > most || s.sendNext - s.sendUnacknowledged > sent) return false;
  return s.sendWindow <= FAR && s.sendWindowMax <= FAR && s.sendScale <= SCALE_MAX;
}

function receiveSideSound(s: TcpSocket, state: u32, early: u32, listBytes: u32): bool {
  if (s.receiveScale > SCALE_MAX || s.receiveEdge - s.receiveNext > FAR) return false;
  if (s.receiveNext - s.acknowledged > FAR) return false;
  const finished = peerHasFinished(<u8>state);
  if (finished && (!s.has(FIN_KNOWN) || s.finSequence + 1 != s.receiveNext)) return false;
  if (s.outOfOrder == 0) return early == 0 && listBytes == 0;
  if (rangeListBytes(s.outOfOrder) != listBytes || finished) return false;
  return early <= FAR && rangesSound(s.outOfOrder, s.receiveNext, s.receiveNext + early, true);
}

/** Whether the ranges are in order between `low` and `high`, without touching `low` or each other; `whole`: up to `high`. */
function rangesSound(list: usize, low: u32, high: u32, whole: bool): bool {
  const count = rangesOf(list);
  if (count == 0 || count > RANGES_MAX) return false;
  let end: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const start = rangeStart(list, i) - low;
    if (start <= end || rangeEnd(list, i) - low <= start) return false;
    end = rangeEnd(list, i) - low;
    if (end > high - low) return false;
  }
  return !whole || end == high - low;
}

function reportsSound(s: TcpSocket, listBytes: u32, again: u32): bool {
  if (s.scoreboard == 0) {
    if (listBytes != 0) return false;
  } else if (rangeListBytes(s.scoreboard) != listBytes) {
    return false;
  } else if (!rangesSound(s.scoreboard, s.sendUnacknowledged, s.sendMax, false)) {
    return false;
  }
  return (
    retransmissionLogBytes(s) == again &&
    retransmissionLogSound(s) &&
    s.markCount <= TRANSMIT_MARKS &&
    s.markFirst < TRANSMIT_MARKS
  );
}

function numbersSound(s: TcpSocket): bool {
  if (s.peerMss < MSS_MIN || s.peerMss > 65535) return false;
  if (s.segmentMaximum < MSS_MIN || s.segmentMaximum > SEGMENT_SIZE_MAX) return false;
  if (s.segmentSize < SEGMENT_MIN || s.segmentSize > 65535) return false;
  if (s.receiveSegmentSize > 65535 || s.congestionControl > max(CUBIC, NEW_RENO)) return false;
  if (s.congestionWindow > WINDOW_MAX || s.slowStartThreshold > WINDOW_MAX) return false;
  if (s.congestionWindow == 0 && (s.ecn & ECN_REDUCED) == 0) return false;
  if (max(max(s.cubicMaximum, s.cubicPrior), max(s.cubicEstimate, s.undoWindow)) > WINDOW_MAX) return false;
  if (s.undoThreshold > WINDOW_MAX || (s.has(RECOVERY) && s.recoverFlight == 0)) return false;
  if (s.sendLimit < BUFFER_MIN || s.sendLimit > SEND_BUFFER_MAX) return false;
  if (s.receiveLimit < BUFFER_MIN || s.receiveLimit > RECEIVE_BUFFER_MAX) return false;
  return timesSound(s);
}

function timesSound(s: TcpSocket): bool {
  if (s.retransmissionTimeout < RTO_MIN || s.retransmissionTimeout > RTO_MAX) return false;
  if (s.smoothedRoundTrip > TIME_MAX || s.roundTripVariation > TIME_MAX || s.userTimeout > TIME_MAX) return false;
  if (s.keepAliveIdle < INTERVAL_MIN || s.keepAliveIdle > TIME_MAX) return false;
  return s.keepAliveInterval >= INTERVAL_MIN && s.keepAliveInterval <= TIME_MAX && s.reorderSteps <= 255;
}
