// Flow labels (RFC 6437): all packets of a connection carry the same 20 bits and those of another one others, so that what lies
// on the way – a router with several paths, the receive queues of a network card – keeps a connection together by the IPv6 header
// alone. A hash of the addresses and ports needs no memory and serves half-open connections too.
import { randomU64 } from "../../../kernel/random";
import { ipv6Destination, ipv6Source } from "../wire/ipv6";

const LABEL_BITS: u32 = 20;

let key: u64 = 0;

/**
 * The label of the packet at `packet`, whose transport header at `transport` begins with two ports. Never 0, which means none.
 * A peer cannot tell the labels of others' flows (section 3), unless it takes some effort: all it would win is their way.
 */
export function flowLabel(packet: usize, transport: usize): u32 {
  if (key == 0) key = randomU64() | 1;
  const destination = ipv6Destination(packet);
  // Each step multiplies by a secret odd number, which takes every bit to those above it; the shift takes them back down.
  let hash = (ipv6Source(packet).low ^ load<u32>(transport)) * key;
  hash = (hash ^ (hash >> 32) ^ destination.low) * key;
  hash = (hash ^ (hash >> 32) ^ destination.high) * key;
  const label = <u32>(hash >> (64 - LABEL_BITS));
  return label != 0 ? label : 1;
}
