// The domains that a DHCP server wants tried behind short names, as it sent them: the resolver reads them, if there is one.
import { DHCP_OPTION_DOMAIN_NAME, DHCP_OPTION_DOMAIN_SEARCH, dhcpOptionCopy } from "../wire/dhcp";

/** Bytes of the longest list that is kept. */
export const DOMAIN_SEARCH_MAXIMUM: u32 = 1024;

/** The contents of an option. */
@unmanaged
@final
export class DomainSearch {
  address: usize;
  /** 0 = the server sent none. */
  length: u32;
  /** Option 119: names in wire form (RFC 3397). Otherwise option 15: one name as text. */
  isList: bool;
}

const present = changetype<DomainSearch>(memory.data(12, 4));

/** With a resolver: see libos/optional/with_resolve.ts. */
export function domainSearchTake(message: usize, length: u32, target: usize): void {
  present.address = target;
  present.length = dhcpOptionCopy(message, length, DHCP_OPTION_DOMAIN_SEARCH, target, DOMAIN_SEARCH_MAXIMUM);
  present.isList = present.length != 0;
  if (present.isList) present.length = min(present.length, DOMAIN_SEARCH_MAXIMUM);
  else
    present.length = min(dhcpOptionCopy(message, length, DHCP_OPTION_DOMAIN_NAME, target, DOMAIN_SEARCH_MAXIMUM), 255);
}

/** What the server of the present lease sent. */
export function dhcpDomainSearch(): DomainSearch {
  return present;
}
