// A block device as file systems use it: pieces of memory are queued to be read or written, neighbours on the device become one request, and
// deviceWait() returns when all are done. One thread at a time (libos/fs/lock.ts). A request lives in a slot from then on until it is answered,
// whatever becomes of the connection: the ring has as many entries as there are slots, so each slot has a place in it, and what a former back end
// has not answered is asked again of the next one (blkfront.ts, ring.ts). It fails when there is none, or no answer, for a minute.
// Invariants: `used` counts slots that are not free; a slot's grants exist only while it is on a ring.
import { EIO, ETIMEDOUT } from "../../kernel/errno";
import { log } from "../../kernel/log";
import { FRONT_RING_SIZE, FrontRing } from "../../kernel/ring";
import { WaitQueue, waitOn } from "../../kernel/thread/wait_queue";
import { monotonicNow } from "../../kernel/time/clock";
import { Frontend } from "../../kernel/xenbus/frontend";
import { FRONTEND_SIZE } from "../../kernel/xenbus/frontend_record";
import { ringGiveUp, ringSend } from "./ring";
import {
  BLKIF_MAX_SEGMENTS_PER_REQUEST,
  BLKIF_OP_FLUSH_DISKCACHE,
  BLKIF_OP_READ,
  BLKIF_OP_WRITE,
  BLKIF_OP_WRITE_BARRIER,
  BLKIF_RING_ENTRIES,
  SECTOR_SHIFT,
} from "./blkif";

/** How the device is told to keep what it has. */
export const FLUSH_NONE: u32 = 0;
export const FLUSH_CACHE: u32 = 1;
export const FLUSH_BARRIER: u32 = 2;

const SLOT_FREE: u32 = 0;
/** Takes more pieces. */
const SLOT_OPEN: u32 = 1;
/** Waits for a connection. */
export const SLOT_QUEUED: u32 = 2;
/** On the ring. */
export const SLOT_SENT: u32 = 3;

/** A device that does not answer for so long (ns) has failed. */
const PATIENCE: u64 = 60_000_000_000;

/** A piece of memory inside one page, and its place on the device. */
@unmanaged
export class Transfer {
  address: usize;
  /** Bytes, whole sectors. */
  length: u32;
  sector: u64;
  /** 0 or -EIO, when it is done. */
  status: i32;
  /** A back end has kept the page: it must never be used for anything else. */
  lost: bool;
}

/** A request. */
@unmanaged
@final
export class Slot {
  /** SLOT_… */
  state: u32;
  operation: u8;
  count: u32;
  sector: u64;
  /** The sector behind it. */
  end: u64;

  /** Address of piece `index`: the Transfer, and the grant reference behind it. */
  piece(index: u32): usize {
    return changetype<usize>(this) + offsetof<Slot>() + ((<usize>index) << 3);
  }

  transfer(index: u32): Transfer {
    return changetype<Transfer>(load<usize>(this.piece(index)));
  }
}

const SLOT_SIZE: usize = 128;

/** One device; behind the fields stand its ring and its Frontend. */
@unmanaged
@final
export class BlockDevice {
  /** Sectors of 512 bytes; 0 until it has been connected once. */
  sectors: u64;
  /** Bytes that are read and written at once at least. */
  sectorSize: u32;
  isReadOnly: bool;
  /** FLUSH_… */
  flushing: u32;
  /** It can be used now. */
  isReady: bool;
  /** It is not this domain's: everything fails. */
  isForbidden: bool;
  number: u32;
  slots: usize;
  used: u32;
  open: u32;
  /** The first error since deviceWait(). */
  error: i32;
  progressAt: u64;
  queueFirst: usize; // WaitQueue
  queueLast: usize;
  ringPage: usize;
  ringReference: u32;
  /** The event channel; 0 without a connection. */
  port: u32;
  /** The StoreBatch by which a connected back end is asked what the device is like. */
  details: usize;

  get ring(): FrontRing {
    return changetype<FrontRing>(changetype<usize>(this) + RING);
  }

  get frontend(): Frontend {
    return changetype<Frontend>(changetype<usize>(this) + FRONTEND);
  }

  get queue(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + offsetof<BlockDevice>("queueFirst"));
  }

  slot(index: u32): Slot {
    return changetype<Slot>(this.slots + <usize>index * SLOT_SIZE);
  }
}

