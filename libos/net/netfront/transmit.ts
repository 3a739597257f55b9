// Netfront's transmit side: the frames of the device contract, the ring, and the reaping of what was sent.
//
// Two sizes of buffer: half a page for ordinary frames, 64 KiB for frames that the back end cuts into segments. There
// are fewer buffers than the ring has slots, so a buffer in hand is a place in the ring.
// The back end is not asked to notify about frames sent: they are reaped when a buffer is needed. Only after an
// allocation failed is a notification asked for.
// Invariants: a buffer is in a free list, with the stack (slots == 0), or with the back end (slots > 0, the number of
// responses still due); ids of responses are checked against that.
import { EINVAL, ENETDOWN, ENOMEM, EPROTO } from "../../../kernel/errno";
import { PAGE_SHIFT, PAGE_SIZE, orderFor, pageAlloc, pagesAlloc } from "../../../kernel/memory/pages";
import { FRONT_RING_SIZE, FrontRing } from "../../../kernel/ring";
import { TX_CHECKSUM_BLANK, TransmitFrame } from "../device";
import { grantReference, grantedPagesAdd } from "./granted_pages";
import { ExtraInfo, NETIF_RSP_NULL, NETTXF_csum_blank, NETTXF_data_validated, NETTXF_extra_info } from "./netif";
import { NETTXF_more_data, TX_SLOT_SIZE, TransmitRequest, XEN_NETIF_EXTRA_TYPE_GSO } from "./netif";
import { XEN_NETIF_GSO_TYPE_TCPV4, XEN_NETIF_MAX_TX_SIZE } from "./netif";

const SMALL_SIZE: u32 = 2048;
const LARGE_ORDER: u32 = 4;
const LARGE_SIZE: u32 = PAGE_SIZE << LARGE_ORDER;
/** Pages of small buffers and large buffers that one ring (256 slots) can take together: 2 × 64 + 7 × 17 = 247. */
export const SMALL_PAGES_MAX: u32 = 64;
export const LARGE_MAX: u32 = 7;

/** The largest frame that may carry a gsoSize. */
export const TRANSMIT_GSO_MAXIMUM: u32 = XEN_NETIF_MAX_TX_SIZE;
/** The largest frame when there are no large buffers. */
export const TRANSMIT_SMALL_MAXIMUM: u32 = SMALL_SIZE;

/** A TransmitFrame and what the driver knows about it. */
@unmanaged
@final
class Buffer {
  data: usize; // the fields of TransmitFrame
  length: u32;
  capacity: u32;
  flags: u32;
  index: u32; // TransmitFrame.buffer
  next: usize;
  gsoSize: u16;
  /** Responses that are due. */
  slots: u16;
  address: usize;
  size: u32;
  /** Record of the first page. */
  record: u32;
}

const BUFFER_SIZE: u32 = 40;

const ring = changetype<FrontRing>(memory.data(FRONT_RING_SIZE, 8));
let ringPage: usize = 0;
let buffers: usize = 0;
let count: u32 = 0;
let freeSmall: usize = 0;
let freeLarge: usize = 0;
let largeCount: u32 = 0;
let open = false; // the ring is live
let starved = false; // an allocation failed since the last transmitReady()
let returned = false; // a frame came back unsent since then
let broken = false; // the back end broke the protocol where that could not be reported

function bufferAt(index: u32): Buffer {
  return changetype<Buffer>(buffers + index * BUFFER_SIZE);
}

function addBuffer(address: usize, size: u32, record: u32): void {
  const buffer = bufferAt(count);
  buffer.index = count;
  buffer.slots = 0;
  buffer.address = address;
  buffer.size = size;
  buffer.record = record;
  count += 1;
  giveBack(buffer);
}

function giveBack(buffer: Buffer): void {
  if (buffer.size == SMALL_SIZE) {
    buffer.next = freeSmall;
    freeSmall = changetype<usize>(buffer);
  } else {
    buffer.next = freeLarge;
    freeLarge = changetype<usize>(buffer);
  }
}

/** Allocates the pages of small buffers, and up to `large` large ones as memory allows; 0 or -ENOMEM. */
export function transmitInit(page: usize, smallPages: u32, large: u32): i32 {
  ringPage = page;
  buffers = pagesAlloc(orderFor((smallPages * 2 + large) * BUFFER_SIZE));
  if (buffers == 0) return -ENOMEM;
  for (let i: u32 = 0; i < smallPages; i++) {
    const address = pageAlloc();
    const record = address == 0 ? -ENOMEM : grantedPagesAdd(address, false);
    if (record < 0) return record;
    addBuffer(address, SMALL_SIZE, record);
    addBuffer(address + SMALL_SIZE, SMALL_SIZE, record);
  }
  for (let i: u32 = 0; i < large; i++) {
    const address = pagesAlloc(LARGE_ORDER);
    if (address == 0) break;
    let record = 0;
    for (let p: u32 = 0; p < 1 << LARGE_ORDER && record >= 0; p++) {
      const added = grantedPagesAdd(address + p * PAGE_SIZE, false);
      if (p == 0 || added < 0) record = added;
    }
    if (record < 0) return record;
    addBuffer(address, LARGE_SIZE, record);
    largeCount += 1;
  }
  return 0;
}

/** Large buffers there are. */
export function transmitLargeCount(): u32 {
  return largeCount;
}

