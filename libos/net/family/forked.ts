// The network in the child of a fork: what it does not go on with.
import { resolverForget } from "../../optional/with_resolve";
import { tcpForked } from "../handover/forked";
import { ephemeralPortsSet } from "../ports";
import { isnInit } from "../tcp/isn";
import { followerForked } from "./follower";

/**
 * Export, by libos/optional/with_fork_network.ts. In the child of a fork: it has the parent's addresses, and goes on to use them when its own
 * device is there. Who leads the family holds the lease and answers for the addresses on the link; its connections stay the parent's until it uses them.
 */
export function networkForked(): void {
  isnInit(); // nobody may guess the child's numbers from the parent's
  resolverForget();
  tcpForked();
  followerForked();
}

/** Export, by libos/optional/with_fork_network.ts. Ports for connections and datagrams that name none are these from now on. */
export function networkPorts(first: u32, count: u32): void {
  ephemeralPortsSet(first, count);
}
