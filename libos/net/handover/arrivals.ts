// States on their way to us (MESSAGE_STATE), put together piece by piece beside the socket that will get them. Who sends them is a process of the
// family, which may have gone wrong: every length and offset is checked here, the block's contents in block_check.ts before anything uses them.
import { EINVAL, ENOMEM } from "../../../kernel/errno";
import { FORKD, MESSAGE_LAST, MESSAGE_READY } from "../../../kernel/fork/mailbox";
import { pageAlloc, pagesFree, PAGE_SIZE } from "../../../kernel/memory/pages";
import { NEVER } from "../../../kernel/time/clock";
import { ipGathers } from "../ip/routing";
import { rangeListAlloc, rangeListFree, RANGE_LIST_MAX } from "../tcp/range_list";
import { RETRANSMISSION_LOG_MAX, retransmissionLogAlloc, retransmissionLogFree } from "../tcp/retransmission_log";
import { RingBuffer, ringExtend, ringFree, ringReserve } from "../tcp/ring_buffer";
import { MARKS_SIZE, NO_SOCKET, TcpSocket } from "../tcp/socket";
import { INHERITED } from "../tcp/state";
import { blockIsSound } from "./block_check";
import { FLOW, flowRead, flowSocket, flowsEqual } from "./flow";
import { claimFails } from "./inherited";
import { stateInstall } from "./install";
import { noteSendValue } from "./notes";
import { recipientListener, recipientOffers, recipientRefusal } from "./recipient";
import {
  BLOCK,
  BLOCK_AGAIN,
  BLOCK_EARLY,
  BLOCK_EXTENT,
  BLOCK_FIELDS,
  BLOCK_QUEUED,
  BLOCK_RECEIVED,
  BLOCK_REPORTED,
  BLOCK_STATE,
  BLOCK_WORDS,
  FIELDS,
  OWN_FIELDS,
  REASON_OFFERED,
  STATE_AGAIN,
  STATE_BLOCK,
  STATE_EARLY,
  STATE_HEADER,
  STATE_KINDS,
  STATE_QUEUED,
  STATE_RECEIVED,
  STATE_REPORTED,
} from "./state_layout";

/** More than any ring holds. */
const RING_MAX: u32 = 16777216;

/** One that is under way: at the start of a page, in which the block follows. */
@unmanaged
@final
class Arrival {
  next: usize;
  from: i32;
  reason: u32;
  /** What comes next. */
  kind: u32;
  offset: u32;
}

// Of the page: the flow, the block's words, and a connection block that is no socket, for what has come.
const NAME: usize = 64;
const WORDS: usize = NAME + <usize>FLOW;
const DRAFT: usize = 256;

let first: usize = 0;

function nameOf(arrival: Arrival): usize {
  return changetype<usize>(arrival) + NAME;
}

function draftOf(arrival: Arrival): TcpSocket {
  return changetype<TcpSocket>(changetype<usize>(arrival) + DRAFT);
}

function word(arrival: Arrival, which: usize): u32 {
  return load<u32>(changetype<usize>(arrival) + WORDS + which);
}

function find(flow: usize): Arrival {
  let at = first;
  while (at != 0 && !flowsEqual(at + NAME, flow)) at = changetype<Arrival>(at).next;
  return changetype<Arrival>(at);
}

/** In the child of a fork: what comes is for its parent. */
export function arrivalsForked(): void {
  while (first != 0) drop(changetype<Arrival>(first));
}

/** The state of `flow` will not come to its end. */
export function arrivalForget(flow: usize): void {
  const arrival = find(flow);
  if (changetype<usize>(arrival) != 0) drop(arrival);
}

/** Gives back all that belongs to no socket yet. */
function drop(arrival: Arrival): void {
  if (first == changetype<usize>(arrival)) {
    first = arrival.next;
  } else {
    let before = changetype<Arrival>(first);
    while (before.next != changetype<usize>(arrival)) before = changetype<Arrival>(before.next);
    before.next = arrival.next;
  }
  const draft = draftOf(arrival);
  if (draft.outOfOrder != 0) rangeListFree(draft.outOfOrder);
  if (draft.scoreboard != 0) rangeListFree(draft.scoreboard);
  retransmissionLogFree(draft);
  ringFree(draft.sendBuffer);
  ringFree(draft.receiveBuffer);
  pagesFree(changetype<usize>(arrival), 0);
}

