// The pages that netfront shares with the back end. A page is granted when it is added and stays so: no grant is made or
// ended per packet, and a reconnection to the same domain keeps them all. After a restore, or in the child of a fork,
// the grant table is empty and everything is granted again.
//
// A table with an entry for each page of the direct map says which pages these are: a bit for the right to write, a bit for
// "shared", the grant reference in the rest (0 = not granted now).
// Invariant: a page whose grant cannot be ended is never granted to another domain.
import { addressFrame } from "../../../kernel/memory/frames";
import { grantAccess, grantEnd } from "../../../kernel/grant_table";
import { orderFor, pagesAlloc } from "../../../kernel/memory/pages";
import { EBUSY, ENOMEM } from "../../../kernel/errno";

const SHARED: u16 = 0x8000;
const WRITABLE: u16 = 0x4000;
/** The grant table has fewer entries (kernel/grant_table.ts). */
const REFERENCE: u16 = 0x3fff;
const ENTRY_SIZE: u32 = 2;

const NO_DOMAIN: u32 = 0xffff_ffff;

let entries: usize = 0;
let frames: u32 = 0;
let grantedTo: u32 = NO_DOMAIN;

/** Makes the table for a domain of `pages` pages; -ENOMEM. */
export function grantedPagesInit(pages: u32): i32 {
  entries = pagesAlloc(orderFor(pages * ENTRY_SIZE));
  if (entries == 0) return -ENOMEM;
  frames = pages;
  memory.fill(entries, 0, pages * ENTRY_SIZE);
  return 0;
}

function entryOf(address: usize): usize {
  return entries + addressFrame(address) * ENTRY_SIZE;
}

/** Grants the shared page of `entry` to the present domain; 0 or -ENOSPC. */
function grant(entry: usize): i32 {
  const rights = load<u16>(entry) & ~REFERENCE;
  const frame = <u32>(entry - entries) / ENTRY_SIZE;
  const reference = grantAccess(<u16>grantedTo, frame, (rights & WRITABLE) == 0);
  if (reference < 0) return reference;
  store<u16>(entry, rights | (<u16>reference));
  return 0;
}

/** Ends the grant of the page of `entry`, if it has one; 0, or -EBUSY while the back end uses the page. */
function end(entry: usize): i32 {
  const value = load<u16>(entry);
  if ((value & REFERENCE) == 0) return 0;
  const result = grantEnd(value & REFERENCE);
  if (result == 0) store<u16>(entry, value & ~REFERENCE);
  return result;
}

/** Shares the page at `address` from now on; 0, or -ENOSPC when the grant table is full: it is not shared then. */
export function grantedPageAdd(address: usize, backendMayWrite: bool): i32 {
  const entry = entryOf(address);
  store<u16>(entry, backendMayWrite ? SHARED | WRITABLE : SHARED);
  if (grantedTo == NO_DOMAIN) return 0;
  const result = grant(entry);
  if (result < 0) store<u16>(entry, 0);
  return result;
}

/** Shares the page at `address` no longer; 0, or -EBUSY while the back end uses it: it must then be kept as it is. */
export function grantedPageRemove(address: usize): i32 {
  const entry = entryOf(address);
  const result = end(entry);
  if (result == 0) store<u16>(entry, 0);
  return result;
}

/** Grant reference of the shared page around `address`. */
export function grantReference(address: usize): u32 {
  return load<u16>(entryOf(address)) & REFERENCE;
}

function endAll(): i32 {
  let result = 0;
  for (let frame: u32 = 0; frame < frames; frame++) {
    if (end(entries + frame * ENTRY_SIZE) < 0) result = -EBUSY; // a former back end still uses it
  }
  if (result == 0) grantedTo = NO_DOMAIN;
  return result;
}

/** Grants every page to `domain` unless it is already. 0; -EBUSY while a former back end uses one; -ENOSPC. */
export function grantedPagesGrant(domain: u32): i32 {
  if (grantedTo != domain && grantedTo != NO_DOMAIN) {
    const busy = endAll();
    if (busy < 0) return busy;
  }
  grantedTo = domain;
  for (let frame: u32 = 0; frame < frames; frame++) {
    const entry = entries + frame * ENTRY_SIZE;
    if ((load<u16>(entry) & (SHARED | REFERENCE)) != SHARED) continue; // not shared, or granted
    const result = grant(entry);
    if (result < 0) {
      endAll();
      return result;
    }
  }
  return 0;
}

/** After a restore: no page is granted to anyone. */
export function grantedPagesForget(): void {
  for (let frame: u32 = 0; frame < frames; frame++) {
    const entry = entries + frame * ENTRY_SIZE;
    store<u16>(entry, load<u16>(entry) & ~REFERENCE);
  }
  grantedTo = NO_DOMAIN;
}
