// Freeing the blocks of a file from some block on, from its end backwards, and a few at a time: each step leaves a file that is right, so a
// transaction may end between any two. The inode is in the list of orphans meanwhile, so whoever mounts the volume next goes on.
import { EIO } from "../../../kernel/errno";
import { blockFree } from "./bitmaps";
import { blockSectors } from "./block_map";
import { Buffer, NO_BUFFER, cacheStep } from "./buffers";
import { cacheRead } from "./cache";
import { NO_INODE, inodeBuffer, inodeChange, inodeIsDirectory, inodeIn } from "./inode";
import { journalAbort, journalBegin, journalChange } from "./journal";
import { DIRECT_BLOCKS } from "./layout";
import { Volume } from "./volume";

let inodeNumber: u32 = 0;
/** The contents are a directory's, and were journaled. */
let isJournaled: bool = false;

/** Begins a step: what was looked at before is to be looked up again, but for what is pinned. */
function begin(volume: Volume): i32 {
  cacheStep();
  return journalBegin(volume);
}

/** Frees the block whose number is at `place` in `holder`, which is pinned. */
function freeAt(volume: Volume, holder: Buffer, place: usize, wasJournaled: bool): i32 {
  const block = load<u32>(place);
  if (block == 0) return 0;
  const error = begin(volume);
  if (error != 0) return error;
  const inode = inodeChange(volume, inodeNumber);
  if (inode == NO_INODE) return -EIO;
  journalChange(volume, holder);
  store<u32>(place, 0);
  inode.blocks -= min(blockSectors(volume), inode.blocks);
  return blockFree(volume, block, wasJournaled);
}

/** Frees what block `block` of numbers, `level` deep, leads to, but for the first `keep` blocks. */
function cutTree(volume: Volume, block: u32, level: u32, keep: u64): i32 {
  const buffer = volume.hasBlock(block) ? cacheRead(volume, block) : NO_BUFFER;
  if (buffer == NO_BUFFER) return -EIO;
  buffer.pins += 1;
  const error = cutNumbers(volume, buffer, level, keep);
  buffer.pins -= 1;
  return error;
}

function cutNumbers(volume: Volume, buffer: Buffer, level: u32, keep: u64): i32 {
  const shift = <u64>volume.pointerShift * (level - 1);
  for (let i: u64 = (<u64>1) << volume.pointerShift; i > 0; i--) {
    const start = (i - 1) << shift;
    if (i << shift <= keep) break;
    const place = buffer.address + ((<usize>(i - 1)) << 2);
    const error = cutNumber(volume, buffer, place, level - 1, keep > start ? keep - start : 0);
    if (error != 0) return error;
  }
  return 0;
}

/** Frees what the number at `place` leads to through `level` blocks of numbers, but for the first `keep`; with 0 of them, these too. */
function cutNumber(volume: Volume, holder: Buffer, place: usize, level: u32, keep: u64): i32 {
  const block = load<u32>(place);
  if (block == 0) return 0;
  if (level != 0) {
    const error = cutTree(volume, block, level, keep);
    if (error != 0 || keep != 0) return error;
  }
  return freeAt(volume, holder, place, level != 0 || isJournaled);
}

function cutInode(volume: Volume, buffer: Buffer, number: u32, keep: u64): i32 {
  for (let level: u32 = 3; level > 0; level--) {
    let base: u64 = DIRECT_BLOCKS;
    for (let below: u32 = 1; below < level; below++) base += (<u64>1) << (<u64>volume.pointerShift * below);
    const place = inodeIn(volume, buffer, number).at(DIRECT_BLOCKS + level - 1);
    const span = (<u64>1) << (<u64>volume.pointerShift * level);
    if (keep >= base + span) return 0;
    const error = cutNumber(volume, buffer, place, level, keep > base ? keep - base : 0);
    if (error != 0) return error;
    if (keep > base) return 0;
  }
  for (let index = DIRECT_BLOCKS; <u64>index > keep; index--) {
    const place = inodeIn(volume, buffer, number).at(index - 1);
    const error = cutNumber(volume, buffer, place, 0, 0);
    if (error != 0) return error;
  }
  return 0;
}

/** Frees all blocks of inode `number` but the first `keep`, in as many transactions as it takes: 0, or -EIO and the volume has failed. */
export function cutBlocks(volume: Volume, number: u32, keep: u64): i32 {
  const buffer = inodeBuffer(volume, number);
  if (buffer == NO_BUFFER) return -EIO;
  inodeNumber = number;
  isJournaled = <bool>inodeIsDirectory(inodeIn(volume, buffer, number));
  buffer.pins += 1;
  const error = cutInode(volume, buffer, number, keep);
  buffer.pins -= 1;
  if (error != 0) journalAbort(volume);
  return error;
}
