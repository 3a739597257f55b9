// Listeners: the SYN that opens a half-open connection, the ACK that makes a child of it, and the queue of children
// that wait to be accepted. Neither a SYN nor an ACK is taken while that queue is full: the peer tries again. The memory of
// children that nobody has accepted is bounded by that queue, that of half-open connections by half_open.ts.
import { EADDRINUSE } from "../../../kernel/errno";
import { listFirst, listInit, listInsertTail, listLinked, listRemove } from "../../../kernel/list";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { connectionOffers, networkListens } from "../../optional/with_fork_network";
import { TCP_FIN, TcpSegment } from "../wire/tcp";
import {
  connectionAbort,
  connectionEstablished,
  connectionRelease,
  sendSequenceInit,
  socketCreate,
  socketLink,
} from "./connection";
import { listenerConflict } from "./bound_ports";
import { WINDOW_SCALE } from "./constants";
import { tcpCounters, tcpExtendedCounters } from "./counters";
import { HalfOpen, halfOpenAdd, halfOpenFreeAll, halfOpenWindow } from "./half_open";
import { ECN_SETTING } from "./ecn";
import { orphanAdd } from "./orphans";
import { roundTripSample } from "./rtt";
import { DETACHED, KEEPALIVE, NODELAY, OFFERED, SYN_LOST, TOLD, WINDOW_SCALED } from "./flags";
import { NO_SOCKET, TcpSocket, socketOfAccept } from "./socket";
import { CLOSED, LISTEN, SYN_RECEIVED } from "./state";
import { stateEnter, traceBegin } from "./trace";

/** Makes a listener of the bound socket `s`: 0, or -EADDRINUSE when the end has one already. */
export function listenerOpen(s: TcpSocket, backlog: u32): i32 {
  if (listenerConflict(s)) return -EADDRINUSE;
  s.backlog = backlog;
  s.acceptCount = 0;
  s.halfOpenCount = 0;
  listInit(s.acceptNode);
  stateEnter(s, LISTEN);
  return 0;
}

/** Ends listening; connections that nobody has accepted, and that no other process of a family may accept, are reset. */
export function listenerClose(s: TcpSocket, now: u64): void {
  if (s.accepts != 0) networkListens(s, false);
  halfOpenFreeAll(s);
  for (let node = listFirst(s.acceptNode); node != 0; node = listFirst(s.acceptNode)) {
    const child = socketOfAccept(node);
    acceptQueueRemove(child);
    if (connectionOffers(child)) continue;
    orphanAdd(child);
    connectionAbort(child, 0, now);
    connectionRelease(child);
  }
  s.acceptNode.next = 0;
  stateEnter(s, CLOSED);
  wakeAll(s.waitQueue);
}

/** True while no further connection can wait for accept. */
export function acceptQueueFull(s: TcpSocket): bool {
  return s.acceptCount >= s.backlog;
}

/** The child that has waited longest, now the caller's; NO_SOCKET when none waits. */
export function acceptQueueTake(s: TcpSocket): TcpSocket {
  const node = listFirst(s.acceptNode);
  if (node == 0) return NO_SOCKET;
  const child = socketOfAccept(node);
  acceptQueueRemove(child);
  child.sharing &= ~(OFFERED | TOLD);
  return child;
}

/** Takes `child` out of its listener's queue, if it is in one. */
export function acceptQueueRemove(child: TcpSocket): void {
  if (child.listener == 0 || !listLinked(child.acceptNode)) return;
  listRemove(child.acceptNode);
  changetype<TcpSocket>(child.listener).acceptCount -= 1;
  child.listener = 0;
}

/** `child`, which is established, waits in the queue of `s`. */
export function acceptQueueAdd(s: TcpSocket, child: TcpSocket): void {
  child.listener = changetype<usize>(s);
  listInsertTail(s.acceptNode, child.acceptNode);
  s.acceptCount += 1;
  wakeAll(s.waitQueue);
}

/** A SYN for `s` (RFC 9293, 3.10.7.2); `initial` is the sequence number that our answer starts with, 0 = choose one. */
export function listenerArrives(s: TcpSocket, segment: TcpSegment, initial: u32, now: u64): void {
  if (segment.has(TCP_FIN)) return;
  if (acceptQueueFull(s)) overflow();
  else halfOpenAdd(s, segment, initial, now);
}

