// The system call behind getaddrinfo: the addresses of a name, in the order in which they are worth trying (RFC 6724).
import { EAFNOSUPPORT, EFAULT, EINTR, ENOENT, ENOMEM } from "../../kernel/errno";
import { pageAlloc, pagesFree } from "../../kernel/memory/pages";
import { ADDRESS_SIZE, Question } from "../net/dns/answer";
import { resolve } from "../net/dns/resolver";
import { IP_ADDRESS_SIZE, IpAddress } from "../net/ip/address";
import { destinationRank } from "../net/ip/destination_order";
import { defaultRouter } from "../net/ipv6/routing";
import { DNS_TYPE_A, DNS_TYPE_AAAA } from "../net/wire/dns";
import { userBuffer } from "../process/user_memory";
import { AF_INET, AF_INET6, AF_UNSPEC } from "./constants";
import { RESOLVED_ADDRESS_SIZE, ResolvedAddress } from "./layout";

/** Addresses that one call gives at most. */
export const RESULTS_MAXIMUM: u32 = 64;

/** Appends what has been found to the `done` addresses at `target`; how many there are. */
function append(question: Question, family: i32, target: usize, done: u32, count: u32): u32 {
  const size: u32 = family == AF_INET ? 4 : ADDRESS_SIZE;
  for (let i: u32 = 0; i < question.addressCount && done < count; i++) {
    const result = target + done * RESOLVED_ADDRESS_SIZE;
    memory.fill(result, 0, RESOLVED_ADDRESS_SIZE);
    changetype<ResolvedAddress>(result).family = family;
    memory.copy(result + offsetof<ResolvedAddress>("word0"), question.addresses() + i * ADDRESS_SIZE, size);
    done += 1;
  }
  return done;
}

/** Asks for the addresses of one family; as resolve(). */
function resolveFamily(question: Question, type: u16, name: usize, length: u32): i32 {
  question.type = type;
  question.addressCount = 0;
  return resolve(question, name, length);
}

function resolveFamilies(question: Question, name: usize, length: u32, family: i32, target: usize, count: u32): i32 {
  let outcome = -ENOENT;
  let done: u32 = 0;
  // Who does not say which wants addresses of use: without a router, IPv6 ones lead nowhere (RFC 3493 section 6.1, AI_ADDRCONFIG).
  const asks6 = family == AF_INET6 || (family == AF_UNSPEC && changetype<usize>(defaultRouter()) != 0);
  if (asks6) {
    outcome = resolveFamily(question, DNS_TYPE_AAAA, name, length);
    if (outcome == -EINTR || outcome == -ENOMEM) return outcome;
    if (outcome == 0) done = append(question, AF_INET6, target, 0, count);
  }
  if (family != AF_INET6) {
    const before = outcome;
    outcome = resolveFamily(question, DNS_TYPE_A, name, length);
    if (outcome == 0) done = append(question, AF_INET, target, done, count);
    // That there is the name says more than that there is not.
    else if (outcome == -ENOENT) outcome = before;
  }
  sort(target, done);
  return done != 0 ? <i32>done : outcome;
}

const destination = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const moved = memory.data(32, 8); // RESOLVED_ADDRESS_SIZE

function rank(result: usize): u32 {
  const bytes = result + offsetof<ResolvedAddress>("word0");
  if (changetype<ResolvedAddress>(result).family == AF_INET) destination.setIpv4(bswap<u32>(load<u32>(bytes)));
  else memory.copy(changetype<usize>(destination), bytes, ADDRESS_SIZE);
  return destinationRank(destination);
}

/** Puts the `count` addresses at `target` in order; those of one rank stay as they are. */
function sort(target: usize, count: u32): void {
  for (let i: u32 = 1; i < count; i++) {
    memory.copy(moved, target + i * RESOLVED_ADDRESS_SIZE, RESOLVED_ADDRESS_SIZE);
    const own = rank(moved);
    let at = target + i * RESOLVED_ADDRESS_SIZE;
    for (; at > target && rank(at - RESOLVED_ADDRESS_SIZE) > own; at -= RESOLVED_ADDRESS_SIZE) {
      memory.copy(at, at - RESOLVED_ADDRESS_SIZE, RESOLVED_ADDRESS_SIZE);
    }
    memory.copy(at, moved, RESOLVED_ADDRESS_SIZE);
  }
}

export function posix_resolve(name: u32, nameLength: u32, family: i32, addresses: u32, count: u32): i32 {
  if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6) return -EAFNOSUPPORT;
  const text = userBuffer(name, nameLength);
  const wanted = min(count, RESULTS_MAXIMUM);
  const target = userBuffer(addresses, wanted * RESOLVED_ADDRESS_SIZE);
  if (text == 0 || target == 0) return -EFAULT;
  return resolveTo(text, nameLength, family, target, wanted);
}

/** The same with kernel addresses; `count` <= RESULTS_MAXIMUM. */
export function resolveTo(name: usize, nameLength: u32, family: i32, target: usize, count: u32): i32 {
  const page = pageAlloc();
  if (page == 0) return -ENOMEM;
  const result = resolveFamilies(changetype<Question>(page), name, nameLength, family, target, count);
  pagesFree(page, 0);
  return result;
}
