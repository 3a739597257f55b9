// Neighbour discovery output (RFC 4861). Each function sends one message, or none when the device has no buffer or we have
// no address yet: every one of them is repeated by its caller or by the peer.
import { deviceMac, devicePresent } from "../device";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { TransmitFrame } from "../device";
import { ipv6Allocate, ipv6Send } from "../ipv6/output";
import { ipv6SourceSelect, linkGroup, solicitedNodeGroup } from "../ipv6/addresses";
import { transportChecksum } from "../transport";
import {
  ICMPV6_CHECKSUM,
  ICMPV6_NEIGHBOUR_ADVERTISEMENT,
  ICMPV6_NEIGHBOUR_SOLICITATION,
  ICMPV6_ROUTER_SOLICITATION,
  icmpv6Write,
} from "../wire/icmpv6";
import { IPPROTO_ICMPV6 } from "../wire/ipv6";
import {
  NDP_LINK_OPTION,
  NDP_NEIGHBOUR,
  NDP_OVERRIDE,
  NDP_ROUTER_SOLICITATION,
  NDP_SOLICITED,
  NDP_SOURCE_LINK,
  NDP_TARGET_LINK,
  ndpPutLinkAddress,
  ndpTarget,
} from "../wire/ndp";

/** RFC 4861 section 7.1: what comes from beyond the link has been decremented. */
export const NDP_HOP_LIMIT: u8 = 255;

const source = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const destination = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Sends the message of `length` bytes in `frame` from `source` to `destination`. */
function finish(frame: TransmitFrame, length: u32, now: u64): void {
  const sum = transportChecksum(source, destination, IPPROTO_ICMPV6, frame.data, length);
  store<u16>(frame.data + ICMPV6_CHECKSUM, sum);
  ipv6Send(frame, IPPROTO_ICMPV6, source, destination, length, NDP_HOP_LIMIT, now);
}

/** Asks who has `target`: everybody who might (`mac` 0), or the station that had it. */
export function neighbourSolicit(target: IpAddress, mac: usize, now: u64): void {
  if (!ipv6SourceSelect(target, source, now)) return;
  if (mac != 0) destination.copy(target);
  else solicitedNodeGroup(destination, target);
  const length = NDP_NEIGHBOUR + NDP_LINK_OPTION;
  const frame = ipv6Allocate(destination, length);
  if (changetype<usize>(frame) == 0) return;
  icmpv6Write(frame.data, ICMPV6_NEIGHBOUR_SOLICITATION, 0, 0);
  ndpTarget(frame.data).copy(target);
  ndpPutLinkAddress(frame.data + NDP_NEIGHBOUR, NDP_SOURCE_LINK, deviceMac());
  finish(frame, length, now);
}

/** Asks whether anybody has `target`, without claiming it (RFC 4862 section 5.4.2). */
export function neighbourProbe(target: IpAddress, now: u64): void {
  source.clear();
  solicitedNodeGroup(destination, target);
  const frame = ipv6Allocate(destination, NDP_NEIGHBOUR);
  if (changetype<usize>(frame) == 0) return;
  icmpv6Write(frame.data, ICMPV6_NEIGHBOUR_SOLICITATION, 0, 0);
  ndpTarget(frame.data).copy(target);
  finish(frame, NDP_NEIGHBOUR, now);
}

/** Says that `target` is ours: to `asker`, or to all nodes when that is "any" (RFC 4861 sections 7.2.4, 7.2.6). */
export function neighbourAdvertise(target: IpAddress, asker: IpAddress, now: u64): void {
  const toAll = asker.isAny();
  if (toAll) linkGroup(destination, 1);
  else destination.copy(asker);
  source.copy(target);
  const length = NDP_NEIGHBOUR + NDP_LINK_OPTION;
  const frame = ipv6Allocate(destination, length);
  if (changetype<usize>(frame) == 0) return;
  const flags = <u32>(toAll ? NDP_OVERRIDE : NDP_OVERRIDE | NDP_SOLICITED);
  icmpv6Write(frame.data, ICMPV6_NEIGHBOUR_ADVERTISEMENT, 0, flags << 24);
  ndpTarget(frame.data).copy(target);
  ndpPutLinkAddress(frame.data + NDP_NEIGHBOUR, NDP_TARGET_LINK, deviceMac());
  finish(frame, length, now);
}

/** Asks all routers what they advertise (RFC 4861 section 6.3.7). */
export function routerSolicit(now: u64): void {
  if (!devicePresent()) return;
  linkGroup(destination, 2);
  if (!ipv6SourceSelect(destination, source, now)) return;
  const length = NDP_ROUTER_SOLICITATION + NDP_LINK_OPTION;
  const frame = ipv6Allocate(destination, length);
  if (changetype<usize>(frame) == 0) return;
  icmpv6Write(frame.data, ICMPV6_ROUTER_SOLICITATION, 0, 0);
  ndpPutLinkAddress(frame.data + NDP_ROUTER_SOLICITATION, NDP_SOURCE_LINK, deviceMac());
  finish(frame, length, now);
}
