// Memory of received UDP datagrams: small ones from a slab of 256 bytes, Ethernet-sized ones two to a page, larger ones
// in blocks of pages. A peer that floods cannot take the last memory: RESERVE_PAGES always stay free.
import { memoryFreePages } from "../../../kernel/memory/frames";
import { PAGE_SHIFT, orderFor, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { IpAddress } from "../ip/address";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";

/** Pages that received datagrams leave to the rest of the system. */
const RESERVE_PAGES: u32 = 64;

const SMALL: u32 = 256;
const MEDIUM: u32 = 2032;
/** Values of Datagram.kind; KIND_PAGES + order for blocks of pages. */
const KIND_SMALL: u32 = 0;
const KIND_MEDIUM: u32 = 1;
const KIND_PAGES: u32 = 2;

const smallSlab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const mediumSlab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;

/** A received datagram; its data follow the structure. */
@unmanaged
@final
export class Datagram {
  /** Next in the socket's queue. */
  next: usize;
  // Storage of the address: use `sender`.
  private senderHigh: u64;
  private senderLow: u64;
  /** Bytes of data. */
  length: u32;
  /** Bytes of memory that it occupies. */
  size: u32;
  kind: u32;
  port: u16;

  get sender(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<Datagram>("senderHigh"));
  }

  /** Address of the data. */
  data(): usize {
    return changetype<usize>(this) + HEADER;
  }
}

const HEADER: u32 = 48;

/** A datagram with room for `length` bytes of data, or null when memory is short. */
export function datagramAllocate(length: u32): Datagram {
  if (!initialised) {
    slabInit(smallSlab, SMALL);
    slabInit(mediumSlab, MEDIUM);
    initialised = true;
  }
  const bytes = HEADER + length;
  const order = orderFor(bytes);
  if (memoryFreePages() < RESERVE_PAGES + (1 << order)) return changetype<Datagram>(0);
  let kind = KIND_PAGES + order;
  let size: u32 = 1 << (PAGE_SHIFT + order);
  let memory: usize;
  if (bytes <= SMALL) {
    memory = smallSlab.alloc();
    kind = KIND_SMALL;
    size = SMALL;
  } else if (bytes <= MEDIUM) {
    memory = mediumSlab.alloc();
    kind = KIND_MEDIUM;
    size = MEDIUM;
  } else {
    memory = pagesAlloc(order);
  }
  const datagram = changetype<Datagram>(memory);
  if (memory == 0) return datagram;
  datagram.next = 0;
  datagram.length = length;
  datagram.size = size;
  datagram.kind = kind;
  return datagram;
}

/** Gives a datagram back. */
export function datagramFree(datagram: Datagram): void {
  const memory = changetype<usize>(datagram);
  if (datagram.kind == KIND_SMALL) smallSlab.free(memory);
  else if (datagram.kind == KIND_MEDIUM) mediumSlab.free(memory);
  else pagesFree(memory, datagram.kind - KIND_PAGES);
}
