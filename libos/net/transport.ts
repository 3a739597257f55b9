// What IP asks of a transport protocol, and what both need to handle transport checksums.
//
// The transports register themselves here (network.ts does it at start), so IP imports nothing above it and a test
// can run with any subset of them.
import {
  CHECKSUM_OFFLOAD_TX,
  CHECKSUM_OFFLOAD_TX_IPV6,
  RX_CHECKSUM_BLANK,
  RX_CHECKSUM_VALID,
  TX_CHECKSUM_BLANK,
  TransmitFrame,
  deviceFeatures,
} from "./device";
import { IpAddress } from "./ip/address";
import { checksumAdd, checksumCombine, checksumFinish, checksumFold } from "./wire/checksum";
import { IPPROTO_TCP, IPPROTO_UDP } from "./wire/ipv4";

/** Frame flag of the stack: the frame stays in memory (loopback.ts) and must never reach the device. */
export const TX_LOOPBACK: u32 = 1 << 31;

let tcpInput: u32 = 0;
let tcpError: u32 = 0;
let tcpPoll: u32 = 0;
let udpInput: u32 = 0;
let udpError: u32 = 0;
let udpPoll: u32 = 0;

/**
 * Registers the transport for IPPROTO_TCP or IPPROTO_UDP by function indexes.
 *
 * `input` is (source: IpAddress, destination: IpAddress, segment: usize, length: u32, flags: u32, now: u64) => i32 and
 * takes one segment (transport header and payload) that one host sent to an address of ours, not to a group or broadcast
 * address unless UDP. It answers 0, or -ECONNREFUSED when IP is to send a port unreachable message.
 *
 * `error` is (local: IpAddress, remote: IpAddress, segment: usize, length: u32, error: i32, mtu: u32, now: u64) => void
 * and takes an ICMP error about a segment that we seem to have sent from `local` to `remote`; `length` >= 8 bytes of it are at
 * `segment`. `error` is positive: ECONNREFUSED and ENOPROTOOPT are hard errors (RFC 1122 section 4.2.3.9), ENETUNREACH,
 * EHOSTUNREACH and EPROTO soft ones; EMSGSIZE means that the path takes packets of `mtu` bytes only. Nobody has
 * checked that the quoted segment was really sent: the transport does (RFC 5927), and then calls pathMtuLower().
 *
 * `poll` is (now: u64) => void: send what is due; called by interfacePoll().
 */
export function transportRegister(protocol: u8, input: u32, error: u32, poll: u32): void {
  if (protocol == IPPROTO_TCP) {
    tcpInput = input;
    tcpError = error;
    tcpPoll = poll;
  } else if (protocol == IPPROTO_UDP) {
    udpInput = input;
    udpError = error;
    udpPoll = poll;
  }
}

/** True when a transport is registered for `protocol`. */
export function transportPresent(protocol: u8): bool {
  if (protocol == IPPROTO_TCP) return tcpInput != 0;
  return protocol == IPPROTO_UDP && udpInput != 0;
}

/** Hands a segment to its transport, which must be present. */
export function transportInput(
  protocol: u8,
  source: IpAddress,
  destination: IpAddress,
  segment: usize,
  length: u32,
  flags: u32,
  now: u64,
): i32 {
  const handler = protocol == IPPROTO_TCP ? tcpInput : udpInput;
  return call_indirect<i32>(handler, source, destination, segment, length, flags, now);
}

/** Hands an ICMP error to the transport it is about. */
export function transportError(
  protocol: u8,
  local: IpAddress,
  remote: IpAddress,
  segment: usize,
  length: u32,
  error: i32,
  mtu: u32,
  now: u64,
): void {
  if (!transportPresent(protocol)) return;
  const handler = protocol == IPPROTO_TCP ? tcpError : udpError;
  if (handler != 0) call_indirect<void>(handler, local, remote, segment, length, error, mtu, now);
}

/** Lets every transport send what is due. */
export function transportsPoll(now: u64): void {
  if (tcpPoll != 0) call_indirect<void>(tcpPoll, now);
  if (udpPoll != 0) call_indirect<void>(udpPoll, now);
}

/**
 * True when the checksum of a received segment holds, or when the receive flags say that it need not be looked at.
 * A UDP checksum field of zero (not computed) is the caller's to know.
 */
export function transportChecksumValid(
  source: IpAddress,
  destination: IpAddress,
  protocol: u8,
  segment: usize,
  length: u32,
  flags: u32,
): bool {
  if ((flags & (RX_CHECKSUM_VALID | RX_CHECKSUM_BLANK)) != 0) return true;
  return checksumFold(checksumAdd(pseudoHeaderSum(source, destination, protocol, length), segment, length)) == 0xffff;
}

/**
 * Fills the checksum field at `frame.data + offset` of an outgoing segment of `length` bytes: the pseudo-header sum
 * alone where the device (or the loopback) lets us leave the rest, otherwise the whole checksum.
 * The segment must be complete, its addresses the ones that ipSend() will be given.
 */
export function transportChecksumFill(
  frame: TransmitFrame,
  offset: u32,
  source: IpAddress,
  destination: IpAddress,
  protocol: u8,
  length: u32,
): void {
  const field = frame.data + offset;
  const pseudo = pseudoHeaderSum(source, destination, protocol, length);
  const needed = source.isIpv4() ? CHECKSUM_OFFLOAD_TX : CHECKSUM_OFFLOAD_TX_IPV6;
  if ((frame.flags & TX_LOOPBACK) != 0 || (deviceFeatures() & needed) != 0) {
    frame.flags |= TX_CHECKSUM_BLANK;
    store<u16>(field, <u16>checksumFold(pseudo));
    return;
  }
  store<u16>(field, 0);
  store<u16>(field, checksumValue(pseudo, frame.data, length));
}

/** The whole checksum of a segment whose checksum field is zero, for one that goes in fragments. */
export function transportChecksum(
  source: IpAddress,
  destination: IpAddress,
  protocol: u8,
  segment: usize,
  length: u32,
): u16 {
  return checksumValue(pseudoHeaderSum(source, destination, protocol, length), segment, length);
}

function checksumValue(pseudo: u64, segment: usize, length: u32): u16 {
  const value = checksumFinish(checksumAdd(pseudo, segment, length));
  // RFC 768: a computed zero is sent as all ones; for TCP both mean the same.
  return value == 0 ? 0xffff : value;
}

/**
 * Running sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1) of either family: the ffff of two mapped
 * addresses adds nothing to a ones' complement sum, and where length and protocol stand does not matter to it.
 */
function pseudoHeaderSum(source: IpAddress, destination: IpAddress, protocol: u8, length: u32): u64 {
  const high = checksumCombine(source.high, destination.high);
  const low = checksumCombine(source.low, destination.low);
  return checksumCombine(checksumCombine(high, low), <u64>bswap<u32>(length + protocol));
}
