// The table of children: those that this process has forked, and in process 1 also those it has adopted.
// Invariants: an entry is free (pid 0), a running child, or an ended one that nobody has waited for. Own children are at most
// as many as the app may have, adopted ones that run at most as many as the family may have: there is always room for them,
// because adopted ones that have ended make way.
import {
  EVENT_ADOPTED,
  EVENT_CONTINUED,
  EVENT_EXIT,
  EVENT_STOPPED,
  FAMILY_EVENTS,
  FamilyEvent,
} from "../../kernel/fork/descriptor";
import { PAGE_SIZE, pageAlloc } from "../../kernel/memory/pages";
import { WaitQueue, wakeAll } from "../../kernel/thread/wait_queue";
import { SIGCHLD } from "../posix/signal_constants";
import { childGroupTold, childJoins } from "../optional/with_fork_group";
import { statusCode, statusValue } from "./child_status";
import { childrenForgotten, childrenStopSilently } from "./signal_actions";
import { signalRaise } from "./signals";

/** The most children a process, and members a family, may have: forkd's ring of events has a place for each. */
export const MOST_CHILDREN: u32 = FAMILY_EVENTS;

/** What a child has done that its parent has not heard of yet. */
export const CHANGE_NONE: u8 = 0;
export const CHANGE_STOPPED: u8 = 1;
export const CHANGE_CONTINUED: u8 = 2;

@unmanaged
@final
export class Child {
  pid: i32;
  /** Once ended as wait(2) encodes it; of a stopped one, the signal. */
  status: i32;
  /** Once ended: processor time in ns, and the most frames it had of its own. */
  cpuTime: u64;
  frames: u64;
  change: u8;
  ended: bool;
  adopted: bool;
  /** Its process group, in an app that changes those. */
  group: i32;
}

export const NO_CHILD: Child = changetype<Child>(0);

const CHILD_SHIFT: usize = 5;
const ENTRIES: u32 = 2 * MOST_CHILDREN; // of 32 bytes: a page

const changes = changetype<WaitQueue>(memory.data(8, 4));
let table: usize = 0;

/** Makes the table; false without memory. */
export function childrenInit(): bool {
  table = pageAlloc();
  if (table != 0) childrenForget();
  return table != 0;
}

/** In the child of a fork: it has none. */
export function childrenForget(): void {
  memory.fill(table, 0, PAGE_SIZE);
}

/** Woken when a child ends, stops or goes on. */
export function childChanges(): WaitQueue {
  return changes;
}

/** Entry `index`, or NO_CHILD behind the last. Ended children come in no certain order. */
export function childAt(index: u32): Child {
  return index < ENTRIES && table != 0 ? changetype<Child>(table + ((<usize>index) << CHILD_SHIFT)) : NO_CHILD;
}

/** The child with this process id, or NO_CHILD. */
export function childOf(pid: i32): Child {
  let child = childAt(0);
  for (let i: u32 = 1; child != NO_CHILD && child.pid != pid; i++) child = childAt(i);
  return child;
}

/** Whether `pid` is a child that has ended and was not waited for. */
export function childEnded(pid: i32): bool {
  const child = childOf(pid);
  return child != NO_CHILD && child.ended;
}

/** How many children the process has forked that nobody has waited for. */
export function childrenOwn(): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const child = childAt(i);
    if (child.pid != 0 && !child.adopted) count += 1;
  }
  return count;
}

function oldestEndedAdopted(): Child {
  let oldest = NO_CHILD;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const child = childAt(i);
    if (child.adopted && child.ended && (oldest == NO_CHILD || child.pid < oldest.pid)) oldest = child;
  }
  return oldest;
}

/** Enters child `pid`. Should there be no room, the oldest adopted one that has ended is forgotten. */
export function childAdd(pid: i32, adopted: bool): void {
  const known = childOf(pid);
  if (known != NO_CHILD) {
    known.adopted = adopted; // it was quicker to end than fork() to return
    return;
  }
  let entry = childOf(0);
  if (entry == NO_CHILD) entry = oldestEndedAdopted();
  if (entry == NO_CHILD) return; // forkd counts wrongly
  memory.fill(changetype<usize>(entry), 0, offsetof<Child>());
  entry.pid = pid;
  entry.adopted = adopted;
  childJoins(changetype<usize>(entry));
}

/** What forkd tells of a child. */
export function childEvent(event: FamilyEvent): void {
  if (event.pid <= 0) return;
  if (childOf(event.pid) == NO_CHILD) childAdd(event.pid, true);
  const child = childOf(event.pid);
  if (child != NO_CHILD && childGroupTold(changetype<usize>(child), event.kind, event.value)) return;
  if (event.kind == EVENT_ADOPTED || child == NO_CHILD || child.ended) return;
  child.status = event.value;
  if (event.kind == EVENT_STOPPED) child.change = CHANGE_STOPPED;
  else if (event.kind == EVENT_CONTINUED) child.change = CHANGE_CONTINUED;
  else if (event.kind == EVENT_EXIT) onExit(child, event);
  wakeAll(changes);
  if (event.kind == EVENT_EXIT || !childrenStopSilently()) {
    signalRaise(SIGCHLD, statusCode(event.value), event.pid, statusValue(event.value));
  }
}

function onExit(child: Child, event: FamilyEvent): void {
  child.cpuTime = event.cpuTime;
  child.frames = event.frames;
  child.ended = true;
  if (childrenForgotten()) child.pid = 0; // POSIX: then children leave nothing behind
}
