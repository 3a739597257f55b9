// Who writes what nobody asks to be written: a kernel thread that commits each volume a few seconds after its first change, as Linux does.
import { threadCreate } from "../../../kernel/thread/scheduler";
import { WaitQueue, waitOn, wakeAll } from "../../../kernel/thread/wait_queue";
import { NEVER, monotonicNow } from "../../../kernel/time/clock";
import { diskLock, diskUnlock } from "./lock";
import { journalCommit } from "./journal";
import { Volume } from "./volume";
import { volumeAt, volumesCount } from "./volumes";

const STACK_PAGES: u32 = 7;
/** How long a change may stay in memory alone (ns). */
const INTERVAL: u64 = 5_000_000_000;

const queue = changetype<WaitQueue>(memory.data(8, 4));

/** Starts the thread; false without memory. */
export function writerStart(): bool {
  return threadCreate(run.index, 0, STACK_PAGES) != 0;
}

/** There is something to be written. */
export function writerWake(): void {
  wakeAll(queue);
}

/** When the next volume is due; NEVER. */
function nextDeadline(): u64 {
  let deadline = NEVER;
  for (let i: u32 = 0; i < volumesCount(); i++) {
    const changedAt = volumeAt(i).changedAt;
    if (changedAt != 0) deadline = min(deadline, changedAt + INTERVAL);
  }
  return deadline;
}

function isDue(volume: Volume): bool {
  if (volume.isReadOnly || volume.isClosed) volume.changedAt = 0;
  return volume.changedAt != 0 && volume.changedAt + INTERVAL <= monotonicNow();
}

function run(_argument: usize): void {
  for (;;) {
    waitOn(queue, nextDeadline());
    if (nextDeadline() > monotonicNow()) continue;
    diskLock();
    for (let i: u32 = 0; i < volumesCount(); i++) {
      const volume = volumeAt(i);
      if (isDue(volume)) journalCommit(volume);
    }
    diskUnlock();
  }
}
