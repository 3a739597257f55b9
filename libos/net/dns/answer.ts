// What a server's response says about one question. Only records of the answer section that lie on the way from the name
// that was asked for to its addresses are looked at, and of the authority section the SOA of a negative answer;
// nothing else in a response is believed (RFC 2181 section 5.4.1, RFC 5452 section 6).
import { EAGAIN, EMSGSIZE, ENODATA, ENOENT, EPROTO } from "../../../kernel/errno";
import { PAGE_SIZE } from "../../../kernel/memory/pages";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import {
  DNS_ANSWERS,
  DNS_AUTHORITY,
  DNS_CLASS_IN,
  DNS_FORMERR,
  DNS_HEADER,
  DNS_NOERROR,
  DNS_NOTIMP,
  DNS_NXDOMAIN,
  DNS_RECORD_SIZE,
  DNS_TYPE_A,
  DNS_TYPE_CNAME,
  DNS_TYPE_NS,
  DNS_TYPE_SOA,
  DnsRecord,
  dnsCheckLength,
  dnsCount,
  dnsId,
  dnsNameRead,
  dnsNegativeTimeToLive,
  dnsQuestionIs,
  dnsRecordRead,
  dnsResponseCode,
  dnsTruncated,
} from "../wire/dns";

/** Addresses of one name that are kept. */
export const ADDRESSES_MAXIMUM: u32 = 12;
/** Room for an address; an IPv4 address takes its first four bytes. Network order. */
export const ADDRESS_SIZE: u32 = 16;

/** What answerRead() says of a message that answers another question, or none: it counts as not received. */
export const DNS_NO_ANSWER: i32 = 1;

/** Aliases that are followed from one name. */
const ALIASES_MAXIMUM: u32 = 8;
/** Records of a section that are looked at: a response of 64 KiB can have thousands. */
const RECORDS_MAXIMUM: u32 = 256;

/** A question, and the response as far as it is believed; with the room that asking takes: a page in all. */
@unmanaged
@final
export class Question {
  /** DNS_TYPE_A or DNS_TYPE_AAAA. */
  type: u16;
  /** What the response must carry. */
  id: u16;
  nameLength: u32;
  /** Seconds for which the response, also a negative one, may be kept. */
  timeToLive: u32;
  addressCount: u32;

  /** The name in wire form. */
  name(): usize {
    return changetype<usize>(this) + NAME;
  }

  /** The name as it was sent: the same letters, some of them in upper case. */
  sentName(): usize {
    return changetype<usize>(this) + SENT_NAME;
  }

  /** The addresses, each of ADDRESS_SIZE bytes. */
  addresses(): usize {
    return changetype<usize>(this) + ADDRESSES;
  }

  /** The name whose records are looked for. */
  wanted(): usize {
    return changetype<usize>(this) + WANTED;
  }

  /** The owner of the present record. */
  owner(): usize {
    return changetype<usize>(this) + OWNER;
  }

  /** The present record. */
  record(): DnsRecord {
    return changetype<DnsRecord>(changetype<usize>(this) + RECORD);
  }

  /** The server that is asked. */
  server(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + SERVER);
  }

  /** MESSAGE_CAPACITY bytes for queries and responses; there is room for two more before them, TCP's length. */
  message(): usize {
    return changetype<usize>(this) + MESSAGE;
  }
}

const SERVER: usize = 16;
const RECORD: usize = SERVER + IP_ADDRESS_SIZE;
const NAME: usize = RECORD + DNS_RECORD_SIZE;
const SENT_NAME: usize = NAME + 256;
const WANTED: usize = SENT_NAME + 256;
const OWNER: usize = WANTED + 256;
const ADDRESSES: usize = OWNER + 256;
const MESSAGE: usize = ADDRESSES + ADDRESSES_MAXIMUM * ADDRESS_SIZE + 8;
/** Bytes of message(): more than any server may send us in one datagram. */
export const MESSAGE_CAPACITY: u32 = PAGE_SIZE - <u32>MESSAGE;

/**
 * Reads a response of `length` bytes at `message`. The question gets the addresses and the time for which they hold.
 * @returns 0 with addresses; -ENOENT, there is no such name; -ENODATA, it has no such addresses; -EMSGSIZE, ask over TCP; -EPROTO,
 * the server does not understand the question; -EAGAIN, it can or will not answer it; DNS_NO_ANSWER, no response to this question
 */
