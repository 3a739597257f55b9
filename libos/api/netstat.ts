// What the network has counted since boot, with Linux's names (/proc/net/dev, /proc/net/snmp, /proc/net/netstat). libos/net/counters.ts
// and libos/net/tcp/counters.ts say what each counts, where the name does not.
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

/** Of IPv4, or of IPv6 (/proc/net/snmp6: Ip6…). */
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

/** Of TCP: the Tcp line of /proc/net/snmp. */
@final
export class TcpCounters {
  ActiveOpens: u64 = 0;
  PassiveOpens: u64 = 0;
  AttemptFails: u64 = 0;
  EstabResets: u64 = 0;
  CurrEstab: u64 = 0;
  InSegs: u64 = 0;
  OutSegs: u64 = 0;
  RetransSegs: u64 = 0;
  InErrs: u64 = 0;
  OutRsts: u64 = 0;
  InCsumErrors: u64 = 0;
}

/** Of TCP: what there is here of the TcpExt line of /proc/net/netstat. */
@final
export class TcpExtendedCounters {
  SyncookiesSent: u64 = 0;
  SyncookiesRecv: u64 = 0;
  SyncookiesFailed: u64 = 0;
  TW: u64 = 0;
  TWRecycled: u64 = 0;
  TCPTimeWaitOverflow: u64 = 0;
  PAWSEstab: u64 = 0;
  DelayedACKs: u64 = 0;
  ListenOverflows: u64 = 0;
  ListenDrops: u64 = 0;
  TCPReqQFullDoCookies: u64 = 0;
  TCPRenoRecovery: u64 = 0;
  TCPSackRecovery: u64 = 0;
  TCPFullUndo: u64 = 0;
  TCPLossUndo: u64 = 0;
  TCPFastRetrans: u64 = 0;
  TCPSlowStartRetrans: u64 = 0;
  TCPLostRetransmit: u64 = 0;
  TCPSynRetrans: u64 = 0;
  TCPTimeouts: u64 = 0;
  TCPLossProbes: u64 = 0;
  TCPLossProbeRecovery: u64 = 0;
  TCPDSACKOldSent: u64 = 0;
  TCPDSACKOfoSent: u64 = 0;
  TCPDSACKRecv: u64 = 0;
  TCPOFOQueue: u64 = 0;
  TCPOFODrop: u64 = 0;
  TCPAbortOnData: u64 = 0;
  TCPAbortOnClose: u64 = 0;
  TCPAbortOnTimeout: u64 = 0;
  TCPAbortOnMemory: u64 = 0;
  TCPChallengeACK: u64 = 0;
  TCPSYNChallenge: u64 = 0;
  TCPKeepAlive: u64 = 0;
  TCPWinProbe: u64 = 0;
}

const ETH0: u32 = 0;
const LO: u32 = 1;
const IP: u32 = 2;
const ICMP: u32 = 3;
const UDP: u32 = 4;
const ARP: u32 = 5;
const TCP: u32 = 6;
const TCP_EXTENDED: u32 = 7;
const IP6: u32 = 8;

/** Fills `counters` with those of "eth0" or "lo". 0, or -1 with ENODEV. */
export function interfaceCounters(name: string, counters: InterfaceCounters): i32 {
  const group = name == "eth0" ? ETH0 : name == "lo" ? LO : u32.MAX_VALUE;
  return conclude(errno, posix.net_counters(group, changetype<usize>(counters)));
}

/** Fills `counters`. Returns 0; so do the next six. */
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

export function tcpCounters(counters: TcpCounters): i32 {
  return conclude(errno, posix.net_counters(TCP, changetype<usize>(counters)));
}

export function tcpExtendedCounters(counters: TcpExtendedCounters): i32 {
  return conclude(errno, posix.net_counters(TCP_EXTENDED, changetype<usize>(counters)));
}

/** Those of IPv6. */
export function ip6Counters(counters: IpCounters): i32 {
  return conclude(errno, posix.net_counters(IP6, changetype<usize>(counters)));
}
