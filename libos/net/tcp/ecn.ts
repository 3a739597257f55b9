// Explicit congestion notification (RFC 3168; RFC 9293 SHLD-8): a router that would drop a packet marks it instead (CE), where the packet says that
// its ends understand that (ECT). The receiver echoes the mark in its acknowledgments (ECE) until it hears that the sender has
// slowed down (CWR).
import { NEVER } from "../../../kernel/time/clock";
import { TransmitFrame } from "../device";
import { TCP_CWR, TCP_ECE, TcpSegment } from "../wire/tcp";
import { sequenceLess } from "./sequence";
import { ACK_NOW, TAIL_TIMER } from "./flags";
import { TcpSocket } from "./socket";
import { SYN_SENT } from "./state";

// Codepoints, the lower two bits of a service field; 0 is "not ECT".
export const ECT_0: u8 = 2;
export const CE: u8 = 3;
/** The two bits of a service field. */
export const ECN_MASK: u8 = 3;

// Bits of TcpSocket.ecn. The setting: neither of the first two means that ECN is used when the peer asks for it.
/** ECN is not used, whoever asks. */
export const ECN_NEVER: u8 = 1 << 0;
/** Our SYNs ask for it. */
export const ECN_ASK: u8 = 1 << 1;
/** Of SYN and SYN-ACK at least one each has agreed to it: marks that come are echoed. */
export const ECN_AGREED: u8 = 1 << 2;
/** And none has not: what we send may be marked. While our SYN is not answered: it asks. */
export const ECN_CAPABLE: u8 = 1 << 3;
/** A mark has come, and no CWR since. */
export const ECN_ECHO: u8 = 1 << 4;
/** The window has been reduced; until what was sent before, up to ecnReduced, is acknowledged, it is not reduced again. */
export const ECN_REDUCED: u8 = 1 << 5;
/** The next new text tells the peer that the window has been reduced. */
export const ECN_CWR_DUE: u8 = 1 << 6;

/** What of TcpSocket.ecn an application has set. */
export const ECN_SETTING: u8 = ECN_NEVER | ECN_ASK;

/** Section 6.1.1: the flags that our SYN or SYN-ACK has for ECN. */
export function ecnSynFlags(s: TcpSocket): u32 {
  if (s.state == SYN_SENT) return (s.ecn & ECN_CAPABLE) != 0 ? TCP_ECE | TCP_CWR : 0;
  return (s.ecn & ECN_AGREED) != 0 ? TCP_ECE : 0;
}

/**
 * The SYN or SYN-ACK that answers or crosses our SYN. One that has both flags and an ACK comes from a peer that sends back what
 * it does not understand (section 6.1.1), one that has been marked as capable has met something that overwrites marks.
 */
export function ecnSynArrives(s: TcpSocket, segment: TcpSegment, acknowledges: bool): void {
  const agrees = (segment.flags & (TCP_ECE | TCP_CWR)) == (acknowledges ? TCP_ECE : TCP_ECE | TCP_CWR);
  if ((s.ecn & ECN_ASK) == 0 || !agrees || segment.codepoint != 0) s.ecn &= ~ECN_CAPABLE;
  else if (acknowledges || (s.ecn & ECN_CAPABLE) != 0) s.ecn |= ECN_AGREED;
}

/** What becomes of the SYN `segment` at a listener with `setting`: ECN_AGREED | ECN_CAPABLE, or 0. */
export function ecnOffered(setting: u8, segment: TcpSegment): u8 {
  if ((setting & ECN_NEVER) != 0 || !segment.has(TCP_ECE | TCP_CWR) || segment.codepoint != 0) return 0;
  return ECN_AGREED | ECN_CAPABLE;
}

/**
 * The flags of a segment of a connection that has agreed, which goes into `frame`. Only text that has never been sent is marked as
 * capable (sections 6.1.4 to 6.1.6), and only that says CWR: a retransmission may be an attacker's doing.
 */
export function ecnSend(s: TcpSocket, frame: TransmitFrame, newText: bool): u32 {
  let flags: u32 = (s.ecn & ECN_ECHO) != 0 ? TCP_ECE : 0;
  if (!newText || (s.ecn & ECN_CAPABLE) == 0) return flags;
  frame.service |= ECT_0;
  if ((s.ecn & ECN_CWR_DUE) != 0) flags |= TCP_CWR;
  s.ecn &= ~ECN_CWR_DUE;
  return flags;
}

/** Text within the window (sections 6.1.3 and 6.1.5). Both kinds of news are acknowledged at once: the peer may send little now. */
export function ecnTextArrives(s: TcpSocket, segment: TcpSegment): void {
  if (segment.has(TCP_CWR)) {
    s.ecn &= ~ECN_ECHO;
    s.set(ACK_NOW);
  }
  if (segment.codepoint != CE || (s.ecn & ECN_ECHO) != 0) return;
  s.ecn |= ECN_ECHO;
  s.set(ACK_NOW);
}

/** True when the acknowledgment `ack` of `segment` asks for a reduction: once for what was under way at the one before (section 6.1.2). */
export function ecnEchoed(s: TcpSocket, segment: TcpSegment): bool {
  if ((s.ecn & ECN_REDUCED) != 0 && sequenceLess(s.ecnReduced, segment.acknowledgment)) s.ecn &= ~ECN_REDUCED;
  return segment.has(TCP_ECE) && (s.ecn & ECN_REDUCED) == 0;
}

/** Section 6.1.2: where a window of one segment was to be reduced, the next one waits for the retransmission timer. */
export function ecnHold(s: TcpSocket, now: u64): void {
  if (s.congestionWindow != 0 || s.retransmitDeadline != NEVER) return;
  s.clear(TAIL_TIMER);
  s.retransmitDeadline = now + s.retransmissionTimeout;
}
