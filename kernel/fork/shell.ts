// Before a fork: that forkd has a shell ready, the domain that will be the child. From a fork's request to its answer the whole domain
// rests, so what takes long – making a domain – is waited for before, while everything else in this one goes on.
import { eventChannelNotify } from "../event_channel";
import { waitOn } from "../thread/wait_queue";
import { monotonicNow } from "../time/clock";
import { FORK_PENDING, ForkDescriptor, forkDescriptor } from "./descriptor";
import { forkAnswers, forkPort, forkStillServed } from "./offer";

/** How often, in ns, a waiting thread looks whether forkd still lives. */
const PATIENCE: u64 = 1_000_000_000;

function answerAt(): usize {
  return changetype<usize>(forkDescriptor()) + offsetof<ForkDescriptor>("shellAnswer");
}

/** Whether a shell stands ready, as forkd says. */
function shellThere(): bool {
  return atomic.load<u32>(changetype<usize>(forkDescriptor()) + offsetof<ForkDescriptor>("shells")) != 0;
}

/** Whether that is for the domain as it is now. */
function shellFits(): bool {
  const descriptor = forkDescriptor();
  const at = changetype<usize>(descriptor);
  const changes = descriptor.changeProducer - atomic.load<u32>(at + offsetof<ForkDescriptor>("shellChanges"));
  const layout = atomic.load<u32>(at + offsetof<ForkDescriptor>("shellLayout"));
  return layout == descriptor.layout && changes <= descriptor.changeLogSize;
}

/**
 * Waits until a shell stands ready, or forkd can make none, in which case the fork says why. Not before the first fork: many a process
 * forks as soon as it runs, while its memory still grows, and a shell would fit no more when it is made. Called by a thread, of which several may
 * wait, in a domain that forkd has served; blocks, but not the other threads.
 */
export function shellAwait(): void {
  if (forkDescriptor().lastChild == 0 || (shellThere() && shellFits())) return;
  atomic.store<i32>(answerAt(), FORK_PENDING);
  eventChannelNotify(forkPort());
  while (atomic.load<i32>(answerAt()) == FORK_PENDING && forkStillServed()) {
    waitOn(forkAnswers(), monotonicNow() + PATIENCE);
  }
}
