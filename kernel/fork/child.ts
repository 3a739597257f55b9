// The child of a fork: all memory is the parent's as it was in forkContext(), everything else a domain owns is new. forkd
// has mapped the child's own shared_info where the parent had its own, rewritten start_info and the p2m list, zeroed the
// console and xenstore rings, and left the grant table unmapped.
import { log } from "../log";
import { driversRest, driversResume } from "../power/suspend";
import { reconnect } from "../power/reconnect";
import { clockFork } from "../time/clock";
import { trapInit } from "../trap/trap";
import { forkDescriptor } from "./descriptor";

/** Makes the child a domain of its own, on the calling thread. Does not block. */
export function childStart(): void {
  trapInit(); // a new vCPU has no exception entries
  clockFork();
  driversRest();
  reconnect();
  log("fork")
    .text("process ")
    .decimal(forkDescriptor().pid)
    .text(", child of ")
    .decimal(forkDescriptor().parentPid)
    .end();
  driversResume(true); // this offers fork anew, too
}
