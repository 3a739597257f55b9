// The guest's rings of messages as calls, on pages that the test also uses as forkd.
import { MESSAGE_RING_BYTES, MessageRing } from "../../../kernel/fork/message_ring";

const PAGE: usize = 4096;
const pages = memory.data(45056, 16);
const out = changetype<MessageRing>(memory.data(offsetof<MessageRing>(), 8));
const incoming = changetype<MessageRing>(memory.data(offsetof<MessageRing>(), 8));
const around = memory.data(4096, 8);
/** Where the test leaves what is to be sent. */
export const text: usize = memory.data(4096, 8);

/** Makes the mailbox as the kernel lays it out; where it is. */
export function init(): usize {
  const block = (pages + PAGE - 1) & ~(PAGE - 1);
  memory.fill(block, 0, PAGE);
  out.init(block, block + PAGE);
  incoming.init(block + 8, block + PAGE + MESSAGE_RING_BYTES);
  return block;
}

/** Sends `length` bytes of the text in two pieces: -1 without room, else whether forkd has to be told. */
export function send(type: u32, flags: u32, pid: i32, length: u32, first: u32): i32 {
  if (!out.begin(type, flags, pid, length)) return -1;
  out.put(text, first);
  out.put(text + first, length - first);
  return out.end() ? 1 : 0;
}

export function next(): i32 {
  return incoming.next();
}

export function type(): u32 {
  return incoming.type();
}

export function flags(): u32 {
  return incoming.flags();
}

export function pid(): i32 {
  return incoming.pid();
}

export function length(): u32 {
  return incoming.length();
}

export function payload(): usize {
  return incoming.payload(around);
}

export function consume(size: u32): bool {
  return incoming.consume(size);
}
