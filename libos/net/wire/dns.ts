// DNS message codec (RFC 1035 section 4, EDNS: RFC 6891).
//
//  0       2       4         6         8         10        12
//  | id    | flags | QDCOUNT | ANCOUNT | NSCOUNT | ARCOUNT | questions, answers, authority, additional …
//
// Positions count bytes from the message's start. Whoever walks through a message passes its length; no function reads
// outside it, and every one ends, whatever the message contains. A name outside a message is in canonical wire form: labels,
// each behind its length, the root's zero at the end, letters in lower case, no compression (DNS_NAME_MAXIMUM bytes at most).
import { EINVAL } from "../../../kernel/errno";

/** Where servers listen, over UDP and TCP. */
export const DNS_PORT: u16 = 53;

export const DNS_HEADER: u32 = 12;
/** Bytes of the longest name and label (RFC 1035 section 2.3.4). */
export const DNS_NAME_MAXIMUM: u32 = 255;
export const DNS_LABEL_MAXIMUM: u32 = 63;
/** Bytes of the longest query with one question. */
export const DNS_QUERY_MAXIMUM: u32 = DNS_HEADER + DNS_NAME_MAXIMUM + 4 + 11;
/** Bytes of an answer that is sure not to be fragmented on the way (RFC 9715 section 3.1), as we announce it. */
export const DNS_UDP_SIZE: u16 = 1232;

// Record types and the class of the Internet.
export const DNS_TYPE_A: u16 = 1;
export const DNS_TYPE_NS: u16 = 2;
export const DNS_TYPE_CNAME: u16 = 5;
export const DNS_TYPE_SOA: u16 = 6;
export const DNS_TYPE_AAAA: u16 = 28;
const DNS_TYPE_OPT: u16 = 41;
export const DNS_CLASS_IN: u16 = 1;

// Response codes.
export const DNS_NOERROR: u32 = 0;
export const DNS_FORMERR: u32 = 1;
export const DNS_NXDOMAIN: u32 = 3;
export const DNS_NOTIMP: u32 = 4;

// Sections of a message, for dnsCount().
export const DNS_QUESTIONS: u32 = 0;
export const DNS_ANSWERS: u32 = 1;
export const DNS_AUTHORITY: u32 = 2;

const ID: usize = 0;
const FLAGS: usize = 2;
const COUNTS: usize = 4;

const RESPONSE: u32 = 0x8000;
const OPCODE: u32 = 0x7800;
const TRUNCATED: u32 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const RESPONSE_CODE: u32 = 15;

const POINTER: u32 = 0xc0;
/** Pointers in one name: it has no more labels. */
const POINTERS_MAXIMUM: u32 = 127;
/** Bytes of a record behind its name: type, class, TTL, length of the data. */
const RECORD_FIXED: u32 = 10;

/** A 16-bit field, in host order. */
function field(address: usize): u32 {
  return bswap<u16>(load<u16>(address));
}

/** 0 when `length` bytes can be a response to a standard query, else -EINVAL. */
export function dnsCheckLength(message: usize, length: u32): i32 {
  if (length < DNS_HEADER) return -EINVAL;
  return (field(message + FLAGS) & (RESPONSE | OPCODE)) == RESPONSE ? 0 : -EINVAL;
}

/** The number by which the asker knows the response. */
export function dnsId(message: usize): u32 {
  return field(message + ID);
}

/** DNS_NOERROR, DNS_NXDOMAIN, …: the low four bits of it. */
export function dnsResponseCode(message: usize): u32 {
  return field(message + FLAGS) & RESPONSE_CODE;
}

/** True when the response did not fit. */
export function dnsTruncated(message: usize): bool {
  return (field(message + FLAGS) & TRUNCATED) != 0;
}

/** How many records `section` claims to have. */
export function dnsCount(message: usize, section: u32): u32 {
  return field(message + COUNTS + (section << 1));
}

/** `byte` in lower case if it is an ASCII letter (RFC 4343). */
export function dnsLower(byte: u8): u8 {
  return <u8>(byte - 0x41) < 26 ? byte + 0x20 : byte;
}

/** The position behind the name at `at`, 0 when it does not end inside the message. */
export function dnsNameSkip(message: usize, length: u32, at: u32): u32 {
  while (at < length) {
    const size: u32 = load<u8>(message + at);
    if (size == 0) return at + 1;
    if (size >= POINTER) return at + 2 <= length ? at + 2 : 0;
    if (size > DNS_LABEL_MAXIMUM) return 0;
    at += 1 + size;
  }
  return 0;
}

/**
 * Copies the name at `at`, uncompressed and in lower case, to DNS_NAME_MAXIMUM bytes at `target`.
 * @returns its bytes, the root's zero included; 0 when it is malformed
 */
