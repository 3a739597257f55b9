// The owner's part of a hand-over: the order to hand (MESSAGE_HAND), the state's way out, and how it ends – the other has it (MESSAGE_MOVED), or
// it is ours for good (MESSAGE_SOLE).
import { EBUSY, ECONNRESET, ENOMEM } from "../../../kernel/errno";
import {
  FORKD,
  MESSAGE_LAST,
  MESSAGE_REFUSE,
  MESSAGE_RELEASE,
  MESSAGE_STATE,
  mailboxBegin,
  mailboxEnd,
  mailboxPut,
} from "../../../kernel/fork/mailbox";
import { flowHold, flowRemoved } from "../family/flow_list";
import { CLAIMING, DETACHED, HANDING, LEFT, OFFERED, RELEASED, SHARED, TOLD, USED } from "../tcp/flags";
import { acceptQueueRemove } from "../tcp/listen";
import { outputNow } from "../tcp/output";
import { ringCapacity, RingBuffer } from "../tcp/ring_buffer";
import { MARKS_SIZE, NO_SOCKET, TcpSocket } from "../tcp/socket";
import { INHERITED, isSynchronized } from "../tcp/state";
import { FLOW, flowSocket, flowWrite, scratch } from "./flow";
import {
  Handing,
  NO_HANDING,
  handingBegin,
  handingFirst,
  handingNext,
  handingOf,
  handingRestart,
  handingUndo,
} from "./handing";
import { connectionEmpty } from "./inherited";
import { noteSend, noteSendValue } from "./notes";
import { connectionEnd, connectionReset, connectionWaits } from "./release";
import {
  BLOCK_WORDS,
  FIELDS,
  REASON_CLAIMED,
  REASON_OFFERED,
  STATE_AGAIN,
  STATE_BLOCK,
  STATE_EARLY,
  STATE_HEADER,
  STATE_KINDS,
  STATE_PIECE,
  STATE_RECEIVED,
  STATE_REPORTED,
  blockWords,
  stateBytes,
} from "./state_layout";
import { connectionTell } from "./tell";

/** Behind the connection in SOLE: somebody may take it yet. */
const STILL_OFFERED: u32 = 1;

/** How long what still comes for a connection that has moved is sent after it, ns. */
const FORWARDING: u64 = 1_000_000_000;

/** forkd orders a connection to be handed over. */
export function handArrives(payload: usize, length: u32): void {
  if (length < FLOW + 8) return;
  const pid = load<i32>(payload + FLOW);
  const reason = load<u32>(payload + FLOW, 4);
  const s = flowSocket(payload);
  if (s != NO_SOCKET && (s.sharing & HANDING) != 0) {
    handingRestart(handingOf(s), pid); // whoever was to get it has gone, or could not take it
  } else {
    const refused = refusal(s, reason);
    if (refused != 0) noteSendValue(MESSAGE_REFUSE, pid, payload, refused);
    else if (!handingBegin(s, pid, reason)) noteSendValue(MESSAGE_REFUSE, pid, payload, ENOMEM);
    else acceptQueueRemove(s);
  }
  statesSend();
}

/** Why `s` is not handed over, 0 when it is. */
function refusal(s: TcpSocket, reason: u32): u32 {
  if (s == NO_SOCKET) return ECONNRESET;
  if (s.state == INHERITED) return EBUSY;
  if (s.has(DETACHED) || !isSynchronized(s.state)) return ECONNRESET; // it ends as nobody's, or has not begun
  if (reason == REASON_OFFERED && (s.sharing & OFFERED) == 0) return EBUSY; // accepted meanwhile
  const kept = (s.sharing & (USED | RELEASED | OFFERED)) == USED;
  return reason == REASON_CLAIMED && kept ? EBUSY : 0;
}

/** Sends what is to be sent of all states; false when the mailbox has no room for it. */
export function statesSend(): bool {
  for (let handing = handingFirst(); handing != NO_HANDING; handing = handingNext(handing)) {
    if (!handing.sent && !stateSend(handing)) return false;
  }
  return true;
}