export function answerRead(message: usize, length: u32, question: Question): i32 {
  if (dnsCheckLength(message, length) != 0 || dnsId(message) != question.id) return DNS_NO_ANSWER;
  const code = dnsResponseCode(message);
  // Some servers send the header alone when they do not like the rest.
  if (code == DNS_FORMERR && length == DNS_HEADER) return -EPROTO;
  if (!dnsQuestionIs(message, length, question.sentName(), question.nameLength, question.type)) return DNS_NO_ANSWER;
  if (dnsTruncated(message)) return -EMSGSIZE;
  if (code == DNS_FORMERR || code == DNS_NOTIMP) return -EPROTO;
  if (code != DNS_NOERROR && code != DNS_NXDOMAIN) return -EAGAIN;
  const answers = DNS_HEADER + question.nameLength + 4;
  question.addressCount = 0;
  question.timeToLive = i32.MAX_VALUE;
  const wantedLength = followAliases(message, length, answers, question);
  if (wantedLength == 0) return -EAGAIN;
  collectAddresses(message, length, answers, wantedLength, question);
  if (question.addressCount != 0) return 0;
  return readNegative(message, length, answers, code, question);
}

/** Puts the name at the end of the chain of aliases into wanted(); its bytes, 0 when the chain is too long or broken. */
function followAliases(message: usize, length: u32, answers: u32, question: Question): u32 {
  let wantedLength = dnsNameRead(message, length, DNS_HEADER, question.wanted());
  for (let left = ALIASES_MAXIMUM; left != 0; left--) {
    if (!findAlias(message, length, answers, wantedLength, question)) return wantedLength;
    const alias = question.record();
    question.timeToLive = min(question.timeToLive, alias.timeToLive);
    wantedLength = dnsNameRead(message, length, alias.data, question.wanted());
    if (wantedLength == 0) return 0;
  }
  return 0;
}

/** Finds the record that makes wanted() an alias of another name. */
function findAlias(message: usize, length: u32, answers: u32, wantedLength: u32, question: Question): bool {
  const record = question.record();
  let at = answers;
  for (let left = recordCount(message, DNS_ANSWERS); left != 0; left--) {
    if (!dnsRecordRead(message, length, at, record)) return false;
    at = record.next;
    if (record.type == DNS_TYPE_CNAME && isAboutWanted(message, length, wantedLength, question)) return true;
  }
  return false;
}

/** Takes the addresses of wanted(). */
function collectAddresses(message: usize, length: u32, answers: u32, wantedLength: u32, question: Question): void {
  const record = question.record();
  const size: u32 = question.type == DNS_TYPE_A ? 4 : 16;
  let at = answers;
  for (let left = recordCount(message, DNS_ANSWERS); left != 0; left--) {
    if (!dnsRecordRead(message, length, at, record)) return;
    at = record.next;
    if (record.type != question.type || record.dataLength != size) continue;
    if (!isAboutWanted(message, length, wantedLength, question)) continue;
    if (question.addressCount == ADDRESSES_MAXIMUM) return;
    const target = question.addresses() + question.addressCount * ADDRESS_SIZE;
    memory.fill(target, 0, ADDRESS_SIZE);
    memory.copy(target, message + record.data, size);
    question.addressCount += 1;
    question.timeToLive = min(question.timeToLive, record.timeToLive);
  }
}

/**
 * No addresses: does the response say that there are none? RFC 2308 section 2: with the SOA of the zone that may be kept;
 * with neither SOA nor NS it is true for the moment; with NS alone it is a referral, and the server no resolver for us.
 */
function readNegative(message: usize, length: u32, answers: u32, code: u32, question: Question): i32 {
  const record = question.record();
  const held = question.timeToLive;
  question.timeToLive = 0;
  if (dnsCount(message, DNS_ANSWERS) > RECORDS_MAXIMUM) return -EAGAIN;
  const answerCount = recordCount(message, DNS_ANSWERS);
  const count = answerCount + recordCount(message, DNS_AUTHORITY);
  let isReferral = false;
  let at = answers;
  for (let i: u32 = 0; i < count; i++) {
    if (!dnsRecordRead(message, length, at, record)) return -EAGAIN;
    at = record.next;
    if (i < answerCount || record.class != DNS_CLASS_IN) continue;
    if (record.type == DNS_TYPE_NS) isReferral = true;
    if (record.type != DNS_TYPE_SOA) continue;
    isReferral = false;
    question.timeToLive = min(held, dnsNegativeTimeToLive(message, record));
    break;
  }
  if (code == DNS_NXDOMAIN) return -ENOENT;
  return isReferral ? -EAGAIN : -ENODATA;
}

function recordCount(message: usize, section: u32): u32 {
  return min(dnsCount(message, section), RECORDS_MAXIMUM);
}

/** True when the owner of record() is wanted(). */
function isAboutWanted(message: usize, length: u32, wantedLength: u32, question: Question): bool {
  const record = question.record();
  if (record.class != DNS_CLASS_IN) return false;
  return (
    dnsNameRead(message, length, record.name, question.owner()) == wantedLength &&
    memory.compare(question.owner(), question.wanted(), wantedLength) == 0
  );
}
