// One thread at a time walks paths and does what depends on where they lead, once there is a file system that has to be waited for: places
// that a walk has found, and its own variables, would not last otherwise. Without disks nothing blocks, and this does nothing.
import { diskLock, diskUnlock } from "../optional/with_disk";

/** At the beginning of a call on paths. */
export function filesEnter(): void {
  diskLock();
}

/** At its end: hands `result` on. */
export function filesLeave(result: i32): i32 {
  diskUnlock();
  return result;
}
