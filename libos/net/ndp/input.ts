// Neighbour discovery input (RFC 4861 sections 6.1.2, 7.1). Whoever is on the link can forge these messages; what keeps
// others out is the hop limit, which every router lowers. Redirects are ignored: a host with one interface loses a hop at most,
// and they are an attacker's best tool. Messages in fragments, atomic ones too, are ignored (RFC 6980).
import { RX_FRAGMENTED } from "../receive_flags";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { advertisementArrives, duplicateFound } from "../ipv6/autoconfiguration";
import { ADDRESS_TENTATIVE, ADDRESS_VALID, NO_ADDRESS, ownAddressFind } from "../ipv6/addresses";
import { routerCeases } from "../ipv6/routing";
import { ICMPV6_NEIGHBOUR_ADVERTISEMENT, ICMPV6_NEIGHBOUR_SOLICITATION, icmpv6Code } from "../wire/icmpv6";
import {
  NDP_IS_ROUTER,
  NDP_NEIGHBOUR,
  NDP_OVERRIDE,
  NDP_ROUTER_ADVERTISEMENT,
  NDP_SOLICITED,
  NDP_SOURCE_LINK,
  NDP_TARGET_LINK,
  ndpFlags,
  ndpLinkAddress,
  ndpOption,
  ndpOptionsValid,
  ndpTarget,
} from "../wire/ndp";
import { neighbourAdvertised, neighbourOffered } from "./neighbours";
import { NDP_HOP_LIMIT, neighbourAdvertise } from "./output";

/** The target of the message; read once. */
const target = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Takes a message of `type`, ICMPV6_ROUTER_SOLICITATION … ICMPV6_REDIRECT, whose checksum is right. */
export function ndpInput(
  type: u8,
  source: IpAddress,
  destination: IpAddress,
  message: usize,
  length: u32,
  hopLimit: u8,
  flags: u32,
  now: u64,
): void {
  if (hopLimit != NDP_HOP_LIMIT || icmpv6Code(message) != 0 || (flags & RX_FRAGMENTED) != 0) return;
  const neighbour = type == ICMPV6_NEIGHBOUR_SOLICITATION || type == ICMPV6_NEIGHBOUR_ADVERTISEMENT;
  const fixed = neighbour ? NDP_NEIGHBOUR : NDP_ROUTER_ADVERTISEMENT;
  if (length < fixed) return;
  const options = message + fixed;
  const end = message + length;
  if (!ndpOptionsValid(options, end)) return;
  if (!neighbour) {
    advertisementArrives(type, source, message, options, end, now);
    return;
  }
  target.copy(ndpTarget(message));
  if (target.isMulticast()) return;
  if (type == ICMPV6_NEIGHBOUR_SOLICITATION) solicitationArrives(source, destination, options, end, now);
  else answerArrives(destination, ndpFlags(message), options, end, now);
}

function solicitationArrives(source: IpAddress, destination: IpAddress, options: usize, end: usize, now: u64): void {
  const link = ndpOption(options, end, NDP_SOURCE_LINK);
  const probe = source.isAny();
  // RFC 4861 section 7.1.1: who has no address yet asks a group and says nothing of himself.
  if (probe && (!destination.isMulticast() || link != 0)) return;
  const own = ownAddressFind(target);
  if (own == NO_ADDRESS) return;
  if (own.state == ADDRESS_TENTATIVE && probe) duplicateFound(own); // RFC 4862 section 5.4.3
  if (own.state != ADDRESS_VALID) return;
  if (!probe && link != 0) neighbourOffered(source, ndpLinkAddress(link), now);
  neighbourAdvertise(target, source, now);
}

function answerArrives(destination: IpAddress, flags: u8, options: usize, end: usize, now: u64): void {
  const solicited = (flags & NDP_SOLICITED) != 0;
  if (solicited && destination.isMulticast()) return;
  const own = ownAddressFind(target);
  if (own != NO_ADDRESS) {
    if (own.state == ADDRESS_TENTATIVE) duplicateFound(own); // RFC 4862 section 5.4.4
    return;
  }
  const link = ndpOption(options, end, NDP_TARGET_LINK);
  const mac = link != 0 ? ndpLinkAddress(link) : 0;
  if ((flags & NDP_IS_ROUTER) == 0) routerCeases(target); // RFC 4861 section 7.2.5
  neighbourAdvertised(target, mac, solicited, (flags & NDP_OVERRIDE) != 0, now);
}
