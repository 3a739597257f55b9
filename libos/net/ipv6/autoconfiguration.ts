// How the interface gets its IPv6 addresses (RFC 4862): a link-local one from its Ethernet address (RFC 4291, appendix A), one
// for each prefix that a router advertises, and the configured one. Each is asked for on the link before it is used.
//
// A guest has no disk to keep a secret for opaque identifiers (RFC 7217) in, and its Ethernet address says nothing of its
// owner: the toolstack chose it. So its addresses are those that its host expects.
import { networkAddressesChanged } from "../../optional/with_fork_network";
import { log } from "../../../kernel/log";
import { NEVER } from "../../../kernel/time/clock";
import { deviceCarrier, deviceMac } from "../device";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { pathMtuClear } from "../ip/path_mtu";
import { logAddress } from "../ip/text";
import { mldDeadline, mldForget, mldPoll, mldRefresh, mldRepeat } from "../mld/listener";
import { neighbourClear, neighbourOffered } from "../ndp/neighbours";
import { neighbourAdvertise, neighbourProbe, routerSolicit } from "../ndp/output";
import { ICMPV6_ROUTER_ADVERTISEMENT } from "../wire/icmpv6";
import {
  NDP_AUTONOMOUS,
  NDP_MTU,
  NDP_ON_LINK,
  NDP_PREFIX,
  NDP_SOURCE_LINK,
  ndpHopLimit,
  ndpLinkAddress,
  ndpMtu,
  ndpOption,
  ndpOptionNext,
  ndpPreferredLifetime,
  ndpPrefix,
  ndpPrefixFlags,
  ndpPrefixLength,
  ndpPrefixValid,
  ndpRouterLifetime,
  ndpValidLifetime,
} from "../wire/ndp";
import {
  ADDRESSES,
  ADDRESS_DUPLICATE,
  ADDRESS_FREE,
  ADDRESS_TENTATIVE,
  ADDRESS_VALID,
  NO_ADDRESS,
  OwnAddress,
  ownAddressAt,
  ownAddressClaim,
  ownAddressFind,
  randomBelow,
} from "./addresses";
import { lifetimeEnd } from "./lifetime";
import { linkClear, linkSetHopLimit, linkSetMtu } from "./link";
import { namesAdvertised, namesForget } from "./name_servers";
import { prefixLearn, routerLearn, routesClear } from "./routing";

const SECOND: u64 = 1_000_000_000;
/** RFC 4862 section 5.1, DupAddrDetectTransmits and RetransTimer. */
const PROBES: u8 = 1;
const PROBE_INTERVAL: u64 = SECOND;
/** RFC 4861 section 10: MAX_RTR_SOLICITATIONS, RTR_SOLICITATION_INTERVAL, MAX_RTR_SOLICITATION_DELAY. */
const SOLICITATIONS: u32 = 3;
const SOLICITATION_INTERVAL: u64 = 4 * SECOND;
const SOLICITATION_DELAY: u64 = SECOND;
/** RFC 4862 section 5.5.3 (e): an unauthenticated advertisement shortens a life to this at most. */
const TWO_HOURS: u64 = 7200 * SECOND;
const IDENTIFIER_BITS: u8 = 64;

let enabled = false;
/** Another process of the family asks, answers and reports: we only use what is known. */
let silent = false;
let deadline: u64 = NEVER;
let solicitAt: u64 = NEVER;
let solicitations: u32 = 0;

/** The configured address, :: = none, and its router. */
const fixedAddress = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const fixedRouter = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
let fixedLength: u8 = 0;

const scratch = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const nobody = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Switches IPv6 on; the next carrier begins it. */
export function ipv6Enable(): void {
  enabled = true;
}

/** Configures an address and a router (:: = none) besides those that the link gives. Call before the carrier comes. */
export function ipv6Configure(address: IpAddress, prefixLength: u8, router: IpAddress): void {
  fixedAddress.copy(address);
  fixedRouter.copy(router);
  fixedLength = prefixLength;
}

