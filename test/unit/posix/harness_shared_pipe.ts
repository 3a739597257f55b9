// The state of pipes that processes have in common, exported for tests. `state` is two pages; 0 as a pid is a free entry.
import { FamilyEvent } from "../../../kernel/fork/descriptor";
import { deathNote, deathsClear, hasDied } from "../../../libos/pipe/shared/deaths";
import { sharedLock, sharedTryLock, sharedUnlock } from "../../../libos/pipe/shared/lock";
import {
  PipeState,
  holderAdd,
  holderAt,
  holderDrop,
  sharedLength,
  sharedPut,
  sharedRoom,
  sharedTake,
} from "../../../libos/pipe/shared/state";

export { FORMING, HOLDERS, SHARED_CAPACITY } from "../../../libos/pipe/shared/state";
export {
  deathsClear,
  hasDied,
  holderAdd,
  holderDrop,
  sharedLength,
  sharedLock,
  sharedPut,
  sharedRoom,
  sharedTake,
  sharedTryLock,
  sharedUnlock,
};

const event = changetype<FamilyEvent>(memory.data(32, 8));

/** Process `pid` has ended; its last child is `heir`. */
export function died(pid: u32, heir: u32): void {
  event.pid = pid;
  event.value = heir;
  deathNote(event);
}

export function holderPid(state: PipeState, index: u32): u32 {
  const holder = holderAt(state, index);
  return holder.ends == 0 ? 0 : holder.pid;
}

export function readEnds(state: PipeState): u32 {
  return state.readEnds;
}

export function writeEnds(state: PipeState): u32 {
  return state.writeEnds;
}

export function ownerOf(state: PipeState): u32 {
  return state.owner;
}

export function setOwner(state: PipeState, pid: u32): void {
  state.owner = pid;
}

/** As a process that writes anything there. */
export function spoil(state: PipeState, written: u64, taken: u64, entries: u32): void {
  state.written = written;
  state.taken = taken;
  state.entries = entries;
}
