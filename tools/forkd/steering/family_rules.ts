// What members say of the network (family/network_mail.ts), as changes of their family's rules in the kernel.
import { describeError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import type { ListedFlow } from "../family/flow_pages.ts";
import type { NamedFlow, NamedFlows } from "../family/flow_sweep.ts";
import type { NetworkRules } from "../family/network_mail.ts";
import type { FamilyNetwork } from "./family_network.ts";
import { idOf } from "./flow_owners.ts";
import type { FamilyNetworks } from "./family_networks.ts";
import type { Family } from "../family/family.ts";

/** All that members' words change in the rules of their families. */
export interface FamilyRules extends NetworkRules {
  /** From now on the flow's frames go to this process. */
  steer(family: Family, flow: ListedFlow, pid: number): void;
  readonly named: NamedFlows;
}

/** The rules of the families in `networks`; what the kernel refuses is logged. */
export function familyRules(networks: FamilyNetworks, log: Log): FamilyRules {
  const change = (family: Family, work: (network: FamilyNetwork) => void): void => {
    const network = networks.of(family);
    try {
      if (network !== undefined) work(network);
    } catch (error) {
      log(`${family.name}: ${describeError(error)}`);
    }
  };
  return {
    acceptors: (family, protocol, port, acceptors, flows) =>
      change(family, (network) => network.setAcceptors(protocol, port, acceptors, flows)),
    addresses: (family, addresses) => change(family, (network) => network.addresses.set(addresses)),
    covers: (family, flow) => networks.of(family)?.covers(flow) ?? false,
    steer: (family, flow, pid) => change(family, (network) => network.setOwner(flow, pid)),
    named: {
      of: (family) => networks.of(family)?.named() ?? [],
      idOf,
      forget: (family, flows) => change(family, (network) => forget(network, flows)),
    },
    leader: (family) => networks.of(family)?.leader,
  };
}

function forget(network: FamilyNetwork, flows: readonly NamedFlow[]): void {
  const ended = new Set(flows.map(({ id, pid }) => `${pid} ${id}`));
  network.forget(network.named().filter(({ id, pid }) => ended.has(`${pid} ${id}`)));
}
