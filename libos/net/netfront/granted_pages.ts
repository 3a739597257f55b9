// The pages that netfront shares with the back end. They are allocated once, granted once per back-end domain and
// used over and over: no grant is made or ended per packet, and a reconnection to the same domain keeps them all.
// After a restore the grant table is empty and everything is granted again.
//
// Order of the records: transmit ring, receive ring, receive buffers (all writable by the back end), then transmit
// buffers (read-only).
// Invariant: a page whose grant cannot be ended is never granted to another domain.
import { addressFrame } from "../../../kernel/memory/frames";
import { grantAccess, grantEnd } from "../../../kernel/grant_table";
import { PAGE_SIZE, pageAlloc } from "../../../kernel/memory/pages";
import { ENOMEM } from "../../../kernel/errno";

const NO_DOMAIN: u32 = 0xffff_ffff;
const RECORD_SIZE: u32 = 8;
const RECORDS_MAX: u32 = PAGE_SIZE / RECORD_SIZE;

let records: usize = 0; // a page of {u32 address, u32 grant reference; 0 = not granted}
let count: u32 = 0;
let writable: u32 = 0; // records before this one may be written by the back end
let grantedTo: u32 = NO_DOMAIN;

/** Makes room for the records; -ENOMEM. */
export function grantedPagesInit(): i32 {
  records = pageAlloc();
  return records == 0 ? -ENOMEM : 0;
}

/** Adds the page at `address` to those to be granted; its record's index, or -ENOMEM. */
export function grantedPagesAdd(address: usize, backendMayWrite: bool): i32 {
  if (count == RECORDS_MAX) return -ENOMEM;
  store<u32>(records + count * RECORD_SIZE, <u32>address);
  store<u32>(records + count * RECORD_SIZE, 0, 4);
  count += 1;
  if (backendMayWrite) writable = count;
  return count - 1;
}

/** Address of the page of record `index`. */
export function grantedPage(index: u32): usize {
  return load<u32>(records + index * RECORD_SIZE);
}

/** Grant reference of the page of record `index`. */
export function grantReference(index: u32): u32 {
  return load<u32>(records + index * RECORD_SIZE, 4);
}

function endAll(): i32 {
  for (let i: u32 = 0; i < count; i++) {
    const reference = grantReference(i);
    if (reference == 0) continue;
    const result = grantEnd(reference);
    if (result < 0) return result; // the former back end still uses it; to be tried again later
    store<u32>(records + i * RECORD_SIZE, 0, 4);
  }
  grantedTo = NO_DOMAIN;
  return 0;
}

/** Grants every page to `domain` unless it is already. 0; -EBUSY while a former back end uses one; -ENOSPC. */
export function grantedPagesGrant(domain: u32): i32 {
  if (grantedTo == domain) return 0;
  if (grantedTo != NO_DOMAIN) {
    const busy = endAll();
    if (busy < 0) return busy;
  }
  grantedTo = domain;
  for (let i: u32 = 0; i < count; i++) {
    const reference = grantAccess(<u16>domain, addressFrame(grantedPage(i)), i >= writable);
    if (reference < 0) {
      endAll();
      return reference;
    }
    store<u32>(records + i * RECORD_SIZE, reference, 4);
  }
  return 0;
}

/** After a restore: no page is granted to anyone. */
export function grantedPagesForget(): void {
  for (let i: u32 = 0; i < count; i++) store<u32>(records + i * RECORD_SIZE, 0, 4);
  grantedTo = NO_DOMAIN;
}
