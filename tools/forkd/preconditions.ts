// What forkd needs before it can begin: checked first, so that what is missing has one clear name.
import { access, constants } from "node:fs/promises";
import { KaryonError } from "../support/errors.ts";

/** Linux's ways to Xen that forkd uses. */
const DEVICES = ["/dev/xen/privcmd", "/dev/xen/hypercall", "/dev/xen/evtchn"] as const;

/** @throws KaryonError NO_XEN where there is no Xen, FORKD_RIGHTS where it may not be used */
export async function checkDevices(devices: readonly string[] = DEVICES): Promise<void> {
  for (const device of devices) {
    try {
      await access(device, constants.R_OK | constants.W_OK);
    } catch (cause) {
      const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
      if (isMissing) {
        const mend = "forkd runs in domain 0 of a host with Xen, and needs xen-privcmd and xen-evtchn of its kernel";
        throw new KaryonError("NO_XEN", `there is no ${device}`, mend, { cause });
      }
      throw new KaryonError("FORKD_RIGHTS", `${device} may not be used`, "forkd needs to run as root", { cause });
    }
  }
}
