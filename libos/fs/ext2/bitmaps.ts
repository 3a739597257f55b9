// Which blocks and inodes are free: a bitmap of each in every group, and counts of them in the group's descriptor and the superblock. Blocks that
// the running transaction has freed are not given out before it is committed: their old owner may come back until then.
import { EIO, ENOSPC } from "../../../kernel/errno";
import { Buffer, NO_BUFFER } from "./buffers";
import { cacheRead } from "./cache";
import { journalAbort, journalChange, journalChangeBitmap, journalForget } from "./journal";
import { Volume } from "./volume";

const ALL_SET: u64 = u64.MAX_VALUE;

function isSet(bitmap: usize, bit: u32): bool {
  return ((load<u8>(bitmap + (bit >> 3)) >> (<u8>(bit & 7))) & 1) != 0;
}

function setBit(bitmap: usize, bit: u32): void {
  const at = bitmap + (bit >> 3);
  store<u8>(at, load<u8>(at) | (<u8>((<u32>1) << (bit & 7))));
}

function clearBit(bitmap: usize, bit: u32): void {
  const at = bitmap + (bit >> 3);
  store<u8>(at, load<u8>(at) & ~(<u8>((<u32>1) << (bit & 7))));
}

/** The first bit from `from` on, below `count`, that is clear in `bitmap` and in `committed` (0: none); `count` when there is none. */
function firstFree(bitmap: usize, committed: usize, from: u32, count: u32): u32 {
  let bit = from;
  while (bit < count) {
    if ((bit & 63) == 0 && bit + 64 <= count && load<u64>(bitmap + (bit >> 3)) == ALL_SET) {
      bit += 64;
      continue;
    }
    if (!isSet(bitmap, bit) && (committed == 0 || !isSet(committed, bit))) return bit;
    bit++;
  }
  return count;
}

/** The volume says what cannot be. */
function nonsense(volume: Volume): i32 {
  journalAbort(volume);
  return -EIO;
}

/** The buffer of a bitmap; NO_BUFFER when it cannot be read. */
function bitmapBuffer(volume: Volume, block: u32): Buffer {
  return volume.hasBlock(block) ? cacheRead(volume, block) : NO_BUFFER;
}

// ---- blocks ----

/** Takes a free block of `group` from bit `from` on: its number, 0 when there is none, -EIO. */
function takeBlock(volume: Volume, group: u32, from: u32): i64 {
  const descriptors = cacheRead(volume, volume.descriptorBlockOf(group));
  if (descriptors == NO_BUFFER) return -EIO;
  const descriptor = volume.descriptorIn(descriptors, group);
  if (descriptor.freeBlocks == 0) return 0;
  const bitmap = bitmapBuffer(volume, descriptor.blockBitmap);
  if (bitmap == NO_BUFFER) return -EIO;
  const committed: usize = bitmap.frozen == 0 ? 0 : changetype<Buffer>(bitmap.frozen).address;
  const count = volume.groupBlocks(group);
  let bit = firstFree(bitmap.address, committed, from, count);
  if (bit == count) {
    bit = firstFree(bitmap.address, committed, 0, from);
    if (bit >= from) return 0;
  }
  const block = volume.groupStart(group) + bit;
  if (!volume.hasBlock(block)) return nonsense(volume);
  if (!journalChangeBitmap(volume, bitmap)) return nonsense(volume);
  journalChange(volume, descriptors);
  journalChange(volume, volume.superBuffer);
  setBit(bitmap.address, bit);
  descriptor.freeBlocks -= 1;
  volume.superblock.freeBlocks -= 1;
  return block;
}

/** Takes a free block, `goal` or one behind it if there is one: its number, -ENOSPC, -EIO. Its contents are undefined. */
export function blockTake(volume: Volume, goal: u32): i64 {
  const wanted = volume.hasBlock(goal) ? goal : volume.firstDataBlock + 1;
  const first = volume.groupOf(wanted);
  for (let i: u32 = 0; i < volume.groups; i++) {
    const group = (first + i) % volume.groups;
    const from = i == 0 ? wanted - volume.groupStart(group) : 0;
    const block = takeBlock(volume, group, from);
    if (block != 0) return block;
  }
  return -ENOSPC;
}

