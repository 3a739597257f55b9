// TCP header codec (RFC 9293, 3.1; options of RFC 7323 and RFC 2018). Offsets are named here and nowhere else.
// Invariant: after tcpParse said yes, payload .. payload + payloadLength lies inside the checked segment, and so do the
// SACK blocks; no accessor reads outside.
import { IpAddress } from "../ip/address";

const SOURCE_PORT: usize = 0;
const DESTINATION_PORT: usize = 2;
const SEQUENCE: usize = 4;
const ACKNOWLEDGMENT: usize = 8;
const DATA_OFFSET: usize = 12;
const FLAGS: usize = 13;
const WINDOW: usize = 14;
const URGENT_POINTER: usize = 18;

/** Bytes of the header without options. */
export const TCP_HEADER_SIZE: u32 = 20;
/** Offset of the checksum field. */
export const TCP_CHECKSUM: u32 = 16;

export const TCP_FIN: u32 = 0x01;
export const TCP_SYN: u32 = 0x02;
export const TCP_RST: u32 = 0x04;
export const TCP_PSH: u32 = 0x08;
export const TCP_ACK: u32 = 0x10;
export const TCP_URG: u32 = 0x20;
export const TCP_ECE: u32 = 0x40;
export const TCP_CWR: u32 = 0x80;

const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;
const OPTION_MSS: u8 = 2;
const OPTION_WINDOW_SCALE: u8 = 3;
const OPTION_SACK_PERMITTED: u8 = 4;
const OPTION_SACK: u8 = 5;
const OPTION_TIMESTAMPS: u8 = 8;

/** Bits of TcpSegment.options: which options stood in the segment. */
export const HAS_MSS: u32 = 1;
export const HAS_WINDOW_SCALE: u32 = 2;
export const HAS_SACK_PERMITTED: u32 = 4;
export const HAS_TIMESTAMPS: u32 = 8;

/** RFC 7323, 2.3: a larger shift count is used as this one. */
const MAX_WINDOW_SCALE: u8 = 14;

/** Bytes of the timestamps option with the two NOPs that align it (RFC 7323, appendix A). */
export const TIMESTAMPS_SIZE: u32 = 12;

/** A parsed segment; ports in host order. */
@unmanaged
@final
export class TcpSegment {
  /** Both addresses last as long as the segment is processed. */
  source: IpAddress;
  destination: IpAddress;
  sourcePort: u16;
  destinationPort: u16;
  sequence: u32;
  acknowledgment: u32;
  /** TCP_FIN … TCP_CWR. */
  flags: u32;
  /** The window field as it stands, not scaled. */
  window: u32;
  urgentPointer: u32;
  payload: usize;
  payloadLength: u32;
  /** HAS_MSS … HAS_TIMESTAMPS. */
  options: u32;
  mss: u32;
  windowScale: u8;
  /** Number of SACK blocks, 0 … 4, at sackBlocks in network order. */
  sackCount: u8;
  /** The ECN codepoint of the packet (RFC 3168); the caller's to set. */
  codepoint: u8;
  sackBlocks: usize;
  timestampValue: u32;
  timestampEcho: u32;

  /** True when all bits of `mask` are set. */
  has(mask: u32): bool {
    return (this.flags & mask) == mask;
  }

  /** Sequence numbers the segment occupies: SYN and FIN count one each (RFC 9293, 3.4). */
  sequenceLength(): u32 {
    return this.payloadLength + ((this.flags >> 1) & 1) + (this.flags & 1);
  }
}

/** Bytes of a TcpSegment, for static instances. */
export const TCP_SEGMENT_SIZE: i32 = 72;

/**
 * Reads the segment of `length` bytes at `address` into `segment` (addresses and codepoint are left to the caller).
 * False when the header or its options do not fit.
 */
export function tcpParse(address: usize, length: u32, segment: TcpSegment): bool {
  if (length < TCP_HEADER_SIZE) return false;
  const headerLength = (<u32>(load<u8>(address + DATA_OFFSET) >> 4)) << 2;
  if (headerLength < TCP_HEADER_SIZE || headerLength > length) return false;
  segment.sourcePort = bswap<u16>(load<u16>(address + SOURCE_PORT));
  segment.destinationPort = bswap<u16>(load<u16>(address + DESTINATION_PORT));
  segment.sequence = bswap<u32>(load<u32>(address + SEQUENCE));
  segment.acknowledgment = bswap<u32>(load<u32>(address + ACKNOWLEDGMENT));
  segment.flags = load<u8>(address + FLAGS);
  segment.window = bswap<u16>(load<u16>(address + WINDOW));
  segment.urgentPointer = bswap<u16>(load<u16>(address + URGENT_POINTER));
  segment.payload = address + headerLength;
  segment.payloadLength = length - headerLength;
  segment.options = 0;
  segment.windowScale = 0;
  segment.sackCount = 0;
  parseOptions(address + TCP_HEADER_SIZE, address + headerLength, segment);
  return true;
}

/** Two NOPs, then kind and length of the timestamps option, as this machine loads them. */
const ALIGNED_TIMESTAMPS: u32 = 0x0a080101;

