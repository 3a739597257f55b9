// ICMP message codec (RFC 792, RFC 1191).
//
//  0       1       2               4                               8
//  | type  | code  | checksum      | identifier, sequence          | data …            echo
//  | type  | code  | checksum      | unused        | next-hop MTU  | quoted packet …   errors
//
// After icmpCheckLength() has answered 0 no accessor can read outside the message.
import { EINVAL } from "../../../kernel/errno";
import { checksum } from "./checksum";

/** Bytes of a header. */
export const ICMP_HEADER: u32 = 8;

const ICMP_ECHO_REPLY: u8 = 0;
export const ICMP_UNREACHABLE: u8 = 3;
export const ICMP_ECHO_REQUEST: u8 = 8;
export const ICMP_TIME_EXCEEDED: u8 = 11;
export const ICMP_PARAMETER_PROBLEM: u8 = 12;

// Codes of ICMP_UNREACHABLE (RFC 792, RFC 1122 section 3.2.2.1).
export const ICMP_UNREACHABLE_NET: u8 = 0;
export const ICMP_UNREACHABLE_PROTOCOL: u8 = 2;
export const ICMP_UNREACHABLE_PORT: u8 = 3;
export const ICMP_UNREACHABLE_FRAGMENTATION_NEEDED: u8 = 4;
export const ICMP_UNREACHABLE_NET_UNKNOWN: u8 = 6;
export const ICMP_UNREACHABLE_NET_PROHIBITED: u8 = 9;
export const ICMP_UNREACHABLE_NET_SERVICE: u8 = 11;

/** Code of ICMP_TIME_EXCEEDED. */
export const ICMP_TIME_EXCEEDED_REASSEMBLY: u8 = 1;

const TYPE: usize = 0;
const CODE: usize = 1;
const CHECKSUM: usize = 2;
const REST: usize = 4;
const NEXT_HOP_MTU: usize = 6;

/** 0 when `length` bytes hold a message whose checksum is right, else -EINVAL. */
export function icmpCheckLength(message: usize, length: u32): i32 {
  return length >= ICMP_HEADER && checksum(message, length) == 0 ? 0 : -EINVAL;
}

/** ICMP_ type. */
export function icmpType(message: usize): u8 {
  return load<u8>(message + TYPE);
}

/** Code; its meaning depends on the type. */
export function icmpCode(message: usize): u8 {
  return load<u8>(message + CODE);
}

/** MTU of the next hop in a "fragmentation needed" message; 0 from routers older than RFC 1191. */
export function icmpNextHopMtu(message: usize): u32 {
  return bswap<u16>(load<u16>(message + NEXT_HOP_MTU));
}

/** True for messages that report an error: such a message must never be answered with another one (RFC 1122 section 3.2.2). */
export function icmpIsError(type: u8): bool {
  return (
    type == ICMP_UNREACHABLE || type == 4 || type == 5 || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM
  );
}

/** Writes the header of an error message; the quoted packet follows it, then icmpFinish(). */
export function icmpWriteError(message: usize, type: u8, code: u8): void {
  store<u8>(message + TYPE, type);
  store<u8>(message + CODE, code);
  store<u32>(message + REST, 0);
}

/** Turns the echo request at `message` into its reply; icmpFinish() follows. */
export function icmpMakeEchoReply(message: usize): void {
  store<u8>(message + TYPE, ICMP_ECHO_REPLY);
}

/** Fills the checksum of a complete message of `length` bytes. */
export function icmpFinish(message: usize, length: u32): void {
  store<u16>(message + CHECKSUM, 0);
  store<u16>(message + CHECKSUM, checksum(message, length));
}
