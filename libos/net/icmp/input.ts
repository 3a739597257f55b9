// ICMP input (RFC 792, RFC 1122 section 3.2.2): echo, and errors about what we sent. Redirects and source quench are
// ignored: the first anybody on the link could forge, and there is one gateway; the second is obsolete (RFC 6633;
// RFC 9293 MUST-55).
import { ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENOPROTOOPT, EPROTO } from "../../../kernel/errno";
import { addressIsLocal } from "../addresses";
import { icmpCounters } from "../counters";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { ipv4SendFragmented } from "../ipv4/fragment";
import { ipv4Allocate, ipv4PathMtu, ipv4Send, ipv4TimeToLiveTo } from "../ipv4/output";
import { RX_LINK_GROUP } from "../receive_flags";
import { routeIsGroup } from "../ipv4/routing";
import { transportError } from "../transport";
import {
  ICMP_ECHO_REQUEST,
  ICMP_HEADER,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  ICMP_UNREACHABLE_FRAGMENTATION_NEEDED,
  ICMP_UNREACHABLE_NET,
  ICMP_UNREACHABLE_NET_PROHIBITED,
  ICMP_UNREACHABLE_NET_SERVICE,
  ICMP_UNREACHABLE_NET_UNKNOWN,
  ICMP_UNREACHABLE_PORT,
  ICMP_UNREACHABLE_PROTOCOL,
  icmpCheckLength,
  icmpCode,
  icmpFinish,
  icmpMakeEchoReply,
  icmpNextHopMtu,
  icmpType,
} from "../wire/icmpv4";
import {
  IPPROTO_ICMP,
  IPV4_HEADER,
  ipv4CheckQuote,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
} from "../wire/ipv4";

/** The ends of the packet that an error quotes, in the form that transports know. */
const local = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const remote = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Takes an ICMP message of `length` bytes; it may be written to, it is not needed afterwards. */
export function icmpInput(source: u32, destination: u32, message: usize, length: u32, flags: u32, now: u64): void {
  icmpCounters.inMsgs += 1;
  if (icmpCheckLength(message, length) != 0) {
    icmpCounters.inErrors += 1;
    return;
  }
  const type = icmpType(message);
  count(type);
  if (type == ICMP_ECHO_REQUEST) {
    // RFC 1122 section 3.2.2.6: a request to a broadcast or multicast address may be ignored.
    if ((flags & RX_LINK_GROUP) != 0 || routeIsGroup(destination)) return;
    echoReply(source, destination, message, length, now);
  } else if (type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM) {
    errorInput(type, message, length, now);
  }
}

function count(type: u8): void {
  if (type == ICMP_ECHO_REQUEST) icmpCounters.inEchos += 1;
  else if (type == ICMP_UNREACHABLE) icmpCounters.inDestUnreachs += 1;
  else if (type == ICMP_TIME_EXCEEDED) icmpCounters.inTimeExcds += 1;
  else if (type == ICMP_PARAMETER_PROBLEM) icmpCounters.inParmProbs += 1;
}

function countReply(): void {
  icmpCounters.outMsgs += 1;
  icmpCounters.outEchoReps += 1;
}

/** RFC 1122 section 3.2.2.6 MUST: the data comes back whole, the source is the address that was asked. */
function echoReply(source: u32, destination: u32, message: usize, length: u32, now: u64): void {
  if (length + IPV4_HEADER > ipv4PathMtu(source)) {
    icmpMakeEchoReply(message);
    icmpFinish(message, length);
    countReply();
    ipv4SendFragmented(IPPROTO_ICMP, destination, source, message, length, 0, ipv4TimeToLiveTo(source), now);
    return;
  }
  const frame = ipv4Allocate(source, length);
  if (changetype<usize>(frame) == 0) return;
  countReply();
  memory.copy(frame.data, message, length);
  icmpMakeEchoReply(frame.data);
  icmpFinish(frame.data, length);
  ipv4Send(frame, IPPROTO_ICMP, destination, source, length, now);
}

/** Hands an error to the transport whose segment it quotes. */
function errorInput(type: u8, message: usize, length: u32, now: u64): void {
  const quote = message + ICMP_HEADER;
  const available = length - ICMP_HEADER;
  if (ipv4CheckQuote(quote, available) != 0) return;
  if (!addressIsLocal(ipv4Source(quote)) || ipv4FragmentOffset(quote) != 0) return;
  const error = errorNumber(type, icmpCode(message));
  const mtu = error == EMSGSIZE ? nextMtu(icmpNextHopMtu(message), ipv4TotalLength(quote)) : 0;
  const header = ipv4HeaderLength(quote);
  const segment = quote + header;
  local.setIpv4(ipv4Source(quote));
  remote.setIpv4(ipv4Destination(quote));
  transportError(ipv4Protocol(quote), local, remote, segment, available - header, error, mtu, now);
}

/** The errno of an ICMP error (RFC 1122 sections 3.2.2 and 4.2.3.9). */
function errorNumber(type: u8, code: u8): i32 {
  if (type == ICMP_PARAMETER_PROBLEM) return EPROTO;
  if (type == ICMP_TIME_EXCEEDED) return EHOSTUNREACH;
  if (code == ICMP_UNREACHABLE_PORT) return ECONNREFUSED;
  if (code == ICMP_UNREACHABLE_PROTOCOL) return ENOPROTOOPT;
  if (code == ICMP_UNREACHABLE_FRAGMENTATION_NEEDED) return EMSGSIZE;
  const aboutNet =
    code == ICMP_UNREACHABLE_NET ||
    code == ICMP_UNREACHABLE_NET_UNKNOWN ||
    code == ICMP_UNREACHABLE_NET_PROHIBITED ||
    code == ICMP_UNREACHABLE_NET_SERVICE;
  return aboutNet ? ENETUNREACH : EHOSTUNREACH;
}

/** RFC 1191 section 7: a router that does not say its MTU leaves us to guess the next plateau below what failed. */
function nextMtu(reported: u32, failed: u32): u32 {
  if (reported != 0) return reported;
  if (failed > 8166) return 8166;
  if (failed > 4352) return 4352;
  if (failed > 2002) return 2002;
  if (failed > 1492) return 1492;
  if (failed > 1006) return 1006;
  return 508;
}
