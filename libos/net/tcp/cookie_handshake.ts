// The handshake of a listener that has no room for another half-open connection (syn_cookie.ts): a SYN-ACK of which nothing is
// kept, and the connection made anew from the ACK that brings the cookie back.
//
// The list of half-open connections is common to all listeners, so all of them answer with cookies while it is full. A
// peer that ends up in the accept queue is as real as any: the ACK came from where the cookie had been sent to.
import { TcpSegment } from "../wire/tcp";
import { tcpExtendedCounters } from "./counters";
import { ECN_AGREED, ECN_CAPABLE } from "./ecn";
import { HalfOpen, halfOpenFill, synAckSendStamped } from "./half_open";
import { timestampClock } from "./isn";
import { TIMESTAMPS } from "./flags";
import { TcpSocket } from "./socket";
import { cookieCheck, cookieMake, stampHasEcn, stampMake, stampOptions, stampScale } from "./syn_cookie";

/** The entry of the moment; it is in no list. */
const transient = changetype<HalfOpen>(memory.data(offsetof<HalfOpen>() + 4, 8));

/** Answers the SYN `segment` for `listener`, and forgets it. */
export function cookieAnswer(listener: TcpSocket, segment: TcpSegment, now: u64): void {
  const entry = transient;
  halfOpenFill(entry, listener, segment);
  entry.initialSend = cookieMake(segment, now);
  entry.initialReceive = segment.sequence;
  if ((entry.options & TIMESTAMPS) == 0) {
    // no room to remember the others in
    entry.options = 0;
    entry.ecn = 0;
  }
  const timestamp = timestampClock(now) + entry.timestampOffset;
  tcpExtendedCounters.syncookiesSent += 1;
  tcpExtendedCounters.tcpReqQFullDoCookies += 1;
  synAckSendStamped(entry, stampMake(timestamp, entry.options, entry.peerScale, entry.ecn != 0), now);
}

/** The half-open connection that `segment` completes, good until the next call here; null when what it acknowledges is no cookie. */
export function cookieArrives(listener: TcpSocket, segment: TcpSegment, now: u64): HalfOpen {
  const mss = cookieCheck(segment, now);
  if (mss == 0) {
    tcpExtendedCounters.syncookiesFailed += 1;
    return changetype<HalfOpen>(0);
  }
  tcpExtendedCounters.syncookiesRecv += 1;
  const entry = transient;
  halfOpenFill(entry, listener, segment);
  entry.initialSend = segment.acknowledgment - 1;
  entry.initialReceive = segment.sequence - 1;
  entry.peerMss = mss;
  entry.options = stampOptions(segment);
  entry.peerScale = stampScale(segment);
  entry.ecn = stampHasEcn(segment) ? ECN_AGREED | ECN_CAPABLE : 0;
  return entry;
}