function stateSend(handing: Handing): bool {
  const s = changetype<TcpSocket>(handing.socket);
  while (!handing.sent) {
    const count = min(stateBytes(s, handing.kind) - handing.offset, STATE_PIECE);
    const next = kindAfter(s, handing, count);
    if (!mailboxBegin(MESSAGE_STATE, next == 0 ? MESSAGE_LAST : 0, handing.pid, STATE_HEADER + count)) return false;
    flowWrite(s, scratch);
    store<u32>(scratch + FLOW, handing.reason);
    store<u32>(scratch + FLOW, handing.kind, 4);
    store<u32>(scratch + FLOW, handing.offset, 8);
    mailboxPut(scratch, STATE_HEADER);
    putPiece(s, handing, count);
    mailboxEnd();
    handing.offset = next == handing.kind ? handing.offset + count : 0;
    handing.kind = next;
    handing.sent = next == 0;
  }
  return true;
}

/** The kind that the piece after the next `count` bytes is of; 0 when that is the last. */
function kindAfter(s: TcpSocket, handing: Handing, count: u32): u32 {
  let kind = handing.kind;
  if (handing.offset + count != stateBytes(s, kind)) return kind;
  do {
    kind += 1;
  } while (kind <= STATE_KINDS && stateBytes(s, kind) == 0);
  return kind <= STATE_KINDS ? kind : 0;
}

function putPiece(s: TcpSocket, handing: Handing, count: u32): void {
  const kind = handing.kind;
  if (kind == STATE_BLOCK) {
    blockWords(s, handing.state, scratch);
    mailboxPut(scratch, BLOCK_WORDS);
    mailboxPut(changetype<usize>(s), FIELDS);
    mailboxPut(s.transmitMarks, <u32>MARKS_SIZE);
  } else if (kind == STATE_EARLY) {
    mailboxPut(s.outOfOrder, count);
  } else if (kind == STATE_REPORTED) {
    mailboxPut(s.scoreboard, count);
  } else if (kind == STATE_AGAIN) {
    mailboxPut(s.retransmissionLog, count);
  } else {
    putRing(kind == STATE_RECEIVED ? s.receiveBuffer : s.sendBuffer, handing.offset, count);
  }
}

/** Puts `count` bytes from `offset` bytes behind the ring's start. */
function putRing(ring: RingBuffer, offset: u32, count: u32): void {
  const capacity = ringCapacity(ring);
  const at = (ring.start + offset) & (capacity - 1);
  const before = min(count, capacity - at);
  mailboxPut(ring.address + at, before);
  mailboxPut(ring.address, count - before);
}

/** The other process has the connection, and its frames go there. */
export function movedArrives(payload: usize, length: u32, now: u64): void {
  if (length < FLOW) return;
  const s = flowSocket(payload);
  if (s == NO_SOCKET || (s.sharing & HANDING) == 0) return;
  connectionEmpty(s);
  if ((s.sharing & (RELEASED | OFFERED)) != 0) {
    const told = (s.sharing & TOLD) != 0;
    flowRemoved(s);
    s.sharing = LEFT;
    if (!told) noteSend(MESSAGE_RELEASE, FORKD, payload); // closed while it was on its way
  } else {
    s.sharing = SHARED | (s.sharing & CLAIMING);
    flowHold(s, 1);
    connectionTell(s);
  }
  s.lifeDeadline = now + FORWARDING;
  outputNow(s, now); // arms the timer
}

/** Nobody else has the connection, or nobody could take it. */
export function soleArrives(payload: usize, length: u32, now: u64): void {
  if (length < FLOW) return;
  const s = flowSocket(payload);
  if (s == NO_SOCKET) return;
  const told = (s.sharing & TOLD) != 0;
  if ((s.sharing & HANDING) != 0) handingUndo(s, now);
  if (s.state == INHERITED || (s.sharing & (RELEASED | OFFERED)) == 0) return;
  const goesOn = length >= FLOW + 4 && load<u32>(payload + FLOW) == STILL_OFFERED;
  if (!told)
    connectionTell(s); // closed while it was on its way: others may still want it
  else if (!goesOn || (s.sharing & OFFERED) == 0) connectionEnd(s, now);
  else if (!connectionWaits(s)) connectionReset(s, now);
}
