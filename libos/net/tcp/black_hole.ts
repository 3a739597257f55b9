// Black holes of the path MTU: a path that drops large packets and says nothing, because some router on it sends no ICMP or
// a firewall drops them (RFC 2923, 2.1). When text of more than a packet is sent again and again in vain, smaller packets
// are tried, as in RFC 4821 without its probes upwards: what is found stands in the path MTU cache, for all connections to
// that host, and is forgotten there after ten minutes, so that a wider path is found again.
// If small packets do not get through either it was not their size, and nothing is kept.
import { PATH_MTU_MINIMUM, pathMtuForget, pathMtuLower } from "../ip/path_mtu";
import { IPV4_HEADER } from "../wire/ipv4";
import { TCP_HEADER_SIZE } from "../wire/tcp";
import { R1 } from "./constants";
import { TcpSocket } from "./socket";

/** What every link of IPv6 carries, and tunnels over IPv4 do: tried first. The least that the cache believes is tried next. */
const USUAL: u32 = 1280;

/** Time-outs in a row at which each is tried, and at which both have failed. An outage is often over before the second. */
const USUAL_AT: u32 = R1;
const LEAST_AT: u32 = R1 + 3;
const FAILED_AT: u32 = R1 + 5;

/** The retransmission timer has expired for text, `s.retransmissions` times in a row. */
export function blackHoleSuspect(s: TcpSocket, now: u64): void {
  const packet = s.sendMax - s.sendUnacknowledged + TCP_HEADER_SIZE + IPV4_HEADER; // were it sent in one
  if (s.retransmissions == USUAL_AT && packet > USUAL) pathMtuLower(s.remote, USUAL, now);
  else if (s.retransmissions == LEAST_AT && packet > PATH_MTU_MINIMUM) pathMtuLower(s.remote, PATH_MTU_MINIMUM, now);
  else if (s.retransmissions == FAILED_AT && packet > PATH_MTU_MINIMUM) pathMtuForget(s.remote);
}