/** Tells forkd how it has ended; of a failure also the application that wants the connection. */
function answer(flow: usize, result: u32): void {
  noteSendValue(MESSAGE_READY, FORKD, flow, result);
  if (result != 0) claimFails(flow, result);
}

/** A piece of a state from process `from`. */
export function stateArrives(payload: usize, length: u32, flags: u32, from: i32, now: u64): void {
  if (length < STATE_HEADER) return;
  const kind = load<u32>(payload + FLOW, 4);
  const offset = load<u32>(payload + FLOW, 8);
  const last = (flags & MESSAGE_LAST) != 0;
  const owned = flowSocket(payload);
  if (owned != NO_SOCKET && owned.state != INHERITED) {
    if (last) answer(payload, 0); // it has come before: forkd, which has begun anew since, does not know it
    return;
  }
  if (kind == STATE_BLOCK && offset == 0) begin(payload, from);
  const arrival = find(payload);
  if (changetype<usize>(arrival) == 0 || arrival.from != from) return;
  let result: u32 = EINVAL;
  if (kind == arrival.kind && offset == arrival.offset) {
    result = take(arrival, payload + STATE_HEADER, length - STATE_HEADER);
    if (result == 0 && last != arrival.kind > STATE_KINDS) result = EINVAL;
  }
  if (result == 0 && !last) return;
  if (result == 0) result = finish(arrival, now);
  answer(payload, result);
  if (result == 0 && arrival.reason == REASON_OFFERED) recipientOffers(payload);
  drop(arrival);
}

/** Begins an arrival if there is who can get it, else answers why not. */
function begin(payload: usize, from: i32): void {
  arrivalForget(payload);
  const reason = load<u32>(payload + FLOW);
  const refused = recipientRefusal(payload, reason);
  const page = refused != 0 ? 0 : pageAlloc();
  if (page == 0) {
    answer(payload, refused != 0 ? refused : ENOMEM);
    return;
  }
  memory.fill(page, 0, PAGE_SIZE);
  const arrival = changetype<Arrival>(page);
  arrival.next = first;
  first = page;
  memory.copy(page + NAME, payload, FLOW);
  arrival.from = from;
  arrival.reason = reason;
  arrival.kind = STATE_BLOCK;
}

/** Takes `count` bytes that come next: 0, or an errno. */
function take(arrival: Arrival, bytes: usize, count: u32): u32 {
  const draft = draftOf(arrival);
  if (arrival.kind == STATE_BLOCK) {
    const result = count == BLOCK ? takeBlock(arrival, bytes) : EINVAL;
    if (result != 0) return result;
    arrival.offset = BLOCK;
  } else {
    if (count == 0 || count > expected(arrival) - arrival.offset) return EINVAL;
    if (arrival.kind == STATE_RECEIVED) place(draft.receiveBuffer, arrival.offset, bytes, count);
    else if (arrival.kind == STATE_QUEUED) place(draft.sendBuffer, arrival.offset, bytes, count);
    else if (count != expected(arrival)) return EINVAL;
    else if (!takeList(draft, arrival.kind, bytes, count)) return ENOMEM;
    arrival.offset += count;
  }
  while (arrival.kind <= STATE_KINDS && arrival.offset == expected(arrival)) {
    arrival.kind += 1;
    arrival.offset = 0;
  }
  return 0;
}

/** Puts bytes into a ring that begins at its memory's start, and has room. */
function place(ring: RingBuffer, offset: u32, bytes: usize, count: u32): void {
  memory.copy(ring.address + offset, bytes, count);
}

