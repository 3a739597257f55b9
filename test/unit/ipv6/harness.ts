// The TCP harness with IPv6 switched on, and UDP. Addresses are those of 16 bytes in memory.
import { COUNTERS_IP6, countersOf } from "../../../libos/net/counters";
import { interfaceLinkChanged } from "../../../libos/net/interface";
import { IpAddress } from "../../../libos/net/ip/address";
import { addressParse } from "../../../libos/net/ip/text";
import { ipv6Follow, ipv6Lead } from "../../../libos/net/ipv6/autoconfiguration";
import { ipv6IsLocal } from "../../../libos/net/ipv6/addresses";
import { ipv6Option } from "../../../libos/net/ipv6/configuration";
import { ipv6NameServer, ipv6SearchListLength } from "../../../libos/net/ipv6/name_servers";
import { ipv6PathMtu } from "../../../libos/net/ipv6/output";
import { tcpBind, tcpConnect, tcpLocalAddress, tcpRemoteAddress, tcpSocketCreate } from "../../../libos/net/tcp/api";
import { TcpSocket } from "../../../libos/net/tcp/socket";
import { transportRegister } from "../../../libos/net/transport";
import { UDP_PEER_SIZE, UdpPeer, udpIcmpError, udpInput, udpReceiveFrom } from "../../../libos/net/udp/input";
import { udpPoll, udpSendTo } from "../../../libos/net/udp/output";
import { UdpSocket, udpBind, udpClose, udpConnect, udpSocketCreate, udpTakeError } from "../../../libos/net/udp/socket";
import { IPPROTO_UDP } from "../../../libos/net/wire/ipv4";

export * from "../tcp/harness";

const peer = changetype<UdpPeer>(memory.data(UDP_PEER_SIZE, 8));

/** Switches IPv6 on as the option at `text` says, and lets the carrier come. */
export function startIpv6(text: usize, length: u32, now: u64): i32 {
  transportRegister(IPPROTO_UDP, udpInput.index, udpIcmpError.index, udpPoll.index);
  const result = ipv6Option(text, length);
  interfaceLinkChanged(now);
  return result;
}

/** Counter `index` of IPv6, in the order of IpCounters. */
export function ip6Counter(index: u32): u32 {
  return <u32>load<u64>(countersOf(COUNTERS_IP6) + (index << 3));
}

export function setOnly6(s: TcpSocket): void {
  s.only6 = true;
}

/** What a socket asks of its IPv6 headers; `hopLimit` is one more than the value, 0 = the default. */
export function askDatagrams(socket: UdpSocket, trafficClass: u8, hopLimit: u16): void {
  socket.settings.trafficClass = trafficClass;
  socket.settings.hopLimit = hopLimit;
}

export function udpReceive(socket: UdpSocket, target: usize, count: u32): i32 {
  return udpReceiveFrom(socket, target, count, peer);
}

/** Address of the sender of the datagram that was received last. */
export function udpSender(): IpAddress {
  return peer.address;
}

export {
  addressParse,
  interfaceLinkChanged,
  ipv6Follow,
  ipv6IsLocal,
  ipv6Lead,
  ipv6NameServer,
  ipv6SearchListLength,
  ipv6PathMtu,
  tcpBind,
  tcpConnect,
  tcpLocalAddress,
  tcpRemoteAddress,
  tcpSocketCreate,
  udpBind,
  udpClose,
  udpConnect,
  udpSendTo,
  udpSocketCreate,
  udpTakeError,
};
