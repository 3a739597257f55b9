// Contents of files in a tmpfs: reading, writing, cutting and growing. Nothing here blocks.
import { EFBIG } from "../../../kernel/errno";
import { PAGE_SHIFT, PAGE_SIZE } from "../../../kernel/memory/pages";
import { wallClockNow } from "../../../kernel/time/clock";
import { Inode } from "./inode";
import { filePage, filePageMake, filePagesCut, pagesFor } from "./pages";

const DAY: u64 = 86_400_000_000_000;
const IN_PAGE: u64 = PAGE_SIZE - 1;
/** The largest size, as on Linux: offsets are signed. */
const LARGEST: u64 = i64.MAX_VALUE;

/** Notes that it has been read, as Linux's relatime has it: when that was not since it changed, or a day ago. */
export function tmpfsAccessed(inode: Inode): void {
  const now = wallClockNow();
  const isOld = inode.accessed <= inode.modified || inode.accessed <= inode.changed || now - inode.accessed >= DAY;
  if (isOld) inode.accessed = now;
}

/** Notes that its contents have changed. */
export function tmpfsModified(inode: Inode): void {
  inode.modified = wallClockNow();
  inode.changed = inode.modified;
}

/** Copies up to `count` bytes from `offset` to `target`: how many, 0 at and behind the end. */
export function tmpfsRead(inode: Inode, target: usize, count: u32, offset: u64): i32 {
  tmpfsAccessed(inode);
  if (offset >= inode.size) return 0;
  const length = <u32>min(<u64>count, inode.size - offset);
  let done: u32 = 0;
  while (done < length) {
    const at = offset + done;
    const start = <u32>(at & IN_PAGE);
    const piece = min(PAGE_SIZE - start, length - done);
    const page = filePage(inode, at >> PAGE_SHIFT);
    if (page == 0) memory.fill(target + done, 0, piece);
    else memory.copy(target + done, page + start, piece);
    done += piece;
  }
  return <i32>length;
}

/** Writes `count` bytes at `offset`: how many, fewer when memory or the mount's room end; -ENOSPC, -ENOMEM, -EFBIG when none. */
export function tmpfsWrite(inode: Inode, source: usize, count: u32, offset: u64): i32 {
  if (count == 0) return 0;
  if (offset >= LARGEST) return -EFBIG;
  const length = <u32>min(<u64>count, LARGEST - offset);
  let done: u32 = 0;
  let error: i32 = 0;
  while (done < length) {
    const at = offset + done;
    const start = <u32>(at & IN_PAGE);
    const piece = min(PAGE_SIZE - start, length - done);
    error = filePageMake(inode, at >> PAGE_SHIFT, piece == PAGE_SIZE);
    if (error < 0) break;
    memory.copy(<usize>error + start, source + done, piece);
    done += piece;
  }
  if (done == 0) return error;
  inode.size = max(inode.size, offset + done);
  tmpfsModified(inode);
  return <i32>done;
}

/** Makes the file `size` <= i64.MAX_VALUE bytes long: what is behind is gone, what comes is a hole. */
export function tmpfsResize(inode: Inode, size: u64): void {
  if (size < inode.size) {
    filePagesCut(inode, pagesFor(size), u64.MAX_VALUE);
    const page = (size & IN_PAGE) == 0 ? 0 : filePage(inode, size >> PAGE_SHIFT);
    const start = <u32>(size & IN_PAGE);
    if (page != 0) memory.fill(page + start, 0, PAGE_SIZE - start);
  }
  inode.size = size;
}
