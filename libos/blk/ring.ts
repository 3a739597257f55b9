// The ring of a block device: puts requests onto it, and takes answers in. Pages are granted for the time of a request, and so are copied nowhere;
// persistent grants would want a pool of pages that everything is copied through, or all of the file systems' caches granted for ever.
// What the back end writes is read once. An answer to what was not asked ends the connection; the next one is asked again. A page
// whose grant cannot be ended when it should is lost: nobody uses it any more.
import { EIO, EPROTO } from "../../kernel/errno";
import { eventChannelNotify } from "../../kernel/event_channel";
import { grantAccess, grantEnd } from "../../kernel/grant_table";
import { log } from "../../kernel/log";
import { addressFrame } from "../../kernel/memory/frames";
import { PAGE_SIZE } from "../../kernel/memory/pages";
import { wakeAll } from "../../kernel/thread/wait_queue";
import {
  BLKIF_OP_READ,
  BLKIF_RING_ENTRIES,
  BLKIF_RSP_EOPNOTSUPP,
  BLKIF_RSP_OKAY,
  BLKIF_SEGMENTS,
  BLKIF_SEGMENT_SIZE,
  BlkifRequest,
  BlkifResponse,
  BlkifSegment,
  SECTOR_SHIFT,
} from "./blkif";
import { BlockDevice, FLUSH_NONE, SLOT_QUEUED, SLOT_SENT, Slot, slotDone } from "./device";

/** Puts the queued request of slot `index` onto the ring. */
export function ringSend(device: BlockDevice, index: u32): void {
  const slot = device.slot(index);
  if (!grantPieces(device, slot)) {
    ringEndGrants(slot);
    return slotDone(device, index, -EIO);
  }
  slot.state = SLOT_SENT;
  const request = changetype<BlkifRequest>(device.ring.request());
  request.operation = slot.operation;
  request.segments = <u8>slot.count;
  request.handle = <u16>device.number;
  request.id = index;
  request.sector = slot.sector;
  for (let i: u32 = 0; i < slot.count; i++) {
    const transfer = slot.transfer(i);
    const at = changetype<usize>(request) + BLKIF_SEGMENTS + <usize>i * BLKIF_SEGMENT_SIZE;
    const segment = changetype<BlkifSegment>(at);
    const first = ((<u32>transfer.address) & (PAGE_SIZE - 1)) >> SECTOR_SHIFT;
    segment.reference = load<u32>(slot.piece(i), 4);
    segment.first = <u8>first;
    segment.last = <u8>(first + (transfer.length >> SECTOR_SHIFT) - 1);
  }
  if (device.ring.push()) eventChannelNotify(device.port);
}

/** Grants the pages of a request; false when there are no grants left. */
function grantPieces(device: BlockDevice, slot: Slot): bool {
  for (let i: u32 = 0; i < slot.count; i++) store<u32>(slot.piece(i), 0, 4);
  for (let i: u32 = 0; i < slot.count; i++) {
    const frame = addressFrame(slot.transfer(i).address);
    const reference = grantAccess(<u16>device.frontend.backendDomain, frame, slot.operation != BLKIF_OP_READ);
    if (reference < 0) return false;
    store<u32>(slot.piece(i), reference, 4);
  }
  return true;
}

/** Ends the grants of a request: whether the back end has let go of all. */
export function ringEndGrants(slot: Slot): bool {
  let all = true;
  for (let i: u32 = 0; i < slot.count; i++) {
    const reference = load<u32>(slot.piece(i), 4);
    if (reference == 0 || grantEnd(reference) == 0) continue;
    slot.transfer(i).lost = true;
    all = false;
  }
  return all;
}

/** Takes one answer in: false when it is none. */
function answered(device: BlockDevice, entry: usize): bool {
  const id = changetype<BlkifResponse>(entry).id;
  const status = changetype<BlkifResponse>(entry).status;
  if (id >= <u64>BLKIF_RING_ENTRIES) return false;
  const slot = device.slot(<u32>id);
  if (slot.state != SLOT_SENT) return false;
  let result = status == BLKIF_RSP_OKAY ? 0 : -EIO;
  if (status == BLKIF_RSP_EOPNOTSUPP && slot.count == 0) {
    // It has offered to flush, and cannot: as Linux has it, what it says is done is done.
    device.flushing = FLUSH_NONE;
    result = 0;
  }
  if (!ringEndGrants(slot)) result = -EIO;
  slotDone(device, <u32>id, result);
  return true;
}

/** After an event of the back end: takes all answers. */
export function ringTake(device: BlockDevice): void {
  const ring = device.ring;
  do {
    const ready = ring.responses();
    let good: bool = ready >= 0;
    for (let i = 0; i < ready && good; i++) {
      good = answered(device, ring.entry(ring.responsesConsumed));
      ring.consume(1);
    }
    if (!good) {
      log("disk").text("the back end broke the ring protocol: ").signed(-EPROTO).end();
      ringGiveUp(device);
      return;
    }
  } while (ring.notifyAfter(1));
  wakeAll(device.queue);
}

/** Fails all requests, and closes the connection to begin anew. */
export function ringGiveUp(device: BlockDevice): void {
  const wasReady = device.isReady;
  device.isReady = false;
  for (let i: u32 = 0; i < BLKIF_RING_ENTRIES; i++) {
    const slot = device.slot(i);
    if (slot.state == SLOT_SENT) ringEndGrants(slot);
    if (slot.state == SLOT_SENT || slot.state == SLOT_QUEUED) slotDone(device, i, -EIO);
  }
  wakeAll(device.queue);
  if (wasReady) device.frontend.reset();
}
