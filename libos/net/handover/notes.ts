// Short messages about a connection that no socket of ours has to remember: answers, and releases of what is gone already. They wait here, in
// order, while the mailbox has no room. Without memory for that one is lost; who waits for it hears of our end at the latest.
import { mailboxBegin, mailboxEnd, mailboxPut } from "../../../kernel/fork/mailbox";
import { Slab, slabInit } from "../../../kernel/memory/slab";
import { flowPagesTell, flowPagesTold } from "../family/flow_list";
import { FLOW } from "./flow";

@unmanaged
@final
class Note {
  next: usize;
  type: u32;
  pid: i32;
  /** Bytes of the payload: the flow, with or without `value` behind it. */
  length: u32;
  // The payload: 40 bytes and `value`, side by side.
  private flow0: u64;
  private flow1: u64;
  private flow2: u64;
  private flow3: u64;
  private flow4: u64;
  value: u32;

  get payload(): usize {
    return changetype<usize>(this) + offsetof<Note>("flow0");
  }
}

const slab = changetype<Slab>(memory.data(24, 8));
let first: usize = 0;
let last: usize = 0;

/** In the child of a fork: what its parent had to say. */
export function notesForked(): void {
  while (first != 0) drop();
}

/** Sends a message that consists of a flow. */
export function noteSend(type: u32, pid: i32, flow: usize): void {
  put(type, pid, flow, 0, FLOW);
}

/** Sends a message that consists of a flow and a number. */
export function noteSendValue(type: u32, pid: i32, flow: usize, value: u32): void {
  put(type, pid, flow, value, FLOW + 4);
}

function put(type: u32, pid: i32, flow: usize, value: u32, length: u32): void {
  if (notesFlush() && mailboxBegin(type, 0, pid, length)) {
    store<u32>(word, value);
    mailboxPut(flow, FLOW);
    mailboxPut(word, length - FLOW);
    mailboxEnd();
  } else {
    keep(type, pid, flow, value, length);
  }
}

const word = memory.data(4, 4);

function keep(type: u32, pid: i32, flow: usize, value: u32, length: u32): void {
  if (slab.objectSize == 0) slabInit(slab, <u32>offsetof<Note>());
  const note = changetype<Note>(slab.alloc());
  if (changetype<usize>(note) == 0) return;
  note.next = 0;
  note.type = type;
  note.pid = pid;
  note.length = length;
  note.value = value;
  memory.copy(note.payload, flow, FLOW);
  if (first == 0) first = changetype<usize>(note);
  else changetype<Note>(last).next = changetype<usize>(note);
  last = changetype<usize>(note);
}

function drop(): void {
  const note = first;
  first = changetype<Note>(note).next;
  slab.free(note);
}

/** Whether nothing waits. */
export function allNoted(): bool {
  return first == 0;
}

/** Sends what waits; false when the mailbox has no room for all, or for the pages where forkd looks what they are about. */
export function notesFlush(): bool {
  flowPagesTell();
  if (!flowPagesTold()) return false;
  while (first != 0) {
    const note = changetype<Note>(first);
    if (!mailboxBegin(note.type, 0, note.pid, note.length)) return false;
    mailboxPut(note.payload, note.length);
    mailboxEnd();
    drop();
  }
  return true;
}
