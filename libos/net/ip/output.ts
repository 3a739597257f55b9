// Output to either family: what transports call. A transport
//   1. asks for a frame with ipAllocate(); `frame.data` is where its header goes, room for the lower ones is in front;
//   2. writes header and payload, then the checksum with transportChecksumFill() (transport.ts);
//   3. hands the frame over with ipSend(), or back with ipFree().
import { TransmitFrame } from "../device";
import { ipv4SendFragmented } from "../ipv4/fragment";
import {
  ipv4Allocate,
  ipv4Doubt,
  ipv4Free,
  ipv4PathMtu,
  ipv4PayloadMaximum,
  ipv4Send,
  ipv4TimeToLiveTo,
} from "../ipv4/output";
import { ipv6SendFragmented } from "../ipv6/fragment";
import { linkHopLimit } from "../ipv6/link";
import { ipv6Allocate, ipv6Doubt, ipv6PathMtu, ipv6PayloadMaximum, ipv6Send } from "../ipv6/output";
import { IPV4_HEADER } from "../wire/ipv4";
import { IPV6_HEADER } from "../wire/ipv6";
import { IpAddress } from "./address";
import { IpSettings } from "./settings";

/**
 * A frame for `payloadSize` bytes (transport header and payload) to `destination`; `frame.data` is the place of the
 * transport header. Null when no buffer is free: interfacePoll() calls the transports again once there are some.
 */
export function ipAllocate(destination: IpAddress, payloadSize: u32): TransmitFrame {
  return destination.isIpv4() ? ipv4Allocate(destination.ipv4(), payloadSize) : ipv6Allocate(destination, payloadSize);
}

/** Gives back a frame from ipAllocate() that is not to be sent. */
export function ipFree(frame: TransmitFrame): void {
  ipv4Free(frame);
}

/**
 * Sends `payloadLength` bytes from `frame.data` on as one packet and consumes the frame in any case.
 * @returns 0; -ENETDOWN without carrier, -ENETUNREACH without a route, -EHOSTUNREACH when the neighbour does not
 * answer, -EMSGSIZE above the MTU, or the device's error
 */
export function ipSend(
  frame: TransmitFrame,
  protocol: u8,
  source: IpAddress,
  destination: IpAddress,
  payloadLength: u32,
  now: u64,
): i32 {
  if (destination.isIpv4()) return ipv4Send(frame, protocol, source.ipv4(), destination.ipv4(), payloadLength, now);
  return ipv6Send(frame, protocol, source, destination, payloadLength, frame.hopLimit, now);
}

/**
 * Sends `length` bytes at `payload` (transport header included, checksum complete) in as many packets as it takes, with headers
 * as `settings` ask.
 * @returns 0; -EAGAIN when there are not buffers for all of them: then none is sent; or as ipSend()
 */
export function ipSendFragmented(
  protocol: u8,
  source: IpAddress,
  destination: IpAddress,
  payload: usize,
  length: u32,
  settings: IpSettings,
  now: u64,
): i32 {
  const service = settings.serviceTo(destination);
  const hops = settings.hopsTo(destination, ipHopsTo(destination));
  return destination.isIpv4()
    ? ipv4SendFragmented(protocol, source.ipv4(), destination.ipv4(), payload, length, service, hops, now)
    : ipv6SendFragmented(protocol, source, destination, payload, length, service, hops, now);
}

/** The time to live or hop limit of packets to `destination` of which nothing else is asked. */
export function ipHopsTo(destination: IpAddress): u8 {
  return destination.isIpv4() ? ipv4TimeToLiveTo(destination.ipv4()) : linkHopLimit();
}

/** Largest transport header and payload in bytes that one packet to `destination` carries on its path. */
export function ipPathPayload(destination: IpAddress): u32 {
  return destination.isIpv4() ? ipv4PathMtu(destination.ipv4()) - IPV4_HEADER : ipv6PathMtu(destination) - IPV6_HEADER;
}

/**
 * Largest transport header and payload in bytes that one frame to `destination` may carry: more than ipPathPayload()
 * where the device cuts TCP segments itself, and then only with a gsoSize.
 */
export function ipFramePayload(destination: IpAddress): u32 {
  return destination.isIpv4() ? ipv4PayloadMaximum(destination.ipv4()) : ipv6PayloadMaximum(destination);
}

/** A transport doubts that packets to `destination` get there: the neighbour on the way is asked whether it is still there. */
export function ipDoubt(destination: IpAddress, now: u64): void {
  if (destination.isIpv4()) ipv4Doubt(destination.ipv4(), now);
  else ipv6Doubt(destination);
}
