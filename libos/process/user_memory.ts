// The one way from the kernel to the app's memory. Whatever address an app hands over is an offset in its linear
// memory; it becomes a kernel address here, after its bounds have been checked, and nowhere else.
//
// An address stays good until the app's end: its memory grows and never shrinks or moves. What lies there may change
// while a call blocks, because other threads of the app run: read once, then check.
import { appLowest, appMaximumPages } from "../../kernel/boot";
import { APP_BASE, APP_LIMIT, appSpaceGrow, appSpaceSize } from "../../kernel/memory/app_space";

const WASM_PAGE_SHIFT: u32 = 16;

/**
 * The kernel address of the `length` bytes at `offset` of the app's memory, 0 when they are not all inside it. The first
 * page of an app of ours is never inside (a null pointer), except for no bytes at all.
 */
export function userBuffer(offset: u32, length: u32): usize {
  const size = appSpaceSize();
  if (<u64>offset + <u64>length > <u64>size) return 0;
  if (offset < appLowest() && length != 0) return 0;
  return APP_BASE + offset;
}

/** Export: memory.size of the app's module, in pages of 64 KiB. */
export function app_memory_size(): u32 {
  return appSpaceSize() >> WASM_PAGE_SHIFT;
}

/** Export: memory.grow of the app's module by `pages` of 64 KiB: the old size in such pages, or -1 and nothing changed. */
export function app_memory_grow(pages: u32): u32 {
  const before = app_memory_size();
  const most = min(appMaximumPages(), APP_LIMIT >> WASM_PAGE_SHIFT);
  if (before > most || pages > most - before) return -1;
  return appSpaceGrow((before + pages) << WASM_PAGE_SHIFT) == 0 ? before : -1;
}
