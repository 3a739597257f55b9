// Whom the resolver asks, and what it puts behind names. The command line comes first, then what the DHCP server says, then what
// routers say (RFC 8106):
//   nameserver=10.0.2.3,fd00::53   up to three; without it those of ip=…,dns= or of DHCP's option 6, then those of routers
//   search=example.org,example.com   without it DHCP's option 119 (RFC 3397), or else the one domain of option 15; then routers'
import { TextSpan, commandLineOption } from "../../../kernel/command_line";
import { monotonicNow } from "../../../kernel/time/clock";
import { indexOfByte, ipv4FromText } from "../address_text";
import { dhcpDomainSearch } from "../dhcp/domain_search";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { addressParse } from "../ip/text";
import { ipv6NameServer, ipv6SearchList, ipv6SearchListLength } from "../ipv6/name_servers";
import { networkNameServer, networkUsesDhcp } from "../network";
import { dnsNameRead, dnsNameSkip } from "../wire/dns";
import { nameFromText } from "./name";

/** Servers that are asked, and domains that are tried. */
const SERVERS_MAXIMUM: u32 = 3;
export const SEARCH_MAXIMUM: u32 = 6;

const COMMA: u8 = 0x2c;
const SPACE: u8 = 0x20;

const option = changetype<TextSpan>(memory.data(8, 4));
const scratch = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Cuts part `index` out of the list in `option`; false when it has not so many. */
function takePart(index: u32, separator: u8): bool {
  while (true) {
    const length = indexOfByte(option.address, option.length, separator);
    if (index == 0) {
      option.length = length;
      return length != 0;
    }
    if (length == option.length) return false;
    option.address += length + 1;
    option.length -= length + 1;
    index -= 1;
  }
}

/** Stores server `index` (0 …) at `server`; false = no more. */
export function serverAt(index: u32, server: IpAddress): bool {
  if (commandLineOption("nameserver", option)) return configuredServer(index, server);
  let others: u32 = 0;
  for (let address = networkNameServer(others); address != 0; address = networkNameServer(++others)) {
    if (others != index) continue;
    server.setIpv4(address);
    return true;
  }
  const told = ipv6NameServer(index - others, monotonicNow());
  if (changetype<usize>(told) == 0) return false;
  server.copy(told);
  return true;
}

function configuredServer(index: u32, server: IpAddress): bool {
  if (index >= SERVERS_MAXIMUM || !takePart(index, COMMA)) return false;
  const address = ipv4FromText(option.address, option.length);
  if (address <= 0) return addressParse(option.address, option.length, server);
  server.setIpv4(<u32>address);
  return true;
}

/** How many servers there are. */
export function serverCount(): u32 {
  let count: u32 = 0;
  while (serverAt(count, scratch)) count++;
  return count;
}

/** Writes domain `index` (0 …) of the search list in wire form to DNS_NAME_MAXIMUM bytes; its bytes, 0 = no more. */
export function searchDomain(index: u32, target: usize): u32 {
  if (index >= SEARCH_MAXIMUM) return 0;
  if (commandLineOption("search", option)) {
    return takePart(index, COMMA) ? nameFromText(option.address, option.length, target) : 0;
  }
  let others: u32 = 0;
  for (let length = leasedDomain(others, target); length != 0; length = leasedDomain(++others, target)) {
    if (others == index) return length;
  }
  return listedDomain(ipv6SearchList(), ipv6SearchListLength(monotonicNow()), index - others, target);
}

/** Domain `index` of the DHCP server's. */
function leasedDomain(index: u32, target: usize): u32 {
  const given = dhcpDomainSearch();
  if (!networkUsesDhcp() || given.length == 0) return 0;
  if (given.isList) return listedDomain(given.address, given.length, index, target);
  option.address = given.address;
  option.length = given.length;
  return takePart(index, SPACE) ? nameFromText(option.address, option.length, target) : 0;
}

/**
 * Name `index` of the `size` bytes at `list`: names one behind the other, in option 119 compressed as in a message that begins with
 * the option, in a router's option padded with empty ones.
 */
function listedDomain(list: usize, size: u32, index: u32, target: usize): u32 {
  let at: u32 = 0;
  for (; index != 0; index--) {
    at = dnsNameSkip(list, size, at);
    if (at == 0) return 0;
  }
  const length = at < size ? dnsNameRead(list, size, at, target) : 0;
  return length > 1 ? length : 0;
}
