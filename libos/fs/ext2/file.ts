// Contents of regular files: reading with a look ahead, writing block by block, cutting and growing. New contents are on the device before the
// transaction that makes them known (journal.ts).
import { EFBIG, EIO, ENOSPC } from "../../../kernel/errno";
import { wallClockNow } from "../../../kernel/time/clock";
import { blockMap, blockMapMake, blockWasMade } from "./block_map";
import { Buffer, NO_BUFFER, cacheStep } from "./buffers";
import { cacheBuffer, cacheFresh, cacheHas, cacheRead, cacheReadBegin, cacheReadWait } from "./cache";
import {
  NO_INODE,
  inodeAt,
  inodeChange,
  inodeReadIsNews,
  inodeSetAccessed,
  inodeSetSize,
  inodeSize,
  inodeTouch,
} from "./inode";
import { journalAbort, journalBegin, journalChangeData, journalCommit, journalData } from "./journal";
import { orphanAdd, orphanCut } from "./orphans";
import { Volume } from "./volume";

/** Blocks that are read at once. */
const WINDOW: u64 = 64;
/** Blocks that are read ahead of who reads on where it has stopped. */
const AHEAD: u64 = 32;

// Where the last read has ended.
let lastInode: u32 = 0;
let lastEnd: u64 = 0;

/** Notes that it is read, if that is news. */
function noteRead(volume: Volume, number: u32): void {
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE || !inodeReadIsNews(volume, inode) || journalBegin(volume) != 0) return;
  const own = inodeChange(volume, number);
  if (own != NO_INODE) inodeSetAccessed(volume, own, wallClockNow());
}

/** Reads blocks `from` … `end` - 1, as many as go at once, into the cache. */
function fetch(volume: Volume, number: u32, from: u64, end: u64): void {
  const last = min(end, from + min(WINDOW, <u64>(volume.capacity >> 3)));
  for (let logical = from; logical < last; logical++) {
    const block = blockMap(volume, number, logical);
    if (block > 0) cacheReadBegin(volume, <u32>block);
  }
  cacheReadWait(volume);
}

/** Copies up to `count` bytes from `offset` to `target`: how many, 0 at and behind the end, -EIO when none. */
export function fileRead(volume: Volume, number: u32, target: usize, count: u32, offset: u64): i32 {
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return -EIO;
  const size = inodeSize(inode);
  noteRead(volume, number);
  if (offset >= size || count == 0) return 0;
  const length = <u32>min(<u64>count, size - offset);
  const isGoingOn = number == lastInode && offset == lastEnd;
  const inFile = (size + volume.blockSize - 1) >> volume.blockShift;
  const behind = (offset + length + volume.blockSize - 1) >> volume.blockShift;
  const wanted = min(inFile, isGoingOn ? behind + AHEAD : behind);
  let done: u32 = 0;
  while (done < length) {
    cacheStep();
    const logical = (offset + done) >> volume.blockShift;
    const start = (<u32>(offset + done)) & (volume.blockSize - 1);
    const piece = min(volume.blockSize - start, length - done);
    const block = blockMap(volume, number, logical);
    if (block < 0) return done != 0 ? <i32>done : <i32>block;
    if (block == 0) memory.fill(target + done, 0, piece);
    else {
      if (!cacheHas(volume, <u32>block)) fetch(volume, number, logical, wanted);
      const buffer = cacheRead(volume, <u32>block);
      if (buffer == NO_BUFFER) return done != 0 ? <i32>done : -EIO;
      memory.copy(target + done, buffer.address + start, piece);
    }
    done += piece;
  }
  lastInode = number;
  lastEnd = offset + length;
  return <i32>length;
}

/** The buffer for the bytes of block `logical` that are to be written, which may be `whole`; NO_BUFFER with `failure`. */
let failure: i32 = 0;
function bufferForWriting(volume: Volume, number: u32, logical: u64, whole: bool): Buffer {
  const block = blockMapMake(volume, number, logical);
  failure = block < 0 ? <i32>block : -EIO;
  if (block < 0) return NO_BUFFER;
  if (blockWasMade()) return cacheFresh(volume, <u32>block);
  if (!whole) return cacheRead(volume, <u32>block);
  const buffer = cacheBuffer(volume, <u32>block);
  if (buffer != NO_BUFFER) buffer.isValid = true;
  return buffer;
}

