// Netfront's transmit side: the frames of the device contract, the ring, and the reaping of what was sent.
//
// A frame's own memory is half a page, or a block (blocks.ts) for a frame that is larger. Large text is not in it: the frame
// refers to a block that the transport writes to, and gets slots that point there. What the ring can take is promised when
// a frame is allocated, and when fragments are attached, so that a frame in hand always has its place.
// The back end is not asked to notify about frames sent: they are reaped when a buffer is needed. Only after an
// allocation failed is a notification asked for.
// Invariants: a buffer is in the free list, with the stack (`slots` are promised to it), or with the back end (`slots`
// responses are still due); ids of responses are checked against that. What the back end has not answered stays as it is
// until another back end is there (transmitStart): the former may be at it for as long as it has not closed.
import { EINVAL, ENETDOWN, ENOMEM, EPROTO } from "../../../kernel/errno";
import { PAGE_SHIFT, PAGE_SIZE, orderFor, pageAlloc, pagesAlloc } from "../../../kernel/memory/pages";
import { FRONT_RING_SIZE, FrontRing } from "../../../kernel/ring";
import { DeviceBlock, FRAME_COPIED_MAXIMUM, TX_CHECKSUM_BLANK, TransmitFrame } from "../device";
import { ETHERTYPE_IPV4, ethernetType } from "../wire/ethernet";
import { blockForFrame, blockFree, blockHold, blockUnhold } from "./blocks";
import { grantReference, grantedPageAdd } from "./granted_pages";
import { ExtraInfo, NETIF_RSP_NULL, NETTXF_csum_blank, NETTXF_data_validated, NETTXF_extra_info } from "./netif";
import { NETTXF_more_data, TX_SLOT_SIZE, TransmitRequest, XEN_NETIF_EXTRA_TYPE_GSO } from "./netif";
import { XEN_NETIF_GSO_TYPE_TCPV4, XEN_NETIF_GSO_TYPE_TCPV6, XEN_NETIF_MAX_TX_SIZE } from "./netif";

/** Half a page. */
const SMALL_SIZE: u32 = FRAME_COPIED_MAXIMUM;
/** Slots of a small frame: one, and one of extra info. */
const SMALL_SLOTS: u32 = 2;
/** Pages of small buffers: as many as the ring has slots for. */
export const SMALL_PAGES_MAX: u32 = 64;
/** Slots of the ring that are left to small frames: acknowledgments and answers do not wait for bulk text. */
const SLOTS_FOR_SMALL: u32 = 64;

/** The largest frame that the ring protocol knows. */
export const TRANSMIT_MAXIMUM: u32 = XEN_NETIF_MAX_TX_SIZE;
/** The largest frame for a back end that takes frames of one slot only. */
export const TRANSMIT_SMALL_MAXIMUM: u32 = SMALL_SIZE;

/** A TransmitFrame and what the driver knows about it. */
@unmanaged
@final
class Buffer extends TransmitFrame {
  /** Slots that are promised to it, or responses that are due. */
  slots: u32;
  withBackend: bool;
  /** Its half page. */
  home: usize;
  /** The block that it begins in, instead of its half page; null = none. */
  ownBlock: DeviceBlock;
}

const NO_BLOCK: DeviceBlock = changetype<DeviceBlock>(0);
const NO_FRAME: TransmitFrame = changetype<TransmitFrame>(0);

const ring = changetype<FrontRing>(memory.data(FRONT_RING_SIZE, 8));
let ringPage: usize = 0;
let buffers: usize = 0;
let count: u32 = 0;
let freeBuffers: usize = 0;
let promised: u32 = 0; // slots that frames in the stack's hands will take
let open = false; // the ring is live
let starved = false; // an allocation failed since the last transmitReady()
let returned = false; // a frame came back unsent since then
let broken = false; // the back end broke the protocol where that could not be reported

function bufferAt(index: u32): Buffer {
  return changetype<Buffer>(buffers + index * <u32>offsetof<Buffer>());
}

