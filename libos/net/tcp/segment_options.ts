// The options we put into segments: which, how long they are together, and writing them. Each is emitted in whole words,
// with NOPs before it, so that a header never needs padding (RFC 9293 MUST-69).
import {
  HAS_MSS,
  HAS_SACK_PERMITTED,
  HAS_TIMESTAMPS,
  HAS_WINDOW_SCALE,
  TIMESTAMPS_SIZE,
  TcpSegment,
  tcpEmitMss,
  tcpEmitSackBlock,
  tcpEmitSackHead,
  tcpEmitSackPermitted,
  tcpEmitTimestamps,
  tcpEmitWindowScale,
} from "../wire/tcp";
import { MSS_DEFAULT, MSS_DEFAULT_IPV6, MSS_MIN, WINDOW_SCALE } from "./constants";
import { rangeEnd, rangeLatest, rangeStart } from "./range_list";
import { rangeCount } from "./reassembly";
import { DUPLICATE, SACK_PERMITTED, TIMESTAMPS, WINDOW_SCALED } from "./flags";
import { TcpSocket } from "./socket";

/** Bytes of options in a SYN that offers what `offered` (TIMESTAMPS | SACK_PERMITTED | WINDOW_SCALED) says. */
export function synOptionsSize(offered: u32): u32 {
  let size: u32 = 4;
  if ((offered & WINDOW_SCALED) != 0) size += 4;
  if ((offered & SACK_PERMITTED) != 0) size += 4;
  if ((offered & TIMESTAMPS) != 0) size += TIMESTAMPS_SIZE;
  return size;
}

/** Writes the options of a SYN at `address` (RFC 9293 MUST-14, MUST-65, SHLD-5, MAY-3). */
export function synOptionsEmit(address: usize, offered: u32, mss: u32, timestamp: u32, echo: u32): void {
  let cursor = tcpEmitMss(address, mss);
  if ((offered & WINDOW_SCALED) != 0) cursor = tcpEmitWindowScale(cursor, WINDOW_SCALE);
  if ((offered & SACK_PERMITTED) != 0) cursor = tcpEmitSackPermitted(cursor);
  if ((offered & TIMESTAMPS) != 0) tcpEmitTimestamps(cursor, timestamp, echo);
}

/** SACK blocks that the next segment carries: as many as fit into the 40 bytes of options (RFC 2018, 3). */
function sackBlocks(s: TcpSocket): u32 {
  if (!s.has(SACK_PERMITTED)) return 0;
  return min(rangeCount(s) + (s.has(DUPLICATE) ? 1 : 0), s.has(TIMESTAMPS) ? 3 : 4);
}

/** Bytes of options in a segment of an established connection. */
export function segmentOptionsSize(s: TcpSocket): u32 {
  const blocks = sackBlocks(s);
  return (s.has(TIMESTAMPS) ? TIMESTAMPS_SIZE : 0) + (blocks == 0 ? 0 : 4 + 8 * blocks);
}

/** Writes these options at `address`. */
export function segmentOptionsEmit(s: TcpSocket, address: usize, timestamp: u32): void {
  if (s.has(TIMESTAMPS)) address = tcpEmitTimestamps(address, timestamp, s.timestampRecent);
  const blocks = sackBlocks(s);
  if (blocks == 0) return;
  address = tcpEmitSackHead(address, blocks);
  const list = s.outOfOrder;
  let left = blocks;
  if (s.has(DUPLICATE)) {
    address = tcpEmitSackBlock(address, s.duplicateStart, s.duplicateEnd); // RFC 2883, 4
    if ((left -= 1) == 0) return;
  }
  // RFC 2018, 4: the block with the latest segment first, then the others.
  const latest = rangeLatest(list);
  address = tcpEmitSackBlock(address, rangeStart(list, latest), rangeEnd(list, latest));
  left -= 1;
  for (let i: u32 = 0; left != 0; i++) {
    if (i == latest) continue;
    address = tcpEmitSackBlock(address, rangeStart(list, i), rangeEnd(list, i));
    left -= 1;
  }
}

/** What a SYN offers, as flags of TcpSocket: TIMESTAMPS | SACK_PERMITTED | WINDOW_SCALED. */
export function offeredBy(segment: TcpSegment): u32 {
  let offered: u32 = 0;
  if ((segment.options & HAS_TIMESTAMPS) != 0) offered |= TIMESTAMPS;
  if ((segment.options & HAS_SACK_PERMITTED) != 0) offered |= SACK_PERMITTED;
  if ((segment.options & HAS_WINDOW_SCALE) != 0) offered |= WINDOW_SCALED;
  return offered;
}

/** The MSS that a SYN announces (RFC 9293 MUST-15). */
export function mssOf(segment: TcpSegment): u32 {
  if ((segment.options & HAS_MSS) != 0) return max(segment.mss, MSS_MIN);
  return segment.source.isIpv4() ? MSS_DEFAULT : MSS_DEFAULT_IPV6;
}
