// DHCP message codec (RFC 2131 section 2, options of RFC 2132).
//
//  0       1       2       3       4               8       10
//  | op    | htype | hlen  | hops  | xid           | secs  | flags |
//  12              16              20              24
//  | ciaddr        | yiaddr        | siaddr        | giaddr        |
//  28: chaddr (16)   44: sname (64)   108: file (128)   236: cookie (4)   240: options …
//
// After dhcpCheckLength() has answered 0 no accessor can read outside the message. Addresses are in host order.
import { EINVAL } from "../../../kernel/errno";
import { ethernetCopy, ethernetEqual } from "./ethernet";

export const DHCP_SERVER_PORT: u16 = 67;
export const DHCP_CLIENT_PORT: u16 = 68;

// Message types (option 53).
export const DHCPDISCOVER: u8 = 1;
export const DHCPOFFER: u8 = 2;
export const DHCPREQUEST: u8 = 3;
export const DHCPDECLINE: u8 = 4;
export const DHCPACK: u8 = 5;
export const DHCPNAK: u8 = 6;

// Options.
export const DHCP_OPTION_SUBNET_MASK: u8 = 1;
export const DHCP_OPTION_ROUTER: u8 = 3;
export const DHCP_OPTION_DOMAIN_NAME_SERVER: u8 = 6;
export const DHCP_OPTION_HOST_NAME: u8 = 12;
export const DHCP_OPTION_DOMAIN_NAME: u8 = 15;
export const DHCP_OPTION_INTERFACE_MTU: u8 = 26;
export const DHCP_OPTION_REQUESTED_ADDRESS: u8 = 50;
export const DHCP_OPTION_LEASE_TIME: u8 = 51;
const DHCP_OPTION_OVERLOAD: u8 = 52;
export const DHCP_OPTION_MESSAGE_TYPE: u8 = 53;
export const DHCP_OPTION_SERVER_IDENTIFIER: u8 = 54;
export const DHCP_OPTION_PARAMETER_LIST: u8 = 55;
export const DHCP_OPTION_MAXIMUM_SIZE: u8 = 57;
export const DHCP_OPTION_RENEWAL_TIME: u8 = 58;
export const DHCP_OPTION_REBINDING_TIME: u8 = 59;
export const DHCP_OPTION_CLIENT_IDENTIFIER: u8 = 61;
export const DHCP_OPTION_DOMAIN_SEARCH: u8 = 119;
export const DHCP_OPTION_CLASSLESS_ROUTES: u8 = 121;

const OPTION_PAD: u8 = 0;
const OPTION_END: u8 = 255;

/** Flags field: the client cannot take unicast before it has an address (RFC 2131 section 4.1). */
export const DHCP_BROADCAST: u16 = 0x8000;

const OP: usize = 0;
const HARDWARE: usize = 1;
const TRANSACTION: usize = 4;
const SECONDS: usize = 8;
const FLAGS: usize = 10;
const CLIENT_ADDRESS: usize = 12;
const YOUR_ADDRESS: usize = 16;
const CLIENT_HARDWARE: usize = 28;
const SERVER_NAME: usize = 44;
const SERVER_NAME_SIZE: u32 = 64;
const FILE: usize = 108;
const FILE_SIZE: u32 = 128;
const COOKIE: usize = 236;
const OPTIONS: u32 = 240;

const BOOTREQUEST: u8 = 1;
const BOOTREPLY: u8 = 2;
const MAGIC: u32 = 0x63825363;
/** htype Ethernet, hlen 6. */
const HARDWARE_ETHERNET: u16 = 0x0106;

/** Bytes of the shortest message that every relay forwards (RFC 1542 section 2.1: BOOTP's 300). */
const DHCP_MESSAGE_MINIMUM: u32 = 300;

/** 0 when `length` bytes hold a server's reply with options, else -EINVAL. */
export function dhcpCheckLength(message: usize, length: u32): i32 {
  if (length < OPTIONS || load<u8>(message + OP) != BOOTREPLY) return -EINVAL;
  return load<u32>(message + COOKIE) == bswap<u32>(MAGIC) ? 0 : -EINVAL;
}

/** The client's transaction number. */
export function dhcpTransaction(message: usize): u32 {
  return bswap<u32>(load<u32>(message + TRANSACTION));
}

/** The address that is given to the client. */
export function dhcpYourAddress(message: usize): u32 {
  return bswap<u32>(load<u32>(message + YOUR_ADDRESS));
}

/** True when the message is for the station at `mac`. */
export function dhcpIsForHardware(message: usize, mac: usize): bool {
  return ethernetEqual(message + CLIENT_HARDWARE, mac);
}

/** Looks for option `code` in [at, end): the address of its length byte, or 0. */
function findOption(at: usize, end: usize, code: u8): usize {
  while (at < end) {
    const found = load<u8>(at);
    if (found == OPTION_END) return 0;
    if (found == OPTION_PAD) {
      at += 1;
      continue;
    }
    if (at + 1 >= end) return 0;
    const next = at + 2 + load<u8>(at + 1);
    if (next > end) return 0;
    if (found == code) return at + 1;
    at = next;
  }
  return 0;
}

/**
 * Finds option `code` in a message of `length` bytes, also where it overflowed into the file and server name fields
 * (option 52, RFC 2131 section 4.1).
 * @returns the address of its length byte, which the data follow, or 0
 */
