// Grant table, version 1 (xen/include/public/grant_table.h): which of our frames another domain may use. An entry is
// {u16 flags, u16 domid, u32 frame}. Entries 0-7 are the toolstack's (console and xenstore rings).
// Free entries are chained through their frame field. Frames are kept as pfns by the owners of the grants, which
// grant again after a restore.
import { EBUSY, ENOSPC } from "./errno";
import { pfnToMfn } from "./memory/frames";
import { PAGE_DATA } from "./memory/page_table";
import { PAGE_SHIFT, PAGE_SIZE, orderFor, pagesAlloc } from "./memory/pages";
import { panic } from "./panic";
import { UVMF_INVLPG, grantSetupTable, updateVaMapping } from "./xen/hypercall";

const GTF_permit_access: u32 = 1;
const GTF_readonly: u32 = 4;
const GTF_reading: u32 = 8;
const GTF_writing: u32 = 16;

const RESERVED_ENTRIES: u32 = 8;
const ENTRIES_PER_FRAME: u32 = 512;
/** The table's frames; Xen's default limit is 64 of them, 32 768 entries. */
const FRAMES: u32 = 4;

let table: usize = 0;
let firstFree: u32 = 0;
const frameList = memory.data(32, 8); // mfns, FRAMES of u64

function entryAddress(reference: u32): usize {
  return table + ((<usize>reference) << 3);
}

/** Reserves the addresses at which the table's frames are mapped. Called once. */
export function grantTableInit(): void {
  table = pagesAlloc(orderFor(FRAMES * PAGE_SIZE));
  if (table == 0) panic("no memory for the grant table");
}

/** Maps the table's frames, as Xen named them last. */
export function grantTableMap(): void {
  for (let i: u32 = 0; i < FRAMES; i++) {
    const entry = (load<u64>(frameList + ((<usize>i) << 3)) << PAGE_SHIFT) | PAGE_DATA;
    if (updateVaMapping(table + i * PAGE_SIZE, entry, UVMF_INVLPG) != 0) panic("the grant table cannot be mapped");
  }
}

/** Unmaps the table before a suspend, since its frames are Xen's and cannot be saved. */
export function grantTableUnmap(): void {
  for (let i: u32 = 0; i < FRAMES; i++) {
    if (updateVaMapping(table + i * PAGE_SIZE, 0, UVMF_INVLPG) != 0) panic("the grant table cannot be unmapped");
  }
}

/** Sets the table up with every entry free: at boot and after a restore. */
export function grantTableAttach(): void {
  if (grantSetupTable(FRAMES, frameList) != 0) panic("the grant table cannot be set up");
  grantTableMap();
  firstFree = 0;
  for (let reference = FRAMES * ENTRIES_PER_FRAME - 1; reference >= RESERVED_ENTRIES; reference--) release(reference);
}

function release(reference: u32): void {
  store<u32>(entryAddress(reference), firstFree, 4);
  firstFree = reference;
}

/** Where the table's frames are mapped. */
export function grantTableAddress(): usize {
  return table;
}

/** How many frames the table has. */
export function grantTableFrames(): u32 {
  return FRAMES;
}

/** Lets `domain` map or copy frame `pfn`; the grant reference, or -ENOSPC. */
export function grantAccess(domain: u16, pfn: u32, readOnly: bool): i32 {
  if (firstFree == 0) return -ENOSPC;
  const reference = firstFree;
  const entry = entryAddress(reference);
  firstFree = load<u32>(entry, 4);
  store<u16>(entry, domain, 2);
  store<u32>(entry, <u32>pfnToMfn(pfn), 4);
  // The flags make the entry valid, so they come last.
  atomic.store<u16>(entry, <u16>(GTF_permit_access | (readOnly ? GTF_readonly : 0)));
  return <i32>reference;
}

/** Takes a grant back; 0, or -EBUSY while the other domain still uses the frame, which then must not be reused. */
export function grantEnd(reference: u32): i32 {
  const entry = entryAddress(reference);
  for (;;) {
    const flags = atomic.load<u16>(entry);
    if (flags & (<u16>(GTF_reading | GTF_writing))) return -EBUSY;
    if (atomic.cmpxchg<u16>(entry, flags, 0) == flags) break;
  }
  release(reference);
  return 0;
}