/** The carrier has come: maybe it is another network, so everything begins anew. */
export function ipv6LinkUp(now: u64): void {
  ipv6Forget();
  if (!enabled || !deviceCarrier()) return;
  identifierInto(scratch);
  scratch.high = 0x80fe;
  begin(scratch, IDENTIFIER_BITS, NEVER, NEVER, false, now);
  if (fixedAddress.isAny()) return;
  begin(fixedAddress, fixedLength, NEVER, NEVER, false, now);
  prefixLearn(fixedAddress, fixedLength, NEVER);
  if (!fixedRouter.isAny()) routerLearn(fixedRouter, NEVER);
}

/** In the child of a fork: its addresses are its family's, for which another process speaks. */
export function ipv6Follow(): void {
  silent = true;
  for (let i: u32 = 0; i < ADDRESSES; i++) {
    const own = ownAddressAt(i);
    if (own.state != ADDRESS_TENTATIVE) continue;
    own.state = ADDRESS_VALID;
    own.probeAt = NEVER;
  }
  mldForget();
  solicitAt = NEVER;
}

/** From now on this process speaks for the family's addresses: reports their groups and asks for routers. */
export function ipv6Lead(now: u64): void {
  silent = false;
  solicitations = 0;
  solicitAt = now + randomBelow(SOLICITATION_DELAY);
  deadline = now;
}

/** What the process that speaks for the family says of an address. Times are monotonic ns, or NEVER. */
export function ipv6Told(address: IpAddress, length: u8, preferred: u64, valid: u64, automatic: bool, now: u64): void {
  const own = ownAddressFind(address);
  if (own == NO_ADDRESS) {
    begin(address, length, preferred, valid, automatic, now);
    return;
  }
  own.preferredUntil = preferred;
  own.validUntil = valid;
  deadline = now;
}

/** Takes all addresses away and forgets what the link has told. */
function ipv6Forget(): void {
  for (let i: u32 = 0; i < ADDRESSES; i++) ownAddressAt(i).state = ADDRESS_FREE;
  routesClear();
  linkClear();
  neighbourClear();
  pathMtuClear();
  mldForget();
  namesForget();
  solicitations = 0;
  solicitAt = NEVER;
  deadline = NEVER;
}

/** Fills the last eight bytes with the modified EUI-64 of our Ethernet address. */
function identifierInto(address: IpAddress): void {
  const mac = deviceMac();
  const at = changetype<usize>(address) + 8;
  store<u8>(at, load<u8>(mac) ^ 2);
  store<u16>(at, load<u16>(mac, 1), 1);
  store<u16>(at, 0xfeff, 3);
  store<u8>(at, load<u8>(mac, 3), 5);
  store<u16>(at, load<u16>(mac, 4), 6);
}

/** Begins to use an address: first it is tentative. Without a free place it is not used. */
function begin(address: IpAddress, length: u8, preferred: u64, valid: u64, automatic: bool, now: u64): void {
  const own = ownAddressClaim();
  if (own == NO_ADDRESS) return;
  own.address.copy(address);
  own.state = silent ? ADDRESS_VALID : ADDRESS_TENTATIVE;
  own.prefixLength = length;
  own.preferredUntil = preferred;
  own.validUntil = valid;
  own.automatic = automatic;
  own.probes = 0;
  own.probeAt = silent ? NEVER : now;
  deadline = now;
}

/** Somebody else has or wants `own`, which is not ours then (RFC 4862 section 5.4.5). */
export function duplicateFound(own: OwnAddress): void {
  own.state = ADDRESS_DUPLICATE;
  deadline = 0; // its group is to be left
  logAddress(log("net").text("eth0 "), own.address).text(" is in use by another host").end();
}

/** Nobody has objected: the address is ours. */
function established(own: OwnAddress, now: u64): void {
  own.state = ADDRESS_VALID;
  own.probeAt = NEVER;
  neighbourAdvertise(own.address, nobody, now);
  networkAddressesChanged();
  const line = logAddress(log("net").text("eth0 "), own.address).text("/").decimal(own.prefixLength);
  if (own.automatic) line.text(" by router advertisement").end();
  else line.text(own.address.isLinkLocal() ? " link-local" : " static").end();
  if (!own.address.isLinkLocal()) return;
  mldRepeat(now);
  solicitations = 0;
  solicitAt = now + randomBelow(SOLICITATION_DELAY);
}

