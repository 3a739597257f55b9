// Round-trip time and retransmission time-out (RFC 6298; RFC 9293 MUST-19). One segment per round trip is timed with the full
// resolution of the clock; after a retransmission only a timestamp tells which sending was answered (RFC 7323, 4.3).
import { RTO_INITIAL, RTO_MAX, RTO_MIN } from "./constants";
import { timestampClock } from "./isn";
import { rackInit, rackMeasured } from "./rack";
import { ROUND_TRIP_TIMED, TIMESTAMPS } from "./flags";
import { TcpSocket } from "./socket";
import { sequenceLess } from "./sequence";

/** A timestamp echo that claims more than this is not believed, ms. */
const ECHO_MAX: u32 = 600000;

/** No measurement yet. */
export function roundTripInit(s: TcpSocket): void {
  s.smoothedRoundTrip = 0;
  s.roundTripVariation = 0;
  s.retransmissionTimeout = RTO_INITIAL; // RFC 6298, 2.1
  rackInit(s);
}

/** Takes one measurement, ns. */
export function roundTripSample(s: TcpSocket, measured: u64): void {
  const sample = max<u64>(measured, 1);
  rackMeasured(s, sample);
  if (s.smoothedRoundTrip == 0) {
    s.smoothedRoundTrip = sample; // RFC 6298, 2.2
    s.roundTripVariation = sample >> 1;
  } else {
    const smoothed = s.smoothedRoundTrip; // RFC 6298, 2.3
    const distance = smoothed > sample ? smoothed - sample : sample - smoothed;
    s.roundTripVariation += (distance >> 2) - (s.roundTripVariation >> 2);
    s.smoothedRoundTrip = smoothed - (smoothed >> 3) + (sample >> 3);
  }
  const timeout = s.smoothedRoundTrip + (s.roundTripVariation << 2);
  s.retransmissionTimeout = max(RTO_MIN, min(RTO_MAX, timeout));
}

/** RFC 6298, 5.5: doubles the time-out, up to its bound. */
export function roundTripBackOff(s: TcpSocket): void {
  s.retransmissionTimeout = min(RTO_MAX, s.retransmissionTimeout << 1);
}

/** Starts to time the segment whose last sequence number is before `end`, unless one is being timed. */
export function roundTripStart(s: TcpSocket, end: u32, now: u64): void {
  if (s.has(ROUND_TRIP_TIMED)) return;
  s.set(ROUND_TRIP_TIMED);
  s.roundTripSequence = end;
  s.roundTripStart = now;
}

/** Karn's algorithm (RFC 9293 MUST-18): what is sent again is not timed. */
export function roundTripForget(s: TcpSocket): void {
  s.clear(ROUND_TRIP_TIMED);
}

/** Measures with an ACK of new data; `echo` is its timestamp echo, 0 = none, `retransmitted` when that data was sent twice. */
export function roundTripAcknowledged(s: TcpSocket, ack: u32, echo: u32, retransmitted: bool, now: u64): void {
  if (s.has(ROUND_TRIP_TIMED)) {
    if (sequenceLess(ack, s.roundTripSequence)) return;
    s.clear(ROUND_TRIP_TIMED);
    roundTripSample(s, now - s.roundTripStart);
  } else if (retransmitted && s.has(TIMESTAMPS) && echo != 0) {
    const elapsed = timestampClock(now) + s.timestampOffset - echo;
    if (elapsed <= ECHO_MAX) roundTripSample(s, <u64>elapsed * 1000000);
  }
}
