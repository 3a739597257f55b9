// The bits of TcpSocket.flags: what the application has chosen, what the handshake has agreed on, what is under way.

/** Bits of TcpSocket.flags. */
export const NODELAY: u32 = 1 << 0;
export const KEEPALIVE: u32 = 1 << 1;
export const REUSEADDR: u32 = 1 << 2;
/** Nobody holds the socket: the stack frees it when the connection is over. */
export const DETACHED: u32 = 1 << 3;
/** Timestamps are in use (RFC 7323). */
export const TIMESTAMPS: u32 = 1 << 4;
/** The peer understands SACK (RFC 2018). */
export const SACK_PERMITTED: u32 = 1 << 5;
/** The peer's and our windows are scaled (RFC 7323). */
export const WINDOW_SCALED: u32 = 1 << 6;
/** An ACK must go out with the next flush. */
export const ACK_NOW: u32 = 1 << 7;
/** The application closed its side: a FIN follows the send ring. */
export const FIN_QUEUED: u32 = 1 << 8;
/** finSequence is known: the peer's FIN came, maybe ahead of missing text. */
export const FIN_KNOWN: u32 = 1 << 9;
/** Fast recovery is under way (RFC 6582). */
export const RECOVERY: u32 = 1 << 10;
/** One segment from sendUnacknowledged must be retransmitted, whatever the window. */
export const RETRANSMIT_FIRST: u32 = 1 << 11;
/** The retransmission timer counts zero-window probes. */
export const PERSIST: u32 = 1 << 12;
/** The next output may send one octet beyond the window, or less than a segment within it. */
export const PROBE: u32 = 1 << 13;
/** A keep-alive probe must go out. */
export const KEEPALIVE_PROBE: u32 = 1 << 14;
/** A round-trip measurement of roundTripSequence is under way. */
export const ROUND_TRIP_TIMED: u32 = 1 << 15;
/** The application will read no more: text is refused. */
export const READ_SHUT: u32 = 1 << 16;
/** tcpSend found no memory; woken when pages are free again. */
export const STARVED: u32 = 1 << 17;
/** The SYN was retransmitted (RFC 6298, 5.7). */
export const SYN_LOST: u32 = 1 << 18;
/** Urgent data up to urgentSequence has not been read (RFC 9293, 3.8.5). */
export const URGENT: u32 = 1 << 19;
/** The local port is the application's own choice, registered in the port list. */
export const BOUND: u32 = 1 << 20;
/** In the demultiplexing table. */
export const HASHED: u32 = 1 << 21;
/** The peer has acknowledged our FIN. */
export const FIN_ACKNOWLEDGED: u32 = 1 << 22;
/** The application is about to queue more: less than a segment waits for it. */
export const MORE_FOLLOWS: u32 = 1 << 23;

/** The retransmission timer will expire for a tail loss probe first (tail_loss.ts). */
export const TAIL_TIMER: u32 = 1 << 24;
/** The next output is the probe. */
export const TAIL_DUE: u32 = 1 << 25;
/** A probe is under way, up to tailProbeEnd … */
export const TAIL_PROBE: u32 = 1 << 26;
/** … and had been sent before. */
export const TAIL_RETRANSMITTED: u32 = 1 << 27;
/** Segments have overtaken each other on this path (rack.ts). */
export const REORDERING: u32 = 1 << 28;
/** What a loss did to the windows can be undone when it turns out to be none (undo.ts). */
export const UNDO: u32 = 1 << 29;
/** A duplicate is to be reported (RFC 2883). */
export const DUPLICATE: u32 = 1 << 30;
/** INHERITED, of a connection that has come by a descriptor: its options are the sender's, but for those that were set here. */
export const FRESH: u32 = 1 << 31;

// Bits of TcpSocket.sharing: what the connection is to a family of processes (libos/net/handover/).
/** It has been there at a fork: others may hold it, too. */
export const SHARED: u8 = 1 << 0;
/** The application has used it since the last fork. */
export const USED: u8 = 1 << 1;
/** INHERITED, and the application wants to use it. */
export const CLAIMING: u8 = 1 << 2;
/** Its last descriptor is closed; it lives on until it is known that nobody else has it. */
export const RELEASED: u8 = 1 << 3;
/** Its listener was closed before anybody accepted it; another process may. */
export const OFFERED: u8 = 1 << 4;
/** On its way to another process: INHERITED, but still whole. */
export const HANDING: u8 = 1 << 5;
/** forkd has been told that it is CLAIMING, RELEASED or OFFERED. */
export const TOLD: u8 = 1 << 6;
/** Nobody here holds it any more, only what still comes for it is sent after it. */
export const LEFT: u8 = 1 << 7;
