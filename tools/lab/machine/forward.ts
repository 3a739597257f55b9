// Ports of the host that lead into the lab: QEMU's user network listens on 127.0.0.1 and connects to the guest's address.
import { KaryonError } from "../../support/errors.ts";
import type { Qmp } from "./qmp.ts";

/** Where a forwarded connection goes: an address on the lab's bridge. */
export interface ForwardTarget {
  readonly address: string;
  readonly port: number;
}

/**
 * Forwards `hostPort` of 127.0.0.1 (0: any free one) to `target`; returns the port taken.
 *
 * @throws KaryonError PORT_TAKEN
 */
export async function addForward(qmp: Qmp, target: ForwardTarget, hostPort = 0): Promise<number> {
  const before = forwardedPorts(await qmp.monitor("info usernet"));
  const said = await qmp.monitor(`hostfwd_add net tcp:127.0.0.1:${hostPort}-${target.address}:${target.port}`);
  const added = forwardedPorts(await qmp.monitor("info usernet")).find((port) => !before.includes(port));
  if (said.trim() !== "" || added === undefined) {
    throw new KaryonError(
      "PORT_TAKEN",
      `cannot listen on 127.0.0.1:${hostPort}: ${said.trim()}`,
      "choose another port",
    );
  }
  return added;
}

/** Takes a forward back. */
export async function removeForward(qmp: Qmp, hostPort: number): Promise<void> {
  await qmp.monitor(`hostfwd_remove net tcp:127.0.0.1:${hostPort}`);
}

/** The host ports in the monitor's `info usernet`. */
function forwardedPorts(usernet: string): number[] {
  return [...usernet.matchAll(/TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)/g)].map((match) => Number(match[1]));
}