function dhcpOption(message: usize, length: u32, code: u8): usize {
  const found = findOption(message + OPTIONS, message + length, code);
  if (found != 0 || code == DHCP_OPTION_OVERLOAD) return found;
  const overload = dhcpOptionByte(message, length, DHCP_OPTION_OVERLOAD);
  if ((overload & 1) != 0) {
    const inFile = findOption(message + FILE, message + FILE + FILE_SIZE, code);
    if (inFile != 0) return inFile;
  }
  return (overload & 2) != 0 ? findOption(message + SERVER_NAME, message + SERVER_NAME + SERVER_NAME_SIZE, code) : 0;
}

/**
 * Copies option `code` to `capacity` bytes at `target`, its parts joined: a long option may stand in several (RFC 3396).
 * @returns its bytes, of which no more than `capacity` are there; 0 when it is absent
 */
export function dhcpOptionCopy(message: usize, length: u32, code: u8, target: usize, capacity: u32): u32 {
  const overload = dhcpOptionByte(message, length, DHCP_OPTION_OVERLOAD);
  let written = copyParts(message + OPTIONS, message + length, code, target, capacity, 0);
  if ((overload & 1) != 0) {
    written = copyParts(message + FILE, message + FILE + FILE_SIZE, code, target, capacity, written);
  }
  if ((overload & 2) == 0) return written;
  return copyParts(message + SERVER_NAME, message + SERVER_NAME + SERVER_NAME_SIZE, code, target, capacity, written);
}

function copyParts(at: usize, end: usize, code: u8, target: usize, capacity: u32, written: u32): u32 {
  while (true) {
    const option = findOption(at, end, code);
    if (option == 0) return written;
    const size: u32 = load<u8>(option);
    if (written < capacity) memory.copy(target + written, option + 1, min(size, capacity - written));
    written += size;
    at = option + 1 + size;
  }
}

/** The value of a one-byte option; 0 when absent or malformed. */
export function dhcpOptionByte(message: usize, length: u32, code: u8): u8 {
  const option = dhcpOption(message, length, code);
  return option != 0 && load<u8>(option) == 1 ? load<u8>(option + 1) : 0;
}

/** The value of a two-byte option; 0 when absent or malformed. */
export function dhcpOptionU16(message: usize, length: u32, code: u8): u32 {
  const option = dhcpOption(message, length, code);
  return option != 0 && load<u8>(option) == 2 ? bswap<u16>(load<u16>(option + 1)) : 0;
}

/** Entry `index` of an option that is a list of four-byte values (one of them, usually); 0 when there are not so many. */
export function dhcpOptionU32(message: usize, length: u32, code: u8, index: u32 = 0): u32 {
  const option = dhcpOption(message, length, code);
  if (option == 0 || (index + 1) << 2 > load<u8>(option)) return 0;
  return bswap<u32>(load<u32>(option + 1 + (index << 2)));
}

/** Writes the fixed part of a client's message; options follow with dhcpPut…(), from the address that it returns. */
export function dhcpWrite(message: usize, transaction: u32, seconds: u16, flags: u16, client: u32, mac: usize): usize {
  memory.fill(message, 0, OPTIONS);
  store<u8>(message + OP, BOOTREQUEST);
  store<u16>(message + HARDWARE, bswap<u16>(HARDWARE_ETHERNET));
  store<u32>(message + TRANSACTION, bswap<u32>(transaction));
  store<u16>(message + SECONDS, bswap<u16>(seconds));
  store<u16>(message + FLAGS, bswap<u16>(flags));
  store<u32>(message + CLIENT_ADDRESS, bswap<u32>(client));
  ethernetCopy(message + CLIENT_HARDWARE, mac);
  store<u32>(message + COOKIE, bswap<u32>(MAGIC));
  return message + OPTIONS;
}

/** Appends an option of one byte at `at`; all dhcpPut functions return the address after what they wrote. */
export function dhcpPutByte(at: usize, code: u8, value: u8): usize {
  store<u8>(at, code);
  store<u8>(at + 1, 1);
  store<u8>(at + 2, value);
  return at + 3;
}

/** Appends an option of two bytes. */
export function dhcpPutU16(at: usize, code: u8, value: u16): usize {
  store<u8>(at, code);
  store<u8>(at + 1, 2);
  store<u16>(at + 2, bswap<u16>(value));
  return at + 4;
}

/** Appends an option of four bytes. */
export function dhcpPutU32(at: usize, code: u8, value: u32): usize {
  store<u8>(at, code);
  store<u8>(at + 1, 4);
  store<u32>(at + 2, bswap<u32>(value));
  return at + 6;
}

/** Appends an option of `length` bytes. */
export function dhcpPutBytes(at: usize, code: u8, source: usize, length: u8): usize {
  store<u8>(at, code);
  store<u8>(at + 1, length);
  memory.copy(at + 2, source, length);
  return at + 2 + length;
}

/** Ends the options and pads the message; returns its length in bytes. */
export function dhcpFinish(message: usize, at: usize): u32 {
  store<u8>(at, OPTION_END);
  const length = <u32>(at + 1 - message);
  if (length >= DHCP_MESSAGE_MINIMUM) return length;
  memory.fill(message + length, 0, DHCP_MESSAGE_MINIMUM - length);
  return DHCP_MESSAGE_MINIMUM;
}
