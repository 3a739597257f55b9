// The listener's side of MLDv2 (RFC 3810): switches pass on to us only the groups that we have said we listen to. Those are the
// solicited-node groups of our addresses, without which nobody would find us; all nodes is passed on unasked (section 6).
//
// What we listen to follows from our addresses: mldRefresh() compares. A change is reported at once – before an address is asked
// for, so that the answers come – and once more; a query is answered after a random time. While a querier of the older
// version is there, we speak that one (section 8).
import { NEVER } from "../../../kernel/time/clock";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import {
  ADDRESSES,
  ADDRESS_TENTATIVE,
  ADDRESS_VALID,
  ownAddressAt,
  randomBelow,
  solicitedNodeGroup,
} from "../ipv6/addresses";
import { ICMPV6_LISTENER_DONE, ICMPV6_LISTENER_REPORT, ICMPV6_LISTENER_REPORT_2 } from "../wire/icmpv6";
import {
  MLD_IS_EXCLUDE,
  MLD_QUERY,
  MLD_QUERY_OLDER,
  MLD_RECORD,
  MLD_REPORT,
  MLD_TO_EXCLUDE,
  MLD_TO_INCLUDE,
  mldDelay,
  mldGroup,
  mldPutRecord,
} from "../wire/mld";
import { allRouters, mldAllocate, mldMessage, mldSend } from "./output";

const MILLISECOND: u64 = 1_000_000;
/** RFC 3810 section 9: Robustness Variable, Unsolicited Report Interval, Older Version Querier Present Timeout. */
const ROBUSTNESS: u8 = 2;
const UNSOLICITED_INTERVAL: u64 = 1000 * MILLISECOND;
const OLDER_TIMEOUT: u64 = 260_000 * MILLISECOND;

/** Those of all our addresses, and as many that we have left lately. */
const GROUPS: u32 = 2 * ADDRESSES;

/** A group that we listen to, or have listened to. */
@unmanaged
@final
class Group {
  // Storage of the address: use `address`. Zero = the entry is free.
  private high: u64;
  private low: u64;
  /** We listen. */
  joined: bool;
  /** One of our addresses still wants it: of mldRefresh(). */
  wanted: bool;
  /** Reports of the last change that are still to be sent. */
  changes: u8;
  /** A query waits for its answer. */
  asked: bool;

  get address(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this));
  }
}

const NONE = changetype<Group>(0);
const ROUTERS = changetype<IpAddress>(0);

const table = memory.data(384, 8); // GROUPS of 24 bytes
const scratch = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
let changesAt: u64 = NEVER;
let answerAt: u64 = NEVER;
let olderUntil: u64 = 0;

function groupAt(index: u32): Group {
  return changetype<Group>(table + <usize>index * offsetof<Group>());
}

/** The entry of `address`, or a new one; null when there is no room, which what we have left makes. */
function groupFor(address: IpAddress): Group {
  let free = NONE;
  for (let i: u32 = 0; i < GROUPS; i++) {
    const group = groupAt(i);
    if (group.address.equals(address)) return group;
    if (!group.joined && (free == NONE || group.changes == 0)) free = group;
  }
  if (free == NONE) return NONE;
  memory.fill(changetype<usize>(free), 0, offsetof<Group>());
  free.address.copy(address);
  return free;
}

/** Our addresses may have changed: what we listen to now is found out, and reported when it is something else. */
export function mldRefresh(now: u64): void {
  for (let i: u32 = 0; i < GROUPS; i++) groupAt(i).wanted = false;
  for (let i: u32 = 0; i < ADDRESSES; i++) {
    const own = ownAddressAt(i);
    if (own.state != ADDRESS_TENTATIVE && own.state != ADDRESS_VALID) continue;
    solicitedNodeGroup(scratch, own.address);
    const group = groupFor(scratch);
    if (group == NONE) continue;
    group.wanted = true;
    if (!group.joined) change(group, now);
  }
  for (let i: u32 = 0; i < GROUPS; i++) {
    if (groupAt(i).joined && !groupAt(i).wanted) change(groupAt(i), now);
  }
}

function change(group: Group, now: u64): void {
  group.joined = !group.joined;
  group.changes = ROBUSTNESS;
  changesAt = now;
}

