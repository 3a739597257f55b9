// A pipe: a ring of bytes between two open file descriptions, the end that is read and the end that is written (pipe(7)).
// The ring begins with one page, which the pipe keeps, so that a write of up to PIPE_BUF bytes never needs memory: it goes
// in once the readers have emptied the pipe, if not before. The ring grows, doubling, up to PIPE_CAPACITY while memory
// allows, and its pages go back when both ends are closed. It shares the limit of the connections' buffers.
// Invariant: the ring has at least one page; a pipe lives while one of its ends is open.
import { SLAB_SIZE, Slab, slabInit } from "../../kernel/memory/slab";
import { PAGE_SIZE, orderFor } from "../../kernel/memory/pages";
import { WaitQueue, wakeAll } from "../../kernel/thread/wait_queue";
import { POLLERR, POLLHUP, READABLE, WRITABLE } from "../net/poll_events";
import {
  RING_BUFFER_SIZE,
  RingBuffer,
  ringCapacity,
  ringFree,
  ringRead,
  ringReserve,
  ringWrite,
} from "../net/tcp/ring_buffer";
import { PIPE_BUF } from "../posix/constants";

/** The most that a pipe holds, as on Linux. */
export const PIPE_CAPACITY: u32 = 65536;

const READERS: usize = RING_BUFFER_SIZE;
const WRITERS: usize = READERS + 8;
const TAKEN: usize = WRITERS + 8;
const ENDS: usize = TAKEN + 8;
const CAPACITY: usize = ENDS + 4;
const PIPE_SIZE: usize = CAPACITY + 4;

/** At its beginning is the RingBuffer. */
@unmanaged
@final
export class Pipe {
  get ring(): RingBuffer {
    return changetype<RingBuffer>(this);
  }

  /** ringCapacity() of the ring, at hand: each byte asks for it. */
  get capacity(): u32 {
    return load<u32>(changetype<usize>(this), CAPACITY);
  }

  set capacity(bytes: u32) {
    store<u32>(changetype<usize>(this), bytes, CAPACITY);
  }

  /** Who waits for something to read, or for the last writer to go. */
  get readers(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + READERS);
  }

  /** Who waits for room, or for the last reader to go. */
  get writers(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + WRITERS);
  }

  /** How many bytes were ever read. */
  get taken(): u64 {
    return load<u64>(changetype<usize>(this), TAKEN);
  }

  set taken(count: u64) {
    store<u64>(changetype<usize>(this), count, TAKEN);
  }

  /** Whether the end that is read is open. */
  get hasReader(): bool {
    return load<bool>(changetype<usize>(this), ENDS);
  }

  set hasReader(open: bool) {
    store<bool>(changetype<usize>(this), open, ENDS);
  }

  /** Whether the end that is written is open. */
  get hasWriter(): bool {
    return load<bool>(changetype<usize>(this), ENDS + 1);
  }

  set hasWriter(open: bool) {
    store<bool>(changetype<usize>(this), open, ENDS + 1);
  }
}

/** No pipe. */
export const NO_PIPE: Pipe = changetype<Pipe>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;

/** An empty pipe with both ends open, or NO_PIPE when memory is exhausted. */
export function pipeCreate(): Pipe {
  if (!initialised) {
    slabInit(slab, <u32>PIPE_SIZE);
    initialised = true;
  }
  const pipe = changetype<Pipe>(slab.alloc());
  if (pipe == NO_PIPE) return NO_PIPE;
  if (!ringReserve(pipe.ring, PAGE_SIZE, 0)) {
    slab.free(changetype<usize>(pipe));
    return NO_PIPE;
  }
  pipe.capacity = ringCapacity(pipe.ring);
  pipe.hasReader = true;
  pipe.hasWriter = true;
  return pipe;
}

/** Closes the end that is read. */
export function pipeCloseReader(pipe: Pipe): void {
  pipe.hasReader = false;
  endClosed(pipe);
}

/** Closes the end that is written. */
export function pipeCloseWriter(pipe: Pipe): void {
  pipe.hasWriter = false;
  endClosed(pipe);
}

function endClosed(pipe: Pipe): void {
  wakeAll(pipe.readers);
  wakeAll(pipe.writers);
  if (pipe.hasReader || pipe.hasWriter) return;
  ringFree(pipe.ring);
  slab.free(changetype<usize>(pipe));
}

