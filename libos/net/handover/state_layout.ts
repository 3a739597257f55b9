// The state of a connection as messages (MESSAGE_STATE): a flow, u32 reason, u32 kind, u32 offset, and bytes of that kind from the offset on. Kinds come
// in the order of their numbers, those without bytes not at all; the last message has the flag MESSAGE_LAST.
//   1  the connection block: eight words – the bytes of its fields, its TCP state, bytes of the kinds 6, 5 (of those in order, and in all), 2, 3,
//      4 –, the fields as they are in memory (the processes of a family run the same image, so they have one layout), and the marks of sending
//   2  text received ahead of a gap, 3 what the peer has reported beyond one: range lists
//   4  what was sent again
//   5  the receive ring from its first byte on, as far as text lies in it, with what is missing in between
//   6  the send ring
// Clocks are not translated: the monotonic time of all domains of a host is the same.
import { TcpEndpoint } from "../tcp/endpoint";
import { rangeEnd, rangeListBytes, rangesOf } from "../tcp/range_list";
import { retransmissionLogBytes } from "../tcp/retransmission_log";
import { MARKS_SIZE, TcpSocket } from "../tcp/socket";
import { FLOW } from "./flow";

export const STATE_BLOCK: u32 = 1;
export const STATE_EARLY: u32 = 2;
export const STATE_REPORTED: u32 = 3;
export const STATE_AGAIN: u32 = 4;
export const STATE_RECEIVED: u32 = 5;
export const STATE_QUEUED: u32 = 6;
export const STATE_KINDS: u32 = 6;

/** Why a connection is handed over: it was claimed, released, or offered by a listener that closes. */
export const REASON_CLAIMED: u32 = 0;
export const REASON_RELEASED: u32 = 1;
export const REASON_OFFERED: u32 = 2;

/** Bytes before those of the kind, and of these at most in one message. */
export const STATE_HEADER: u32 = FLOW + 12;
export const STATE_PIECE: u32 = 4096 - STATE_HEADER;

// The block's words.
export const BLOCK_FIELDS: usize = 0;
export const BLOCK_STATE: usize = 4;
export const BLOCK_QUEUED: usize = 8;
export const BLOCK_RECEIVED: usize = 12;
export const BLOCK_EXTENT: usize = 16;
export const BLOCK_EARLY: usize = 20;
export const BLOCK_REPORTED: usize = 24;
export const BLOCK_AGAIN: usize = 28;
export const BLOCK_WORDS: u32 = 32;

/** Bytes of the fields, those of the endpoint included. */
export const FIELDS: u32 = <u32>offsetof<TcpSocket>();
/** Where the fields begin that are a connection's alone. */
export const OWN_FIELDS: usize = offsetof<TcpEndpoint>();
export const BLOCK: u32 = BLOCK_WORDS + FIELDS + <u32>MARKS_SIZE;

/** Bytes in the receive ring up to the last that has come, gaps included. */
function receivedExtent(s: TcpSocket): u32 {
  const held = s.receiveBuffer.length;
  if (s.outOfOrder == 0) return held;
  return held + rangeEnd(s.outOfOrder, rangesOf(s.outOfOrder) - 1) - s.receiveNext;
}

/** Bytes of a kind of `s`. */
export function stateBytes(s: TcpSocket, kind: u32): u32 {
  switch (kind) {
    case STATE_BLOCK:
      return BLOCK;
    case STATE_EARLY:
      return s.outOfOrder == 0 ? 0 : rangeListBytes(s.outOfOrder);
    case STATE_REPORTED:
      return s.scoreboard == 0 ? 0 : rangeListBytes(s.scoreboard);
    case STATE_AGAIN:
      return retransmissionLogBytes(s);
    case STATE_RECEIVED:
      return receivedExtent(s);
    case STATE_QUEUED:
      return s.sendBuffer.length;
    default:
      return 0;
  }
}

/** The block's words for `s`, whose own state is `state`. */
export function blockWords(s: TcpSocket, state: u8, at: usize): void {
  store<u32>(at + BLOCK_FIELDS, FIELDS);
  store<u32>(at + BLOCK_STATE, state);
  store<u32>(at + BLOCK_QUEUED, stateBytes(s, STATE_QUEUED));
  store<u32>(at + BLOCK_RECEIVED, s.receiveBuffer.length);
  store<u32>(at + BLOCK_EXTENT, stateBytes(s, STATE_RECEIVED));
  store<u32>(at + BLOCK_EARLY, stateBytes(s, STATE_EARLY));
  store<u32>(at + BLOCK_REPORTED, stateBytes(s, STATE_REPORTED));
  store<u32>(at + BLOCK_AGAIN, stateBytes(s, STATE_AGAIN));
}