/** Starts an empty ring. */
export function transmitStart(): void {
  ring.init(ringPage, TX_SLOT_SIZE);
  ring.notifyAfter(ring.entries + 1);
  open = true;
}

/** The back end is gone: what it had not answered counts as lost, and nothing is sent until the next start. */
export function transmitStop(): void {
  open = false;
  for (let i: u32 = 0; i < count; i++) {
    const buffer = bufferAt(i);
    if (buffer.slots == 0) continue;
    buffer.slots = 0;
    giveBack(buffer);
  }
}

/** Takes all responses in; 0, or -EPROTO when the back end breaks the protocol. */
function reap(): i32 {
  const ready = ring.responses();
  if (ready < 0) return ready;
  for (let i = 0; i < ready; i++) {
    const response = atomic.load<u32>(ring.entry(ring.responsesConsumed));
    ring.consume(1);
    if (<i16>(response >> 16) == NETIF_RSP_NULL) continue; // the slot held extra info
    // Any other status: the frame is gone. If it was lost, the transport sends it again.
    const id = response & 0xffff;
    if (id >= count) return -EPROTO;
    const buffer = bufferAt(id);
    if (buffer.slots == 0) return -EPROTO;
    buffer.slots -= 1;
    if (buffer.slots == 0) giveBack(buffer);
  }
  return 0;
}

/** Nothing is free: asks for a notification when a good part of what is under way is done. */
function awaitResponses(): void {
  starved = true;
  if (!open) return;
  const enough = (ring.outstanding() >> 2) + 1;
  if (ring.notifyAfter(enough)) returned = true; // it happened before we could ask
}

/** TransmitFrame of at least `size` bytes, or null; see Device.transmitAllocate. */
export function transmitAllocate(size: u32): TransmitFrame {
  const small = size <= SMALL_SIZE;
  if ((small ? freeSmall : freeLarge) == 0) {
    if (open && reap() < 0) broken = true;
    if ((small ? freeSmall : freeLarge) == 0 || size > LARGE_SIZE) {
      awaitResponses();
      return changetype<TransmitFrame>(0);
    }
  }
  const buffer = changetype<Buffer>(small ? freeSmall : freeLarge);
  if (small) freeSmall = buffer.next;
  else freeLarge = buffer.next;
  buffer.data = buffer.address;
  buffer.length = 0;
  buffer.capacity = buffer.size;
  buffer.flags = 0;
  buffer.gsoSize = 0;
  buffer.next = 0;
  return changetype<TransmitFrame>(buffer);
}

/** Gives an unsent frame back; see Device.transmitFree. */
export function transmitFree(frame: TransmitFrame): void {
  giveBack(changetype<Buffer>(frame));
  returned = true;
}

/** Writes the frame into the ring and consumes it: 0, or -errno when it was dropped. transmitPush() shows it. */
export function transmitQueue(frame: TransmitFrame): i32 {
  const buffer = changetype<Buffer>(frame);
  const offset = <u32>(buffer.data - buffer.address);
  const length = buffer.length;
  const fits = offset < buffer.size && length != 0 && length <= buffer.size - offset && length <= XEN_NETIF_MAX_TX_SIZE;
  if (!open || !fits) {
    transmitFree(frame);
    return open ? -EINVAL : -ENETDOWN;
  }
  let flags: u16 = 0;
  if (buffer.flags & TX_CHECKSUM_BLANK) flags = NETTXF_csum_blank | NETTXF_data_validated;
  if (buffer.gsoSize != 0) flags |= NETTXF_extra_info;
  let at = buffer.data;
  let left = length;
  // The first slot carries the size of the whole frame, the others their own.
  let size = length;
  while (left != 0) {
    const inPage = (<u32>at) & (PAGE_SIZE - 1);
    const part = min(left, PAGE_SIZE - inPage);
    left -= part;
    const request = changetype<TransmitRequest>(ring.request());
    request.gref = grantReference(buffer.record + <u32>((at >> PAGE_SHIFT) - (buffer.address >> PAGE_SHIFT)));
    request.offset = <u16>inPage;
    request.flags = flags | (left != 0 ? NETTXF_more_data : 0);
    request.id = <u16>buffer.index;
    request.size = <u16>size;
    buffer.slots += 1;
    if (flags & NETTXF_extra_info) queueSegmentation(buffer.gsoSize);
    at += part;
    size = min(left, PAGE_SIZE);
    flags = 0;
  }
  return 0;
}

function queueSegmentation(size: u16): void {
  const extra = changetype<ExtraInfo>(ring.request());
  store<u64>(changetype<usize>(extra), 0);
  store<u32>(changetype<usize>(extra), 0, 8);
  extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
  extra.gsoSize = size;
  extra.gsoType = XEN_NETIF_GSO_TYPE_TCPV4;
}

/** Shows the back end all queued frames; true when it has to be notified. */
export function transmitPush(): bool {
  return open && ring.push();
}

/**
 * After a failed allocation: true once it is worth another try.
 * @returns 1 or 0; -EPROTO when the back end broke the protocol
 */
export function transmitReady(): i32 {
  if (broken) {
    broken = false;
    return -EPROTO;
  }
  if (!starved) return 0;
  if (open) {
    const ready = ring.responses();
    if (ready < 0) return ready;
    if (ready == 0 && !returned) return 0;
    const result = reap();
    if (result < 0) return result;
    ring.notifyAfter(ring.entries + 1);
  } else if (!returned) {
    return 0;
  }
  starved = false;
  returned = false;
  return 1;
}
