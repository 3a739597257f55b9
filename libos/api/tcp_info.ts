// struct tcp_info of linux/tcp.h up to tcpi_min_rtt: what TCP_INFO tells of a connection. Times are µs and last_… ms ago; what is
// counted without "bytes" in its name is segments. libos/net/tcp/info.ts says where something differs from Linux.
import { IPPROTO_TCP, TCP_INFO } from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

@final
export class tcp_info {
  /** TCP_ESTABLISHED = 1, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING. */
  tcpi_state: u8 = 0;
  /** 0 open, 1 disorder, 3 recovery, 4 loss. */
  tcpi_ca_state: u8 = 0;
  tcpi_retransmits: u8 = 0;
  tcpi_probes: u8 = 0;
  tcpi_backoff: u8 = 0;
  /** 1 timestamps, 2 SACK, 4 window scale. */
  tcpi_options: u8 = 0;
  /** Low half of windows that come in, high half of those that go out. */
  tcpi_wscale: u8 = 0;
  tcpi_flags: u8 = 0;
  tcpi_rto: u32 = 0;
  tcpi_ato: u32 = 0;
  tcpi_snd_mss: u32 = 0;
  tcpi_rcv_mss: u32 = 0;
  tcpi_unacked: u32 = 0;
  tcpi_sacked: u32 = 0;
  tcpi_lost: u32 = 0;
  tcpi_retrans: u32 = 0;
  tcpi_fackets: u32 = 0;
  tcpi_last_data_sent: u32 = 0;
  tcpi_last_ack_sent: u32 = 0;
  tcpi_last_data_recv: u32 = 0;
  tcpi_last_ack_recv: u32 = 0;
  tcpi_pmtu: u32 = 0;
  tcpi_rcv_ssthresh: u32 = 0;
  tcpi_rtt: u32 = 0;
  tcpi_rttvar: u32 = 0;
  tcpi_snd_ssthresh: u32 = 0;
  tcpi_snd_cwnd: u32 = 0;
  tcpi_advmss: u32 = 0;
  tcpi_reordering: u32 = 0;
  tcpi_rcv_rtt: u32 = 0;
  tcpi_rcv_space: u32 = 0;
  tcpi_total_retrans: u32 = 0;
  tcpi_pacing_rate: u64 = 0;
  tcpi_max_pacing_rate: u64 = 0;
  tcpi_bytes_acked: u64 = 0;
  tcpi_bytes_received: u64 = 0;
  tcpi_segs_out: u32 = 0;
  tcpi_segs_in: u32 = 0;
  tcpi_notsent_bytes: u32 = 0;
  tcpi_min_rtt: u32 = 0;
}

/** Fills `info` for the TCP socket `fd`. 0, or -1. */
export function getTcpInfo(fd: i32, info: tcp_info): i32 {
  const size = offsetof<tcp_info>();
  const length = conclude(errno, posix.getsockopt(fd, IPPROTO_TCP, TCP_INFO, changetype<usize>(info), <u32>size));
  return length < 0 ? -1 : 0;
}
