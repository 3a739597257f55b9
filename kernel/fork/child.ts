// The child of a fork: all memory is the parent's as it was in forkContext(), everything else a domain owns is new. forkd
// has mapped the child's own shared_info where the parent had its own, rewritten start_info and the p2m list, zeroed the
// console and xenstore rings, and left the grant table unmapped.
import { log } from "../log";
import { copyOnWriteForked } from "../memory/copy_on_write";
import { directMapForked } from "../memory/direct_map";
import { driversRest, driversResume } from "../power/suspend";
import { reconnect } from "../power/reconnect";
import { clockFork } from "../time/clock";
import { trapInit } from "../trap/trap";
import { STAGE_CHILD_BEGAN, STAGE_CHILD_CONNECTED, WAY_COPY, forkDescriptor, stageReached } from "./descriptor";

/** Makes the child a domain of its own, on the calling thread. Does not block. */
export function childStart(): void {
  trapInit(); // a new vCPU has no exception entries
  clockFork();
  stageReached(STAGE_CHILD_BEGAN);
  if (forkDescriptor().way != WAY_COPY) {
    copyOnWriteForked();
    directMapForked();
  }
  driversRest();
  reconnect();
  stageReached(STAGE_CHILD_CONNECTED);
  log("fork")
    .text("process ")
    .decimal(forkDescriptor().pid)
    .text(", child of ")
    .decimal(forkDescriptor().parentPid)
    .end();
  driversResume(true); // this offers fork anew, too
}