/** Bytes of the kind that is under way, as the block has announced them. */
function expected(arrival: Arrival): u32 {
  switch (arrival.kind) {
    case STATE_BLOCK:
      return BLOCK;
    case STATE_EARLY:
      return word(arrival, BLOCK_EARLY);
    case STATE_REPORTED:
      return word(arrival, BLOCK_REPORTED);
    case STATE_AGAIN:
      return word(arrival, BLOCK_AGAIN);
    case STATE_RECEIVED:
      return word(arrival, BLOCK_EXTENT);
    case STATE_QUEUED:
      return word(arrival, BLOCK_QUEUED);
    default:
      return u32.MAX_VALUE;
  }
}

function takeBlock(arrival: Arrival, bytes: usize): u32 {
  memory.copy(changetype<usize>(arrival) + WORDS, bytes, BLOCK_WORDS);
  const queued = word(arrival, BLOCK_QUEUED);
  const extent = word(arrival, BLOCK_EXTENT);
  const received = word(arrival, BLOCK_RECEIVED);
  if (word(arrival, BLOCK_FIELDS) != FIELDS || received > extent || extent > RING_MAX || queued > RING_MAX)
    return EINVAL;
  const lists = max(word(arrival, BLOCK_EARLY), word(arrival, BLOCK_REPORTED));
  if (lists > RANGE_LIST_MAX || word(arrival, BLOCK_AGAIN) > RETRANSMISSION_LOG_MAX) return EINVAL;
  const draft = draftOf(arrival);
  const fields = bytes + BLOCK_WORDS;
  memory.copy(changetype<usize>(draft) + OWN_FIELDS, fields + OWN_FIELDS, FIELDS - OWN_FIELDS);
  const sent = changetype<TcpSocket>(fields);
  draft.settings.copy(sent.settings);
  draft.receiveScale = sent.receiveScale;
  draft.sendScale = sent.sendScale;
  memory.copy(draft.transmitMarks, fields + FIELDS, MARKS_SIZE);
  forget(draft);
  flowRead(draft, nameOf(arrival));
  draft.sendBuffer.toBeSent = ipGathers(draft.remote);
  if (queued != 0 && !ringReserve(draft.sendBuffer, queued, 0)) return ENOMEM;
  if (extent != 0 && !ringReserve(draft.receiveBuffer, extent, 0)) return ENOMEM;
  ringExtend(draft.sendBuffer, queued);
  ringExtend(draft.receiveBuffer, received);
  return 0;
}

/** What means something only where the block came from. */
function forget(draft: TcpSocket): void {
  draft.outOfOrder = 0;
  draft.scoreboard = 0;
  draft.retransmissionLog = 0;
  draft.portNext = 0;
  draft.flowEntry = 0;
  draft.listener = 0;
  draft.backlog = 0;
  draft.acceptCount = 0;
  draft.halfOpenCount = 0;
  draft.accepts = 0;
  draft.handing = 0;
  draft.armedDeadline = NEVER;
}

/** False without memory. */
function takeList(draft: TcpSocket, kind: u32, bytes: usize, count: u32): bool {
  const list = kind == STATE_AGAIN ? retransmissionLogAlloc() : rangeListAlloc();
  if (list == 0) return false;
  memory.copy(list, bytes, count);
  if (kind == STATE_EARLY) draft.outOfOrder = list;
  else if (kind == STATE_REPORTED) draft.scoreboard = list;
  else draft.retransmissionLog = list;
  return true;
}

/** All has come: 0 when the connection lives on here, else an errno. */
function finish(arrival: Arrival, now: u64): u32 {
  const draft = draftOf(arrival);
  const early = word(arrival, BLOCK_EXTENT) - word(arrival, BLOCK_RECEIVED);
  const lists = word(arrival, BLOCK_EARLY) | (word(arrival, BLOCK_REPORTED) << 16);
  if (!blockIsSound(draft, word(arrival, BLOCK_STATE), early, lists, word(arrival, BLOCK_AGAIN))) return EINVAL;
  draft.state = <u8>word(arrival, BLOCK_STATE);
  const listener = arrival.reason == REASON_OFFERED ? recipientListener(nameOf(arrival)) : NO_SOCKET;
  return stateInstall(draft, flowSocket(nameOf(arrival)), listener, now);
}