/** Walks the options of any segment (RFC 9293 MUST-4, MUST-5) in [cursor, end); an illegal length ends the walk, what was read before it stays (RFC 9293 MUST-7). */
function parseOptions(cursor: usize, end: usize, segment: TcpSegment): void {
  // RFC 7323, appendix A: what nearly every segment has, and nothing else.
  if (end - cursor == TIMESTAMPS_SIZE && load<u32>(cursor) == ALIGNED_TIMESTAMPS) {
    takeTimestamps(cursor + 2, segment);
    return;
  }
  while (cursor < end) {
    const kind = load<u8>(cursor);
    if (kind == OPTION_END) return;
    if (kind == OPTION_NOP) {
      cursor += 1;
      continue;
    }
    if (cursor + 2 > end) return;
    const size = <usize>load<u8>(cursor + 1);
    if (size < 2 || size > end - cursor) return; // RFC 9293 MUST-7
    parseOption(kind, cursor, <u32>size, segment); // RFC 9293 MUST-64: byte loads, no alignment assumed
    cursor += size;
  }
}

function takeTimestamps(address: usize, segment: TcpSegment): void {
  segment.options |= HAS_TIMESTAMPS;
  segment.timestampValue = bswap<u32>(load<u32>(address + 2));
  segment.timestampEcho = bswap<u32>(load<u32>(address + 6));
}

/** Reads one known option of its one legal size; anything else is skipped by its length (RFC 9293 MUST-6, MUST-68). */
function parseOption(kind: u8, address: usize, size: u32, segment: TcpSegment): void {
  if (kind == OPTION_TIMESTAMPS && size == 10) {
    takeTimestamps(address, segment);
  } else if (kind == OPTION_MSS && size == 4) {
    segment.options |= HAS_MSS;
    segment.mss = bswap<u16>(load<u16>(address + 2));
  } else if (kind == OPTION_WINDOW_SCALE && size == 3) {
    segment.options |= HAS_WINDOW_SCALE;
    segment.windowScale = min(load<u8>(address + 2), MAX_WINDOW_SCALE);
  } else if (kind == OPTION_SACK_PERMITTED && size == 2) {
    segment.options |= HAS_SACK_PERMITTED;
  } else if (kind == OPTION_SACK && size >= 10 && (size & 7) == 2) {
    segment.sackCount = <u8>(size >> 3);
    segment.sackBlocks = address + 2;
  }
}

/** First sequence number of SACK block `index` (< sackCount). */
export function tcpSackLeft(segment: TcpSegment, index: u32): u32 {
  return bswap<u32>(load<u32>(segment.sackBlocks + <usize>index * 8));
}

/** One past the last sequence number of SACK block `index` (< sackCount). */
export function tcpSackRight(segment: TcpSegment, index: u32): u32 {
  return bswap<u32>(load<u32>(segment.sackBlocks + <usize>index * 8 + 4));
}

/** Writes the fixed header at `address`; `headerLength` counts the options; checksum and urgent pointer become 0. */
export function tcpEmitHeader(
  address: usize,
  sourcePort: u16,
  destinationPort: u16,
  sequence: u32,
  acknowledgment: u32,
  headerLength: u32,
  flags: u32,
  window: u32,
): void {
  store<u16>(address + SOURCE_PORT, bswap<u16>(sourcePort));
  store<u16>(address + DESTINATION_PORT, bswap<u16>(destinationPort));
  store<u32>(address + SEQUENCE, bswap<u32>(sequence));
  store<u32>(address + ACKNOWLEDGMENT, bswap<u32>(acknowledgment));
  store<u8>(address + DATA_OFFSET, <u8>(headerLength << 2));
  store<u8>(address + FLAGS, <u8>flags);
  store<u16>(address + WINDOW, bswap<u16>(<u16>window));
  store<u32>(address + TCP_CHECKSUM, 0);
}

/** Writes an MSS option; returns the address after it. */
export function tcpEmitMss(address: usize, mss: u32): usize {
  store<u32>(address, bswap<u32>(((<u32>OPTION_MSS) << 24) | (4 << 16) | mss));
  return address + 4;
}

/** Writes a window-scale option after a NOP; returns the address after it. */
export function tcpEmitWindowScale(address: usize, shift: u8): usize {
  store<u32>(address, bswap<u32>(((<u32>OPTION_NOP) << 24) | ((<u32>OPTION_WINDOW_SCALE) << 16) | (3 << 8) | shift));
  return address + 4;
}

/** Writes SACK-permitted after two NOPs; returns the address after it. */
export function tcpEmitSackPermitted(address: usize): usize {
  const nops = ((<u32>OPTION_NOP) << 24) | ((<u32>OPTION_NOP) << 16);
  store<u32>(address, bswap<u32>(nops | ((<u32>OPTION_SACK_PERMITTED) << 8) | 2));
  return address + 4;
}

/** Writes two NOPs and the timestamps option; returns the address after it. */
export function tcpEmitTimestamps(address: usize, value: u32, echo: u32): usize {
  const nops = ((<u32>OPTION_NOP) << 24) | ((<u32>OPTION_NOP) << 16);
  store<u32>(address, bswap<u32>(nops | ((<u32>OPTION_TIMESTAMPS) << 8) | 10));
  store<u32>(address + 4, bswap<u32>(value));
  store<u32>(address + 8, bswap<u32>(echo));
  return address + TIMESTAMPS_SIZE;
}

/** Writes two NOPs and the head of a SACK option for `blocks` blocks; returns where the first block goes. */
export function tcpEmitSackHead(address: usize, blocks: u32): usize {
  const nops = ((<u32>OPTION_NOP) << 24) | ((<u32>OPTION_NOP) << 16);
  store<u32>(address, bswap<u32>(nops | ((<u32>OPTION_SACK) << 8) | (2 + blocks * 8)));
  return address + 4;
}

/** Writes one SACK block; returns the address after it. */
export function tcpEmitSackBlock(address: usize, left: u32, right: u32): usize {
  store<u32>(address, bswap<u32>(left));
  store<u32>(address + 4, bswap<u32>(right));
  return address + 8;
}
