// The mailbox: how the processes of a family talk, beyond fork and signals. forkd takes what a process sends out of one ring and puts
// it into another's; so who a message is from is forkd's word. Pages of the kernel, which a child gets a copy of: forkd empties
// it before the child runs. Laid out as
//   page 0: u32 indices – out producer, out consumer, in producer, in consumer; 4 pages: out; 4 pages: in
// An event on forkd's channel, either way, says that there is something to read, or room again.
//
// Sending never waits, and neither does taking in: nobody who waits for room keeps anyone else from making some.
import { eventChannelNotify } from "../event_channel";
import { log } from "../log";
import { PAGE_SHIFT, PAGE_SIZE, pagesAlloc, pagesFree } from "../memory/pages";
import { familyMessage, familyRoom } from "../optional/with_fork";
import { forkDescriptor } from "./descriptor";
import { MESSAGE_LARGEST, MESSAGE_RING_BYTES, MessageRing } from "./message_ring";
import { forkPort, forkServed } from "./offer";

/** To this pid: forkd itself. */
export const FORKD: i32 = 0;
/** The last message of its series. */
export const MESSAGE_LAST: u32 = 1;

/** Types of messages. FLOW is where a connection is named (docs/fork.md, "The mailbox"). */
export const MESSAGE_CLAIM: u32 = 1;
export const MESSAGE_REFUSE: u32 = 2;
export const MESSAGE_RELEASE: u32 = 4;
export const MESSAGE_HAND: u32 = 5;
export const MESSAGE_SOLE: u32 = 6;
export const MESSAGE_STATE: u32 = 7;
export const MESSAGE_FRAME: u32 = 8;
export const MESSAGE_MOVED: u32 = 9;
export const MESSAGE_LISTENING: u32 = 10;
export const MESSAGE_LEAD: u32 = 11;
export const MESSAGE_ADDRESSES: u32 = 12;
export const MESSAGE_DOORBELL: u32 = 13;
export const MESSAGE_FLOW_PAGE: u32 = 14;
export const MESSAGE_RESET: u32 = 15;
export const MESSAGE_READY: u32 = 16;
export const MESSAGE_OFFER: u32 = 17;
export const MESSAGE_TAKEN: u32 = 18;

/** The block: header, two rings and a page for a message that goes round its ring's end, of 16 pages. */
const ORDER: u32 = 4;
const USED: u32 = 10;
const IN_INDICES: usize = 8;

const out = changetype<MessageRing>(memory.data(offsetof<MessageRing>(), 8));
const incoming = changetype<MessageRing>(memory.data(offsetof<MessageRing>(), 8));
let around: usize = 0;
/** Somebody has found no room. */
let wanted = false;
/** forkd has written what cannot be. */
let broken = false;

/** Makes the mailbox and tells where it is; false without memory. */
export function mailboxInit(): bool {
  const block = pagesAlloc(ORDER);
  if (block == 0) return false;
  // The rest of the block goes back: 10 and 11, 12 to 15.
  pagesFree(block + ((<usize>USED) << PAGE_SHIFT), 1);
  pagesFree(block + (12 << PAGE_SHIFT), 2);
  memory.fill(block, 0, PAGE_SIZE);
  out.init(block, block + PAGE_SIZE);
  incoming.init(block + IN_INDICES, block + PAGE_SIZE + MESSAGE_RING_BYTES);
  around = block + PAGE_SIZE + 2 * MESSAGE_RING_BYTES;
  forkDescriptor().mailbox = <u32>block;
  return true;
}

/** In the child of a fork, whose rings are empty: nobody waits for room. */
export function mailboxForked(): void {
  wanted = false;
  broken = false;
}

/**
 * Begins a message to process `pid` of the family, or to FORKD, of `length` ≤ 4096 bytes. If that is true, mailboxPut() its
 * pieces, `length` bytes in all, then mailboxEnd(), with nothing in between. False when there is no room, or no forkd: then familyRoom()
 * (libos/process/messages.ts) will be called when it is worth another try.
 */
export function mailboxBegin(type: u32, flags: u32, pid: i32, length: u32): bool {
  if (forkServed() && !broken && out.begin(type, flags, pid, length)) return true;
  wanted = true;
  return false;
}

/** Puts a piece of the payload. */
export function mailboxPut(source: usize, length: u32): void {
  out.put(source, length);
}

/** Sends the message. */
export function mailboxEnd(): void {
  if (out.end()) eventChannelNotify(forkPort());
}

/** Sends a message whose payload is in one piece; false as mailboxBegin(). */
export function mailboxSend(type: u32, flags: u32, pid: i32, source: usize, length: u32): bool {
  if (!mailboxBegin(type, flags, pid, length)) return false;
  mailboxPut(source, length);
  mailboxEnd();
  return true;
}

/** Export, by kernel/optional/with_fork.ts: on each event from forkd. Kernel work: does not block. */
export function mailboxTake(): void {
  if (around == 0 || broken) return;
  let tell = false;
  let size = incoming.next();
  for (; size > 0; size = incoming.next()) {
    familyMessage(incoming.type(), incoming.flags(), incoming.pid(), incoming.payload(around), incoming.length());
    if (incoming.consume(size)) tell = true;
  }
  if (tell) eventChannelNotify(forkPort());
  if (size < 0) {
    broken = true;
    log("fork").text("the mailbox holds what cannot be, and is not used any more").end();
    return;
  }
  if (!wanted || !forkServed() || out.free() < MESSAGE_LARGEST) return;
  wanted = false;
  familyRoom();
}