/** Writes `count` bytes that are in one block: 0 or -errno. */
function writePiece(volume: Volume, number: u32, source: usize, count: u32, offset: u64): i32 {
  cacheStep();
  const error = journalBegin(volume);
  if (error != 0) return error;
  const buffer = bufferForWriting(volume, number, offset >> volume.blockShift, count == volume.blockSize);
  if (buffer == NO_BUFFER) return failure;
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return -EIO;
  memory.copy(buffer.address + ((<u32>offset) & (volume.blockSize - 1)), source, count);
  journalData(volume, buffer);
  if (offset + count > inodeSize(inode)) inodeSetSize(volume, inode, offset + count);
  inodeTouch(volume, inode);
  return 0;
}

let written: u64 = 0;

/** Where the last fileWrite() has ended. */
export function fileWritten(): u64 {
  return written;
}

/** Writes `count` bytes at `offset`, or at the end if `appending`: how many, or -ENOSPC, -EFBIG, -EROFS, -EIO when none. */
export function fileWrite(volume: Volume, number: u32, source: usize, count: u32, offset: u64, appending: bool): i32 {
  if (count == 0) return 0;
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return -EIO;
  const begin = appending ? inodeSize(inode) : offset;
  if (begin >= volume.largest) return -EFBIG;
  const length = <u32>min(<u64>count, volume.largest - begin);
  const size = inodeSize(inode);
  const failed = begin > size ? clearBehind(volume, number, size) : 0;
  if (failed != 0) return failed;
  let done: u32 = 0;
  while (done < length) {
    const at = begin + done;
    const piece = min(volume.blockSize - ((<u32>at) & (volume.blockSize - 1)), length - done);
    let error = writePiece(volume, number, source + done, piece, at);
    // What the transaction has freed can be had when it is committed.
    if (error == -ENOSPC && volume.frozenCount != 0 && journalCommit(volume) == 0) {
      error = writePiece(volume, number, source + done, piece, at);
    }
    if (error != 0) {
      if (done == 0) return error;
      break;
    }
    done += piece;
  }
  written = begin + done;
  return <i32>done;
}

/**
 * Makes what is behind byte `size` of the block that it is in zero: 0 or -EIO. When that `isSeen` until the transaction that makes the file so
 * long is committed, it takes the way through the log.
 */
function clearRest(volume: Volume, number: u32, size: u64, isSeen: bool): i32 {
  const start = (<u32>size) & (volume.blockSize - 1);
  if (start == 0) return 0;
  const block = blockMap(volume, number, size >> volume.blockShift);
  if (block <= 0) return <i32>block;
  const buffer = cacheRead(volume, <u32>block);
  if (buffer == NO_BUFFER) return -EIO;
  if (isSeen) journalChangeData(volume, buffer);
  memory.fill(buffer.address + start, 0, volume.blockSize - start);
  if (!isSeen) journalData(volume, buffer);
  return 0;
}

/**
 * Before a file of `size` bytes grows beyond them: what is behind them in their block need not be zero. It may have been written for a
 * transaction that the power failed before.
 */
function clearBehind(volume: Volume, number: u32, size: u64): i32 {
  cacheStep();
  const error = journalBegin(volume);
  return error != 0 ? error : clearRest(volume, number, size, false);
}

/** Makes the file `size` bytes long; one that is so already has changed only if `always`. 0, -EFBIG, -EROFS, -EIO. */
export function fileResize(volume: Volume, number: u32, size: u64, always: bool): i32 {
  if (size > volume.largest) return -EFBIG;
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return -EIO;
  const before = inodeSize(inode);
  if (before == size && !always) return 0;
  let error = journalBegin(volume);
  if (error != 0) return error;
  if (size != before) error = clearRest(volume, number, min(size, before), size < before);
  if (error != 0) return error;
  const own = inodeChange(volume, number);
  if (own == NO_INODE) return -EIO;
  inodeSetSize(volume, own, size);
  inodeTouch(volume, own);
  if (size >= before) return 0;
  // One without names is in the list already.
  if (own.links == 0 || orphanAdd(volume, number) == 0) return orphanCut(volume, number);
  journalAbort(volume);
  return -EIO;
}
