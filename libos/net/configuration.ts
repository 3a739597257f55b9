// The command line's network option:
//   ip=dhcp                                                      a lease (the default)
//   ip=10.0.2.20/24,gateway=10.0.2.2,dns=10.0.2.3,dns=10.0.2.4   a static address; all but the first part may be left out
//   ip=off                                                       the loopback only
import { EINVAL } from "../../kernel/errno";
import { bytesEqualText, parseDecimal } from "../../kernel/text";
import { indexOfByte, ipv4FromText } from "./address_text";
import { ipv4IsUnicast } from "./wire/ipv4";

export const NETWORK_DHCP: u32 = 0;
export const NETWORK_STATIC: u32 = 1;
export const NETWORK_OFF: u32 = 2;

/** Name servers that can be given. */
const STATIC_NAME_SERVERS: u32 = 3;

/** Bytes of a NetworkConfiguration, for static instances. */
export const NETWORK_CONFIGURATION_SIZE: i32 = 32;

/** What the option says. Addresses in host order. */
@unmanaged
@final
export class NetworkConfiguration {
  /** NETWORK_DHCP, NETWORK_STATIC or NETWORK_OFF. */
  mode: u32;
  address: u32;
  prefixLength: u32;
  /** 0 = none. */
  gateway: u32;
  nameServerCount: u32;
  nameServer0: u32;
  nameServer1: u32;
  nameServer2: u32;
}

/** Parses a dotted quad of a host; 0 when it is anything else. */
function parseHostAddress(text: usize, length: u32): u32 {
  const address = ipv4FromText(text, length);
  return address >= 0 && ipv4IsUnicast(<u32>address) ? <u32>address : 0;
}

function parseAddress(configuration: NetworkConfiguration, text: usize, length: u32): i32 {
  const slash = indexOfByte(text, length, 0x2f);
  if (slash == length) return -EINVAL;
  const prefix = parseDecimal(text + slash + 1, length - slash - 1);
  configuration.address = parseHostAddress(text, slash);
  configuration.prefixLength = <u32>prefix;
  return configuration.address != 0 && prefix >= 1 && prefix <= 32 ? 0 : -EINVAL;
}

function parseSetting(configuration: NetworkConfiguration, text: usize, length: u32): i32 {
  const equals = indexOfByte(text, length, 0x3d);
  const address = equals < length ? parseHostAddress(text + equals + 1, length - equals - 1) : 0;
  if (address == 0) return -EINVAL;
  if (bytesEqualText(text, equals, "gateway")) {
    configuration.gateway = address;
    return 0;
  }
  const index = configuration.nameServerCount;
  if (!bytesEqualText(text, equals, "dns") || index == STATIC_NAME_SERVERS) return -EINVAL;
  store<u32>(changetype<usize>(configuration) + offsetof<NetworkConfiguration>("nameServer0") + (index << 2), address);
  configuration.nameServerCount = index + 1;
  return 0;
}

/** Parses the option's value, `length` bytes at `text`. 0, or -EINVAL when it is not as described above. */
export function configurationParse(configuration: NetworkConfiguration, text: usize, length: u32): i32 {
  memory.fill(changetype<usize>(configuration), 0, NETWORK_CONFIGURATION_SIZE);
  if (bytesEqualText(text, length, "dhcp")) return 0;
  if (bytesEqualText(text, length, "off")) {
    configuration.mode = NETWORK_OFF;
    return 0;
  }
  configuration.mode = NETWORK_STATIC;
  let end = indexOfByte(text, length, 0x2c);
  let result = parseAddress(configuration, text, end);
  while (result == 0 && end < length) {
    text += end + 1;
    length -= end + 1;
    end = indexOfByte(text, length, 0x2c);
    result = parseSetting(configuration, text, end);
  }
  return result;
}