/** How much can be written into the ring as it is. */
export function pipeRoom(pipe: Pipe): u32 {
  return pipe.capacity - pipe.ring.length;
}

/** How much can be written now, after the ring has grown for `wanted` bytes as far as it may and memory allows. */
export function pipeMakeRoom(pipe: Pipe, wanted: u32): u32 {
  const needed = min(pipe.ring.length + wanted, PIPE_CAPACITY);
  if (needed > pipe.capacity) grow(pipe, orderFor(needed));
  return pipeRoom(pipe);
}

/** Grows the ring to 2^order pages, or to as many as there are. */
function grow(pipe: Pipe, order: u32): void {
  const ring = pipe.ring;
  while (PAGE_SIZE << order > pipe.capacity && !ringReserve(ring, PAGE_SIZE << order, ring.length)) order -= 1;
  pipe.capacity = ringCapacity(ring);
}

/** pipePut() of one byte: 1. */
export function pipePutByte(pipe: Pipe, source: usize): i32 {
  const ring = pipe.ring;
  const at = (ring.start + ring.length) & (pipe.capacity - 1);
  store<u8>(ring.address + at, load<u8>(source));
  ring.length += 1;
  if (pipe.readers.first != 0) wakeAll(pipe.readers);
  return 1;
}

/** Appends `count` bytes, at most pipeRoom(), and wakes who wants to read. */
export function pipePut(pipe: Pipe, source: usize, count: u32): void {
  const ring = pipe.ring;
  const capacity = pipe.capacity;
  const at = (ring.start + ring.length) & (capacity - 1);
  if (count <= capacity - at) memory.copy(ring.address + at, source, count);
  else ringWrite(ring, ring.length, source, count);
  ring.length += count;
  if (pipe.readers.first != 0) wakeAll(pipe.readers);
}

/**
 * Takes up to `count` bytes; how many. Writers are woken when there is room for PIPE_BUF bytes, which is what each of
 * them can go on with, and what poll promises: not for every byte.
 */
export function pipeTake(pipe: Pipe, target: usize, count: u32): u32 {
  const ring = pipe.ring;
  const taken = min(count, ring.length);
  if (taken == 1) return pipeTakeByte(pipe, target);
  const capacity = pipe.capacity;
  if (taken <= capacity - ring.start) memory.copy(target, ring.address + ring.start, taken);
  else ringRead(ring, 0, target, taken);
  pipeDrop(pipe, taken);
  return taken;
}

/** pipeTake() of one byte, which is there: 1. */
export function pipeTakeByte(pipe: Pipe, target: usize): u32 {
  store<u8>(target, load<u8>(pipe.ring.address + pipe.ring.start));
  pipeDrop(pipe, 1);
  return 1;
}

/** Forgets the oldest `count` bytes, at most as many as there are; wakes writers as pipeTake() does. */
export function pipeDrop(pipe: Pipe, count: u32): void {
  const ring = pipe.ring;
  ring.start = (ring.start + count) & (pipe.capacity - 1);
  ring.length -= count;
  pipe.taken += count;
  if (pipe.writers.first != 0 && pipeRoom(pipe) >= PIPE_BUF) wakeAll(pipe.writers);
}

/** Copies `count` bytes that lie `offset` bytes behind the oldest and leaves them; offset + count at most as many as there are. */
export function pipePeek(pipe: Pipe, offset: u32, target: usize, count: u32): void {
  ringRead(pipe.ring, offset, target, count);
}

/** Readiness of the end that is read, as POLL bits. */
export function pipeReaderEvents(pipe: Pipe): u32 {
  return pipe.hasWriter ? dataEvents(pipe) : hungUpEvents(pipe);
}

function dataEvents(pipe: Pipe): u32 {
  return pipe.ring.length != 0 ? READABLE : 0;
}

/** Of a pipe without writers: what they have left can be read. */
function hungUpEvents(pipe: Pipe): u32 {
  return dataEvents(pipe) | POLLHUP;
}

/** Readiness of the end that is written, as POLL bits; the memory that POLLOUT promises is taken now. */
export function pipeWriterEvents(pipe: Pipe): u32 {
  return (pipeMakeRoom(pipe, PIPE_BUF) >= PIPE_BUF ? WRITABLE : 0) | (pipe.hasReader ? 0 : POLLERR);
}
