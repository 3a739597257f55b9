// Word for forkd of what changes in the address space. forkd prepares domains for children ahead of time, with the
// mappings that it finds; what has changed since then it learns from here: single pages from a log, a ring of u32 page numbers
// in which a producer index runs freely, and everything bigger from a counter.
// Invariant: a change is told after it was made.
import { PAGE_SHIFT } from "./pages";

let log: usize = 0;
let mask: u32 = 0;
let producerAt: usize = 0;
let layoutAt: usize = 0;

/** Begins the log: `entries` (a power of two) of u32 at `address`, the producer index and the counter, both u32, elsewhere. */
export function pageChangesStart(address: usize, entries: u32, producer: usize, layout: usize): void {
  log = address;
  mask = entries - 1;
  producerAt = producer;
  layoutAt = layout;
}

/** The mapping of `address` is another now. */
export function pageChanged(address: usize): void {
  if (log == 0) return;
  const produced = load<u32>(producerAt);
  store<u32>(log + ((<usize>(produced & mask)) << 2), <u32>(address >> PAGE_SHIFT));
  atomic.store<u32>(producerAt, produced + 1);
}

/** There is another page table, or the kernel has more memory. */
export function layoutChanged(): void {
  if (layoutAt != 0) atomic.store<u32>(layoutAt, load<u32>(layoutAt) + 1);
}
