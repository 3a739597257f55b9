// IPv4 output: frames to be filled, and what becomes of them (ip/output.ts has the steps). Addresses are in host order.
import { EHOSTUNREACH, EMSGSIZE, ENETDOWN, ENETUNREACH } from "../../../kernel/errno";
import { randomU32 } from "../../../kernel/random";
import { interfaceMtu } from "../addresses";
import { arpDoubt, arpHold, arpLookup } from "../arp/cache";
import { ipCounters } from "../counters";
import { TransmitFrame, deviceCarrier, deviceGsoMaximum, deviceTransmitAllocate, deviceTransmitFree } from "../device";
import { ethernetSend } from "../ethernet_output";
import { LOOPBACK_MTU, loopbackAllocate, loopbackFree, loopbackSend } from "../loopback";
import { mappedLow } from "../ip/address";
import { PATH_MTU_MINIMUM, pathMtu } from "../ip/path_mtu";
import { routeIsGroup, routeIsLoopback, routeNextHop } from "./routing";
import { TX_LOOPBACK } from "../transport";
import { ETHERNET_HEADER, ethernetSetBroadcast, ethernetSetMulticast } from "../wire/ethernet";
import { IPV4_DONT_FRAGMENT, IPV4_HEADER, IPV4_PACKET_MAXIMUM, ipv4IsMulticast, ipv4Write } from "../wire/ipv4";

/** RFC 1700: the recommended default. */
const TIME_TO_LIVE: u8 = 64;
/** RFC 1112: multicast stays on the link unless asked otherwise. */
const TIME_TO_LIVE_GROUP: u8 = 1;

/** Bytes in front of the transport header. */
const HEADROOM: u32 = ETHERNET_HEADER + IPV4_HEADER;

const groupMac = memory.data(8, 8);
let identificationState: u32 = 0;

/**
 * A frame for `payloadSize` bytes (transport header and payload) to `destination`; `frame.data` is the place of the
 * transport header. Null when no buffer is free: interfacePoll() calls the transports again once there are some.
 */
export function ipv4Allocate(destination: u32, payloadSize: u32): TransmitFrame {
  const size = HEADROOM + payloadSize;
  const frame = routeIsLoopback(destination) ? loopbackAllocate(size) : deviceTransmitAllocate(size);
  if (changetype<usize>(frame) == 0) return frame;
  frame.data += HEADROOM;
  frame.capacity -= HEADROOM;
  frame.hopLimit = ipv4TimeToLiveTo(destination);
  return frame;
}

/** The time to live of packets to `destination` of which nothing else is asked. */
export function ipv4TimeToLiveTo(destination: u32): u8 {
  return ipv4IsMulticast(destination) ? TIME_TO_LIVE_GROUP : TIME_TO_LIVE;
}

/** Gives back a frame from ipv4Allocate() that is not to be sent. */
export function ipv4Free(frame: TransmitFrame): void {
  if ((frame.flags & TX_LOOPBACK) != 0) loopbackFree(frame);
  else deviceTransmitFree(frame);
}

/** Largest IPv4 packet that reaches `destination`, in bytes. */
export function ipv4PathMtu(destination: u32): u32 {
  return routeIsLoopback(destination) ? LOOPBACK_MTU : pathMtu(0, mappedLow(destination), interfaceMtu());
}

/**
 * Largest transport header and payload in bytes that one frame to `destination` may carry: more than the MTU allows
 * where the device cuts TCP segments itself, and then only with a gsoSize.
 */
export function ipv4PayloadMaximum(destination: u32): u32 {
  const gso = routeIsLoopback(destination) ? <u32>0 : min(deviceGsoMaximum(), IPV4_PACKET_MAXIMUM + ETHERNET_HEADER);
  const mtu = ipv4PathMtu(destination);
  return (gso > mtu + ETHERNET_HEADER ? gso - ETHERNET_HEADER : mtu) - IPV4_HEADER;
}

