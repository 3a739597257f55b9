// Socket options. The numbers of the options are posix's concern; here are one getter and one setter each.
// Times are ns, sizes bytes; a setter returns 0 or -EINVAL.
import { EINVAL } from "../../../kernel/errno";
import { NEVER } from "../../../kernel/time/clock";
import { congestionChoose } from "./congestion";
import { BUFFER_MAX, BUFFER_MIN, MSS_MIN, SEGMENT_SIZE_MAX } from "./constants";
import { ECN_ASK, ECN_NEVER, ECN_SETTING } from "./ecn";
import { outputNow } from "./output";
import { ACK_NOW, KEEPALIVE, MORE_FOLLOWS, NODELAY, REUSEADDR } from "./flags";
import { TcpSocket } from "./socket";
import { lifeTimerStart } from "./timers";

function setFlag(s: TcpSocket, flag: u32, on: bool): void {
  if (on) s.set(flag);
  else s.clear(flag);
}

/** TCP_NODELAY: the Nagle algorithm is off (RFC 9293 MUST-17). What it held back goes out at once. */
export function tcpSetNoDelay(s: TcpSocket, on: bool, now: u64): void {
  setFlag(s, NODELAY, on);
  if (on) outputNow(s, now);
}

export function tcpNoDelay(s: TcpSocket): bool {
  return s.has(NODELAY);
}

/**
 * TCP_CORK: less than a segment waits for more, CORK_MAX at most, until the option is cleared. As MSG_MORE, but for all that is
 * written; and as on Linux it goes before TCP_NODELAY.
 */
export function tcpSetCork(s: TcpSocket, on: bool, now: u64): void {
  s.corked = on;
  setFlag(s, MORE_FOLLOWS, on);
  if (!on) outputNow(s, now);
}

/** TCP_QUICKACK: acknowledgments are not delayed, and what was to be acknowledged is at once. Stays until it is cleared. */
export function tcpSetQuickAck(s: TcpSocket, on: bool, now: u64): void {
  s.quickAck = on;
  if (!on || s.delayedAckDeadline == NEVER) return;
  s.set(ACK_NOW);
  outputNow(s, now);
}

/** SO_KEEPALIVE (RFC 9293 MUST-24); off unless asked for (RFC 9293 MUST-25, MAY-5). */
export function tcpSetKeepAlive(s: TcpSocket, on: bool, now: u64): void {
  setFlag(s, KEEPALIVE, on);
  s.keepAliveProbes = 0;
  lifeTimerStart(s, now);
}

export function tcpKeepAlive(s: TcpSocket): bool {
  return s.has(KEEPALIVE);
}

/** TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT in one (RFC 9293 MUST-27); 0 leaves a value as it is. */
export function tcpSetKeepAliveTimes(s: TcpSocket, idle: u64, interval: u64, count: u32, now: u64): void {
  if (idle != 0) s.keepAliveIdle = idle;
  if (interval != 0) s.keepAliveInterval = interval;
  if (count != 0) s.keepAliveCount = count;
  lifeTimerStart(s, now);
}

export function tcpKeepAliveIdle(s: TcpSocket): u64 {
  return s.keepAliveIdle;
}

export function tcpKeepAliveInterval(s: TcpSocket): u64 {
  return s.keepAliveInterval;
}

export function tcpKeepAliveCount(s: TcpSocket): u32 {
  return s.keepAliveCount;
}

/** SO_REUSEADDR. */
export function tcpSetReuseAddress(s: TcpSocket, on: bool): void {
  setFlag(s, REUSEADDR, on);
}

export function tcpReuseAddress(s: TcpSocket): bool {
  return s.has(REUSEADDR);
}

/** SO_SNDBUF, brought into its bounds; from now on it stays so. */
export function tcpSetSendLimit(s: TcpSocket, bytes: u32): void {
  s.sendLimit = max(BUFFER_MIN, min(bytes, BUFFER_MAX));
  s.sendLimitSet = true;
}

export function tcpSendLimit(s: TcpSocket): u32 {
  return s.sendLimit;
}

/** SO_RCVBUF, brought into its bounds; from now on it stays so. A window once advertised stays advertised. */
export function tcpSetReceiveLimit(s: TcpSocket, bytes: u32): void {
  s.receiveLimit = max(BUFFER_MIN, min(bytes, BUFFER_MAX));
  s.receiveLimitSet = true;
}

export function tcpReceiveLimit(s: TcpSocket): u32 {
  return s.receiveLimit;
}

/** SO_LINGER: seconds, -1 = off. With 0, tcpClose resets; the waiting for longer times is the caller's. */
export function tcpSetLinger(s: TcpSocket, seconds: i32): i32 {
  if (seconds < -1) return -EINVAL;
  s.linger = seconds;
  return 0;
}

export function tcpLinger(s: TcpSocket): i32 {
  return s.linger;
}

/** TCP_USER_TIMEOUT, which is R2 (RFC 9293 MUST-21); 0 = the default. */
export function tcpSetUserTimeout(s: TcpSocket, nanoseconds: u64): void {
  s.userTimeout = nanoseconds;
}

export function tcpUserTimeout(s: TcpSocket): u64 {
  return s.userTimeout;
}

/**
 * TCP_MAXSEG: segments that we send are to have `bytes` at most, options included, from now on; the one that we announce is the
 * link's. -EINVAL as on Linux.
 */
export function tcpSetSegmentMaximum(s: TcpSocket, bytes: i32): i32 {
  if (bytes < <i32>MSS_MIN || bytes > <i32>SEGMENT_SIZE_MAX) return -EINVAL;
  s.segmentMaximum = bytes;
  s.peerMss = min<u32>(s.peerMss, bytes);
  return 0;
}

/** TCP_MAXSEG: text bytes per segment now. */
export function tcpSegmentSize(s: TcpSocket): u32 {
  return s.segmentSize;
}

/** TCP_ECN_MODE, for later connections; the values are those of Linux's tcp_ecn: 0 = never, 1 = ask for it, 2 = when the peer asks. */
export function tcpSetEcn(s: TcpSocket, mode: i32): i32 {
  if (mode < 0 || mode > 2) return -EINVAL;
  s.ecn = (s.ecn & ~ECN_SETTING) | (mode == 0 ? ECN_NEVER : mode == 1 ? ECN_ASK : 0);
  return 0;
}

export function tcpEcn(s: TcpSocket): i32 {
  if ((s.ecn & ECN_NEVER) != 0) return 0;
  return (s.ecn & ECN_ASK) != 0 ? 1 : 2;
}

/** TCP_CONGESTION: CUBIC or NEW_RENO (congestion.ts). */
export function tcpSetCongestionControl(s: TcpSocket, algorithm: u8): void {
  if (algorithm != s.congestionControl) congestionChoose(s, algorithm);
}

export function tcpCongestionControl(s: TcpSocket): u8 {
  return s.congestionControl;
}
