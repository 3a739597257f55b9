// The app's linear memory: from APP_BASE up to 3 GiB, mapped here and nowhere else. Its first page is absent, so that
// a null pointer of the app faults, unless its module has come from another toolchain, which may put anything there; behind the app's size nothing is mapped up to APP_BASE + 8 GiB, the guard zone
// that bounds every wasm address. Growing is all or nothing.
import { appLowest } from "../boot";
import { ENOMEM } from "../errno";
import { copyOnWriteGrown } from "./copy_on_write";
import { framesReserve, frameTakeForApp } from "./frames";
import { PAGE_DATA, pageMap, pageTableFlush, pageTablesMissing } from "./page_table";
import { PAGE_SHIFT } from "./pages";

/** Where address 0 of the app's module is. */
export const APP_BASE: usize = 0x40000000;
/** The most that an app's memory can be. */
export const APP_LIMIT: u32 = 0xc0000000;

let size: u32 = 0;

/** Bytes of the app's memory. */
export function appSpaceSize(): u32 {
  return size;
}

/** Makes the app's memory `newSize` bytes (a multiple of the page size), zeroed from the old end on; 0 or -ENOMEM with nothing changed. */
export function appSpaceGrow(newSize: u32): i32 {
  if (newSize > APP_LIMIT || newSize < size) return -ENOMEM;
  const start = APP_BASE + max(size, appLowest());
  const end = APP_BASE + newSize;
  const pages: u32 = newSize <= appLowest() ? 0 : <u32>((end - start) >> PAGE_SHIFT);
  if (!framesReserve(pages + pageTablesMissing(start, end))) return -ENOMEM;
  for (let i: u32 = 0; i < pages; i++) {
    pageMap(start + ((<usize>i) << PAGE_SHIFT), <u32>frameTakeForApp(), PAGE_DATA);
  }
  pageTableFlush();
  copyOnWriteGrown(start, end);
  memory.fill(start, 0, (<usize>pages) << PAGE_SHIFT);
  size = newSize;
  return 0;
}

/** The app's memory is `newSize` bytes now: what is mapped has been made so (app_renewal.ts). */
export function appSpaceResize(newSize: u32): void {
  size = newSize;
}
