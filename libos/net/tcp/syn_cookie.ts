// SYN cookies (RFC 4987, 3.6): while there is no room for half-open connections, what an entry would remember goes to the
// peer inside the numbers of our SYN-ACK, and comes back with the ACK. Nothing is kept for the SYN.
//
//   sequence number      28 bits of a keyed hash of both ends, the peer's initial number and the minute;
//                        3 bits: which of SEGMENT_SIZES is the largest that the peer takes; 1 bit: the minute's lowest
//   timestamp (RFC 7323) its low 6 bits: the peer's window scale (15 = none), SACK permitted, ECN. The clock is turned back to
//                        make room for them, never forward, so that later timestamps are not older (PAWS)
//
// A cookie is believed in the minute it was made and the next. Without timestamps there is neither scaling nor SACK. What a
// cookie cannot do: our SYN-ACK is not sent again, and these initial numbers do not follow the clock of RFC 6528.
import { NEVER } from "../../../kernel/time/clock";
import { HAS_TIMESTAMPS, TcpSegment } from "../wire/tcp";
import { connectionHash } from "./isn";
import { mssOf } from "./segment_options";
import { SACK_PERMITTED, TIMESTAMPS, WINDOW_SCALED } from "./flags";

const PERIOD: u64 = 60_000_000_000;

/** What links carry: the least we send, the default, IPv6's default, tunnels, Ethernet over IPv6, over PPPoE, plain, jumbo frames. */
const SEGMENT_SIZES = memory.data<u16>([88, 536, 1220, 1360, 1440, 1452, 1460, 8940]);
const LARGEST: u32 = 7;

const HASH_SHIFT: u32 = 4;
const MINUTE_BIT: u32 = 1;

const STAMP_MASK: u32 = 63;
const STAMP_SCALE: u32 = 15;
const STAMP_SACK: u32 = 16;
const STAMP_ECN: u32 = 32;
const NO_SCALE: u32 = 15;
const SCALE_MAX: u32 = 14;

/** When the last cookie was made. */
let lastMade: u64 = NEVER;

/** Forgets that there were cookies; called once by tcpInit. */
export function cookieInit(): void {
  lastMade = NEVER;
}

/** False when no cookie can be valid any more: an ACK then need not be looked at. */
export function cookiesOutstanding(now: u64): bool {
  return lastMade != NEVER && now - lastMade < 2 * PERIOD;
}

/** The initial sequence number of the answer to the SYN `segment`. */
export function cookieMake(segment: TcpSegment, now: u64): u32 {
  const mss = mssOf(segment);
  let index = LARGEST;
  while (index != 0 && segmentSizeAt(index) > mss) index -= 1;
  lastMade = now;
  return cookieOf(segment, segment.sequence, index, minuteOf(now));
}

/** The MSS in the cookie that `segment` acknowledges, 0 when that is none of ours, or too old. */
export function cookieCheck(segment: TcpSegment, now: u64): u32 {
  const cookie = segment.acknowledgment - 1;
  const index = (cookie >> 1) & LARGEST;
  let minute = minuteOf(now);
  if ((((<u32>minute) ^ cookie) & MINUTE_BIT) != 0) minute -= 1;
  return cookieOf(segment, segment.sequence - 1, index, minute) == cookie ? segmentSizeAt(index) : 0;
}

function minuteOf(now: u64): u64 {
  return now / PERIOD;
}

function segmentSizeAt(index: u32): u32 {
  return load<u16>(SEGMENT_SIZES + ((<usize>index) << 1));
}

function cookieOf(segment: TcpSegment, peerInitial: u32, index: u32, minute: u64): u32 {
  const hash = connectionHash(
    segment.destination,
    segment.destinationPort,
    segment.source,
    segment.sourcePort,
    peerInitial,
    minute,
  );
  return (hash << HASH_SHIFT) | (index << 1) | ((<u32>minute) & MINUTE_BIT);
}

/** `timestamp` for a SYN-ACK, up to 63 ms earlier, with what the peer offers: `options`, `scale` and ECN of a half-open connection. */
export function stampMake(timestamp: u32, options: u32, scale: u32, ecn: bool): u32 {
  let bits = (options & WINDOW_SCALED) != 0 ? scale : NO_SCALE;
  if ((options & SACK_PERMITTED) != 0) bits |= STAMP_SACK;
  if (ecn) bits |= STAMP_ECN;
  const stamp = (timestamp & ~STAMP_MASK) | bits;
  return bits > (timestamp & STAMP_MASK) ? stamp - STAMP_MASK - 1 : stamp;
}

/** The options of the connection whose SYN-ACK `segment` echoes, as flags of TcpSocket. */
export function stampOptions(segment: TcpSegment): u32 {
  if ((segment.options & HAS_TIMESTAMPS) == 0) return 0;
  const sack = (segment.timestampEcho & STAMP_SACK) != 0 ? SACK_PERMITTED : 0;
  return TIMESTAMPS | sack | ((segment.timestampEcho & STAMP_SCALE) <= SCALE_MAX ? WINDOW_SCALED : 0);
}

/** ECN was agreed to with it. */
export function stampHasEcn(segment: TcpSegment): bool {
  return (stampOptions(segment) & TIMESTAMPS) != 0 && (segment.timestampEcho & STAMP_ECN) != 0;
}

/** The peer's window scale in it; 0 = none. */
export function stampScale(segment: TcpSegment): u32 {
  return (stampOptions(segment) & WINDOW_SCALED) != 0 ? segment.timestampEcho & STAMP_SCALE : 0;
}
