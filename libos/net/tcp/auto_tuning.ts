// Buffers that grow with what the path holds, so that neither is a limit of its own; SO_RCVBUF and SO_SNDBUF end that for
// a socket, as on Linux. They are limits only: memory is taken when bytes are there (ring_buffer.ts).
//
// Receiving (after Fisk and Feng, "Dynamic right-sizing in TCP", 2001): a sender whom the window does not hold up sends
// less than half of it in a round trip. When half a window arrives in a round trip, and the application has read all that
// came before, the window doubles: before a sender in slow start, who doubles his each round trip, can fill it.
// Sending: the buffer holds two congestion windows, what is on its way and what follows it.
import { RECEIVE_BUFFER_DEFAULT, RECEIVE_BUFFER_MAX, SEND_BUFFER_MAX } from "./constants";
import { HAS_TIMESTAMPS, TcpSegment } from "../wire/tcp";
import { timestampClock } from "./isn";
import { bufferMemoryAllows } from "./memory";
import { TcpSocket } from "./socket";
import { ticksOf } from "./transmit_times";

const MILLISECOND: u64 = 1000000;
/** For differences of sequence numbers and of ticks: more than any that is meant. */
const FAR: u32 = 1 << 30;

/** Waits for half a window from now on; called when the connection stands. */
export function receiveTuneStart(s: TcpSocket, now: u64): void {
  s.tuneSequence = s.receiveNext + (s.receiveLimitSet ? FAR : s.receiveLimit >> 1);
  // While gaps are filled, receiveNext runs faster than the path: this half counts for nothing.
  s.tuneStart = s.outOfOrder == 0 ? ticksOf(now) : ticksOf(now) - FAR;
}

/** receiveNext has come to tuneSequence, by `segment`. */
export function receiveTune(s: TcpSocket, segment: TcpSegment, now: u64): void {
  measure(s, segment, now);
  const sinceStart = s.receiveNext - s.tuneSequence + (s.receiveLimit >> 1);
  const isRead = s.receiveBuffer.length <= sinceStart;
  if (!s.receiveLimitSet && isRead && ticksOf(now) - s.tuneStart <= s.receiveRoundTrip) {
    const next = min<u32>(2 * s.receiveLimit, RECEIVE_BUFFER_MAX);
    if (bufferMemoryAllows(next)) s.receiveLimit = next;
  }
  receiveTuneStart(s, now);
}

/** Memory for what the window allows was not to be had: it begins again. */
export function receiveTuneBack(s: TcpSocket): void {
  if (!s.receiveLimitSet) s.receiveLimit = RECEIVE_BUFFER_DEFAULT;
}

/**
 * A round trip is the time from an acknowledgment of ours to text that echoes it, or what our own text has taken. A sender
 * who pauses makes it look long: a shorter one is taken at once, a longer one by an eighth.
 */
function measure(s: TcpSocket, segment: TcpSegment, now: u64): void {
  let sample = ticksOf(s.smoothedRoundTrip);
  if ((segment.options & HAS_TIMESTAMPS) != 0) {
    const elapsed = timestampClock(now) + s.timestampOffset - segment.timestampEcho;
    sample = ticksOf(<u64>(elapsed + 1) * MILLISECOND);
  }
  const before = s.receiveRoundTrip;
  if (before == 0 || sample < before) s.receiveRoundTrip = sample;
  else s.receiveRoundTrip += (sample - before) >> 3;
}

/** The congestion window has grown beyond half of the send buffer. */
export function sendTune(s: TcpSocket): void {
  const next = min<u32>(2 * s.congestionWindow, SEND_BUFFER_MAX);
  if (!s.sendLimitSet && next > s.sendLimit && bufferMemoryAllows(next)) s.sendLimit = next;
}
