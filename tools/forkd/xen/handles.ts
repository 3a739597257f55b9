// Everything of forkd that reaches into Xen, in one place.
import { XenControl } from "./control.ts";
import { ForeignMemory } from "./foreign_memory.ts";
import { GrantSeed } from "./grant_seed.ts";
import { PageTableUpdates } from "./page_table_updates.ts";

/** The handles on Xen's libraries. */
export interface Xen {
  readonly control: XenControl;
  readonly memory: ForeignMemory;
  readonly grants: GrantSeed;
  readonly tables: PageTableUpdates;
}

/** @throws KaryonError XEN_LIBRARY, XEN_VERSION, XEN_CALL */
export function openXen(): Xen {
  const control = new XenControl();
  return { control, memory: new ForeignMemory(), grants: new GrantSeed(), tables: new PageTableUpdates() };
}
