// UDP header codec (RFC 768).
//
//  0               2               4               6
//  | source port   | destination   | length        | checksum      | data …
//
// After udpCheckLength() has answered 0 no accessor can read outside the datagram. Ports are in host order.
import { EINVAL } from "../../../kernel/errno";

/** Bytes of the header. */
export const UDP_HEADER: u32 = 8;
/** Most payload bytes that an IPv4 packet can carry. */
export const UDP_PAYLOAD_MAXIMUM: u32 = 65507;

const SOURCE: usize = 0;
const DESTINATION: usize = 2;
const LENGTH: usize = 4;

/** Byte offset of the checksum field. */
export const UDP_CHECKSUM: u32 = 6;

/** 0 when `available` bytes hold a datagram whose length field is consistent, else -EINVAL. */
export function udpCheckLength(datagram: usize, available: u32): i32 {
  if (available < UDP_HEADER) return -EINVAL;
  const length = udpLength(datagram);
  return length >= UDP_HEADER && length <= available ? 0 : -EINVAL;
}

/** Port of the sender; 0 = it expects no answer. */
export function udpSourcePort(datagram: usize): u16 {
  return bswap<u16>(load<u16>(datagram + SOURCE));
}

/** Port that the datagram is for. */
export function udpDestinationPort(datagram: usize): u16 {
  return bswap<u16>(load<u16>(datagram + DESTINATION));
}

/** Bytes of header and data. */
export function udpLength(datagram: usize): u32 {
  return bswap<u16>(load<u16>(datagram + LENGTH));
}

/** True when the sender has computed a checksum (RFC 768: zero means that it has not). */
export function udpHasChecksum(datagram: usize): bool {
  return load<u16>(datagram + UDP_CHECKSUM) != 0;
}

/** Writes the header with a zero checksum; `length` counts header and data. */
export function udpWrite(datagram: usize, sourcePort: u16, destinationPort: u16, length: u32): void {
  store<u16>(datagram + SOURCE, bswap<u16>(sourcePort));
  store<u16>(datagram + DESTINATION, bswap<u16>(destinationPort));
  store<u16>(datagram + LENGTH, bswap<u16>(<u16>length));
  store<u16>(datagram + UDP_CHECKSUM, 0);
}
