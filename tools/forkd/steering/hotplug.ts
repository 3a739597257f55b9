// Connects netback's interface for a child as soon as netback has made it: the work of libxl's hotplug script. A child may run before that; should forkd
// end meanwhile, the next one does it.
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import type { Store } from "../xen/store.ts";
import type { AddedDevice } from "../xenstore_nodes.ts";

/** On a host that is very busy an interface takes seconds. */
const PATIENCE_MS = 60_000;
const INTERVAL_MS = 50;

/**
 * Does not throw: a child without network goes on, and the log tells. Ends silently when the device is removed, or is connected already.
 *
 * @param connect connects the interface, false while there is none
 */
export async function connectDevice(
  store: Store,
  device: AddedDevice,
  connect: () => boolean,
  log: Log,
): Promise<void> {
  const { backend, interfaceName } = device;
  try {
    if ((await store.read(`${backend}/hotplug-status`)) !== undefined) return;
    for (let waited = 0; waited < PATIENCE_MS; waited += INTERVAL_MS) {
      if ((await store.read(`${backend}/state`)) === undefined) return;
      if (connect()) {
        // netback tells its front end that it is connected only after this.
        await store.write(`${backend}/hotplug-status`, "connected");
        return;
      }
      await sleep(INTERVAL_MS);
    }
    log(`${interfaceName} did not appear`);
  } catch (error) {
    // A shell that is removed meanwhile takes the interface with it.
    if ((await store.read(`${backend}/state`).catch(() => undefined)) === undefined) return;
    log(`${interfaceName} cannot be connected: ${describeError(error)}`);
  }
}