function addBuffer(address: usize): void {
  const buffer = bufferAt(count);
  memory.fill(changetype<usize>(buffer), 0, offsetof<Buffer>());
  buffer.buffer = count;
  buffer.home = address;
  count += 1;
  giveBack(buffer);
}

/** Puts `buffer`, which nobody uses any more, into the free list. */
function giveBack(buffer: Buffer): void {
  if (buffer.block != NO_BLOCK) blockUnhold(buffer.block);
  if (buffer.ownBlock != NO_BLOCK) blockFree(buffer.ownBlock);
  buffer.block = NO_BLOCK;
  buffer.ownBlock = NO_BLOCK;
  buffer.slots = 0;
  buffer.withBackend = false;
  buffer.next = freeBuffers;
  freeBuffers = changetype<usize>(buffer);
}

/** Allocates `smallPages` pages of buffers; 0, -ENOMEM or -ENOSPC. */
export function transmitInit(page: usize, smallPages: u32): i32 {
  ringPage = page;
  buffers = pagesAlloc(orderFor(smallPages * 2 * <u32>offsetof<Buffer>()));
  if (buffers == 0) return -ENOMEM;
  for (let i: u32 = 0; i < smallPages; i++) {
    const address = pageAlloc();
    const result = address == 0 ? -ENOMEM : grantedPageAdd(address, false);
    if (result < 0) return result;
    addBuffer(address);
    addBuffer(address + SMALL_SIZE);
  }
  return 0;
}

/** Starts an empty ring for a new back end: what the former had not answered counts as lost. */
export function transmitStart(): void {
  for (let i: u32 = 0; i < count; i++) {
    const buffer = bufferAt(i);
    if (buffer.withBackend) giveBack(buffer);
  }
  ring.init(ringPage, TX_SLOT_SIZE);
  ring.notifyAfter(ring.entries + 1);
  returned = true;
  open = true;
}

