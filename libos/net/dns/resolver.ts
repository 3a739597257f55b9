// The resolver: from a name to its addresses. Read this first; the parts are
//   servers.ts   whom to ask, and the search list        name.ts     names in wire form
//   hosts.ts     /etc/hosts                              exchange.ts one question to the servers, over UDP and TCP
//   cache.ts     what is known and what is being asked   answer.ts   what is believed of a response
// All of it runs on the thread that wants the addresses, which blocks; equal questions of several threads are asked once.
import { EAGAIN, EINTR, EINVAL, ENODATA, ENOENT } from "../../../kernel/errno";
import { bytesEqualText } from "../../../kernel/text";
import { waitInterruptibly } from "../../../kernel/thread/wait_queue";
import { NEVER, monotonicNow } from "../../../kernel/time/clock";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { DNS_TYPE_A } from "../wire/dns";
import { ADDRESS_SIZE, Question } from "./answer";
import {
  CacheEntry,
  ENTRY_ASKING,
  NO_ENTRY,
  cacheAsk,
  cacheClear,
  cacheConclude,
  cacheFind,
  cacheRelease,
} from "./cache";
import { exchange } from "./exchange";
import { hostsFind } from "./hosts";
import { nameAppend, nameDots, nameFromText } from "./name";
import { SEARCH_MAXIMUM, searchDomain, serverAt, serverCount } from "./servers";

/** A name with so many dots is first tried as it is, one with fewer first with the domains of the search list. */
const DOTS_OF_WHOLE_NAMES: u32 = 1;
const DOT: u8 = 0x2e;
const LOCALHOST_LENGTH: u32 = 9;

/** The servers whose answers are in the cache. */
let knownServers: u64 = 0;

const server = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/**
 * Finds the addresses of the name of `length` bytes at kernel address `text`. The question gets them; its type is the caller's.
 * @returns 0 with addresses; -ENOENT, there is no such name; -ENODATA, it has no addresses of that type; -EINVAL, it cannot be a name;
 * -EAGAIN, no server has an answer now; -ETIMEDOUT, no server replies; -EINTR, -ENOMEM
 */
export function resolve(question: Question, text: usize, length: u32): i32 {
  const isWhole = length != 0 && load<u8>(text + length - 1) == DOT;
  const dots = nameDots(text, length);
  const nameLength = nameFromText(text, length, question.name());
  if (nameLength == 0) return -EINVAL;
  question.nameLength = nameLength;
  if (isLocalhost(question)) return loopbackAddress(question);
  if (hostsFind(question)) return 0;
  forgetOtherServers();
  let outcome = -ENOENT;
  if (isWhole || dots >= DOTS_OF_WHOLE_NAMES) {
    outcome = lookUp(question);
    if (isWhole || isFinal(outcome)) return outcome;
  }
  const listed = searchBehind(question, nameLength, outcome);
  if (isFinal(listed) || dots >= DOTS_OF_WHOLE_NAMES) return listed;
  question.nameLength = nameLength;
  nameEnd(question);
  outcome = lookUp(question);
  // That there is such a name, although without such addresses, says more.
  return outcome == -ENOENT ? listed : outcome;
}

/** Tries the name with each domain of the search list; the first final outcome, or the better one of `outcome` and theirs. */
function searchBehind(question: Question, nameLength: u32, outcome: i32): i32 {
  for (let i: u32 = 0; i < SEARCH_MAXIMUM; i++) {
    // wanted() is free while nothing is being asked.
    const domainLength = searchDomain(i, question.wanted());
    if (domainLength == 0) break;
    question.nameLength = nameAppend(question.name(), nameLength, question.wanted(), domainLength);
    if (question.nameLength == 0) continue;
    const found = lookUp(question);
    if (isFinal(found)) return found;
    if (found == -ENODATA) outcome = found;
  }
  return outcome;
}

/** Puts the root's zero back to where nameAppend() has put a domain. */
function nameEnd(question: Question): void {
  store<u8>(question.name() + question.nameLength - 1, 0);
}

/** Whether no other name is to be tried: after a failure another name's addresses would be the wrong ones. */
function isFinal(outcome: i32): bool {
  return outcome != -ENOENT && outcome != -ENODATA;
}

/** RFC 6761 section 6.3: "localhost" and all below it are this host, and no server is asked. */
function isLocalhost(question: Question): bool {
  if (question.nameLength < LOCALHOST_LENGTH + 2) return false;
  const last = question.name() + question.nameLength - LOCALHOST_LENGTH - 2;
  let label = question.name();
  while (label < last) label += <usize>load<u8>(label) + 1;
  return label == last && bytesEqualText(label + 1, LOCALHOST_LENGTH, "localhost");
}

function loopbackAddress(question: Question): i32 {
  memory.fill(question.addresses(), 0, ADDRESS_SIZE);
  if (question.type == DNS_TYPE_A) store<u32>(question.addresses(), 0x0100007f);
  else store<u8>(question.addresses() + 15, 1);
  question.addressCount = 1;
  return 0;
}

/** Answers of servers that we ask no longer, of another network perhaps, are not believed any more. */
function forgetOtherServers(): void {
  let servers: u64 = 0;
  for (let i: u32 = 0; serverAt(i, server); i++) servers = (servers ^ server.high ^ server.low) * 0x100000001b3;
  if (servers == knownServers) return;
  knownServers = servers;
  cacheClear();
}

/** The addresses of name(), from the cache, from the thread that is asking for them already, or from a server. */
function lookUp(question: Question): i32 {
  while (true) {
    const entry = cacheFind(question, monotonicNow());
    if (entry == NO_ENTRY) return ask(question);
    entry.users += 1;
    let waited = 0;
    while (entry.state == ENTRY_ASKING && waited == 0) waited = waitInterruptibly(entry.waitQueue(), NEVER);
    const outcome = waited != 0 ? waited : takeEntry(question, entry);
    cacheRelease(entry);
    // A signal that ended the other's asking is no answer for us.
    if (waited != 0 || outcome != -EINTR) return outcome;
  }
}

function takeEntry(question: Question, entry: CacheEntry): i32 {
  question.addressCount = entry.addressCount;
  memory.copy(question.addresses(), entry.addresses(), entry.addressCount * ADDRESS_SIZE);
  return entry.outcome;
}

function ask(question: Question): i32 {
  if (serverCount() == 0) return -EAGAIN;
  const entry = cacheAsk(question);
  const outcome = exchange(question);
  if (entry == NO_ENTRY) return outcome;
  const keep = outcome == 0 || outcome == -ENOENT || outcome == -ENODATA;
  cacheConclude(entry, question, outcome, keep, monotonicNow());
  cacheRelease(entry);
  return outcome;
}

/** In another life: see libos/optional/with_resolve.ts. */
export function resolverForget(): void {
  cacheClear();
}
