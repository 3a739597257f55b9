// Which block of the device a block of a file is: the first twelve are named in the inode, the others in blocks of numbers, and blocks of those, up
// to three deep. What is 0 is a hole.
import { EFBIG, EIO } from "../../../kernel/errno";
import { SECTOR_SHIFT } from "../../blk/blkif";
import { blockTake, inodeGoal } from "./bitmaps";
import { Buffer, NO_BUFFER } from "./buffers";
import { cacheFresh, cacheRead } from "./cache";
import { inodeBuffer, inodeIn } from "./inode";
import { journalAbort, journalChange } from "./journal";
import { DIRECT_BLOCKS } from "./layout";
import { Volume } from "./volume";

// The way to a block: an index in the inode, and in each block of numbers behind it.
const path = memory.data(16, 4);
let depth: u32 = 0;

// What was made last, which is likely to be gone on with.
let lastInode: u32 = 0;
let lastLogical: u64 = 0;
let lastBlock: u32 = 0;
let made = false;

/** Sectors of a block, as inodes count blocks. */
export function blockSectors(volume: Volume): u32 {
  return volume.blockSize >> SECTOR_SHIFT;
}

function pathIndex(level: u32): u32 {
  return load<u32>(path + ((<usize>level) << 2));
}

function setPath(level: u32, index: u64): void {
  store<u32>(path + ((<usize>level) << 2), <u32>index);
}

/** Finds the way to block `logical`: false when no file can have it. */
function findPath(volume: Volume, logical: u64): bool {
  depth = 0;
  if (logical < DIRECT_BLOCKS) {
    setPath(0, logical);
    return true;
  }
  let rest = logical - DIRECT_BLOCKS;
  const shift = <u64>volume.pointerShift;
  for (let level: u64 = 1; level <= 3; level++) {
    const span = (<u64>1) << (shift * level);
    if (rest >= span) {
      rest -= span;
      continue;
    }
    depth = <u32>level;
    setPath(0, DIRECT_BLOCKS + level - 1);
    for (let i: u64 = 1; i <= level; i++) setPath(<u32>i, (rest >> (shift * (level - i))) & (((<u64>1) << shift) - 1));
    return true;
  }
  return false;
}

/** The block that block `logical` of inode `number` is; 0 for a hole, -EFBIG, -EIO. */
export function blockMap(volume: Volume, number: u32, logical: u64): i64 {
  if (!findPath(volume, logical)) return -EFBIG;
  const buffer = inodeBuffer(volume, number);
  if (buffer == NO_BUFFER) return -EIO;
  let block = load<u32>(inodeIn(volume, buffer, number).at(pathIndex(0)));
  for (let level: u32 = 1; level <= depth && block != 0; level++) {
    const numbers = volume.hasBlock(block) ? cacheRead(volume, block) : NO_BUFFER;
    if (numbers == NO_BUFFER) return -EIO;
    block = load<u32>(numbers.address + ((<usize>pathIndex(level)) << 2));
  }
  return block == 0 || volume.hasBlock(block) ? block : -EIO;
}

/** Whether the last blockMapMake() has made the block: nothing is in it then. */
export function blockWasMade(): bool {
  return made;
}

/** Takes a block for the number at `place` in `holder`, and counts it: the block, -ENOSPC, -EIO. */
function take(volume: Volume, number: u32, holder: Buffer, place: usize, goal: u32): i64 {
  const block = blockTake(volume, goal);
  if (block < 0) return block;
  const buffer = inodeBuffer(volume, number);
  if (buffer == NO_BUFFER) {
    journalAbort(volume);
    return -EIO;
  }
  journalChange(volume, holder);
  journalChange(volume, buffer);
  store<u32>(place, <u32>block);
  inodeIn(volume, buffer, number).blocks += blockSectors(volume);
  return block;
}

/** Where a block had best be: behind the one before it. */
function goalFor(volume: Volume, number: u32, logical: u64, place: usize, index: u32): u32 {
  if (number == lastInode && logical == lastLogical + 1) return lastBlock + 1;
  const before = index == 0 ? 0 : load<u32>(place - 4);
  return before != 0 ? before + 1 : inodeGoal(volume, number);
}

/**
 * The same, but a hole is filled, in the running transaction: -ENOSPC, and what was made of the way to it stays. Blocks on the way are new to
 * the cache; what is in a block that was made itself is for the caller to say.
 */
export function blockMapMake(volume: Volume, number: u32, logical: u64): i64 {
  made = false;
  if (!findPath(volume, logical)) return -EFBIG;
  let holder = inodeBuffer(volume, number);
  if (holder == NO_BUFFER) return -EIO;
  let place = inodeIn(volume, holder, number).at(pathIndex(0));
  for (let level: u32 = 0; level <= depth; level++) {
    const found = load<u32>(place);
    const isLeaf = level == depth;
    const goal = goalFor(volume, number, logical, place, level == 0 && depth != 0 ? 0 : pathIndex(level));
    const block = found != 0 ? <i64>found : take(volume, number, holder, place, goal);
    if (block < 0) return block;
    if (!volume.hasBlock(<u32>block)) return -EIO;
    if (isLeaf) {
      made = found == 0;
      lastInode = number;
      lastLogical = logical;
      lastBlock = <u32>block;
      return block;
    }
    holder = found != 0 ? cacheRead(volume, <u32>block) : cacheFresh(volume, <u32>block);
    if (holder == NO_BUFFER) return -EIO;
    if (found == 0) {
      journalChange(volume, holder);
      lastBlock = <u32>block; // the data follows it
    }
    place = holder.address + ((<usize>pathIndex(level + 1)) << 2);
  }
  return -EIO;
}
