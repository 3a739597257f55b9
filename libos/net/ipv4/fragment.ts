// IPv4 fragmentation (RFC 791 section 3.2) for the few datagrams that are larger than the path takes: of UDP, whose
// application chose the size, and ICMP echo replies, whose size the peer chose. TCP never comes here.
import { EAGAIN, EMSGSIZE } from "../../../kernel/errno";
import { ipCounters } from "../counters";
import { TransmitFrame } from "../device";
import { ipv4Allocate, ipv4Free, ipv4NextIdentification, ipv4PathMtu, ipv4SendPart } from "./output";
import { IPV4_HEADER, IPV4_MORE_FRAGMENTS, IPV4_PACKET_MAXIMUM } from "../wire/ipv4";

/**
 * Sends `length` bytes at `payload` (transport header included, checksum complete) in as many packets as it takes.
 * @returns 0; -EAGAIN when there are not buffers for all of them: then none is sent; or as ipv4Send()
 */
export function ipv4SendFragmented(
  protocol: u8,
  source: u32,
  destination: u32,
  payload: usize,
  length: u32,
  service: u8,
  hopLimit: u8,
  now: u64,
): i32 {
  if (length > IPV4_PACKET_MAXIMUM - IPV4_HEADER) return -EMSGSIZE;
  // Every fragment but the last carries a multiple of 8 bytes.
  const part = (ipv4PathMtu(destination) - IPV4_HEADER) & ~7;
  let first = allocateAll(destination, part, (length + part - 1) / part);
  if (first == 0) return -EAGAIN;
  const id = ipv4NextIdentification();
  let result: i32 = 0;
  ipCounters.fragOKs += 1;
  for (let offset: u32 = 0; offset < length; offset += part) {
    const frame = changetype<TransmitFrame>(first);
    first = frame.next;
    const size = min(part, length - offset);
    memory.copy(frame.data, payload + offset, size);
    frame.service = service;
    frame.hopLimit = hopLimit;
    ipCounters.fragCreates += 1;
    const more = offset + size < length ? IPV4_MORE_FRAGMENTS : 0;
    const sent = ipv4SendPart(frame, protocol, source, destination, size, id, more | (<u16>(offset >> 3)), now);
    if (sent != 0) result = sent;
  }
  return result;
}

/** `count` frames linked through `next`; 0 when there are not so many. */
function allocateAll(destination: u32, size: u32, count: u32): usize {
  let first: usize = 0;
  for (let left = count; left != 0; left--) {
    const frame = ipv4Allocate(destination, size);
    if (changetype<usize>(frame) == 0) {
      while (first != 0) {
        const unused = changetype<TransmitFrame>(first);
        first = unused.next;
        ipv4Free(unused);
      }
      return 0;
    }
    frame.next = first;
    first = changetype<usize>(frame);
  }
  return first;
}
