// How many processors the lab's domain 0 has: one, or what KARYON_LAB_DOM0_PROCESSORS (1, 2) says. With two, a long run
// that keeps domain 0 busy takes about three quarters of the time on a host that has nothing else to do, but longer on a busy
// one, where the emulated processors wait for each other.
import { KaryonError } from "../../support/errors.ts";
import type { Accelerator } from "./accelerator.ts";

/** The processors of domain 0; always one where instructions are counted by processor. */
export function dom0Processors(accelerator: Accelerator): number {
  const chosen = process.env["KARYON_LAB_DOM0_PROCESSORS"] ?? "1";
  if (chosen !== "1" && chosen !== "2") {
    throw new KaryonError("BAD_SETTING", `KARYON_LAB_DOM0_PROCESSORS=${chosen}`, "use 1 or 2");
  }
  return accelerator === "icount" ? 1 : Number(chosen);
}
