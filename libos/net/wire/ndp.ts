// Neighbour discovery codec (RFC 4861 section 4; RFC 8106 for name servers): ICMPv6 messages with options behind them.
//
//  0                               8                               24
//  | ICMPv6 header with flags      | target address                | options …    neighbour solicitation, advertisement
//  | header: hop limit, lifetime   | reachable 4 | retransmit 4    | options …    router advertisement
//
// ndpOptionsValid() must have said yes before options are walked; then none of them reaches beyond the message.
import { IpAddress, addressAt } from "../ip/address";

/** Bytes of neighbour solicitations and advertisements, of router solicitations and advertisements, without options. */
export const NDP_NEIGHBOUR: u32 = 24;
export const NDP_ROUTER_SOLICITATION: u32 = 8;
export const NDP_ROUTER_ADVERTISEMENT: u32 = 16;
/** Bytes of an option with an Ethernet address. */
export const NDP_LINK_OPTION: u32 = 8;

export const NDP_SOURCE_LINK: u8 = 1;
export const NDP_TARGET_LINK: u8 = 2;
export const NDP_PREFIX: u8 = 3;
export const NDP_MTU: u8 = 5;
export const NDP_NAME_SERVERS: u8 = 25;
export const NDP_SEARCH_LIST: u8 = 31;

/** Flags in the fifth byte of a neighbour advertisement. */
export const NDP_IS_ROUTER: u8 = 0x80;
export const NDP_SOLICITED: u8 = 0x40;
export const NDP_OVERRIDE: u8 = 0x20;

/** Flags of a prefix option. */
export const NDP_ON_LINK: u8 = 0x80;
export const NDP_AUTONOMOUS: u8 = 0x40;

/** Bytes of a prefix option. */
const PREFIX_OPTION: u32 = 32;

/** The flags of a neighbour advertisement. */
export function ndpFlags(message: usize): u8 {
  return load<u8>(message, 4);
}

/** The target of a neighbour solicitation or advertisement, in place. */
export function ndpTarget(message: usize): IpAddress {
  return addressAt(message + 8);
}

/** Hop limit that a router recommends; 0 = it does not say. */
export function ndpHopLimit(message: usize): u8 {
  return load<u8>(message, 4);
}

/** How long the sender may be used as a default router, seconds; 0 = not at all. */
export function ndpRouterLifetime(message: usize): u32 {
  return bswap<u16>(load<u16>(message, 6));
}

/** True when the options in [at, end) fit exactly; RFC 4861 section 4.6: one of length 0 spoils the message. */
export function ndpOptionsValid(at: usize, end: usize): bool {
  while (at < end) {
    if (end - at < 8) return false;
    const size = optionSize(at);
    if (size == 0 || size > <u32>(end - at)) return false;
    at += size;
  }
  return true;
}

function optionSize(option: usize): u32 {
  return (<u32>load<u8>(option, 1)) << 3;
}

/** The next option of `type` in [at, end), or 0. The options must be valid. */
export function ndpOption(at: usize, end: usize, type: u8): usize {
  while (at < end) {
    if (load<u8>(at) == type) return at;
    at += optionSize(at);
  }
  return 0;
}

/** The option behind `option`. */
export function ndpOptionNext(option: usize): usize {
  return option + optionSize(option);
}

/** Address of the six bytes of a link-layer option. */
export function ndpLinkAddress(option: usize): usize {
  return option + 2;
}

/** True when a prefix option has its size and a prefix of at most 128 bits. */
export function ndpPrefixValid(option: usize): bool {
  return optionSize(option) == PREFIX_OPTION && ndpPrefixLength(option) <= 128;
}

/** Bits of the prefix. */
export function ndpPrefixLength(option: usize): u8 {
  return load<u8>(option, 2);
}

/** NDP_ON_LINK | NDP_AUTONOMOUS. */
export function ndpPrefixFlags(option: usize): u8 {
  return load<u8>(option, 3);
}

/** Seconds for which the prefix is valid; all ones = for ever. */
export function ndpValidLifetime(option: usize): u32 {
  return bswap<u32>(load<u32>(option, 4));
}

/** Seconds for which addresses of it are preferred; all ones = for ever. */
export function ndpPreferredLifetime(option: usize): u32 {
  return bswap<u32>(load<u32>(option, 8));
}

/** The prefix, in place. */
export function ndpPrefix(option: usize): IpAddress {
  return addressAt(option + 16);
}

/** The MTU of an MTU option. */
export function ndpMtu(option: usize): u32 {
  return bswap<u32>(load<u32>(option, 4));
}

/** Name servers in an option of them. */
export function ndpNameServerCount(option: usize): u32 {
  const size = optionSize(option);
  return size < 24 ? 0 : (size - 8) >> 4;
}

/** Name server `index` of the option, in place. */
export function ndpNameServer(option: usize, index: u32): IpAddress {
  return addressAt(option + 8 + ((<usize>index) << 4));
}

/** Address of the names of a search list, in wire form, one behind the other, padded with zeros. */
export function ndpSearchList(option: usize): usize {
  return option + 8;
}

/** Bytes of them. */
export function ndpSearchListLength(option: usize): u32 {
  return optionSize(option) - 8;
}

/** Writes a link-layer option; returns the address after it. */
export function ndpPutLinkAddress(at: usize, type: u8, mac: usize): usize {
  store<u8>(at, type);
  store<u8>(at, 1, 1);
  store<u32>(at, load<u32>(mac), 2);
  store<u16>(at, load<u16>(mac, 4), 6);
  return at + NDP_LINK_OPTION;
}
