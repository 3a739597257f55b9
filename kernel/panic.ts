// The end of a kernel that found a bug of its own. Not for anything a peer, the toolstack or an app can cause.
import { log } from "./log";
import { SHUTDOWN_crash, schedShutdown } from "./xen/hypercall";

let panicking = false;

/** Shows `message`, and a back trace where the crash screen can, and ends the domain as crashed. Does not return. */
export function panic(message: string): void {
  if (!panicking) {
    panicking = true;
    log("panic").text(message).end();
    unreachable(); // `ud2`: the trap handler shows registers and the back trace, then shuts down
  }
  for (;;) schedShutdown(SHUTDOWN_crash, 0);
}