/** Frees a block: 0 or -EIO. `wasJournaled`: it was not contents of a file. */
export function blockFree(volume: Volume, block: u32, wasJournaled: bool): i32 {
  if (!volume.hasBlock(block)) return nonsense(volume);
  const group = volume.groupOf(block);
  const descriptors = cacheRead(volume, volume.descriptorBlockOf(group));
  if (descriptors == NO_BUFFER) return nonsense(volume);
  const descriptor = volume.descriptorIn(descriptors, group);
  const bitmap = bitmapBuffer(volume, descriptor.blockBitmap);
  const bit = block - volume.groupStart(group);
  if (bitmap == NO_BUFFER || !isSet(bitmap.address, bit)) return nonsense(volume);
  if (!journalChangeBitmap(volume, bitmap)) return nonsense(volume);
  journalChange(volume, descriptors);
  journalChange(volume, volume.superBuffer);
  clearBit(bitmap.address, bit);
  descriptor.freeBlocks += 1;
  volume.superblock.freeBlocks += 1;
  journalForget(volume, block, wasJournaled);
  return 0;
}

// ---- inodes ----

/** Takes a free inode of `group`: its number, 0 when there is none, -EIO. */
function takeInode(volume: Volume, group: u32, isDirectory: bool): i64 {
  const descriptors = cacheRead(volume, volume.descriptorBlockOf(group));
  if (descriptors == NO_BUFFER) return -EIO;
  const descriptor = volume.descriptorIn(descriptors, group);
  if (descriptor.freeInodes == 0) return 0;
  const bitmap = bitmapBuffer(volume, descriptor.inodeBitmap);
  if (bitmap == NO_BUFFER) return -EIO;
  const reserved = group == 0 ? volume.firstInode - 1 : 0;
  const bit = firstFree(bitmap.address, 0, reserved, volume.inodesPerGroup);
  if (bit == volume.inodesPerGroup) return 0;
  journalChange(volume, bitmap);
  journalChange(volume, descriptors);
  journalChange(volume, volume.superBuffer);
  setBit(bitmap.address, bit);
  descriptor.freeInodes -= 1;
  if (isDirectory) descriptor.directories += 1;
  volume.superblock.freeInodes -= 1;
  return <i64>group * volume.inodesPerGroup + bit + 1;
}

/** The group with the most free blocks of those with free inodes: where a new directory begins a neighbourhood. */
function emptiestGroup(volume: Volume): u32 {
  let best: u32 = 0;
  let most: u16 = 0;
  for (let group: u32 = 0; group < volume.groups; group++) {
    const descriptors = cacheRead(volume, volume.descriptorBlockOf(group));
    if (descriptors == NO_BUFFER) continue;
    const descriptor = volume.descriptorIn(descriptors, group);
    if (descriptor.freeInodes == 0 || descriptor.freeBlocks <= most) continue;
    most = descriptor.freeBlocks;
    best = group;
  }
  return best;
}

/** Takes a free inode, for a file near directory `parent`: its number, -ENOSPC, -EIO. */
export function inodeTake(volume: Volume, parent: u32, isDirectory: bool): i64 {
  const first = isDirectory ? emptiestGroup(volume) : (parent - 1) / volume.inodesPerGroup;
  for (let i: u32 = 0; i < volume.groups; i++) {
    const number = takeInode(volume, (first + i) % volume.groups, isDirectory);
    if (number != 0) return number;
  }
  return -ENOSPC;
}

/** Frees an inode: 0 or -EIO. */
export function inodeGive(volume: Volume, number: u32, isDirectory: bool): i32 {
  const group = (number - 1) / volume.inodesPerGroup;
  const bit = (number - 1) % volume.inodesPerGroup;
  const descriptors = cacheRead(volume, volume.descriptorBlockOf(group));
  if (descriptors == NO_BUFFER) return nonsense(volume);
  const descriptor = volume.descriptorIn(descriptors, group);
  const bitmap = bitmapBuffer(volume, descriptor.inodeBitmap);
  if (bitmap == NO_BUFFER || !isSet(bitmap.address, bit)) return nonsense(volume);
  journalChange(volume, bitmap);
  journalChange(volume, descriptors);
  journalChange(volume, volume.superBuffer);
  clearBit(bitmap.address, bit);
  descriptor.freeInodes += 1;
  if (isDirectory) descriptor.directories -= 1;
  volume.superblock.freeInodes += 1;
  return 0;
}

/** Where the blocks of inode `number` had best be: in its group. */
export function inodeGoal(volume: Volume, number: u32): u32 {
  return volume.groupStart((number - 1) / volume.inodesPerGroup) + 1;
}