/** Does what is due: duplicate address detection, router solicitations, the end of addresses, reports of groups. */
export function autoconfigurationPoll(now: u64): void {
  if (now < deadline) {
    mldPoll(now);
    return;
  }
  deadline = NEVER;
  if (!silent) mldRefresh(now);
  mldPoll(now); // before addresses are asked for
  for (let i: u32 = 0; i < ADDRESSES; i++) {
    const own = ownAddressAt(i);
    if (own.state == ADDRESS_TENTATIVE && now >= own.probeAt) probe(own, now);
    if (own.state != ADDRESS_FREE && now >= own.validUntil) own.state = ADDRESS_FREE;
    if (own.state == ADDRESS_FREE || own.state == ADDRESS_DUPLICATE) continue;
    deadline = min(deadline, min(own.probeAt, own.validUntil));
  }
  if (now >= solicitAt) {
    routerSolicit(now);
    solicitations += 1;
    solicitAt = solicitations < SOLICITATIONS ? now + SOLICITATION_INTERVAL : NEVER;
  }
  deadline = min(deadline, solicitAt);
  if (!silent) mldRefresh(now);
}

function probe(own: OwnAddress, now: u64): void {
  if (own.probes == PROBES) {
    established(own, now);
    return;
  }
  own.probes += 1;
  own.probeAt = now + PROBE_INTERVAL;
  neighbourProbe(own.address, now);
}

/** When autoconfigurationPoll() next has something to do. */
export function autoconfigurationDeadline(): u64 {
  return min(deadline, mldDeadline());
}

/** A router advertisement (RFC 4861 section 6.3.4) whose options in [options, end) are valid; other types are nothing to a host. */
export function advertisementArrives(
  type: u8,
  router: IpAddress,
  message: usize,
  options: usize,
  end: usize,
  now: u64,
): void {
  if (!enabled || type != ICMPV6_ROUTER_ADVERTISEMENT || !router.isLinkLocal()) return;
  solicitAt = NEVER;
  const lifetime = ndpRouterLifetime(message);
  routerLearn(router, lifetime == 0 ? 0 : lifetimeEnd(lifetime, now));
  linkSetHopLimit(ndpHopLimit(message));
  const link = ndpOption(options, end, NDP_SOURCE_LINK);
  if (link != 0) neighbourOffered(router, ndpLinkAddress(link), now);
  const mtu = ndpOption(options, end, NDP_MTU);
  if (mtu != 0) linkSetMtu(ndpMtu(mtu));
  let prefix = ndpOption(options, end, NDP_PREFIX);
  while (prefix != 0) {
    if (ndpPrefixValid(prefix)) prefixArrives(prefix, now);
    prefix = ndpOption(ndpOptionNext(prefix), end, NDP_PREFIX);
  }
  namesAdvertised(options, end, now);
}

/** A prefix of the link: where its stations are (RFC 4861 section 6.3.4), and an address for us (RFC 4862 section 5.5.3). */
function prefixArrives(option: usize, now: u64): void {
  scratch.copy(ndpPrefix(option));
  const length = ndpPrefixLength(option);
  const flags = ndpPrefixFlags(option);
  const valid = ndpValidLifetime(option);
  const preferred = ndpPreferredLifetime(option);
  if (scratch.isLinkLocal() || scratch.isMulticast()) return;
  if ((flags & NDP_ON_LINK) != 0) prefixLearn(scratch, length, valid == 0 ? 0 : lifetimeEnd(valid, now));
  // RFC 4862 section 5.5.3 (c), (d)
  if ((flags & NDP_AUTONOMOUS) == 0 || preferred > valid || length != IDENTIFIER_BITS) return;
  identifierInto(scratch);
  const own = ownAddressFind(scratch);
  if (own == NO_ADDRESS) {
    if (valid != 0) begin(scratch, length, lifetimeEnd(preferred, now), lifetimeEnd(valid, now), true, now);
  } else if (own.automatic) {
    prolong(own, lifetimeEnd(preferred, now), lifetimeEnd(valid, now), now);
  }
}

/** RFC 4862 section 5.5.3 (e): a life may be prolonged at will, but shortened to two hours only. */
function prolong(own: OwnAddress, preferred: u64, valid: u64, now: u64): void {
  own.preferredUntil = preferred;
  if (valid > now + TWO_HOURS || valid > own.validUntil) own.validUntil = valid;
  else if (own.validUntil > now + TWO_HOURS) own.validUntil = now + TWO_HOURS;
  deadline = min(deadline, own.validUntil);
}
