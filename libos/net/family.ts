// What the network does for its family: what a child does not go on with, and messages of forkd and relatives, by who takes them.
import { resolverForget } from "../with_resolve";
import { dhcpStop } from "./dhcp/client";
import { interfaceFollow } from "./interface";
import { ephemeralPortsSet } from "./ports";
import { tcpForked } from "./tcp/forked";
import { isnInit } from "./tcp/isn";

/**
 * Export, by libos/with_fork_network.ts. In the child of a fork: it has the parent's addresses, and goes on to use them when its own
 * device is there. Who leads the family holds the lease and answers for the addresses on the link; connections stay the parent's.
 */
export function networkForked(): void {
  isnInit(); // nobody may guess the child's numbers from the parent's
  resolverForget();
  dhcpStop();
  interfaceFollow();
  tcpForked();
}

/** Export, by libos/with_fork_network.ts. Ports for connections and datagrams that name none are these from now on. */
export function networkPorts(first: u32, count: u32): void {
  ephemeralPortsSet(first, count);
}

/** Export, by libos/with_fork_network.ts. */
export function networkMessage(_type: u32, _flags: u32, _from: i32, _payload: usize, _length: u32): bool {
  return false;
}

/** Export, by libos/with_fork_network.ts. */
export function networkRoom(): void {}
