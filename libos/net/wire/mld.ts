// Multicast listener discovery codec (RFC 3810 section 5; RFC 2710 for the older version): ICMPv6 messages.
//
//  0                               8                               24
//  | ICMPv6 header, delay in ms    | group, :: = all               | flags, interval, number of sources, sources …   query
//  | ICMPv6 header, records        | type, 0, sources (2), group   | …                                               report
import { IpAddress, addressAt } from "../ip/address";

/** Bytes of a query, of the older version and without sources, and of the older version's other messages. */
export const MLD_QUERY: u32 = 28;
export const MLD_QUERY_OLDER: u32 = 24;
/** Bytes of a report without records, and of a record without sources. */
export const MLD_REPORT: u32 = 8;
export const MLD_RECORD: u32 = 20;

// Types of records: what a listener is, and what it becomes. "Exclude" nothing is to listen, "include" nothing is not to.
export const MLD_IS_EXCLUDE: u8 = 2;
export const MLD_TO_INCLUDE: u8 = 3;
export const MLD_TO_EXCLUDE: u8 = 4;

/** Codes from here on are floating point (section 5.1.3). */
const FLOATING: u32 = 0x8000;

/** Milliseconds within which a query of `length` bytes wants its answer. */
export function mldDelay(query: usize, length: u32): u32 {
  const code: u32 = bswap<u16>(load<u16>(query, 4));
  if (length < MLD_QUERY || code < FLOATING) return code;
  return ((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
}

/** The group that a query is about, in place; so has a message of the older version. */
export function mldGroup(message: usize): IpAddress {
  return addressAt(message + 8);
}

/** Writes a record without sources; returns the address after it. */
export function mldPutRecord(at: usize, type: u8, group: IpAddress): usize {
  store<u32>(at, type);
  addressAt(at + 4).copy(group);
  return at + MLD_RECORD;
}
