// What members say of the network (family/network_mail.ts), as changes of their family's rules in the kernel.
import { describeError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import type { NetworkRules } from "../family/network_mail.ts";
import type { FamilyNetwork } from "./family_network.ts";
import type { FamilyNetworks } from "./family_networks.ts";
import type { Family } from "../family/family.ts";

/** The rules of the families in `networks`; what the kernel refuses is logged. */
export function familyRules(networks: FamilyNetworks, log: Log): NetworkRules {
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
    leader: (family) => networks.of(family)?.leader,
  };
}
