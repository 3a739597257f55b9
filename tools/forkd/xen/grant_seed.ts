// libxenguest: the one function of the domain builder that a copied domain needs too.
import { checked, loadLibrary, XEN_VERSION } from "./library.ts";
import type { XenControl } from "./control.ts";

/** libxenguest, for what concerns a new domain's grant table. */
export class GrantSeed {
  readonly #seed = loadLibrary(`libxenguest.so.${XEN_VERSION}`).func(
    "int xc_dom_gnttab_seed(void *xch, uint32_t domid, bool hvm, uint64_t console, uint64_t store, uint32_t consoleDomain, uint32_t storeDomain)",
  );

  /** Grants domain 0 the console and xenstore rings of `domain`; must precede the introduction to xenstored. */
  seed(control: XenControl, domain: number, consoleFrame: number, storeFrame: number): void {
    const result = this.#seed(control.handle, domain, false, consoleFrame, storeFrame, 0, 0) as number;
    checked("xc_dom_gnttab_seed", result);
  }
}