const NO_SLOT: u32 = u32.MAX_VALUE;
const RING: usize = 96;
const FRONTEND: usize = RING + <usize>FRONT_RING_SIZE;
/** Bytes of a BlockDevice. */
export const BLOCK_DEVICE_SIZE: u32 = <u32>FRONTEND + FRONTEND_SIZE;

/** Makes `device`, which is zero, one without requests; `slots` is a page. */
export function deviceInit(device: BlockDevice, slots: usize): void {
  memory.fill(slots, 0, SLOT_SIZE * BLKIF_RING_ENTRIES);
  device.slots = slots;
  device.open = NO_SLOT;
}

/** Waits until something is answered, or the device has failed. */
function awaitAnswer(device: BlockDevice): void {
  const deadline = device.progressAt + PATIENCE;
  if (waitOn(device.queue, deadline) != -ETIMEDOUT) return;
  if (device.progressAt + PATIENCE > deadline) return;
  log("disk").text("the back end does not answer").end();
  ringGiveUp(device);
}

/** A slot for a new request. */
function takeSlot(device: BlockDevice, operation: u8, sector: u64): u32 {
  while (device.used == BLKIF_RING_ENTRIES) awaitAnswer(device);
  let index: u32 = 0;
  while (device.slot(index).state != SLOT_FREE) index++;
  const slot = device.slot(index);
  slot.state = SLOT_OPEN;
  slot.operation = operation;
  slot.count = 0;
  slot.sector = sector;
  slot.end = sector;
  if (device.used == 0) device.progressAt = monotonicNow();
  device.used += 1;
  return index;
}

/** Sends the request that takes pieces. */
function submit(device: BlockDevice): void {
  const index = device.open;
  if (index == NO_SLOT) return;
  device.open = NO_SLOT;
  device.slot(index).state = SLOT_QUEUED;
  if (device.isForbidden) slotDone(device, index, -EIO);
  else if (device.isReady) ringSend(device, index);
}

/** The request in slot `index` is done: 0 or -EIO. Its grants are gone. */
export function slotDone(device: BlockDevice, index: u32, status: i32): void {
  const slot = device.slot(index);
  for (let i: u32 = 0; i < slot.count; i++) slot.transfer(i).status = status;
  if (status != 0 && device.error == 0) device.error = status;
  slot.state = SLOT_FREE;
  device.used -= 1;
  device.progressAt = monotonicNow();
}

/** Queues a piece to be read or written. */
export function deviceTransfer(device: BlockDevice, transfer: Transfer, writing: bool): void {
  const operation = writing ? BLKIF_OP_WRITE : BLKIF_OP_READ;
  if (device.open != NO_SLOT) {
    const slot = device.slot(device.open);
    const isNext = slot.operation == operation && slot.end == transfer.sector;
    if (!isNext || slot.count == BLKIF_MAX_SEGMENTS_PER_REQUEST) submit(device);
  }
  if (device.open == NO_SLOT) device.open = takeSlot(device, operation, transfer.sector);
  const slot = device.slot(device.open);
  store<usize>(slot.piece(slot.count), changetype<usize>(transfer));
  slot.count += 1;
  slot.end += transfer.length >> SECTOR_SHIFT;
  transfer.status = 0;
}

/** Waits until all that is queued is done: 0, or -EIO when a piece has failed, whose status says so. */
export function deviceWait(device: BlockDevice): i32 {
  submit(device);
  while (device.used != 0) awaitAnswer(device);
  const error = device.error;
  device.error = 0;
  return error;
}

/** Returns when all that has been written and waited for stays there without power: 0 or -EIO. */
export function deviceFlush(device: BlockDevice): i32 {
  if (device.flushing == FLUSH_NONE) return device.isForbidden ? -EIO : 0;
  const isBarrier = device.flushing == FLUSH_BARRIER;
  device.open = takeSlot(device, isBarrier ? BLKIF_OP_WRITE_BARRIER : BLKIF_OP_FLUSH_DISKCACHE, 0);
  return deviceWait(device);
}

/** Waits until the device is connected, for at most `patience` ns: whether it is. */
export function deviceAwait(device: BlockDevice, patience: u64): bool {
  const deadline = monotonicNow() + patience;
  while (!device.isReady) {
    if (waitOn(device.queue, deadline) == -ETIMEDOUT) break;
  }
  return device.isReady;
}
