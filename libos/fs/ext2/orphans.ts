// The list of inodes that something is still to be done with: files that have lost their last name and are open, and such as are being cut. It is on
// the volume, begins in its superblock and goes on in the inodes' time of deletion; so who mounts it after a crash can end what was begun.
import { EIO } from "../../../kernel/errno";
import { log } from "../../../kernel/log";
import { wallClockNow } from "../../../kernel/time/clock";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../posix/constants";
import { blockFree, inodeGive } from "./bitmaps";
import { NO_BUFFER, cacheStep } from "./buffers";
import { cacheRead } from "./cache";
import { cutBlocks } from "./cut";
import { NO_INODE, inodeAt, inodeChange, inodeIsDirectory, inodeSize, inodeType } from "./inode";
import { journalAbort, journalBegin, journalChange } from "./journal";
import { FAST_LINK_SIZE, INODE_ATTRIBUTES, SUPER_LAST_ORPHAN } from "./layout";
import { Volume } from "./volume";

const NANOSECONDS: u64 = 1_000_000_000;
/** Where a block of attributes says how many inodes it serves. */
const ATTRIBUTES_REFERENCES: usize = 4;

function firstPlace(volume: Volume): usize {
  return changetype<usize>(volume.superblock) + SUPER_LAST_ORPHAN;
}

/** The first of the list; 0 when it is empty. */
export function orphanFirst(volume: Volume): u32 {
  return load<u32>(firstPlace(volume));
}

/** Puts inode `number` first, in the running transaction: 0 or -EIO. */
export function orphanAdd(volume: Volume, number: u32): i32 {
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return -EIO;
  journalChange(volume, volume.superBuffer);
  inode.deleted = orphanFirst(volume);
  store<u32>(firstPlace(volume), number);
  return 0;
}

/** Takes it out, in the running transaction: 0, or -EIO when it is not there. */
export function orphanRemove(volume: Volume, number: u32): i32 {
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return -EIO;
  const next = inode.deleted;
  inode.deleted = 0;
  if (orphanFirst(volume) == number) {
    journalChange(volume, volume.superBuffer);
    store<u32>(firstPlace(volume), next);
    return 0;
  }
  let at = orphanFirst(volume);
  for (let left = volume.inodes; left != 0 && at != 0; left--) {
    const before = inodeAt(volume, at);
    if (before == NO_INODE) return -EIO;
    if (before.deleted != number) {
      at = before.deleted;
      continue;
    }
    inodeChange(volume, at).deleted = next;
    return 0;
  }
  return -EIO;
}

/** Frees the block of its extended attributes, if it has one of its own. */
function freeAttributes(volume: Volume, number: u32): i32 {
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return -EIO;
  const place = changetype<usize>(inode) + INODE_ATTRIBUTES;
  const block = load<u32>(place);
  if (block == 0) return 0;
  const buffer = volume.hasBlock(block) ? cacheRead(volume, block) : NO_BUFFER;
  if (buffer == NO_BUFFER) return -EIO;
  store<u32>(place, 0);
  const references = load<u32>(buffer.address, ATTRIBUTES_REFERENCES);
  if (references <= 1) return blockFree(volume, block, true);
  journalChange(volume, buffer);
  store<u32>(buffer.address, references - 1, ATTRIBUTES_REFERENCES);
  return 0;
}

/** Whether its numbers of blocks are such. */
function hasBlocks(volume: Volume, number: u32): bool {
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return false;
  const type = inodeType(inode);
  return type == S_IFREG || type == S_IFDIR || (type == S_IFLNK && inodeSize(inode) >= FAST_LINK_SIZE);
}

/** Frees inode `number`, which is in the list and has neither names nor holders, with all that is its: 0, or -EIO and the volume has failed. */
export function orphanDelete(volume: Volume, number: u32): i32 {
  let error = hasBlocks(volume, number) ? cutBlocks(volume, number, 0) : 0;
  cacheStep();
  if (error == 0) error = journalBegin(volume);
  if (error == 0) error = freeAttributes(volume, number);
  if (error == 0) error = orphanRemove(volume, number);
  if (error == 0) {
    const inode = inodeChange(volume, number);
    const isDirectory = inodeIsDirectory(inode);
    inode.deleted = <u32>(wallClockNow() / NANOSECONDS);
    inode.size = 0;
    error = inodeGive(volume, number, isDirectory);
  }
  if (error != 0) journalAbort(volume);
  return error;
}

/** Frees what is behind the end of a file that is in the list, and takes it out if it has names: 0, or -EIO and the volume has failed. */
export function orphanCut(volume: Volume, number: u32): i32 {
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return -EIO;
  const keep = (inodeSize(inode) + volume.blockSize - 1) >> volume.blockShift;
  const stays = inode.links == 0;
  let error = cutBlocks(volume, number, keep);
  cacheStep();
  if (stays) return error; // cutBlocks() has ended the volume if it failed
  if (error == 0) error = journalBegin(volume);
  if (error == 0) error = orphanRemove(volume, number);
  if (error != 0) journalAbort(volume);
  return error;
}

/** After a crash: ends what was begun. 0 or -EIO. */
export function orphansEnd(volume: Volume): i32 {
  let count: u32 = 0;
  while (orphanFirst(volume) != 0) {
    const number = orphanFirst(volume);
    const inode = inodeAt(volume, number);
    if (inode == NO_INODE || number < volume.firstInode || ++count > volume.inodes) return -EIO;
    const error = inode.links == 0 ? orphanDelete(volume, number) : orphanCut(volume, number);
    if (error != 0) return error;
  }
  if (count != 0) log("disk").text("ended with ").decimal(count).text(" files that were being deleted or cut").end();
  return 0;
}
