// The end of an app whose last bytes are still on their way: what it has written and closed is delivered before the domain goes,
// as an ordinary system's kernel does it for a process that has ended.
import { monotonicNow } from "../../kernel/time/clock";
import { TIMER_SIZE, Timer, timerInit, timerSet } from "../../kernel/time/timer";
import { idleWait, kernelWork } from "../../kernel/work";
import { networkReleases, networkUnreleased } from "../optional/with_fork_network";
import { deviceCarrier, deviceTransmitted } from "./device";
import { framesHeld } from "./held_frames";
import { tableUnfinished } from "./tcp/table";

/** How long all that may take, ns. */
const PATIENCE: u64 = 10_000_000_000;

const timer = changetype<Timer>(memory.data(TIMER_SIZE, 8));

function onPatienceOver(_argument: usize): void {
  // It has woken the kernel.
}

function isUnfinished(): bool {
  // The device last: when it is what is waited for, it has been asked to tell.
  return tableUnfinished() || networkUnreleased() || framesHeld() || !deviceTransmitted();
}

/**
 * Waits until the peers have acknowledged all text and the end of every connection that was closed, other processes of a family
 * have what they hold of them, and the device has sent what nobody acknowledges: datagrams, those included whose next hop is
 * still asked for its address. For PATIENCE at most; no other thread runs meanwhile.
 */
export function networkFinish(): void {
  const deadline = monotonicNow() + PATIENCE;
  timerInit(timer, onPatienceOver.index, 0);
  timerSet(timer, deadline);
  while (deviceCarrier() && isUnfinished() && monotonicNow() < deadline) {
    kernelWork();
    if (isUnfinished()) idleWait();
  }
  networkReleases(monotonicNow());
}
