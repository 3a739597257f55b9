// What the environment chooses of the lab's domain 0.
//
// KARYON_LAB_DOM0_PROCESSORS: 1, or 2. With two, a long run that keeps domain 0 busy takes about three quarters of the time on a
// host that has nothing else to do, but longer on a busy one, where the emulated processors wait for each other.
// KARYON_LAB_XENSTORED: xenstored, Xen's daemon in C, which is the faster one under emulation; or oxenstored, the one in OCaml, which
// Debian's own start script prefers.
import { setting } from "../../support/setting.ts";
import type { Accelerator } from "./accelerator.ts";

const PROCESSORS = ["1", "2"] as const;
const XENSTORED = ["xenstored", "oxenstored"] as const;

/** How domain 0 is made. */
export interface Dom0Settings {
  /** How many of the host's processors it may use at once. */
  readonly processors: number;
  /** The daemon that keeps xenstore. */
  readonly xenstored: (typeof XENSTORED)[number];
}

/**
 * What is chosen for this accelerator: one processor always, where instructions are counted by processor.
 *
 * @throws KaryonError BAD_SETTING
 */
export function dom0Settings(accelerator: Accelerator, environment = process.env): Dom0Settings {
  const processors = Number(setting("KARYON_LAB_DOM0_PROCESSORS", PROCESSORS, environment));
  const xenstored = setting("KARYON_LAB_XENSTORED", XENSTORED, environment);
  return { processors: accelerator === "icount" ? 1 : processors, xenstored };
}
