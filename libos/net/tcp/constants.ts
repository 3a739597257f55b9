// Times, sizes and limits of TCP in one place. Times are nanoseconds unless the name says otherwise.

const MILLISECOND: u64 = 1000000;
const SECOND: u64 = 1000000000;

/** RFC 6298, 2.1: the retransmission time-out before the first measurement. */
export const RTO_INITIAL: u64 = 1000000000;
/** Lower bound. RFC 6298, 2.4 recommends 1 s for coarse clocks; ours is fine-grained, so the customary 200 ms. */
export const RTO_MIN: u64 = 200000000;
/** RFC 6298, 2.5: at least 60 s. */
export const RTO_MAX: u64 = 60000000000;
/** RFC 6298, 5.7: after the SYN itself had to be retransmitted. */
export const RTO_AFTER_SYN_LOSS: u64 = 3000000000;

/** R1 of RFC 9293, 3.8.3: retransmissions after which IP and the application are told (RFC 9293 SHLD-10). */
export const R1: u32 = 3;
/** R2 of RFC 9293, 3.8.3 for data: at least 100 s (RFC 9293 SHLD-11); enough for several sendings at the longest time-out. */
export const R2_DATA: u64 = 300 * SECOND;
/** R2 for what nobody holds any more, also behind a window that stays closed. */
export const R2_ORPHAN: u64 = 100 * SECOND;
/** … and when the memory that it holds is needed. */
export const R2_ORPHAN_TIGHT: u64 = 2 * SECOND;
/** R2 for SYN: at least 3 minutes (RFC 9293 MUST-23). */
export const R2_SYN: u64 = 180 * SECOND;

/** RFC 9293 MUST-40: below 0.5 s. */
export const DELAYED_ACK: u64 = 40 * MILLISECOND;
/** What the application holds back (TCP_CORK, MSG_MORE) goes after this time: as on Linux. */
export const CORK_MAX: u64 = 200 * MILLISECOND;
/** 2 MSL, with an MSL of 30 s. */
export const TIME_WAIT_DURATION: u64 = 60 * SECOND;
/** How long a socket that nobody holds waits for the peer's FIN. */
export const FIN_WAIT_2_DURATION: u64 = 60 * SECOND;
/** Retransmissions of a SYN-ACK before the half-open connection is forgotten: 1 + 2 + 4 + 8 + 16 + 32 s. */
export const SYN_ACK_RETRIES: u8 = 5;

/** RFC 9293 MUST-28: two hours. */
export const KEEP_ALIVE_IDLE: u64 = 7200 * SECOND;
export const KEEP_ALIVE_INTERVAL: u64 = 75 * SECOND;
export const KEEP_ALIVE_COUNT: u32 = 9;

/** RFC 9293 MUST-15: what a peer that does not say takes, over IPv4 and over IPv6. */
export const MSS_DEFAULT: u32 = 536;
export const MSS_DEFAULT_IPV6: u32 = 1220;
/** A smaller MSS from a peer is not honoured: it would make us send mostly headers (CVE-2019-11479). */
export const MSS_MIN: u32 = 88;
/** The largest that TCP_MAXSEG takes: as on Linux. */
export const SEGMENT_SIZE_MAX: u32 = 32767;
/** Segments up to this size, TCP header included, are copied into their frame (FRAME_COPIED_MAXIMUM, less the lower headers). */
export const SEGMENT_COPIED_MAXIMUM: u32 = 1994;
/** The shift count offered: windows up to 8 MiB, so up to RECEIVE_BUFFER_MAX, with a grain of 128 bytes. */
export const WINDOW_SCALE: u8 = 7;
/** The largest window without scaling. */
export const WINDOW_UNSCALED: u32 = 65535;

/** Bounds of SO_SNDBUF and SO_RCVBUF, bytes. */
export const BUFFER_MIN: u32 = 4096;
export const BUFFER_MAX: u32 = 1048576;
/** Where buffers begin, and how far they grow by themselves (auto_tuning.ts), bytes. */
export const SEND_BUFFER_DEFAULT: u32 = 262144;
export const SEND_BUFFER_MAX: u32 = 2097152;
export const RECEIVE_BUFFER_DEFAULT: u32 = 65536;
export const RECEIVE_BUFFER_MAX: u32 = 4194304;

/** Half-open connections of all listeners together. */
export const HALF_OPEN_MAX: u32 = 256;
/** Remembered connections in TIME_WAIT; beyond it the oldest goes early. */
export const TIME_WAIT_MAX: u32 = 1024;
/** Longest accept queue a listener can ask for. */
export const BACKLOG_MAX: u32 = 1024;
/** RFC 5961, 7: challenge ACKs per second, all connections together. */
export const CHALLENGE_ACKS_PER_SECOND: u32 = 100;

/** RFC 6928: initial window in segments, bounded in bytes. */
export const INITIAL_WINDOW_SEGMENTS: u32 = 10;
export const INITIAL_WINDOW_BYTES: u32 = 14600;
/** RFC 5681, 3.2. */
export const DUPLICATE_ACK_THRESHOLD: u32 = 3;
/** RFC 7323, 5.5: a remembered timestamp older than 24 days is not compared with. */
export const TIMESTAMP_LIFETIME: u64 = 24 * 86400 * SECOND;
