// The command line's option for IPv6:
//   ip6=auto                           what the link gives (the default)
//   ip6=fd00::20/64,gateway=fe80::1    an address besides that; the gateway may be left out
//   ip6=off                            none
import { EINVAL } from "../../../kernel/errno";
import { bytesEqualText } from "../../../kernel/text";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { addressParse, prefixParse } from "../ip/text";
import { ipv6Configure, ipv6Enable } from "./autoconfiguration";

const GATEWAY: u32 = 8; // bytes of "gateway="

const address = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const gateway = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** True for an address that one host can have and others can send to. */
function isHost(candidate: IpAddress): bool {
  return !candidate.isAny() && !candidate.isMulticast() && !candidate.isLoopback() && !candidate.isIpv4();
}

/** Switches IPv6 on as the option's value, `length` bytes at `text`, says. 0, or -EINVAL when it is not as described above. */
export function ipv6Option(text: usize, length: u32): i32 {
  if (bytesEqualText(text, length, "off")) return 0;
  if (!bytesEqualText(text, length, "auto")) {
    let comma: u32 = 0;
    while (comma < length && load<u8>(text + comma) != 0x2c) comma++;
    const bits = prefixParse(text, comma, address);
    if (bits < 0 || !isHost(address)) return -EINVAL;
    gateway.clear();
    if (comma < length) {
      const setting = text + comma + 1;
      const size = length - comma - 1;
      if (size <= GATEWAY || !bytesEqualText(setting, GATEWAY, "gateway=")) return -EINVAL;
      if (!addressParse(setting + GATEWAY, size - GATEWAY, gateway) || !isHost(gateway)) return -EINVAL;
    }
    ipv6Configure(address, <u8>bits, gateway);
  }
  ipv6Enable();
  return 0;
}
