// One direction of the mailbox (mailbox.ts): a ring of bytes in memory shared with domain 0, with a writer and a reader. Its indices
// count bytes and run freely; either side stores its own and loads the other's, which it checks. All accesses to indices are
// sequentially consistent: so of a writer that has found no room and a reader that has just made some, one sees the other.
//
// A message is a header – u32 payload length, u16 type, u16 flags, i32 pid, u32 0 – and its payload, padded to 8 bytes. It may go round
// the ring's end.

/** Bytes of a ring, a power of two. */
export const MESSAGE_RING_BYTES: u32 = 16384;
export const MESSAGE_HEADER: u32 = 16;
/** The longest payload. */
export const MESSAGE_PAYLOAD: u32 = 4096;
/** The room that is enough for any message. */
export const MESSAGE_LARGEST: u32 = MESSAGE_HEADER + MESSAGE_PAYLOAD;

const PRODUCER: usize = 0;
const CONSUMER: usize = 4;

/** One ring; each end keeps an object of its own. */
@unmanaged
@final
export class MessageRing {
  /** Where the shared indices stand: u32 producer, u32 consumer. */
  indices: usize;
  bytes: usize;
  /** Of a message that is being written: where its next byte goes, and where the message began. */
  writing: u32;
  written: u32;

  init(indices: usize, bytes: usize): void {
    this.indices = indices;
    this.bytes = bytes;
  }

  get producer(): u32 {
    return atomic.load<u32>(this.indices + PRODUCER);
  }

  get consumer(): u32 {
    return atomic.load<u32>(this.indices + CONSUMER);
  }

  /** Bytes that are not read yet; more than MESSAGE_RING_BYTES when the other side lies. */
  used(): u32 {
    return this.producer - this.consumer;
  }

  /** Bytes that can be written. */
  free(): u32 {
    return MESSAGE_RING_BYTES - min(this.used(), MESSAGE_RING_BYTES);
  }

  /** Begins a message of `length` ≤ MESSAGE_PAYLOAD bytes, to be put() and then ended; false when there is no room. */
  begin(type: u32, flags: u32, pid: i32, length: u32): bool {
    if (this.free() < messageSize(length)) return false;
    this.written = this.producer;
    this.word(0, length);
    this.word(4, (type & 0xffff) | (flags << 16));
    this.word(8, <u32>pid);
    this.word(12, 0);
    this.writing = this.written + MESSAGE_HEADER;
    return true;
  }

  /** Puts a piece of the payload behind those before. */
  put(source: usize, length: u32): void {
    const at = this.writing & (MESSAGE_RING_BYTES - 1);
    const first = min(length, MESSAGE_RING_BYTES - at);
    memory.copy(this.bytes + at, source, first);
    memory.copy(this.bytes, source + first, length - first);
    this.writing += length;
  }

  /** Ends the message; true when the reader had read all before it, so that it has to be told. */
  end(): bool {
    const began = this.written;
    atomic.store<u32>(this.indices + PRODUCER, (this.writing + 7) & ~7);
    return this.consumer == began;
  }

  /** Bytes of the message that is next to be read; 0 when there is none, and -1 when what is there cannot be. */
  next(): i32 {
    const used = this.used();
    if (used == 0) return 0;
    if (used > MESSAGE_RING_BYTES || used < MESSAGE_HEADER || this.length() > MESSAGE_PAYLOAD) return -1;
    const size = messageSize(this.length());
    return size > used ? -1 : <i32>size;
  }

  /** Of the next message: the payload's length. */
  length(): u32 {
    return this.readWord(0);
  }

  type(): u32 {
    return this.readWord(4) & 0xffff;
  }

  flags(): u32 {
    return this.readWord(4) >> 16;
  }

  pid(): i32 {
    return <i32>this.readWord(8);
  }

  /** Where the next message's payload stands in one piece: in the ring, or in `room` (MESSAGE_PAYLOAD bytes) if it goes round its end. */
  payload(room: usize): usize {
    const at = (this.consumer + MESSAGE_HEADER) & (MESSAGE_RING_BYTES - 1);
    const length = this.length();
    if (at + length <= MESSAGE_RING_BYTES) return this.bytes + at;
    const first = MESSAGE_RING_BYTES - at;
    memory.copy(room, this.bytes + at, first);
    memory.copy(room + first, this.bytes, length - first);
    return room;
  }

  /** The next message, of `size` bytes, is done with; true when its writer may have waited for room, so that it has to be told. */
  consume(size: u32): bool {
    const before = this.consumer;
    atomic.store<u32>(this.indices + CONSUMER, before + size);
    return MESSAGE_RING_BYTES - (this.producer - before) < MESSAGE_LARGEST;
  }

  // Indices are multiples of 8: no word goes round the end.
  private word(offset: u32, value: u32): void {
    store<u32>(this.bytes + ((this.written + offset) & (MESSAGE_RING_BYTES - 1)), value);
  }

  private readWord(offset: u32): u32 {
    return load<u32>(this.bytes + ((this.consumer + offset) & (MESSAGE_RING_BYTES - 1)));
  }
}

/** Bytes in the ring of a message with a payload of `length`. */
export function messageSize(length: u32): u32 {
  return (MESSAGE_HEADER + length + 7) & ~7;
}
