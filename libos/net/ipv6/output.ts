// IPv6 output (RFC 8200): frames to be filled, and what becomes of them (ip/output.ts has the steps).
import { EHOSTUNREACH, EMSGSIZE, ENETDOWN, ENETUNREACH } from "../../../kernel/errno";
import { ip6Counters } from "../counters";
import {
  GSO_TCPV6,
  TransmitFrame,
  deviceCarrier,
  deviceGsoMaximum,
  deviceTransmitAllocate,
  deviceTransmitFree,
} from "../device";
import { ethernetSend } from "../ethernet_output";
import { IpAddress } from "../ip/address";
import { pathMtu } from "../ip/path_mtu";
import { LOOPBACK_MTU, loopbackAllocate, loopbackFree, loopbackSend } from "../loopback";
import { neighbourDoubt, neighbourHold, neighbourLookup } from "../ndp/neighbours";
import { TX_LOOPBACK } from "../transport";
import { ETHERNET_HEADER, ETHERTYPE_IPV6, ethernetSetMulticastIpv6 } from "../wire/ethernet";
import { IPPROTO_TCP, IPPROTO_UDP } from "../wire/ipv4";
import { IPV6_HEADER, ipv6Destination, ipv6SetFlowLabel, ipv6SetTrafficClass, ipv6Write } from "../wire/ipv6";
import { ipv6IsLocal } from "./addresses";
import { flowLabel } from "./flow_label";
import { linkHopLimit, linkMtu } from "./link";
import { ipv6NextHop } from "./routing";

/** Bytes in front of the transport header. */
const HEADROOM: u32 = ETHERNET_HEADER + IPV6_HEADER;

const groupMac = memory.data(8, 8);

/** A frame for `payloadSize` bytes behind the IPv6 header to `destination`, or null: see ipAllocate(). */
export function ipv6Allocate(destination: IpAddress, payloadSize: u32): TransmitFrame {
  const size = HEADROOM + payloadSize;
  const frame = ipv6IsLocal(destination) ? loopbackAllocate(size) : deviceTransmitAllocate(size);
  if (changetype<usize>(frame) == 0) return frame;
  frame.data += HEADROOM;
  frame.capacity -= HEADROOM;
  frame.hopLimit = linkHopLimit();
  return frame;
}

/** Gives back a frame from ipv6Allocate() that is not to be sent. */
export function ipv6Free(frame: TransmitFrame): void {
  if ((frame.flags & TX_LOOPBACK) != 0) loopbackFree(frame);
  else deviceTransmitFree(frame);
}

/** Largest IPv6 packet that reaches `destination`, in bytes. */
export function ipv6PathMtu(destination: IpAddress): u32 {
  return ipv6IsLocal(destination) ? LOOPBACK_MTU : pathMtu(destination.high, destination.low, linkMtu());
}

/** Largest transport header and payload in bytes that one frame to `destination` may carry: see ipFramePayload(). */
export function ipv6PayloadMaximum(destination: IpAddress): u32 {
  const gso = ipv6IsLocal(destination) ? <u32>0 : deviceGsoMaximum(GSO_TCPV6);
  const mtu = ipv6PathMtu(destination);
  return (gso > mtu + ETHERNET_HEADER ? gso - ETHERNET_HEADER : mtu) - IPV6_HEADER;
}

/** Sends `payloadLength` bytes from `frame.data` on as one IPv6 packet of the frame's traffic class and consumes the frame in any case: see ipSend(). */
export function ipv6Send(
  frame: TransmitFrame,
  nextHeader: u8,
  source: IpAddress,
  destination: IpAddress,
  payloadLength: u32,
  hopLimit: u8,
  now: u64,
): i32 {
  const total = IPV6_HEADER + payloadLength;
  const loopback = (frame.flags & TX_LOOPBACK) != 0;
  if (total > (loopback ? LOOPBACK_MTU : linkMtu()) && frame.gsoSize == 0) return refuse(frame, -EMSGSIZE);
  ip6Counters.outRequests += 1;
  frame.data -= IPV6_HEADER;
  frame.capacity += IPV6_HEADER;
  frame.length = total;
  ipv6Write(frame.data, payloadLength, nextHeader, hopLimit, source, destination);
  if (nextHeader == IPPROTO_TCP || nextHeader == IPPROTO_UDP) {
    ipv6SetFlowLabel(frame.data, flowLabel(frame.data, frame.data + IPV6_HEADER));
  }
  if (frame.service != 0) ipv6SetTrafficClass(frame.data, frame.service);
  if (!loopback) return transmit(frame, ipv6Destination(frame.data), now);
  loopbackSend(frame);
  return 0;
}

/** To the device, by way of the neighbour that takes packets for `destination`. */
function transmit(frame: TransmitFrame, destination: IpAddress, now: u64): i32 {
  if (!deviceCarrier()) return refuse(frame, -ENETDOWN);
  if (destination.isMulticast()) {
    ethernetSetMulticastIpv6(groupMac, changetype<usize>(destination) + 12);
    return ethernetSend(frame, groupMac, ETHERTYPE_IPV6);
  }
  const hop = ipv6NextHop(destination);
  if (changetype<usize>(hop) == 0) return refuse(frame, -ENETUNREACH);
  // The address may have become ours, or ceased to be, since the frame was allocated.
  if (ipv6IsLocal(destination)) return refuse(frame, -EHOSTUNREACH);
  const mac = neighbourLookup(hop, now);
  return mac != 0 ? ethernetSend(frame, mac, ETHERTYPE_IPV6) : neighbourHold(hop, frame, now);
}

function refuse(frame: TransmitFrame, error: i32): i32 {
  if (error == -ENETUNREACH) ip6Counters.outNoRoutes += 1;
  else ip6Counters.outDiscards += 1;
  ipv6Free(frame);
  return error;
}

/** A transport gets no answers from `destination` (RFC 4861 section 7.3.1): its neighbour is asked anew. */
export function ipv6Doubt(destination: IpAddress): void {
  if (destination.isMulticast() || ipv6IsLocal(destination)) return;
  const hop = ipv6NextHop(destination);
  if (changetype<usize>(hop) != 0) neighbourDoubt(hop);
}
