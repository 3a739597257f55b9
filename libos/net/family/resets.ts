// The end of connections whose process has died without a word (MESSAGE_RESET). Nobody knows their sequence numbers any more, but their peers do: a
// SYN in a connection is answered with a challenge ACK (RFC 5961, section 4), and that, which belongs to no connection here, with
// a reset that the peer believes (RFC 9293, 3.10.7.1). So a peer that only listens hears of the end at once. What we still had of such a connection,
// a descriptor since a fork or the way after the dead process, ends first, or the challenge would not be a stranger's.
import { randomU32 } from "../../../kernel/random";
import { IpAddress } from "../ip/address";
import { inheritedLost } from "../handover/inherited";
import { TCP_ENDPOINT_SIZE, TcpEndpoint } from "../tcp/endpoint";
import { controlSend } from "../tcp/control_segment";
import { NO_ENDPOINT, tableFind } from "../tcp/table";
import { IPPROTO_TCP } from "../wire/ipv4";
import { TCP_SYN } from "../wire/tcp";
import { FLOW_SIZE } from "./flow_list";

const end = changetype<TcpEndpoint>(memory.data(TCP_ENDPOINT_SIZE, 8));

/** Provokes the peers of the flows in [payload, payload + length), entries of flow_list.ts. What has no room is lost, as a frame may be. */
export function resetsProvoke(payload: usize, length: u32, now: u64): void {
  for (let at: u32 = 0; at + FLOW_SIZE <= length; at += FLOW_SIZE) provoke(payload + at, now);
}

function provoke(flow: usize, now: u64): void {
  end.remote.copy(changetype<IpAddress>(flow));
  end.local.copy(changetype<IpAddress>(flow + 16));
  end.remotePort = load<u16>(flow, 32);
  end.localPort = load<u16>(flow, 34);
  if (load<u8>(flow, 36) != IPPROTO_TCP) return;
  inheritedLost(flow);
  // It has come to us meanwhile.
  if (tableFind(end.local, end.localPort, end.remote, end.remotePort) != NO_ENDPOINT) return;
  controlSend(end, randomU32(), 0, TCP_SYN, 0, 0, 0, 0, now);
}
