// TIME_WAIT (RFC 9293 MUST-13, 3.6.1): a connection that is over is remembered for 2 MSL in a small entry, so that
// late segments are answered and not taken for a new connection's. Entries expire in the order in which they came; a
// bounded number is kept, beyond it the oldest goes early.
import { ListNode, listFirst, listInit, listInsertTail, listRemove } from "../../../kernel/list";
import { Slab, slabInit } from "../../../kernel/memory/slab";
import { NEVER, monotonicNow } from "../../../kernel/time/clock";
import { Timer, timerInit, timerSet } from "../../../kernel/time/timer";
import { HAS_TIMESTAMPS, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, TcpSegment } from "../wire/tcp";
import { challengeAllowed } from "./challenge";
import { TIME_WAIT_DURATION, TIME_WAIT_MAX, WINDOW_UNSCALED } from "./constants";
import { controlSend } from "./control_segment";
import { tcpExtendedCounters } from "./counters";
import { timestampClock } from "./isn";
import { sequenceLess, segmentAcceptable } from "./sequence";
import { ENDPOINT_TIME_WAIT, TcpEndpoint } from "./endpoint";
import { ACK_NOW, TIMESTAMPS } from "./flags";
import { TcpSocket } from "./socket";
import { TIME_WAIT } from "./state";
import { tableInsert, tableRemove } from "./table";

/** The new incarnation's numbers start at least this far beyond the old one's. */
const ISN_DISTANCE: u32 = 65536 + 2;

/** A remembered connection. */
@unmanaged
@final
export class TimeWait extends TcpEndpoint {
  next: usize; // ListNode: order of expiry
  previous: usize;
  sendNext: u32;
  receiveNext: u32;
  /** TIMESTAMPS, or 0. */
  options: u32;
  timestampOffset: u32;
  timestampRecent: u32;
  /** The window field of the last segment. */
  window: u32;
  deadline: u64;
}

const slab = changetype<Slab>(memory.data(24, 8));
const order = changetype<ListNode>(memory.data(8, 8));
const timer = changetype<Timer>(memory.data(40, 8));
let count: u32 = 0;

/** Called once by tcpInit. */
export function timeWaitInit(): void {
  slabInit(slab, <u32>offsetof<TimeWait>());
  listInit(order);
  timerInit(timer, timerExpired.index, 0);
  count = 0;
}

/** Entries now. */
export function timeWaitCount(): u32 {
  return count;
}

function nodeOf(entry: TimeWait): ListNode {
  return changetype<ListNode>(changetype<usize>(entry) + offsetof<TimeWait>("next"));
}

function oldest(): TimeWait {
  const node = listFirst(order);
  return changetype<TimeWait>(node == 0 ? <usize>0 : node - offsetof<TimeWait>("next"));
}

function timerStart(): void {
  const first = oldest();
  timerSet(timer, changetype<usize>(first) == 0 ? NEVER : first.deadline);
}

function timerExpired(_argument: usize): void {
  const now = monotonicNow();
  for (let entry = oldest(); changetype<usize>(entry) != 0 && entry.deadline <= now; entry = oldest()) expire(entry);
  timerStart();
}

function expire(entry: TimeWait): void {
  tcpExtendedCounters.tw += 1;
  timeWaitFree(entry);
}

/** Remembers the connection of `s`, which has just left the table. Without memory it is forgotten. */
export function timeWaitAdd(s: TcpSocket, now: u64): void {
  if (count == TIME_WAIT_MAX) {
    tcpExtendedCounters.tcpTimeWaitOverflow += 1;
    timeWaitFree(oldest());
  }
  const entry = changetype<TimeWait>(slab.alloc());
  if (changetype<usize>(entry) == 0) return;
  entry.local.copy(s.local);
  entry.remote.copy(s.remote);
  entry.localPort = s.localPort;
  entry.remotePort = s.remotePort;
  entry.settings.copy(s.settings);
  entry.kind = ENDPOINT_TIME_WAIT;
  entry.state = TIME_WAIT;
  entry.sendNext = s.sendMax;
  entry.receiveNext = s.receiveNext;
  entry.options = s.flags & TIMESTAMPS;
  entry.timestampOffset = s.timestampOffset;
  entry.timestampRecent = s.timestampRecent;
  entry.window = min(s.receiveLimit >> s.receiveScale, WINDOW_UNSCALED);
  entry.deadline = now + TIME_WAIT_DURATION;
  tableInsert(entry);
  listInsertTail(order, nodeOf(entry));
  count += 1;
  if (count == 1) timerStart();
  if (s.has(ACK_NOW)) acknowledge(entry, now); // of the peer's FIN, when that has brought us here
}

/** Forgets `entry`. */
export function timeWaitFree(entry: TimeWait): void {
  tableRemove(entry);
  listRemove(nodeOf(entry));
  slab.free(changetype<usize>(entry));
  count -= 1;
}

/** The initial sequence number of the next incarnation: `proposed`, or beyond what the old one sent (RFC 1122, 4.2.2.13). */
export function timeWaitNextIsn(entry: TimeWait, proposed: u32): u32 {
  const least = entry.sendNext + ISN_DISTANCE;
  return sequenceLess(proposed, least) ? least : proposed;
}

function acknowledge(entry: TimeWait, now: u64): void {
  const timestamp = timestampClock(now) + entry.timestampOffset;
  const options = entry.options;
  controlSend(
    entry,
    entry.sendNext,
    entry.receiveNext,
    TCP_ACK,
    entry.window,
    options,
    timestamp,
    entry.timestampRecent,
    now,
  );
}

function restart(entry: TimeWait, now: u64): void {
  entry.deadline = now + TIME_WAIT_DURATION;
  listRemove(nodeOf(entry));
  listInsertTail(order, nodeOf(entry));
}

/** True for a SYN of a new incarnation: its timestamp (RFC 6191; RFC 9293 SHLD-4) or its sequence number is beyond the old one's. */
function opensAnew(entry: TimeWait, segment: TcpSegment): bool {
  if ((segment.flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN) return false;
  if (entry.options != 0 && (segment.options & HAS_TIMESTAMPS) != 0) {
    const newer = segment.timestampValue - entry.timestampRecent;
    if (newer != 0) return <i32>newer > 0;
  }
  return sequenceLess(entry.receiveNext, segment.sequence);
}

/**
 * A segment for `entry` (RFC 9293, 3.10.7.4, TIME-WAIT). True when it is the SYN of a new connection (RFC 9293 MAY-2): the
 * caller then frees the entry and hands the SYN to the listener.
 */
export function timeWaitArrives(entry: TimeWait, segment: TcpSegment, now: u64): bool {
  if (opensAnew(entry, segment)) {
    tcpExtendedCounters.twRecycled += 1;
    return true;
  }
  if (segment.has(TCP_RST)) {
    if (segment.sequence == entry.receiveNext) timeWaitFree(entry); // RFC 5961, 3.2: the exact number only
    return false;
  }
  if (segment.has(TCP_FIN) && segment.sequence + segment.sequenceLength() == entry.receiveNext) restart(entry, now);
  const length = segment.sequenceLength();
  if (length == 0 && segmentAcceptable(segment.sequence, 0, entry.receiveNext, entry.window)) return false;
  if (challengeAllowed(now)) acknowledge(entry, now);
  return false;
}
