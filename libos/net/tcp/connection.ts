// Birth, opening and the ways to end of a connection. Nothing but connectionRelease() frees a socket, and it is called
// last by every entry point (input, timer, close), so that a connection may end anywhere below without dangling.
import { EADDRINUSE } from "../../../kernel/errno";
import { timerCancel } from "../../../kernel/time/timer";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { TCP_ACK } from "../wire/tcp";
import { congestionInit } from "./congestion";
import { boundRemove } from "./bound_ports";
import {
  KEEP_ALIVE_COUNT,
  KEEP_ALIVE_IDLE,
  KEEP_ALIVE_INTERVAL,
  MSS_DEFAULT,
  RTO_AFTER_SYN_LOSS,
  RECEIVE_BUFFER_DEFAULT,
  SEGMENT_SIZE_MAX,
  SEND_BUFFER_DEFAULT,
} from "./constants";
import { resetSend } from "./control_segment";
import { tcpCounters } from "./counters";
import { ECN_ASK, ECN_CAPABLE, ECN_SETTING } from "./ecn";
import { isnFor, timestampOffsetFor } from "./isn";
import { receiveTuneStart } from "./auto_tuning";
import { acceptQueueRemove } from "./listen";
import { starvedRemove } from "./memory";
import { orphanAdd, orphanRemove } from "./orphans";
import { outputNow, outputUnmark, segmentSizeUpdate } from "./output";
import { receiveDiscard } from "./receive_queue";
import { retransmissionLogFree } from "./retransmission_log";
import { ringFree } from "./ring_buffer";
import { roundTripInit } from "./rtt";
import { scoreboardFree } from "./scoreboard";
import {
  BOUND,
  DETACHED,
  FIN_QUEUED,
  HASHED,
  KEEPALIVE,
  NODELAY,
  OFFERED,
  RELEASED,
  REUSEADDR,
  SHARED,
  SYN_LOST,
} from "./flags";
import { NO_SOCKET, TcpSocket, socketAlloc, socketFree } from "./socket";
import {
  CLOSED,
  CLOSE_WAIT,
  ESTABLISHED,
  FIN_WAIT_1,
  SYN_RECEIVED,
  SYN_SENT,
  TIME_WAIT,
  isSynchronized,
} from "./state";
import { NO_ENDPOINT, isTimeWait, tableFind, tableInsert, tableRemove } from "./table";
import { TimeWait, timeWaitAdd, timeWaitFree, timeWaitNextIsn } from "./time_wait";
import { stateEnter, traceBegin } from "./trace";
import { lifeTimerStart, timersInit, timersStop } from "./timers";

/** A new socket with the default options; NO_SOCKET without memory. */
export function socketCreate(): TcpSocket {
  const s = socketAlloc();
  if (s == NO_SOCKET) return s;
  s.linger = -1;
  s.peerMss = MSS_DEFAULT;
  s.segmentMaximum = SEGMENT_SIZE_MAX;
  s.segmentSize = MSS_DEFAULT;
  s.sendLimit = SEND_BUFFER_DEFAULT;
  s.receiveLimit = RECEIVE_BUFFER_DEFAULT;
  s.keepAliveIdle = KEEP_ALIVE_IDLE;
  s.keepAliveInterval = KEEP_ALIVE_INTERVAL;
  s.keepAliveCount = KEEP_ALIVE_COUNT;
  roundTripInit(s);
  timersInit(s);
  return s;
}

/** Puts `s`, whose ends are known, into the table. */
export function socketLink(s: TcpSocket): void {
  tableInsert(s);
  s.set(HASHED);
}

/** Takes `s` out of the network's sight, in `state`: no segment reaches it any more, no timer runs. */
export function socketUnlink(s: TcpSocket, state: u8): void {
  if (s.has(HASHED)) tableRemove(s);
  s.clear(HASHED);
  stateEnter(s, state);
  timersStop(s);
  outputUnmark(s);
  starvedRemove(s);
  scoreboardFree(s);
  retransmissionLogFree(s);
  ringFree(s.sendBuffer);
}

