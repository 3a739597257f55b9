// Whom the resolver asks, and what it puts behind names. The command line comes first, then what the DHCP server says:
//   nameserver=10.0.2.3,10.0.2.4   up to three; without it those of ip=…,dns= or of DHCP's option 6
//   search=example.org,example.com   without it DHCP's option 119 (RFC 3397), or else the one domain of option 15
import { TextSpan, commandLineOption } from "../../../kernel/command_line";
import { indexOfByte, ipv4FromText } from "../address_text";
import { DomainSearch, dhcpDomainSearch } from "../dhcp/domain_search";
import { networkNameServer, networkUsesDhcp } from "../network";
import { dnsNameRead, dnsNameSkip } from "../wire/dns";
import { nameFromText } from "./name";

/** Servers that are asked, and domains that are tried. */
const SERVERS_MAXIMUM: u32 = 3;
export const SEARCH_MAXIMUM: u32 = 6;

const COMMA: u8 = 0x2c;
const SPACE: u8 = 0x20;

const option = changetype<TextSpan>(memory.data(8, 4));

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

/** Server `index` (0 …) in host order; 0 = no more. */
export function serverAt(index: u32): u32 {
  if (!commandLineOption("nameserver", option)) return networkNameServer(index);
  if (index >= SERVERS_MAXIMUM || !takePart(index, COMMA)) return 0;
  return <u32>max<i64>(ipv4FromText(option.address, option.length), 0);
}

/** How many servers there are. */
export function serverCount(): u32 {
  let count: u32 = 0;
  while (serverAt(count) != 0) count++;
  return count;
}

/** Writes domain `index` (0 …) of the search list in wire form to DNS_NAME_MAXIMUM bytes; its bytes, 0 = no more. */
export function searchDomain(index: u32, target: usize): u32 {
  if (index >= SEARCH_MAXIMUM) return 0;
  if (commandLineOption("search", option)) {
    return takePart(index, COMMA) ? nameFromText(option.address, option.length, target) : 0;
  }
  const given = dhcpDomainSearch();
  if (!networkUsesDhcp() || given.length == 0) return 0;
  if (given.isList) return listedDomain(given, index, target);
  option.address = given.address;
  option.length = given.length;
  return takePart(index, SPACE) ? nameFromText(option.address, option.length, target) : 0;
}

/** Option 119: names one behind the other, compressed as in a message that begins with the option. */
function listedDomain(given: DomainSearch, index: u32, target: usize): u32 {
  let at: u32 = 0;
  for (; index != 0; index--) {
    at = dnsNameSkip(given.address, given.length, at);
    if (at == 0) return 0;
  }
  const length = dnsNameRead(given.address, given.length, at, target);
  return length > 1 ? length : 0;
}
