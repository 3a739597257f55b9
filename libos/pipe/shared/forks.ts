// Shared pipes in a family: what becomes of them at a fork, when a process ends, and after a restore.
// At a fork the parent enters its ends a second time before the copy is made, for the child that it does not know yet; with the
// answer the two of them write the child's pid there. So at no moment the ends of a pipe look fewer than they are.
import { EAGAIN } from "../../../kernel/errno";
import { EVENT_DOORBELL, EVENT_GONE, FamilyEvent, WAY_COPY, forkDescriptor } from "../../../kernel/fork/descriptor";
import { sharedPagesForked, sharedPagesInit } from "../../../kernel/memory/shared_pages";
import { passingLook } from "../../optional/with_fork_unix_rights";
import { deathNote, deathsCount, deathsForget } from "./deaths";
import { doorbellForget, doorbellTake, doorbellsForked } from "./doorbells";
import { ownPid, sharedTryLock, sharedUnlock } from "./lock";
import { marksErase } from "./marks";
import { lookAgainLater } from "./patience";
import {
  NO_SHARED_PIPE,
  SharedPipe,
  sharedPipeClear,
  sharedPipeEnter,
  sharedPipeLose,
  sharedPipes,
  sharedPipesLook,
} from "./shared_pipe";
import { FORMING, KEEPS, holderAdd, holderAt, holderDrop, holdersCount, holdersEnd } from "./state";

/** Under which name the ends of a child that is being made are entered; 0 without one. */
let forming: u32 = 0;

function next(pipe: SharedPipe): SharedPipe {
  return changetype<SharedPipe>(pipe.next);
}

/** Export, by kernel/optional/with_fork_pipe.ts: before the domain offers fork. */
export function sharedPipesStart(): void {
  sharedPagesInit(); // without memory for it there will be no pipes
}

/** Export, by kernel/optional/with_fork_pipe.ts: the domain is about to be copied. 0, or -EAGAIN when a pipe has no room for a holder more. */
export function sharedPipesForking(): i32 {
  forming = FORMING | ownPid();
  for (let pipe = sharedPipes(); pipe != NO_SHARED_PIPE; pipe = next(pipe)) {
    const ends = holderAt(pipe.state, pipe.own).ends & ~KEEPS;
    if (ends == 0) continue; // and it may go while the lock is waited for
    const state = sharedPipeEnter(pipe);
    const own = holderAt(state, pipe.own);
    own.pid = ownPid();
    pipe.child = holderAdd(state, forming, ends);
    sharedUnlock(state);
    if (pipe.child >= 0) continue;
    sharedPipesParent(-EAGAIN);
    return -EAGAIN;
  }
  return 0;
}

/** Export, by kernel/optional/with_fork_pipe.ts: in the parent, with the result of the fork. */
export function sharedPipesParent(result: i32): void {
  const isShared = result > 0 && forkDescriptor().childWay != WAY_COPY;
  for (let pipe = sharedPipes(); pipe != NO_SHARED_PIPE; pipe = next(pipe)) {
    if (pipe.child < 0) continue;
    const state = sharedPipeEnter(pipe);
    const entry = holderAt(state, pipe.child);
    if (entry.pid == forming) {
      if (isShared) entry.pid = result;
      else holderDrop(state, pipe.child, entry.ends);
    }
    pipe.child = -1;
    pipe.deaths = deathsCount() - 1; // the child may have ended already
    sharedUnlock(state);
  }
  forming = 0;
}

/** Export, by kernel/optional/with_fork_pipe.ts: in a copy of the domain, the child of a fork or a restored one, before threads run. */
export function sharedPipesCopied(): void {
  doorbellsForked();
  const isCut = forming == 0 || forkDescriptor().way == WAY_COPY;
  if (forming == 0) deathsForget();
  sharedPagesForked();
  let pipe = sharedPipes();
  while (pipe != NO_SHARED_PIPE) {
    const following = next(pipe);
    if (forming != 0 && pipe.child < 0) {
      sharedPipeLose(pipe); // the parent only KEEPS it
    } else {
      if (forming != 0) inherit(pipe, isCut);
      if (isCut) cut(pipe);
      pipe.child = -1;
    }
    pipe = following;
  }
  if (forming == 0) lookAgainLater();
  forming = 0;
}

/** The entry that the parent has made for this process is its own. */
function inherit(pipe: SharedPipe, isCut: bool): void {
  const ends = holderAt(pipe.state, pipe.own).ends & ~KEEPS;
  pipe.own = <u32>pipe.child;
  if (isCut) return;
  const state = sharedPipeEnter(pipe);
  const entry = holderAt(state, pipe.own);
  if (entry.pid == forming) entry.pid = ownPid();
  // Somebody took it for that of a process which has ended.
  if (entry.pid != ownPid()) pipe.own = <u32>max(holderAdd(state, ownPid(), ends), 0);
  sharedUnlock(state);
}

/** The memory is this process's alone, and nobody else has an end. */
function cut(pipe: SharedPipe): void {
  const state = pipe.state;
  state.owner = 0;
  for (let i: u32 = 0; i < holdersEnd(state); i++) {
    if (i != pipe.own) holderAt(state, i).ends = 0;
  }
  holdersCount(state);
  marksErase(state);
}

/** Export, by kernel/optional/with_fork_pipe.ts: somebody may have changed a pipe. Kernel work. */
export function sharedPipesRung(): void {
  passingLook();
  sharedPipesLook();
}

/** Export, by kernel/optional/with_fork_pipe.ts: takes in a FamilyEvent of EVENT_GONE or EVENT_DOORBELL. Kernel work. */
export function sharedPipesEvent(address: usize): void {
  const event = changetype<FamilyEvent>(address);
  if (event.kind == EVENT_DOORBELL) doorbellTake(event);
  else if (event.kind == EVENT_GONE) gone(event);
  else return;
  passingLook();
  sharedPipesLook();
}

/** Clears its entries, of those pipes whose lock is free; of the others, whoever takes it. */
function gone(event: FamilyEvent): void {
  deathNote(event);
  doorbellForget(event.pid);
  for (let pipe = sharedPipes(); pipe != NO_SHARED_PIPE; pipe = next(pipe)) {
    if (!sharedTryLock(pipe.state)) continue;
    sharedPipeClear(pipe);
    sharedUnlock(pipe.state);
  }
}
