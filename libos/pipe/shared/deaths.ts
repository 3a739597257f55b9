// Processes of the family that have ended, as forkd tells: their entries in shared pipes are nobody's any more, nor are their
// locks. Each survivor notes them for itself; whoever comes to a pipe first clears its entries.
import { FamilyEvent } from "../../../kernel/fork/descriptor";
import { FORMING, Holder, PipeState, holderAt, holdersCount, holdersEnd } from "./state";

const REMEMBERED: u32 = 128;

const pids = memory.data(512, 4); // REMEMBERED of u32, a ring
const heirs = memory.data(512, 4); // by the same index: the child that it was about to have, 0 without one
let count: u32 = 0;

/** How many ends this process was told of: what has seen fewer has entries to clear. */
export function deathsCount(): u32 {
  return count;
}

/** Notes the process that an event of EVENT_GONE names. */
export function deathNote(event: FamilyEvent): void {
  const at = (<usize>(count % REMEMBERED)) << 2;
  store<u32>(pids + at, event.pid);
  store<u32>(heirs + at, event.value);
  count += 1;
}

/** In a restored domain, whose family is another. */
export function deathsForget(): void {
  count = 0;
}

/** Where `pid` stands in the ring; -1 when it is not known to have ended. */
function placeOf(pid: u32): i32 {
  for (let i: u32 = 0; i < min(count, REMEMBERED); i++) {
    if (load<u32>(pids + ((<usize>i) << 2)) == pid) return <i32>i;
  }
  return -1;
}

/** Whether `pid` has ended. */
export function hasDied(pid: u32): bool {
  return placeOf(pid) >= 0;
}

/** Takes their ends away from those that have ended, and counts; the caller has the lock. */
export function deathsClear(state: PipeState): void {
  for (let i: u32 = 0; i < holdersEnd(state); i++) {
    const holder = holderAt(state, i);
    if (holder.ends != 0) clear(holder);
  }
  holdersCount(state);
}

function clear(holder: Holder): void {
  if ((holder.pid & FORMING) != 0) {
    const place = placeOf(holder.pid & ~FORMING);
    if (place < 0) return;
    // The parent has ended before it could write down its child's pid; the child may live.
    holder.pid = load<u32>(heirs + ((<usize>place) << 2));
  }
  if (holder.pid != 0 && !hasDied(holder.pid)) return;
  holder.ends = 0;
  holder.waits = 0;
}