/** Sends the SYN of an active open; addresses and remote port are set. 0, or -EADDRINUSE. */
export function connectionOpen(s: TcpSocket, localPort: u16, now: u64): i32 {
  const old = tableFind(s.local, localPort, s.remote, s.remotePort);
  let initial = isnFor(s.local, localPort, s.remote, s.remotePort, now);
  if (old != NO_ENDPOINT) {
    if (!isTimeWait(old)) return -EADDRINUSE;
    initial = timeWaitNextIsn(changetype<TimeWait>(old), initial);
    timeWaitFree(changetype<TimeWait>(old));
  }
  tcpCounters.activeOpens += 1;
  forgetEarlier(s);
  s.localPort = localPort;
  traceBegin(s);
  stateEnter(s, SYN_SENT);
  if ((s.ecn & ECN_ASK) != 0) s.ecn |= ECN_CAPABLE;
  s.timestampOffset = timestampOffsetFor(s.local, s.remote);
  sendSequenceInit(s, initial);
  s.lastReceived = now;
  socketLink(s);
  outputNow(s, now);
  return 0;
}

/** Brings a socket whose earlier attempt has failed back to its options alone. */
function forgetEarlier(s: TcpSocket): void {
  s.flags &= NODELAY | KEEPALIVE | REUSEADDR | BOUND;
  s.ecn &= ECN_SETTING;
  s.softError = 0;
  s.retransmissions = 0;
  s.keepAliveProbes = 0;
  s.sendScale = 0;
  s.receiveScale = 0;
  s.receiveNext = 0;
  s.receiveEdge = 0;
  roundTripInit(s);
  receiveDiscard(s);
}

/** Our sequence numbers start at `initial`, with nothing sent. */
export function sendSequenceInit(s: TcpSocket, initial: u32): void {
  s.initialSend = initial;
  s.sendUnacknowledged = initial;
  s.sendNext = initial;
  s.sendMax = initial;
  s.smallSequence = initial;
}

/** Our SYN is acknowledged: the connection stands. */
export function connectionEstablished(s: TcpSocket, now: u64): void {
  stateEnter(s, s.has(FIN_QUEUED) ? FIN_WAIT_1 : ESTABLISHED);
  segmentSizeUpdate(s);
  s.receiveSegmentSize = MSS_DEFAULT; // until larger segments arrive
  if (s.has(SYN_LOST) && s.smoothedRoundTrip == 0) s.retransmissionTimeout = RTO_AFTER_SYN_LOSS; // RFC 6298, 5.7
  congestionInit(s);
  receiveTuneStart(s, now);
  lifeTimerStart(s, now);
  wakeAll(s.waitQueue);
}

/** Ends the connection at once, `error` (0 = none) for the application. What was received stays readable. */
export function connectionFail(s: TcpSocket, error: i32): void {
  if (s.state == ESTABLISHED || s.state == CLOSE_WAIT) tcpCounters.estabResets += 1;
  else if (s.state == SYN_SENT || s.state == SYN_RECEIVED) tcpCounters.attemptFails += 1;
  socketUnlink(s, CLOSED);
  if (error != 0) s.error = error; // RFC 9293 MUST-12
  wakeAll(s.waitQueue);
}

/** True when a connection that comes to its regular end has text that other processes of the family may want. */
export function isUnreadByOthers(s: TcpSocket): bool {
  return (s.sharing & SHARED) != 0 && s.receiveBuffer.length != 0;
}

/** Ends the connection with a reset to the peer (RFC 9293, 3.10.5). */
export function connectionAbort(s: TcpSocket, error: i32, now: u64): void {
  if (isSynchronized(s.state) && s.state < TIME_WAIT) resetSend(s, s.sendNext, s.receiveNext, TCP_ACK, now);
  connectionFail(s, error);
}

/**
 * Both FINs are acknowledged: only the memory of the connection stays in the table, for 2 MSL. Behind it the socket stays, too, if another process
 * may yet want to read what has come.
 */
export function connectionTimeWait(s: TcpSocket, now: u64): void {
  const unread = isUnreadByOthers(s);
  if (unread) s.clear(HASHED);
  socketUnlink(s, TIME_WAIT);
  if (unread) s.set(HASHED);
  timeWaitAdd(s, now);
  wakeAll(s.waitQueue);
}

/** Frees `s` when it is over and nobody holds it; the caller must not touch it afterwards. */
export function connectionRelease(s: TcpSocket): void {
  if (s.state != CLOSED && s.state != TIME_WAIT) return;
  if ((s.sharing & (RELEASED | OFFERED)) != 0) {
    if (s.has(HASHED)) return;
    orphanAdd(s); // over before it was known who shall have it
  }
  if (!s.has(DETACHED)) return;
  acceptQueueRemove(s);
  boundRemove(s);
  socketUnlink(s, s.state);
  receiveDiscard(s);
  timerCancel(s.timer);
  orphanRemove();
  socketFree(s);
}
