// A process that waits for another with which it has no doorbell yet looks again by itself now and then, too: whoever could
// tell it may have no forkd to do so.
import { Timer, TIMER_SIZE, timerInit, timerSet } from "../../../kernel/time/timer";
import { monotonicNow } from "../../../kernel/time/clock";
import { sharedPipesRung } from "../../../kernel/optional/with_fork_pipe";

/** ns. */
const PATIENCE: u64 = 250_000_000;

const timer = changetype<Timer>(memory.data(TIMER_SIZE, 8));

function onTimer(_argument: usize): void {
  sharedPipesRung();
}

/** Has all threads that wait for a pipe look again after a time. */
export function lookAgainLater(): void {
  if (timer.pending) return;
  if (timer.callback == 0) timerInit(timer, onTimer.index, 0);
  timerSet(timer, monotonicNow() + PATIENCE);
}