/** The back end is gone: nothing is sent until the next start. */
export function transmitStop(): void {
  open = false;
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
    if (!buffer.withBackend) return -EPROTO;
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

/** True when the ring can take `slots` more and keep `spare`, besides what is promised. */
function room(slots: u32, spare: u32): bool {
  if (!open || ring.free() >= promised + slots + spare) return true; // what is sent into a closed ring is dropped
  if (reap() < 0) broken = true;
  return ring.free() >= promised + slots + spare;
}

function promise(buffer: Buffer, slots: u32): void {
  buffer.slots += slots;
  promised += slots;
}

/** TransmitFrame of at least `size` bytes, or null; see Device.transmitAllocate. */
export function transmitAllocate(size: u32): TransmitFrame {
  const large = size > SMALL_SIZE;
  const slots = large ? SMALL_SLOTS + (size >> PAGE_SHIFT) : SMALL_SLOTS;
  if (freeBuffers == 0 && open && reap() < 0) broken = true;
  if (freeBuffers == 0 || !room(slots, large ? SLOTS_FOR_SMALL : 0)) {
    awaitResponses();
    return NO_FRAME;
  }
  const buffer = changetype<Buffer>(freeBuffers);
  buffer.data = buffer.home;
  buffer.capacity = SMALL_SIZE;
  if (large && !takeOwnBlock(buffer, size)) {
    awaitResponses();
    return NO_FRAME;
  }
  freeBuffers = buffer.next;
  promise(buffer, slots);
  buffer.length = 0;
  buffer.flags = 0;
  buffer.gsoSize = 0;
  buffer.service = 0;
  buffer.fragmentLength = 0;
  buffer.wrappedLength = 0;
  buffer.next = 0;
  return buffer;
}

function takeOwnBlock(buffer: Buffer, size: u32): bool {
  const block = blockForFrame(size);
  if (block == NO_BLOCK) return false;
  buffer.ownBlock = block;
  buffer.data = block.address;
  buffer.capacity = size;
  return true;
}

/** Slots that `length` bytes at `address` take. */
function slotsOf(address: usize, length: u32): u32 {
  return (((<u32>address) & (PAGE_SIZE - 1)) + length + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/** Promises slots to the fragments of `frame`; see deviceTransmitAttach(). */
export function transmitAttach(frame: TransmitFrame): bool {
  const slots = slotsOf(frame.fragment, frame.fragmentLength) + slotsOf(0, frame.wrappedLength);
  if (!room(slots, SLOTS_FOR_SMALL)) {
    frame.block = NO_BLOCK;
    awaitResponses();
    return false;
  }
  blockHold(frame.block);
  promise(changetype<Buffer>(frame), slots);
  return true;
}

/** Gives an unsent frame back; see Device.transmitFree. */
export function transmitFree(frame: TransmitFrame): void {
  const buffer = changetype<Buffer>(frame);
  promised -= buffer.slots;
  giveBack(buffer);
  returned = true;
}

/** Writes the frame into the ring and consumes it: 0, or -errno when it was dropped. transmitPush() shows it. */
export function transmitQueue(frame: TransmitFrame): i32 {
  const buffer = changetype<Buffer>(frame);
  const attached = buffer.fragmentLength + buffer.wrappedLength;
  const own = buffer.length - attached;
  const fits = own != 0 && own <= buffer.capacity && buffer.length <= XEN_NETIF_MAX_TX_SIZE;
  if (!open || !fits) {
    transmitFree(frame);
    return open ? -EINVAL : -ENETDOWN;
  }
  promised -= buffer.slots;
  buffer.slots = 0;
  buffer.withBackend = true;
  const at = buffer.data;
  const first = min(own, PAGE_SIZE - ((<u32>at) & (PAGE_SIZE - 1)));
  let flags: u16 = first < buffer.length ? NETTXF_more_data : 0;
  if (buffer.flags & TX_CHECKSUM_BLANK) flags |= NETTXF_csum_blank | NETTXF_data_validated;
  if (buffer.gsoSize != 0) flags |= NETTXF_extra_info;
  // The first slot carries the size of the whole frame, the others their own.
  queueSlot(buffer, at, buffer.length, flags);
  if (buffer.gsoSize != 0) queueSegmentation(buffer);
  queueSlots(buffer, at + first, own - first, attached);
  if (attached == 0) return 0;
  queueSlots(buffer, buffer.fragment, buffer.fragmentLength, buffer.wrappedLength);
  queueSlots(buffer, buffer.block.address, buffer.wrappedLength, 0);
  return 0;
}

function queueSlot(buffer: Buffer, at: usize, size: u32, flags: u16): void {
  const request = changetype<TransmitRequest>(ring.request());
  request.gref = grantReference(at);
  request.offset = <u16>(at & (PAGE_SIZE - 1));
  request.flags = flags;
  request.id = <u16>buffer.buffer;
  request.size = <u16>size;
  buffer.slots += 1;
}

/** Slots for `length` bytes at `at`, behind which the frame has `more` bytes. */
function queueSlots(buffer: Buffer, at: usize, length: u32, more: u32): void {
  while (length != 0) {
    const part = min(length, PAGE_SIZE - ((<u32>at) & (PAGE_SIZE - 1)));
    length -= part;
    queueSlot(buffer, at, part, length + more != 0 ? NETTXF_more_data : 0);
    at += part;
  }
}

function queueSegmentation(buffer: Buffer): void {
  const extra = changetype<ExtraInfo>(ring.request());
  store<u64>(changetype<usize>(extra), 0);
  store<u32>(changetype<usize>(extra), 0, 8);
  extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
  extra.gsoSize = buffer.gsoSize;
  const ipv4 = ethernetType(buffer.data) == ETHERTYPE_IPV4;
  extra.gsoType = ipv4 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
}

/** True when the back end has taken all frames that it was shown; when it has not, it notifies us once it has. */
export function transmitted(): bool {
  if (!open) return true;
  do {
    if (reap() < 0) broken = true;
    if (broken) return true; // one that lies is not waited for
  } while (ring.outstanding() != 0 && ring.notifyAfter(ring.outstanding()));
  return ring.outstanding() == 0;
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
