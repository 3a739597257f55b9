// Puts netback's interface for a child on dom0's bridge as soon as netback has made it: the work of libxl's hotplug script.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Log } from "../../support/log.ts";
import type { Store } from "../xen/store.ts";
import type { AddedDevice } from "../xenstore_nodes.ts";

const ATTEMPTS = 100;
const INTERVAL_MS = 50;
const run = promisify(execFile);

/** Does not throw: a child without network goes on, and the log tells. */
export async function bridgeDevice(store: Store, device: AddedDevice, log: Log): Promise<void> {
  const { backend, interfaceName, bridge } = device;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if ((await store.read(`${backend}/state`)) === undefined) return;
    try {
      await run("ip", ["link", "set", "dev", interfaceName, "master", bridge, "up"]);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
      continue;
    }
    // netback tells its front end that it is connected only after this.
    await store.write(`${backend}/hotplug-status`, "connected");
    return;
  }
  log(`${interfaceName} did not appear, or bridge ${bridge} does not take it`);
}
