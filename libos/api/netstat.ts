// What the network has counted since boot, with Linux's names (/proc/net/dev, /proc/net/snmp). libos/net/counters.ts says what each
// counts, where the name does not.
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** Of an interface. */
@final
export class InterfaceCounters {
  rx_bytes: u64 = 0;
  rx_packets: u64 = 0;
  rx_errors: u64 = 0;
  rx_dropped: u64 = 0;
  multicast: u64 = 0;
  tx_bytes: u64 = 0;
  tx_packets: u64 = 0;
  tx_errors: u64 = 0;
  tx_dropped: u64 = 0;
}

/** Of IPv4. */
@final
export class IpCounters {
  InReceives: u64 = 0;
  InHdrErrors: u64 = 0;
  InAddrErrors: u64 = 0;
  InUnknownProtos: u64 = 0;
  InDelivers: u64 = 0;
  OutRequests: u64 = 0;
  OutDiscards: u64 = 0;
  OutNoRoutes: u64 = 0;
  ReasmReqds: u64 = 0;
  ReasmOKs: u64 = 0;
  FragOKs: u64 = 0;
  FragCreates: u64 = 0;
}

/** Of ICMP. */
@final
export class IcmpCounters {
  InMsgs: u64 = 0;
  InErrors: u64 = 0;
  InDestUnreachs: u64 = 0;
  InTimeExcds: u64 = 0;
  InParmProbs: u64 = 0;
  InEchos: u64 = 0;
  OutMsgs: u64 = 0;
  OutDestUnreachs: u64 = 0;
  OutEchoReps: u64 = 0;
  OutRateLimitGlobal: u64 = 0;
}

/** Of UDP. */
@final
export class UdpCounters {
  InDatagrams: u64 = 0;
  NoPorts: u64 = 0;
  InErrors: u64 = 0;
  OutDatagrams: u64 = 0;
  RcvbufErrors: u64 = 0;
  SndbufErrors: u64 = 0;
  InCsumErrors: u64 = 0;
}

/** Of ARP. */
@final
export class ArpCounters {
  InRequests: u64 = 0;
  InReplies: u64 = 0;
  InErrors: u64 = 0;
  OutRequests: u64 = 0;
  OutReplies: u64 = 0;
}

const ETH0: u32 = 0;
const LO: u32 = 1;
const IP: u32 = 2;
const ICMP: u32 = 3;
const UDP: u32 = 4;
const ARP: u32 = 5;

/** Fills `counters` with those of "eth0" or "lo". 0, or -1 with ENODEV. */
export function interfaceCounters(name: string, counters: InterfaceCounters): i32 {
  const group = name == "eth0" ? ETH0 : name == "lo" ? LO : u32.MAX_VALUE;
  return conclude(errno, posix.net_counters(group, changetype<usize>(counters)));
}

/** Fills `counters`. Returns 0; so do the next three. */
export function ipCounters(counters: IpCounters): i32 {
  return conclude(errno, posix.net_counters(IP, changetype<usize>(counters)));
}

export function icmpCounters(counters: IcmpCounters): i32 {
  return conclude(errno, posix.net_counters(ICMP, changetype<usize>(counters)));
}

export function udpCounters(counters: UdpCounters): i32 {
  return conclude(errno, posix.net_counters(UDP, changetype<usize>(counters)));
}

export function arpCounters(counters: ArpCounters): i32 {
  return conclude(errno, posix.net_counters(ARP, changetype<usize>(counters)));
}
