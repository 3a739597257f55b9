// The domain's end by its own will.
import { consoleDrain } from "../console";
import { schedShutdown } from "../xen/hypercall";

/** Ends the domain with a SHUTDOWN_* reason once the console has taken all output; does not return. */
export function powerOff(reason: u32): void {
  consoleDrain();
  for (;;) schedShutdown(reason, 0);
}