/** We have a link-local address now: what was reported from none is said again (RFC 3590 section 4). */
export function mldRepeat(now: u64): void {
  for (let i: u32 = 0; i < GROUPS; i++) {
    if (groupAt(i).joined) groupAt(i).changes = ROBUSTNESS;
  }
  changesAt = now;
}

/** Forgets everything: the link may be another one. */
export function mldForget(): void {
  memory.fill(table, 0, GROUPS * offsetof<Group>());
  changesAt = NEVER;
  answerAt = NEVER;
  olderUntil = 0;
}

/** A query of `length` bytes from a router of the link (section 6.2). */
export function mldQuery(message: usize, length: u32, now: u64): void {
  if (length != MLD_QUERY_OLDER && length < MLD_QUERY) return;
  if (length == MLD_QUERY_OLDER) olderUntil = now + OLDER_TIMEOUT;
  scratch.copy(mldGroup(message));
  let asked = false;
  for (let i: u32 = 0; i < GROUPS; i++) {
    const group = groupAt(i);
    if (!group.joined || !(scratch.isAny() || scratch.equals(group.address))) continue;
    group.asked = true;
    asked = true;
  }
  // A random time, since all on the link are asked; an answer that is due earlier is early enough for this question too.
  if (asked) answerAt = min(answerAt, now + randomBelow(<u64>mldDelay(message, length) * MILLISECOND));
}

/** Sends the reports that are due. */
export function mldPoll(now: u64): void {
  if (now >= answerAt) {
    answerAt = NEVER;
    report(false, now);
  }
  if (now < changesAt) return;
  report(true, now);
  changesAt = NEVER;
  for (let i: u32 = 0; i < GROUPS; i++) {
    const group = groupAt(i);
    if (group.changes == 0) continue;
    group.changes -= 1;
    if (group.changes != 0) changesAt = now + randomBelow(UNSOLICITED_INTERVAL);
    else if (!group.joined) group.address.clear();
  }
}

/** When mldPoll() next has something to do. */
export function mldDeadline(): u64 {
  return min(changesAt, answerAt);
}

function isDue(group: Group, changes: bool): bool {
  return changes ? group.changes != 0 : group.asked && group.joined;
}

/** Reports all changes, or answers what was asked. */
function report(changes: bool, now: u64): void {
  if (now < olderUntil) {
    for (let i: u32 = 0; i < GROUPS; i++) {
      if (isDue(groupAt(i), changes)) reportOlder(groupAt(i), now);
    }
  } else {
    reportAll(changes, now);
  }
  if (changes) return;
  for (let i: u32 = 0; i < GROUPS; i++) groupAt(i).asked = false;
}

function reportAll(changes: bool, now: u64): void {
  let count: u32 = 0;
  for (let i: u32 = 0; i < GROUPS; i++) count += u32(isDue(groupAt(i), changes));
  const length = MLD_REPORT + count * MLD_RECORD;
  if (count == 0) return;
  const frame = mldAllocate(length, ROUTERS);
  if (changetype<usize>(frame) == 0) return;
  let at = mldMessage(frame) + MLD_REPORT;
  for (let i: u32 = 0; i < GROUPS; i++) {
    const group = groupAt(i);
    if (!isDue(group, changes)) continue;
    const type = !changes ? MLD_IS_EXCLUDE : group.joined ? MLD_TO_EXCLUDE : MLD_TO_INCLUDE;
    at = mldPutRecord(at, type, group.address);
  }
  mldSend(frame, ICMPV6_LISTENER_REPORT_2, count, length, now);
}

/** In the older version a message tells of one group: to that group that we listen, to all routers that we have ceased to. */
function reportOlder(group: Group, now: u64): void {
  if (group.joined) scratch.copy(group.address);
  else allRouters(scratch);
  const frame = mldAllocate(MLD_QUERY_OLDER, scratch);
  if (changetype<usize>(frame) == 0) return;
  mldGroup(mldMessage(frame)).copy(group.address);
  mldSend(frame, group.joined ? ICMPV6_LISTENER_REPORT : ICMPV6_LISTENER_DONE, 0, MLD_QUERY_OLDER, now);
}
