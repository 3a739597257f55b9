// Netfront's receive side. `buffers` pages are always posted (a power of two), and the request with running index i
// offers page i mod buffers under that number as its id: since the back end answers each request in its own slot, in
// order, no other bookkeeping is needed, and a slot taken by extra info gives its page back like any other.
//
// Each frame is copied into private memory before anyone looks at it: the pages stay granted, so their content can
// change at any time, and a header must not change between its check and its use. The copy also joins frames that
// span several slots (up to 64 KiB, when the back end passes on what its side has merged).
// Invariants: every field of a response is read once; ids, offsets, sizes and chains are checked before use.
import { ENOMEM, EPROTO } from "../../../kernel/errno";
import { PAGE_SIZE, pageAlloc, pagesAlloc } from "../../../kernel/memory/pages";
import { FRONT_RING_SIZE, FrontRing } from "../../../kernel/ring";
import { eth0Counters } from "../counters";
import { RX_CHECKSUM_BLANK, RX_CHECKSUM_VALID } from "../device";
import { interfaceInput } from "../interface";
import { grantReference, grantedPageAdd } from "./granted_pages";
import { NETRXF_csum_blank, NETRXF_data_validated, NETRXF_extra_info, NETRXF_more_data } from "./netif";
import { RX_SLOT_SIZE, XEN_NETIF_EXTRA_FLAG_MORE, XEN_NETIF_MAX_TX_SIZE } from "./netif";

/** Slots with extra info that one frame may have; netif.h defines four kinds. */
const EXTRAS_MAX: u32 = 4;
const STAGING_ORDER: u32 = 4; // 64 KiB

/** The fewest receive buffers: a frame of 64 KiB takes 17 slots and one of extra info. */
export const RECEIVE_BUFFERS_MIN: u32 = 32;
/** The most: what one ring holds. */
export const RECEIVE_BUFFERS_MAX: u32 = 256;

const ring = changetype<FrontRing>(memory.data(FRONT_RING_SIZE, 8));
let ringPage: usize = 0;
let addresses: usize = 0; // of the buffers, u32 each
let buffers: u32 = 0;
let staging: usize = 0;

// The frame that takeFrame() has put together.
let frameLength: u32 = 0;
let frameFlags: u32 = 0;

/** Allocates `wanted` buffers (a power of two from RECEIVE_BUFFERS_MIN to RECEIVE_BUFFERS_MAX); 0, -ENOMEM or -ENOSPC. */
export function receiveInit(page: usize, wanted: u32): i32 {
  ringPage = page;
  buffers = wanted;
  staging = pagesAlloc(STAGING_ORDER);
  addresses = pageAlloc();
  if (staging == 0 || addresses == 0) return -ENOMEM;
  for (let i: u32 = 0; i < wanted; i++) {
    const buffer = pageAlloc();
    const result = buffer == 0 ? -ENOMEM : grantedPageAdd(buffer, true);
    if (result < 0) return result;
    store<u32>(addresses + (i << 2), <u32>buffer);
  }
  return 0;
}

function bufferAddress(id: u32): usize {
  return load<u32>(addresses + (id << 2));
}

/** Starts an empty ring and posts all buffers, whose grants must be valid. Nothing has to be notified yet. */
export function receiveStart(): void {
  ring.init(ringPage, RX_SLOT_SIZE);
  post(buffers);
  ring.push();
}

/** Offers the next `count` pages. */
function post(count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const id = ring.requestsProduced & (buffers - 1);
    const request = ring.request();
    store<u32>(request, id); // u16 id, u16 pad
    store<u32>(request, grantReference(bufferAddress(id)), 4);
  }
}

/** Counts the slots of extra info from response `index` on; 0 = not all there yet; -EPROTO. */
function skipExtras(index: u32, ready: u32): i32 {
  for (let extras: u32 = 1; extras <= EXTRAS_MAX; extras++) {
    if (extras > ready) return 0;
    const flags = <u8>(atomic.load<u64>(ring.entry(index + extras - 1)) >> 8);
    if ((flags & XEN_NETIF_EXTRA_FLAG_MORE) == 0) return extras;
  }
  return -EPROTO;
}

/**
 * Copies the next frame, of which not more than `ready` slots are there, to staging.
 * @returns slots it took; 0 when its end is not there yet; -EPROTO. frameLength is 0 when it is to be dropped.
 */
function takeFrame(ready: u32): i32 {
  const first = ring.responsesConsumed;
  let slots: u32 = 0;
  let length: u32 = 0;
  let whole = true;
  let more = true;
  while (more) {
    if (slots == ready) return 0;
    const response = atomic.load<u64>(ring.entry(first + slots));
    const id = (<u32>response) & 0xffff;
    const offset = (<u32>(response >> 16)) & 0xffff;
    const flags = <u16>(response >> 32);
    const status = <i32>(<i16>(response >> 48));
    if (id != ((first + slots) & (buffers - 1))) return -EPROTO;
    if (status > 0 && offset + status > PAGE_SIZE) return -EPROTO;
    if (slots == 0) {
      frameFlags = (flags & NETRXF_data_validated) != 0 ? RX_CHECKSUM_VALID : 0;
      if (flags & NETRXF_csum_blank) frameFlags |= RX_CHECKSUM_BLANK;
    }
    slots += 1;
    if (status <= 0 || length + status > XEN_NETIF_MAX_TX_SIZE) {
      whole = false;
    } else {
      memory.copy(staging + length, bufferAddress(id) + offset, status);
      length += status;
    }
    if (slots == 1 && (flags & NETRXF_extra_info) != 0) {
      const extras = skipExtras(first + 1, ready - 1);
      if (extras <= 0) return extras;
      slots += extras;
    }
    more = (flags & NETRXF_more_data) != 0;
  }
  frameLength = whole ? length : 0;
  return slots;
}

/**
 * Hands up to `budget` frames to the network stack.
 * @returns how many there were (`budget`: there may be more); -EPROTO when the back end breaks the protocol
 */
export function receive(budget: i32, now: u64): i32 {
  let frames = 0;
  let ready = ring.responses();
  while (frames < budget) {
    if (ready < 0) return ready;
    const slots = ready == 0 ? 0 : takeFrame(ready);
    if (slots < 0) return slots;
    if (slots == 0) {
      // All that was ready is done; or a frame lacks its end, which can only be if there is a request left for it.
      if (<u32>ready == ring.outstanding()) return -EPROTO;
      if (!ring.notifyAfter(ready + 1)) break;
      ready = ring.responses();
      continue;
    }
    ring.consume(slots);
    post(slots);
    ready -= slots;
    frames += 1;
    if (frameLength != 0) interfaceInput(staging, frameLength, frameFlags, now);
    else eth0Counters.rxErrors += 1;
  }
  return frames;
}

/** Shows the back end the buffers that were posted again; true when it has to be notified. */
export function receivePush(): bool {
  return ring.push();
}
