// The lock of a shared pipe. It is held for a few hundred instructions, never while anything else is waited for, and one at
// a time. Who finds it taken looks again some times, then lets other domains run, then sleeps for a moment and hears who has
// ended: the lock of a process that has gone is its finder's. While it is held the fork descriptor says so, and forkd stops no
// process then.
import { ForkDescriptor, forkDescriptor } from "../../../kernel/fork/descriptor";
import { eventsTake, forkPort } from "../../../kernel/fork/offer";
import { monotonicNow, systemTimeAt } from "../../../kernel/time/clock";
import { schedPoll, schedYield } from "../../../kernel/xen/hypercall";
import { hasDied } from "./deaths";
import { PipeState, holdersCount } from "./state";

const SPINS: u32 = 100;
const YIELDS: u32 = 100;
/** ns. */
const NAP: u64 = 1_000_000;

const FIRST_PID: u32 = 1;

const port = memory.data(4, 4);
const nowhere = memory.data(4, 4);

/** This process's pid, as locks and entries name it. */
export function ownPid(): u32 {
  const descriptor = forkDescriptor();
  const pid = changetype<usize>(descriptor) == 0 ? 0 : descriptor.pid;
  return pid == 0 ? FIRST_PID : pid;
}

/** Where it is said that a lock is held. */
function lockedAt(): usize {
  const descriptor = changetype<usize>(forkDescriptor());
  return descriptor == 0 ? nowhere : descriptor + offsetof<ForkDescriptor>("locked");
}

/** Takes the lock if it is free. */
export function sharedTryLock(state: PipeState): bool {
  store<u32>(lockedAt(), 1);
  if (atomic.cmpxchg<u32>(changetype<usize>(state), 0, ownPid()) == 0) return true;
  store<u32>(lockedAt(), 0);
  return false;
}

/** Takes the lock. */
export function sharedLock(state: PipeState): void {
  for (let attempt: u32 = 0; !sharedTryLock(state); attempt++) {
    if (attempt < SPINS) continue;
    if (attempt < SPINS + YIELDS) {
      schedYield();
      continue;
    }
    nap();
    if (takeOver(state)) return;
  }
}

/** Lets the lock go. */
export function sharedUnlock(state: PipeState): void {
  atomic.store<u32>(changetype<usize>(state), 0);
  store<u32>(lockedAt(), 0);
}

function nap(): void {
  const offered = changetype<usize>(forkDescriptor()) != 0;
  store<u32>(port, offered ? forkPort() : 0);
  schedPoll(port, offered ? 1 : 0, systemTimeAt(monotonicNow() + NAP));
  if (offered) eventsTake();
}

/** Takes the lock of a process that has ended. */
function takeOver(state: PipeState): bool {
  const owner = atomic.load<u32>(changetype<usize>(state));
  if (owner == 0 || !hasDied(owner)) return false;
  store<u32>(lockedAt(), 1);
  if (atomic.cmpxchg<u32>(changetype<usize>(state), owner, ownPid()) != owner) {
    store<u32>(lockedAt(), 0);
    return false;
  }
  holdersCount(state); // it may have been about to
  return true;
}
