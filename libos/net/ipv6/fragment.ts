// IPv6 fragmentation (RFC 8200 section 4.5) for the few datagrams that are larger than the path takes: of UDP, whose
// application chose the size, and ICMPv6 echo replies, whose size the peer chose. TCP never comes here.
import { EAGAIN, EMSGSIZE } from "../../../kernel/errno";
import { randomU32 } from "../../../kernel/random";
import { ip6Counters } from "../counters";
import { TransmitFrame } from "../device";
import { IpAddress } from "../ip/address";
import { FRAGMENT_HEADER, IPV6_HEADER, NEXT_FRAGMENT, fragmentWrite } from "../wire/ipv6";
import { ipv6Allocate, ipv6Free, ipv6PathMtu, ipv6Send } from "./output";

const PAYLOAD_MAXIMUM: u32 = 65535;

/**
 * Sends `length` bytes at `payload` (transport header included, checksum complete) in as many packets as it takes.
 * @returns 0; -EAGAIN when there are not buffers for all of them: then none is sent; or as ipSend()
 */
export function ipv6SendFragmented(
  nextHeader: u8,
  source: IpAddress,
  destination: IpAddress,
  payload: usize,
  length: u32,
  service: u8,
  hopLimit: u8,
  now: u64,
): i32 {
  if (length > PAYLOAD_MAXIMUM) return -EMSGSIZE;
  // Every fragment but the last carries a multiple of 8 bytes.
  const part = (ipv6PathMtu(destination) - IPV6_HEADER - FRAGMENT_HEADER) & ~7;
  let first = allocateAll(destination, FRAGMENT_HEADER + part, (length + part - 1) / part);
  if (first == 0) return -EAGAIN;
  const id = randomU32(); // RFC 7739: nobody else can guess it
  let result: i32 = 0;
  ip6Counters.fragOKs += 1;
  for (let offset: u32 = 0; offset < length; offset += part) {
    const frame = changetype<TransmitFrame>(first);
    first = frame.next;
    ip6Counters.fragCreates += 1;
    const size = min(part, length - offset);
    fragmentWrite(frame.data, nextHeader, offset, offset + size < length, id);
    memory.copy(frame.data + FRAGMENT_HEADER, payload + offset, size);
    const bytes = FRAGMENT_HEADER + size;
    frame.service = service;
    const sent = ipv6Send(frame, NEXT_FRAGMENT, source, destination, bytes, hopLimit, now);
    if (sent != 0) result = sent;
  }
  return result;
}

/** `count` frames linked through `next`; 0 when there are not so many. */
function allocateAll(destination: IpAddress, size: u32, count: u32): usize {
  let first: usize = 0;
  for (let left = count; left != 0; left--) {
    const frame = ipv6Allocate(destination, size);
    if (changetype<usize>(frame) == 0) {
      while (first != 0) {
        const unused = changetype<TransmitFrame>(first);
        first = unused.next;
        ipv6Free(unused);
      }
      return 0;
    }
    frame.next = first;
    first = changetype<usize>(frame);
  }
  return first;
}
