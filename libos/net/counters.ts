// Counters of the network, with Linux's names (/proc/net/dev, /proc/net/snmp). They count from boot on, cost an addition each, and
// are read whole, a group at a time (countersOf). All are u64, so that none wraps.
// libos/api/netstat.ts shows the same structures to apps. Those of TCP are in tcp/counters.ts.
import { TcpCounters, TcpExtendedCounters, tcpCounters, tcpExtendedCounters } from "./tcp/counters";

/** Of an interface: /proc/net/dev. */
@unmanaged
@final
export class InterfaceCounters {
  rxBytes: u64;
  rxPackets: u64;
  /** Frames that the device marked as bad. */
  rxErrors: u64;
  /** Frames that are nobody's here: another station's, or of an unknown type. */
  rxDropped: u64;
  multicast: u64;
  txBytes: u64;
  txPackets: u64;
  txErrors: u64;
  /** Frames that the device did not take. */
  txDropped: u64;
}

/** Of IPv4: the Ip line of /proc/net/snmp; of IPv6 the Ip6 lines of the same names in /proc/net/snmp6. */
@unmanaged
@final
export class IpCounters {
  inReceives: u64;
  inHdrErrors: u64;
  /** Packets that are not for us, or whose source cannot be a host's. */
  inAddrErrors: u64;
  inUnknownProtos: u64;
  inDelivers: u64;
  outRequests: u64;
  outDiscards: u64;
  outNoRoutes: u64;
  /** Fragments received, and packets made whole of them. */
  reasmReqds: u64;
  reasmOKs: u64;
  fragOKs: u64;
  fragCreates: u64;
}

/** Of ICMP: the Icmp line. */
@unmanaged
@final
export class IcmpCounters {
  inMsgs: u64;
  /** Messages that are too short, or whose checksum is wrong. */
  inErrors: u64;
  inDestUnreachs: u64;
  inTimeExcds: u64;
  inParmProbs: u64;
  inEchos: u64;
  outMsgs: u64;
  outDestUnreachs: u64;
  outEchoReps: u64;
  /** Errors that were not sent, because there were too many. */
  outRateLimitGlobal: u64;
}

/** Of UDP: the Udp line. */
@unmanaged
@final
export class UdpCounters {
  inDatagrams: u64;
  noPorts: u64;
  inErrors: u64;
  outDatagrams: u64;
  /** Datagrams that found a full queue, or no memory. */
  rcvbufErrors: u64;
  sndbufErrors: u64;
  inCsumErrors: u64;
}

/** Of ARP, which has no line in Linux. */
@unmanaged
@final
export class ArpCounters {
  inRequests: u64;
  inReplies: u64;
  inErrors: u64;
  outRequests: u64;
  outReplies: u64;
}

/** The groups, for countersOf(). */
export const COUNTERS_ETH0: u32 = 0;
export const COUNTERS_LO: u32 = 1;
export const COUNTERS_IP: u32 = 2;
export const COUNTERS_ICMP: u32 = 3;
export const COUNTERS_UDP: u32 = 4;
export const COUNTERS_ARP: u32 = 5;
export const COUNTERS_TCP: u32 = 6;
export const COUNTERS_TCP_EXTENDED: u32 = 7;
export const COUNTERS_IP6: u32 = 8;
/** Groups that have their place here. */
const GROUPS: u32 = 6;

/** Room for each group; the largest has twelve counters. */
const GROUP_SIZE: u32 = 96;
const groups = memory.data(576, 8); // GROUPS × GROUP_SIZE

export const eth0Counters = changetype<InterfaceCounters>(groups);
export const loCounters = changetype<InterfaceCounters>(groups + COUNTERS_LO * GROUP_SIZE);
export const ipCounters = changetype<IpCounters>(groups + COUNTERS_IP * GROUP_SIZE);
export const icmpCounters = changetype<IcmpCounters>(groups + COUNTERS_ICMP * GROUP_SIZE);
export const udpCounters = changetype<UdpCounters>(groups + COUNTERS_UDP * GROUP_SIZE);
export const arpCounters = changetype<ArpCounters>(groups + COUNTERS_ARP * GROUP_SIZE);

export const ip6Counters = changetype<IpCounters>(memory.data(96, 8));

/** Address of the counters of `group`, 0 when there is no such group. */
export function countersOf(group: u32): usize {
  if (group == COUNTERS_TCP) return changetype<usize>(tcpCounters);
  if (group == COUNTERS_TCP_EXTENDED) return changetype<usize>(tcpExtendedCounters);
  if (group == COUNTERS_IP6) return changetype<usize>(ip6Counters);
  return group < GROUPS ? groups + group * GROUP_SIZE : 0;
}

/** Bytes of the counters of `group`. */
export function countersSize(group: u32): u32 {
  if (group <= COUNTERS_LO) return <u32>offsetof<InterfaceCounters>();
  if (group == COUNTERS_IP || group == COUNTERS_IP6) return <u32>offsetof<IpCounters>();
  if (group == COUNTERS_ICMP) return <u32>offsetof<IcmpCounters>();
  if (group == COUNTERS_UDP) return <u32>offsetof<UdpCounters>();
  if (group == COUNTERS_TCP) return <u32>offsetof<TcpCounters>();
  if (group == COUNTERS_TCP_EXTENDED) return <u32>offsetof<TcpExtendedCounters>();
  return <u32>offsetof<ArpCounters>();
}
