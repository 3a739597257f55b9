// Which accelerator runs the lab: KVM where this host's works, emulation (TCG) otherwise, on choice TCG that counts
// instructions. KARYON_LAB_ACCELERATOR (kvm, tcg) overrides.
import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { setting } from "../../support/setting.ts";

/** How QEMU runs the machine; icount is TCG on one thread whose clock is the number of executed instructions. */
export type Accelerator = "kvm" | "tcg" | "icount";

/**
 * The accelerators to try, the best first.
 *
 * @throws KaryonError BAD_SETTING
 */
export async function accelerators(): Promise<Accelerator[]> {
  const chosen = setting("KARYON_LAB_ACCELERATOR", ["auto", "kvm", "tcg"]);
  if (chosen !== "auto") return [chosen];
  return (await kvmLooksUsable()) ? ["kvm", "tcg"] : ["tcg"];
}

// A /dev/kvm without VMX or SVM beneath it belongs to a paravirtual kind that Xen does not boot on.
async function kvmLooksUsable(): Promise<boolean> {
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
    return /^flags\s*:.*\b(vmx|svm)\b/m.test(await readFile("/proc/cpuinfo", "utf8"));
  } catch {
    return false;
  }
}
