// Connection states (RFC 9293, 3.3.2) and what each of them allows.

export const CLOSED: u8 = 0;
export const LISTEN: u8 = 1;
export const SYN_SENT: u8 = 2;
export const SYN_RECEIVED: u8 = 3;
export const ESTABLISHED: u8 = 4;
export const FIN_WAIT_1: u8 = 5;
export const FIN_WAIT_2: u8 = 6;
export const CLOSE_WAIT: u8 = 7;
export const CLOSING: u8 = 8;
export const LAST_ACK: u8 = 9;
export const TIME_WAIT: u8 = 10;
/** Not of the RFC: another process of the family has the connection (libos/net/handover/). Nothing is sent or taken here. */
export const INHERITED: u8 = 11;

/** Both sides know each other's initial sequence number. */
export function isSynchronized(state: u8): bool {
  return state >= ESTABLISHED;
}

/** The application may queue data to send (it may not after it closed its side). */
export function acceptsSend(state: u8): bool {
  return state == ESTABLISHED || state == CLOSE_WAIT;
}

/** Text from the peer is taken: its FIN has not come yet. */
export function acceptsText(state: u8): bool {
  return state >= ESTABLISHED && state <= FIN_WAIT_2;
}

/** The peer's FIN has been received. */
export function peerHasFinished(state: u8): bool {
  return state >= CLOSE_WAIT;
}
