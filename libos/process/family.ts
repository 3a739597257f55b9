// The process among its relatives: fork, wait, and who it is. A process is a domain; forkd (docs/fork.md) numbers them
// and tells a parent when a child has ended.
// Invariant: an entry of the table is free (pid 0), a running child, or an ended one that nobody has waited for.
import { TextSpan, commandLineOption } from "../../kernel/command_line";
import { EAGAIN, ECHILD, EINVAL, ENOSYS } from "../../kernel/errno";
import { EVENT_EXIT, FAMILY_EVENTS, FamilyEvent, forkDescriptor } from "../../kernel/fork/descriptor";
import { fork } from "../../kernel/fork/fork";
import { forkOffer } from "../../kernel/fork/offer";
import { log } from "../../kernel/log";
import { parseDecimal } from "../../kernel/text";
import { WaitQueue, waitOn, wakeAll } from "../../kernel/thread/wait_queue";
import { NEVER } from "../../kernel/time/clock";
import { networkForked } from "../net/network";
import { WCONTINUED, WNOHANG, WUNTRACED } from "../posix/constants";
import { appThreadsForked } from "./threads";

/** The most children that are alive or not waited for: forkd's ring of events has a place for each. */
const MOST_CHILDREN: u32 = FAMILY_EVENTS;
const FIRST_PID: i32 = 1;

@unmanaged
@final
class Child {
  pid: i32;
  ended: bool;
  /** As wait(2) encodes it, once ended. */
  status: i32;
}

const CHILD_SHIFT: usize = 4;
const children = memory.data(1024, 8); // MOST_CHILDREN entries of 16 bytes
const ends = changetype<WaitQueue>(memory.data(8, 4)); // woken when a child has ended
const option = changetype<TextSpan>(memory.data(8, 4));
let limit: u32 = 0;

function childAt(index: u32): Child {
  return changetype<Child>(children + ((<usize>index) << CHILD_SHIFT));
}

/** Export, by kernel/with_fork.ts: offers fork to forkd when the command line has `fork=<most children>`. Does not block. */
export function familyStart(): void {
  if (!commandLineOption("fork", option)) return;
  const wanted = parseDecimal(option.address, option.length);
  if (wanted < 1 || wanted > <i64>MOST_CHILDREN) {
    log("fork").text("fork=").bytes(option.address, option.length).text(" is not understood: 1 to 64 children").end();
    return;
  }
  limit = <u32>wanted;
  const result = forkOffer();
  if (result != 0) log("fork").text("cannot be offered: ").signed(result).end();
}

/** Export, by kernel/with_fork.ts: takes in an event of forkd's. */
export function familyEvent(address: usize): void {
  const event = changetype<FamilyEvent>(address);
  if (event.kind == EVENT_EXIT) onExit(event.pid, event.value);
}

/** A child has ended. */
function onExit(pid: i32, status: i32): void {
  for (let i: u32 = 0; i < MOST_CHILDREN; i++) {
    const child = childAt(i);
    if (child.pid != pid || child.ended) continue;
    child.status = status;
    child.ended = true;
    return wakeAll(ends);
  }
}

function freeEntry(): Child {
  let used: u32 = 0;
  let free = changetype<Child>(0);
  for (let i: u32 = 0; i < MOST_CHILDREN; i++) {
    if (childAt(i).pid != 0) used += 1;
    else if (changetype<usize>(free) == 0) free = childAt(i);
  }
  return used < limit ? free : changetype<Child>(0);
}

/** fork(): the child's pid, 0 in the child; -ENOSYS, -EAGAIN (also with as many children as allowed), -ENOMEM. */
export function familyFork(): i32 {
  if (limit == 0) return -ENOSYS;
  const entry = freeEntry();
  if (changetype<usize>(entry) == 0) return -EAGAIN;
  const pid = fork();
  if (pid > 0) {
    entry.status = 0;
    entry.ended = false;
    entry.pid = pid;
  } else if (pid == 0) {
    memory.fill(children, 0, (<usize>MOST_CHILDREN) << CHILD_SHIFT);
    appThreadsForked();
    networkForked();
  }
  return pid;
}

/**
 * waitpid(): waits for the child `pid`, or for any when `pid` is -1 or 0 (there are no other process groups). Stores its
 * status at kernel address `statusAt` unless that is 0, and forgets it.
 * @returns its pid; 0 with WNOHANG when none has ended; -ECHILD without such a child; -EINVAL for unknown options
 */
export function familyWait(pid: i32, statusAt: usize, options: i32): i32 {
  if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED)) != 0) return -EINVAL;
  let child = findChild(pid);
  while (changetype<usize>(child) != 0 && !child.ended) {
    if ((options & WNOHANG) != 0) return 0;
    waitOn(ends, NEVER);
    child = findChild(pid);
  }
  return changetype<usize>(child) == 0 ? -ECHILD : reap(child, statusAt);
}

/** A child that `pid` of waitpid() means, an ended one if there is any; null when there is none. */
function findChild(pid: i32): Child {
  let found = changetype<Child>(0);
  for (let i: u32 = 0; i < MOST_CHILDREN; i++) {
    const child = childAt(i);
    if (child.pid == 0 || (child.pid != pid && pid != -1 && pid != 0)) continue;
    if (child.ended) return child;
    found = child;
  }
  return found;
}

function reap(child: Child, statusAt: usize): i32 {
  const pid = child.pid;
  if (statusAt != 0) store<i32>(statusAt, child.status);
  child.pid = 0;
  return pid;
}

/** The process id: forkd's number; 1 for the first of a family and where nobody forks. */
export function familyPid(): i32 {
  const descriptor = forkDescriptor();
  const pid = changetype<usize>(descriptor) == 0 ? 0 : <i32>descriptor.pid;
  return pid == 0 ? FIRST_PID : pid;
}

/** The parent's process id; 0 when there is none. forkd makes it 1 when the parent has ended. */
export function familyParent(): i32 {
  const descriptor = forkDescriptor();
  return changetype<usize>(descriptor) == 0 ? 0 : <i32>descriptor.parentPid;
}