/**
 * Sends `payloadLength` bytes from `frame.data` on as one IPv4 packet and consumes the frame in any case.
 * Its service field and time to live are the frame's. Neighbours are resolved on the way; a bounded number of frames waits for an answer.
 * @returns 0; -ENETDOWN without carrier, -ENETUNREACH without a route, -EHOSTUNREACH when the neighbour does not
 * answer, -EMSGSIZE above the MTU, or the device's error
 */
export function ipv4Send(
  frame: TransmitFrame,
  protocol: u8,
  source: u32,
  destination: u32,
  payloadLength: u32,
  now: u64,
): i32 {
  return ipv4SendPart(
    frame,
    protocol,
    source,
    destination,
    payloadLength,
    ipv4NextIdentification(),
    fragmentFlags(destination),
    now,
  );
}

/** ipv4Send() with the identification and fragment fields (ipv4Write) of the caller's choice. */
export function ipv4SendPart(
  frame: TransmitFrame,
  protocol: u8,
  source: u32,
  destination: u32,
  payloadLength: u32,
  id: u16,
  flagsOffset: u16,
  now: u64,
): i32 {
  const total = IPV4_HEADER + payloadLength;
  const loopback = (frame.flags & TX_LOOPBACK) != 0;
  const mtu = loopback ? LOOPBACK_MTU : interfaceMtu();
  if (total > IPV4_PACKET_MAXIMUM || (total > mtu && frame.gsoSize == 0)) return refuse(frame, -EMSGSIZE);
  ipCounters.outRequests += 1;
  frame.data -= IPV4_HEADER;
  frame.capacity += IPV4_HEADER;
  frame.length = total;
  ipv4Write(frame.data, frame.service, total, id, flagsOffset, frame.hopLimit, protocol, source, destination);
  if (!loopback) return transmit(frame, destination, now);
  loopbackSend(frame);
  return 0;
}

/** To the device, by way of the neighbour that takes packets for `destination`. */
function transmit(frame: TransmitFrame, destination: u32, now: u64): i32 {
  if (!deviceCarrier()) return refuse(frame, -ENETDOWN);
  const hop = routeNextHop(destination);
  if (hop == 0) return refuse(frame, -ENETUNREACH);
  // The address may have become ours, or ceased to be, since the frame was allocated.
  if (routeIsLoopback(destination)) return refuse(frame, -EHOSTUNREACH);
  if (routeIsGroup(destination)) {
    if (ipv4IsMulticast(destination)) ethernetSetMulticast(groupMac, destination);
    else ethernetSetBroadcast(groupMac);
    return ethernetSend(frame, groupMac);
  }
  const mac = arpLookup(hop, now);
  return mac != 0 ? ethernetSend(frame, mac) : arpHold(hop, frame, now);
}

/** A transport gets no answers from `destination` (RFC 9293 MUST-20): whether its neighbour still lives is asked anew. */
export function ipv4Doubt(destination: u32, now: u64): void {
  if (!routeIsLoopback(destination) && !routeIsGroup(destination)) arpDoubt(routeNextHop(destination), now);
}

function refuse(frame: TransmitFrame, error: i32): i32 {
  if (error == -ENETUNREACH) ipCounters.outNoRoutes += 1;
  else ipCounters.outDiscards += 1;
  ipv4Free(frame);
  return error;
}

/** RFC 1191: every packet discovers the path MTU, except where the path is narrower than we follow. */
function fragmentFlags(destination: u32): u16 {
  return pathMtu(0, mappedLow(destination), interfaceMtu()) > PATH_MTU_MINIMUM ? IPV4_DONT_FRAGMENT : 0;
}

/**
 * RFC 6864: with "don't fragment" any value will do. A xorshift sequence does not tell anyone how much we send, and
 * repeats no 32-bit state within 2^32 - 1 packets.
 */
export function ipv4NextIdentification(): u16 {
  let x = identificationState;
  while (x == 0) x = randomU32();
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  identificationState = x;
  return <u16>x;
}
