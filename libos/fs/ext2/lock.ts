// The lock of libos/fs/lock.ts, where there are disks: one thread at a time, which may take it again.
import { Thread, currentThread } from "../../../kernel/thread/scheduler";
import { WaitQueue, waitOn, wakeOne } from "../../../kernel/thread/wait_queue";
import { NEVER } from "../../../kernel/time/clock";
import { cacheStep } from "./buffers";

const queue = changetype<WaitQueue>(memory.data(8, 4));
let owner: usize = 0;
let depth: u32 = 0;

/** Export, by libos/optional/with_disk.ts. */
export function diskLock(): void {
  const own = changetype<usize>(currentThread());
  if (owner != own) {
    while (owner != 0) waitOn(queue, NEVER);
    owner = own;
    cacheStep();
  }
  depth += 1;
}

/** Export, by libos/optional/with_disk.ts. */
export function diskUnlock(): void {
  depth -= 1;
  if (depth != 0) return;
  owner = 0;
  wakeOne(queue);
}

/** In the child of a fork: of the app's threads only this one is there. */
export function lockForked(): void {
  const own = changetype<usize>(currentThread());
  if (owner == 0 || owner == own || !changetype<Thread>(owner).isApp) return;
  owner = 0;
  depth = 0;
}