function overflow(): void {
  tcpExtendedCounters.listenOverflows += 1;
  tcpExtendedCounters.listenDrops += 1;
}

/**
 * Makes an established connection of `entry`, which `segment` has completed; the caller then frees the entry. NO_SOCKET: no
 * room, the segment is lost.
 */
export function childCreate(entry: HalfOpen, segment: TcpSegment, now: u64): TcpSocket {
  const s = changetype<TcpSocket>(entry.listener);
  if (acceptQueueFull(s)) {
    overflow();
    return NO_SOCKET;
  }
  const child = socketCreate();
  if (child == NO_SOCKET) {
    tcpExtendedCounters.listenDrops += 1;
    return child;
  }
  inheritOptions(child, s);
  takeHandshake(child, entry, segment, now);
  socketLink(child);
  if (entry.retries != 0) child.set(SYN_LOST);
  else if (entry.sent != 0) roundTripSample(child, now - entry.sent);
  connectionEstablished(child, now);
  // What nobody here accepts, others of the family may: it waits for both, unless the listener is closed.
  const offered = (s.accepts == 0 || s.has(DETACHED)) && connectionOffers(child);
  if (!offered || !s.has(DETACHED)) acceptQueueAdd(s, child);
  tcpCounters.passiveOpens += 1;
  return child;
}

function inheritOptions(child: TcpSocket, s: TcpSocket): void {
  child.flags = s.flags & (NODELAY | KEEPALIVE);
  child.keepAliveIdle = s.keepAliveIdle;
  child.keepAliveInterval = s.keepAliveInterval;
  child.keepAliveCount = s.keepAliveCount;
  child.sendLimit = s.sendLimit;
  child.receiveLimit = s.receiveLimit;
  child.sendLimitSet = s.sendLimitSet;
  child.receiveLimitSet = s.receiveLimitSet;
  child.linger = s.linger;
  child.segmentMaximum = s.segmentMaximum;
  child.corked = s.corked;
  child.quickAck = s.quickAck;
  child.traced = s.traced;
  child.ipv6 = s.ipv6;
  child.only6 = s.only6;
  child.userTimeout = s.userTimeout;
  child.congestionControl = s.congestionControl;
  child.ecn = s.ecn & ECN_SETTING;
}

/** Takes over what SYN and SYN-ACK have settled. */
function takeHandshake(child: TcpSocket, entry: HalfOpen, segment: TcpSegment, now: u64): void {
  child.local.copy(entry.local);
  child.remote.copy(entry.remote);
  child.localPort = entry.localPort;
  child.remotePort = entry.remotePort;
  child.state = SYN_RECEIVED;
  traceBegin(child);
  child.settings.copy(entry.settings); // RFC 9293 SHLD-23: so nobody need change them during the connection
  child.set(entry.options);
  child.ecn |= entry.ecn;
  child.peerMss = min(entry.peerMss, child.segmentMaximum);
  child.sendScale = <u8>entry.peerScale;
  child.receiveScale = child.has(WINDOW_SCALED) ? WINDOW_SCALE : 0;
  child.timestampOffset = entry.timestampOffset;
  child.timestampRecent = entry.timestampRecent;
  child.timestampRecentTime = now;
  sendSequenceInit(child, entry.initialSend);
  child.sendUnacknowledged = entry.initialSend + 1;
  child.sendNext = child.sendUnacknowledged;
  child.sendMax = child.sendUnacknowledged;
  child.smallSequence = child.sendUnacknowledged;
  child.receiveNext = entry.initialReceive + 1;
  child.acknowledged = child.receiveNext;
  child.receiveEdge = child.receiveNext + halfOpenWindow(entry);
  child.windowSequence = segment.sequence - 1; // so that this segment's window counts
  child.windowAcknowledgment = child.sendUnacknowledged;
  child.sendWindow = entry.sendWindow;
  child.sendWindowMax = entry.sendWindow;
  child.lastReceived = now;
}
