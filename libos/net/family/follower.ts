// Who speaks for the family's addresses. All processes of a family have the same Ethernet and IP addresses; one, the leader, keeps the lease,
// answers who asks for them on the link, and tells the others what changes (addresses.ts). The others follow: they use the
// addresses and say nothing of them. The first process leads; forkd names the next when it has ended.
import { familyAddress } from "../../../kernel/optional/with_fork";
import { interfaceAddress } from "../addresses";
import { conflictForget } from "../arp/conflict";
import { dhcpFollow, dhcpLead } from "../dhcp/client";
import { ipv6Follow, ipv6Lead } from "../ipv6/autoconfiguration";
import { addressesForked, addressesTell, networkAddressesChanged } from "./addresses";
import { flowPagesForget } from "./flow_list";
import { listenersForked, listenersTell } from "./listeners";

let following: bool = false;

/** Whether another process speaks for our addresses. */
export function isFollower(): bool {
  return following;
}

/** In the child of a fork. */
export function followerForked(): void {
  addressesForked();
  flowPagesForget();
  listenersForked();
  following = true;
  conflictForget();
  dhcpFollow();
  ipv6Follow();
}

/** Export, by libos/optional/with_fork_network.ts. */
export function networkFollows(_now: u64): bool {
  listenersTell();
  if (following) familyAddress(interfaceAddress());
  return following;
}

/** forkd has made this process the leader. */
export function followerLeads(now: u64): void {
  if (following) {
    following = false;
    dhcpLead(now);
    ipv6Lead(now);
  }
  networkAddressesChanged(); // forkd asks for it, too, when it begins anew
  addressesTell();
}
