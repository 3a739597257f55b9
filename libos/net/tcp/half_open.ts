// Half-open connections: a listener has answered a SYN and waits for the ACK (state SYN_RECEIVED of a passive open).
// An entry is small, and all listeners together hold a bounded number. Under a flood of SYNs, or without memory, nothing is
// kept for those that find no room: they are answered with cookies (cookie_handshake.ts).
import { ListNode, listFirst, listInit, listInsertTail, listRemove } from "../../../kernel/list";
import { Slab, slabInit } from "../../../kernel/memory/slab";
import { NEVER, monotonicNow } from "../../../kernel/time/clock";
import { Timer, timerInit, timerSet } from "../../../kernel/time/timer";
import { HAS_TIMESTAMPS, TCP_ACK, TCP_ECE, TCP_RST, TCP_SYN, TcpSegment } from "../wire/tcp";
import { challengeAllowed } from "./challenge";
import { cookieAnswer } from "./cookie_handshake";
import { HALF_OPEN_MAX, RTO_INITIAL, SYN_ACK_RETRIES, WINDOW_UNSCALED } from "./constants";
import { controlSend, resetReply, synSend } from "./control_segment";
import { tcpCounters, tcpExtendedCounters } from "./counters";
import { isnFor, timestampClock, timestampOffsetFor } from "./isn";
import { ecnOffered } from "./ecn";
import { mssOf, offeredBy } from "./segment_options";
import { segmentAcceptable } from "./sequence";
import { ENDPOINT_HALF_OPEN, TcpEndpoint } from "./endpoint";
import { TIMESTAMPS } from "./flags";
import { TcpSocket } from "./socket";
import { SYN_RECEIVED } from "./state";
import { tableInsert, tableRemove } from "./table";

/** A SYN that has been answered. */
@unmanaged
@final
export class HalfOpen extends TcpEndpoint {
  next: usize; // ListNode: by age
  previous: usize;
  listener: usize;
  initialSend: u32;
  initialReceive: u32;
  peerMss: u32;
  /** The peer's window field. */
  sendWindow: u32;
  /** Offered by the peer and taken by us: TIMESTAMPS | SACK_PERMITTED | WINDOW_SCALED. */
  options: u32;
  peerScale: u32;
  timestampOffset: u32;
  timestampRecent: u32;
  /** ECN_AGREED | ECN_CAPABLE, or 0 (ecn.ts). */
  ecn: u8;
  /** SYN-ACKs sent again. */
  retries: u32;
  /** 0 = not known: a cookie came back. */
  sent: u64;
  deadline: u64;
}

const slab = changetype<Slab>(memory.data(24, 8));
const byAge = changetype<ListNode>(memory.data(8, 8));
const timer = changetype<Timer>(memory.data(40, 8));
let count: u32 = 0;
let armed: u64 = NEVER;

/** Called once by tcpInit. */
export function halfOpenInit(): void {
  slabInit(slab, <u32>offsetof<HalfOpen>());
  listInit(byAge);
  timerInit(timer, timerExpired.index, 0);
  count = 0;
  armed = NEVER;
}

/** Entries now. */
export function halfOpenCount(): u32 {
  return count;
}

function nodeOf(entry: HalfOpen): ListNode {
  return changetype<ListNode>(changetype<usize>(entry) + offsetof<HalfOpen>("next"));
}

function entryOf(node: usize): HalfOpen {
  return changetype<HalfOpen>(node - offsetof<HalfOpen>("next"));
}

/**
 * Answers the SYN `segment` for `listener`, with initial sequence number `initial` unless that is 0: what follows a
 * connection in TIME_WAIT has its number given, which no cookie can be, and takes the place of the oldest.
 */
export function halfOpenAdd(listener: TcpSocket, segment: TcpSegment, initial: u32, now: u64): void {
  const full = count == HALF_OPEN_MAX;
  if (full && initial != 0) halfOpenFree(entryOf(listFirst(byAge)));
  const entry = changetype<HalfOpen>(full && initial == 0 ? 0 : slab.alloc());
  if (changetype<usize>(entry) == 0) {
    cookieAnswer(listener, segment, now);
    return;
  }
  halfOpenFill(entry, listener, segment);
  entry.initialSend =
    initial != 0 ? initial : isnFor(entry.local, entry.localPort, entry.remote, entry.remotePort, now);
  entry.initialReceive = segment.sequence;
  entry.sent = now;
  listener.halfOpenCount += 1;
  count += 1;
  tableInsert(entry);
  listInsertTail(byAge, nodeOf(entry));
  deadlineSet(entry, now + RTO_INITIAL);
  synAckSend(entry, now);
}

/** What `segment`, a SYN or the ACK of a cookie, says of a connection with `listener`. */
export function halfOpenFill(entry: HalfOpen, listener: TcpSocket, segment: TcpSegment): void {
  entry.local.copy(segment.destination);
  entry.remote.copy(segment.source);
  entry.localPort = segment.destinationPort;
  entry.remotePort = segment.sourcePort;
  entry.settings.copy(listener.settings);
  entry.kind = ENDPOINT_HALF_OPEN;
  entry.state = SYN_RECEIVED;
  entry.listener = changetype<usize>(listener);
  entry.peerMss = mssOf(segment);
  entry.sendWindow = segment.window;
  entry.options = offeredBy(segment);
  entry.ecn = ecnOffered(listener.ecn, segment);
  entry.peerScale = segment.windowScale;
  entry.timestampOffset = timestampOffsetFor(segment.destination, segment.source);
  entry.timestampRecent = segment.timestampValue;
}

