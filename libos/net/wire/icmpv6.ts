// ICMPv6 message codec (RFC 4443).
//
//  0       1       2               4                               8
//  | type  | code  | checksum      | identifier, sequence          | data …            echo
//  | type  | code  | checksum      | MTU, pointer or unused        | quoted packet …   errors
//
// The checksum covers the pseudo-header, so transport.ts has it. Behind ICMPV6_HEADER bytes nothing is read here.

/** Bytes of a header. */
export const ICMPV6_HEADER: u32 = 8;
/** Byte offset of the checksum field. */
export const ICMPV6_CHECKSUM: u32 = 2;

export const ICMPV6_UNREACHABLE: u8 = 1;
export const ICMPV6_TOO_BIG: u8 = 2;
export const ICMPV6_TIME_EXCEEDED: u8 = 3;
export const ICMPV6_PARAMETER_PROBLEM: u8 = 4;
export const ICMPV6_ECHO_REQUEST: u8 = 128;
export const ICMPV6_ECHO_REPLY: u8 = 129;
export const ICMPV6_LISTENER_QUERY: u8 = 130;
/** Of the older version of MLD. */
export const ICMPV6_LISTENER_REPORT: u8 = 131;
export const ICMPV6_LISTENER_DONE: u8 = 132;
export const ICMPV6_ROUTER_SOLICITATION: u8 = 133;
export const ICMPV6_ROUTER_ADVERTISEMENT: u8 = 134;
export const ICMPV6_NEIGHBOUR_SOLICITATION: u8 = 135;
export const ICMPV6_NEIGHBOUR_ADVERTISEMENT: u8 = 136;
export const ICMPV6_REDIRECT: u8 = 137;
export const ICMPV6_LISTENER_REPORT_2: u8 = 143;

// Codes of ICMPV6_UNREACHABLE.
export const ICMPV6_NO_ROUTE: u8 = 0;
export const ICMPV6_PORT: u8 = 4;
/** Code of ICMPV6_TIME_EXCEEDED. */
export const ICMPV6_REASSEMBLY: u8 = 1;
// Codes of ICMPV6_PARAMETER_PROBLEM.
export const ICMPV6_BAD_FIELD: u8 = 0;
export const ICMPV6_NEXT_HEADER: u8 = 1;
export const ICMPV6_OPTION: u8 = 2;
/** RFC 7112: the first fragment ends before the transport header does. */
export const ICMPV6_HEADER_CHAIN: u8 = 3;

const TYPE: usize = 0;
const CODE: usize = 1;
const CHECKSUM: usize = 2;
const PARAMETER: usize = 4;

/** ICMPV6_ type. */
export function icmpv6Type(message: usize): u8 {
  return load<u8>(message + TYPE);
}

/** Code; its meaning depends on the type. */
export function icmpv6Code(message: usize): u8 {
  return load<u8>(message + CODE);
}

/** The MTU in a "packet too big" message. */
export function icmpv6Parameter(message: usize): u32 {
  return bswap<u32>(load<u32>(message + PARAMETER));
}

/** True for messages that report an error: such a message must never be answered with another one (RFC 4443, 2.4 (e)). */
export function icmpv6IsError(type: u8): bool {
  return type < 128;
}

/** Writes a header with a zero checksum; `parameter` is the word behind it. */
export function icmpv6Write(message: usize, type: u8, code: u8, parameter: u32): void {
  store<u8>(message + TYPE, type);
  store<u8>(message + CODE, code);
  store<u16>(message + CHECKSUM, 0);
  store<u32>(message + PARAMETER, bswap<u32>(parameter));
}

/** Turns the echo request at `message` into its reply, with a zero checksum. */
export function icmpv6MakeEchoReply(message: usize): void {
  store<u8>(message + TYPE, ICMPV6_ECHO_REPLY);
  store<u16>(message + CHECKSUM, 0);
}
