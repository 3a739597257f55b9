// What TCP counts, with Linux's names: the Tcp line of /proc/net/snmp, and of the TcpExt line of /proc/net/netstat what there is
// here. On the way of every segment there is one addition. libos/api/netstat.ts shows the same structures to apps.

/** The Tcp line. */
@unmanaged
@final
export class TcpCounters {
  activeOpens: u64;
  passiveOpens: u64;
  /** Openings that came to nothing. */
  attemptFails: u64;
  /** Connections that a reset has ended, ours or the peer's. */
  estabResets: u64;
  /** Connections in ESTABLISHED and CLOSE-WAIT: a gauge, taken when it is read. */
  currEstab: u64;
  inSegs: u64;
  /** Segments sent, resets included; what the device cuts counts as what it is cut into. */
  outSegs: u64;
  retransSegs: u64;
  inErrs: u64;
  outRsts: u64;
  inCsumErrors: u64;
}

/** Of the TcpExt line. */
@unmanaged
@final
export class TcpExtendedCounters {
  /** SYN cookies: sent, come back, and acknowledgments that were none (syn_cookie.ts). */
  syncookiesSent: u64;
  syncookiesRecv: u64;
  syncookiesFailed: u64;
  /** Connections that have left TIME_WAIT by time, and that a new one replaced there or that had to make room. */
  tw: u64;
  twRecycled: u64;
  tcpTimeWaitOverflow: u64;
  /** Segments that a timestamp shows to be old. */
  pawsEstab: u64;
  delayedAcks: u64;
  /** SYNs and last ACKs of handshakes that found the accept queue full; those and what found no memory. */
  listenOverflows: u64;
  listenDrops: u64;
  /** SYNs answered with a cookie because there were too many half-open connections. */
  tcpReqQFullDoCookies: u64;
  /** Recoveries begun, without and with SACK; what a late echo has undone, of those and of time-outs. */
  tcpRenoRecovery: u64;
  tcpSackRecovery: u64;
  tcpFullUndo: u64;
  tcpLossUndo: u64;
  /** Segments sent again, in recovery and after a time-out; retransmissions that were lost; SYNs and SYN-ACKs sent again. */
  tcpFastRetrans: u64;
  tcpSlowStartRetrans: u64;
  tcpLostRetransmit: u64;
  tcpSynRetrans: u64;
  tcpTimeouts: u64;
  tcpLossProbes: u64;
  tcpLossProbeRecovery: u64;
  tcpDsackOldSent: u64;
  tcpDsackOfoSent: u64;
  tcpDsackRecv: u64;
  /** Segments that came ahead of a gap, and those of them for which there was no room. */
  tcpOfoQueue: u64;
  tcpOfoDrop: u64;
  /** Connections that we have reset or given up: text for a closed socket or SO_LINGER of 0, unread text at close, no answer. */
  tcpAbortOnData: u64;
  tcpAbortOnClose: u64;
  tcpAbortOnTimeout: u64;
  /** Connections that were reset when they were closed, because there were too many such (orphans.ts). */
  tcpAbortOnMemory: u64;
  tcpChallengeAck: u64;
  tcpSynChallenge: u64;
  tcpKeepAlive: u64;
  tcpWinProbe: u64;
}

export const tcpCounters = changetype<TcpCounters>(memory.data(88, 8));
export const tcpExtendedCounters = changetype<TcpExtendedCounters>(memory.data(280, 8));