/** Forgets `entry`. */
export function halfOpenFree(entry: HalfOpen): void {
  tableRemove(entry);
  listRemove(nodeOf(entry));
  changetype<TcpSocket>(entry.listener).halfOpenCount -= 1;
  count -= 1;
  slab.free(changetype<usize>(entry));
}

/** Forgets all entries of a listener that closes. */
export function halfOpenFreeAll(listener: TcpSocket): void {
  let node = byAge.next;
  while (listener.halfOpenCount != 0 && node != changetype<usize>(byAge)) {
    const entry = entryOf(node);
    node = changetype<ListNode>(node).next;
    if (entry.listener == changetype<usize>(listener)) halfOpenFree(entry);
  }
}

function synAckSend(entry: HalfOpen, now: u64): void {
  synAckSendStamped(entry, timestampClock(now) + entry.timestampOffset, now);
}

/** Sends the SYN-ACK with `timestamp`. */
export function synAckSendStamped(entry: HalfOpen, timestamp: u32, now: u64): void {
  const acknowledgment = entry.initialReceive + 1;
  const flags = TCP_SYN | TCP_ACK | (entry.ecn != 0 ? TCP_ECE : 0);
  const window = halfOpenWindow(entry);
  synSend(
    entry,
    entry.initialSend,
    acknowledgment,
    flags,
    window,
    entry.options,
    timestamp,
    entry.timestampRecent,
    now,
  );
}

/** The window that our SYN-ACK advertises; SYNs are never scaled. */
export function halfOpenWindow(entry: HalfOpen): u32 {
  return min<u32>(changetype<TcpSocket>(entry.listener).receiveLimit, WINDOW_UNSCALED);
}

function deadlineSet(entry: HalfOpen, deadline: u64): void {
  entry.deadline = deadline;
  if (deadline >= armed) return;
  armed = deadline;
  timerSet(timer, deadline);
}

function timerExpired(_argument: usize): void {
  const now = monotonicNow();
  let earliest: u64 = NEVER;
  let node = byAge.next;
  while (node != changetype<usize>(byAge)) {
    const entry = entryOf(node);
    node = changetype<ListNode>(node).next;
    if (entry.deadline <= now && !retransmit(entry, now)) continue;
    earliest = min(earliest, entry.deadline);
  }
  armed = earliest;
  timerSet(timer, earliest);
}

/** Sends the SYN-ACK again, or forgets the entry (false) after the last time. */
function retransmit(entry: HalfOpen, now: u64): bool {
  if (entry.retries == SYN_ACK_RETRIES) {
    halfOpenFree(entry);
    return false;
  }
  entry.retries += 1;
  entry.deadline = now + (RTO_INITIAL << entry.retries);
  tcpCounters.retransSegs += 1;
  tcpExtendedCounters.tcpSynRetrans += 1;
  synAckSend(entry, now);
  return true;
}

function acknowledge(entry: HalfOpen, now: u64): void {
  const timestamp = timestampClock(now) + entry.timestampOffset;
  const window = halfOpenWindow(entry) >> entry.receiveScale;
  const options = entry.options & TIMESTAMPS;
  const next = entry.initialReceive + 1;
  controlSend(entry, entry.initialSend + 1, next, TCP_ACK, window, options, timestamp, entry.timestampRecent, now);
}

/**
 * A segment for `entry` (RFC 9293, 3.10.7.4, SYN-RECEIVED). True when it completes the handshake: the caller makes a
 * connection of the entry and lets it process the segment.
 */
export function halfOpenArrives(entry: HalfOpen, segment: TcpSegment, now: u64): bool {
  const next = entry.initialReceive + 1;
  const acceptable = segmentAcceptable(segment.sequence, segment.sequenceLength(), next, halfOpenWindow(entry));
  if (segment.has(TCP_RST)) {
    // RFC 5961, 3.2; a passive open goes back to LISTEN (RFC 9293 MUST-11), that is, to nothing.
    if (segment.sequence == next) {
      tcpCounters.attemptFails += 1;
      halfOpenFree(entry);
    } else if (acceptable && challengeAllowed(now)) acknowledge(entry, now);
    return false;
  }
  if (segment.has(TCP_SYN)) {
    if (segment.sequence == entry.initialReceive && !segment.has(TCP_ACK)) {
      entry.ecn &= ecnOffered(0, segment); // RFC 3168, 6.1.1.1: the peer may have thought better of it
      synAckSend(entry, now);
    } else if (challengeAllowed(now)) acknowledge(entry, now);
    return false;
  }
  if (!acceptable || isOld(entry, segment)) {
    if (challengeAllowed(now)) acknowledge(entry, now);
    return false;
  }
  if (!segment.has(TCP_ACK)) return false;
  if (segment.acknowledgment == entry.initialSend + 1) return true;
  resetReply(segment, now);
  return false;
}

/** RFC 7323, 5.3: PAWS. */
function isOld(entry: HalfOpen, segment: TcpSegment): bool {
  if ((entry.options & TIMESTAMPS) == 0 || (segment.options & HAS_TIMESTAMPS) == 0) return false;
  return <i32>(segment.timestampValue - entry.timestampRecent) < 0;
}
