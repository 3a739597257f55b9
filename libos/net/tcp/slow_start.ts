// Slow start (RFC 5681, with byte counting of RFC 3465), and its end before the queue overflows: HyStart++ (RFC 9406). When
// the round trips of a round are longer than those of the round before, a queue is building up: the window grows on more
// slowly for five rounds (conservative slow start), and if round trips have not become shorter meanwhile, congestion
// avoidance begins. Round trips are those of transmit_times.ts, so of peers with SACK; times are its ticks.
import { windowGrow } from "./congestion_window";
import { sequenceLess } from "./sequence";
import { TcpSocket } from "./socket";
import { ticksOf, transmitMarkCount, transmitMarkOf, transmitMarkTime } from "./transmit_times";

// RFC 9406, 4.3: the constants with their names there.
/** L: segments by which one acknowledgment opens the window at most, where sending is not paced. */
const SEGMENTS_MAX: u32 = 8;
/** N_RTT_SAMPLE. */
const SAMPLES: u8 = 8;
/** MIN_RTT_THRESH, MAX_RTT_THRESH: 4 ms, 16 ms; MIN_RTT_DIVISOR. */
const THRESHOLD_MIN: u32 = 3906;
const THRESHOLD_MAX: u32 = 15625;
const THRESHOLD_DIVISOR: u32 = 8;
/** CSS_GROWTH_DIVISOR, CSS_ROUNDS. */
const GROWTH_DIVISOR: u32 = 4;
const ROUNDS: u8 = 5;

const UNKNOWN: u32 = u32.MAX_VALUE;

/** The connection stands; the first round begins. */
export function slowStartInit(s: TcpSocket): void {
  s.roundEnd = s.sendMax;
  s.roundShortest = UNKNOWN;
  s.roundBefore = UNKNOWN;
  s.roundBaseline = 0;
  s.roundSamples = 0;
}

/** `acked` bytes up to `ack` are acknowledged, and the window is used and below the threshold. */
export function slowStart(s: TcpSocket, ack: u32, acked: u32, now: u64): void {
  sample(s, ack, now);
  const growth = min(acked, SEGMENTS_MAX * s.segmentSize);
  windowGrow(s, s.roundBaseline == 0 ? growth : growth / GROWTH_DIVISOR);
  if (s.roundSamples >= SAMPLES) judge(s);
  if (!sequenceLess(ack, s.roundEnd)) nextRound(s);
}

/** One round trip more of this round. */
function sample(s: TcpSocket, ack: u32, now: u64): void {
  const mark = transmitMarkOf(s, ack);
  if (mark == transmitMarkCount(s)) return;
  s.roundShortest = min(s.roundShortest, ticksOf(now) - transmitMarkTime(s, mark));
  if (s.roundSamples < SAMPLES) s.roundSamples += 1;
}

/** Compares this round with the one before. */
function judge(s: TcpSocket): void {
  if (s.roundBaseline != 0) {
    if (s.roundShortest < s.roundBaseline) s.roundBaseline = 0; // it was no queue
    return;
  }
  if (s.roundBefore == UNKNOWN) return;
  const threshold = max(THRESHOLD_MIN, min(s.roundBefore / THRESHOLD_DIVISOR, THRESHOLD_MAX));
  if (s.roundShortest < s.roundBefore + threshold) return;
  s.roundBaseline = s.roundShortest;
  s.roundsConservative = 0;
}

/** What was on its way when the round began is acknowledged. */
function nextRound(s: TcpSocket): void {
  s.roundEnd = s.sendNext;
  s.roundBefore = s.roundShortest;
  s.roundShortest = UNKNOWN;
  s.roundSamples = 0;
  if (s.roundBaseline == 0) return;
  s.roundsConservative += 1;
  if (s.roundsConservative < ROUNDS) return;
  s.slowStartThreshold = s.congestionWindow;
  s.roundBaseline = 0;
}