export function dnsNameRead(message: usize, length: u32, at: u32, target: usize): u32 {
  let written: u32 = 0;
  let start = at;
  let pointers: u32 = 0;
  while (at < length) {
    const size: u32 = load<u8>(message + at);
    if (size >= POINTER) {
      pointers += 1;
      if (at + 2 > length || pointers > POINTERS_MAXIMUM) return 0;
      at = field(message + at) & 0x3fff;
      // RFC 1035 section 4.1.4: a pointer leads to a prior occurrence, so never to the labels that it ends.
      if (at >= start) return 0;
      start = at;
      continue;
    }
    if (size > DNS_LABEL_MAXIMUM || written + size + 1 > DNS_NAME_MAXIMUM || at + size >= length) return 0;
    store<u8>(target + written, <u8>size);
    for (let i: u32 = 1; i <= size; i++) store<u8>(target + written + i, dnsLower(load<u8>(message + at + i)));
    written += size + 1;
    if (size == 0) return written;
    at += size + 1;
  }
  return 0;
}

/** One record, its fields in host order. */
@unmanaged
@final
export class DnsRecord {
  /** Position of the owner's name. */
  name: u32;
  type: u16;
  class: u16;
  /** Seconds; RFC 2181 section 8: what does not fit 31 bits is 0. */
  timeToLive: u32;
  /** Position and bytes of the data, which lie inside the message. */
  data: u32;
  dataLength: u32;
  /** Position behind the record. */
  next: u32;
}

/** Bytes of a DnsRecord, for static instances. */
export const DNS_RECORD_SIZE: i32 = 24;

/** Reads the record at `at`; false when it does not fit into the message. */
export function dnsRecordRead(message: usize, length: u32, at: u32, record: DnsRecord): bool {
  const fixed = dnsNameSkip(message, length, at);
  if (fixed == 0 || length - fixed < RECORD_FIXED) return false;
  const dataLength = field(message + fixed + 8);
  const data = fixed + RECORD_FIXED;
  if (dataLength > length - data) return false;
  const timeToLive = bswap<u32>(load<u32>(message + fixed + 4));
  record.name = at;
  record.type = <u16>field(message + fixed);
  record.class = <u16>field(message + fixed + 2);
  record.timeToLive = timeToLive >> 31 == 0 ? timeToLive : 0;
  record.data = data;
  record.dataLength = dataLength;
  record.next = data + dataLength;
  return true;
}

/** The seconds for which the SOA record's zone lets its negative answers be kept (RFC 2308 section 5); 0 when it is malformed. */
export function dnsNegativeTimeToLive(message: usize, record: DnsRecord): u32 {
  const end = record.next;
  const responsible = dnsNameSkip(message, end, record.data);
  const numbers = responsible == 0 ? 0 : dnsNameSkip(message, end, responsible);
  if (numbers == 0 || end - numbers != 20) return 0;
  const minimum = bswap<u32>(load<u32>(message + numbers + 16));
  return min(record.timeToLive, minimum >> 31 == 0 ? minimum : 0);
}

/** True when the message's one question is for `name` (as it was sent, letter for letter), `type` and class IN. */
export function dnsQuestionIs(message: usize, length: u32, name: usize, nameLength: u32, type: u16): bool {
  const behind = DNS_HEADER + nameLength;
  if (dnsCount(message, DNS_QUESTIONS) != 1 || length < behind + 4) return false;
  if (memory.compare(message + DNS_HEADER, name, nameLength) != 0) return false;
  return field(message + behind) == type && field(message + behind + 2) == DNS_CLASS_IN;
}

/**
 * Writes a query with one question to DNS_QUERY_MAXIMUM bytes at `target`; `name` stands in wire form.
 * @param extended says that we take answers of DNS_UDP_SIZE bytes (RFC 6891)
 * @returns its bytes
 */
export function dnsQueryWrite(target: usize, id: u32, name: usize, nameLength: u32, type: u16, extended: bool): u32 {
  memory.fill(target, 0, DNS_QUERY_MAXIMUM);
  store<u16>(target + ID, bswap<u16>(<u16>id));
  store<u16>(target + FLAGS, bswap<u16>(RECURSION_DESIRED));
  store<u8>(target + COUNTS + 1, 1);
  memory.copy(target + DNS_HEADER, name, nameLength);
  const behind = target + DNS_HEADER + nameLength;
  store<u16>(behind, bswap<u16>(type));
  store<u16>(behind + 2, bswap<u16>(DNS_CLASS_IN));
  if (!extended) return DNS_HEADER + nameLength + 4;
  store<u8>(target + COUNTS + 7, 1);
  // The OPT record: the root's name, type, our size in place of the class, no flags, no options.
  store<u16>(behind + 5, bswap<u16>(DNS_TYPE_OPT));
  store<u16>(behind + 7, bswap<u16>(DNS_UDP_SIZE));
  return DNS_HEADER + nameLength + 4 + 11;
}
