// The end of a domain that forkd has made, whoever ends it: a child, one that stood ready, one that was never finished.
import type { XenControl } from "./xen/control.ts";
import type { Store } from "./xen/store.ts";
import { removeDomainNodes } from "./xenstore_nodes.ts";

/**
 * Destroys a domain, if it is still there, and removes its nodes. Can be repeated. Someone else may have destroyed it long ago, and
 * its number may be another domain's by now, which is left alone.
 *
 * @throws KaryonError XEN_CALL, XENSTORE
 */
export async function removeDomain(
  control: Pick<XenControl, "info" | "destroy">,
  store: Store,
  domain: number,
  uuid: string,
): Promise<void> {
  const now = control.info(domain);
  if (now !== undefined && now.uuid !== uuid) return;
  if (now !== undefined) control.destroy(domain);
  await store.release(domain).catch(() => undefined); // xenstored has noticed by itself
  await removeDomainNodes(store, domain, uuid);
}
