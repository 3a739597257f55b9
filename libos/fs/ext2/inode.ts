// Inodes: where they are, and what of them is more than a field: sizes, times, the count of blocks. An inode is used where it is in the buffer of its
// block, whose address is good for the present step (cache.ts).
import { wallClockNow } from "../../../kernel/time/clock";
import { S_IFDIR, S_IFMT, S_IFREG } from "../../posix/constants";
import { Buffer, NO_BUFFER } from "./buffers";
import { cacheRead } from "./cache";
import { journalChange } from "./journal";
import {
  INODE_ACCESSED_EXTRA,
  INODE_BASE_SIZE,
  INODE_CHANGED_EXTRA,
  INODE_CREATED,
  INODE_CREATED_EXTRA,
  INODE_EXTRA,
  INODE_EXTRA_SIZE,
  INODE_GENERATION,
  INODE_GROUP_HIGH,
  INODE_MODIFIED_EXTRA,
  INODE_SIZE_HIGH,
  INODE_USER_HIGH,
  Inode,
  RO_COMPAT_LARGE_FILE,
} from "./layout";
import { Volume } from "./volume";

const NANOSECONDS: u64 = 1_000_000_000;
const DAY: u64 = 86_400_000_000_000;
/** A file this large is marked in the superblock, for those that know none. */
const LARGE: u64 = 0x8000_0000;

export const NO_INODE: Inode = changetype<Inode>(0);

/** The buffer that inode `number` is in; NO_BUFFER when there is no such inode, or it cannot be read. */
export function inodeBuffer(volume: Volume, number: u32): Buffer {
  if (number == 0 || number > volume.inodes) return NO_BUFFER;
  const group = (number - 1) / volume.inodesPerGroup;
  const descriptors = cacheRead(volume, volume.descriptorBlockOf(group));
  if (descriptors == NO_BUFFER) return NO_BUFFER;
  const index = (number - 1) % volume.inodesPerGroup;
  const block = volume.descriptorIn(descriptors, group).inodeTable + ((index * volume.inodeSize) >> volume.blockShift);
  return volume.hasBlock(block) ? cacheRead(volume, block) : NO_BUFFER;
}

/** Inode `number` in the buffer of its block. */
export function inodeIn(volume: Volume, buffer: Buffer, number: u32): Inode {
  const index = (number - 1) % volume.inodesPerGroup;
  return changetype<Inode>(buffer.address + ((index * volume.inodeSize) & (volume.blockSize - 1)));
}

/** Inode `number`, to be looked at; NO_INODE when it cannot be read. */
export function inodeAt(volume: Volume, number: u32): Inode {
  const buffer = inodeBuffer(volume, number);
  return buffer == NO_BUFFER ? NO_INODE : inodeIn(volume, buffer, number);
}

/** Inode `number`, to be changed in the running transaction; NO_INODE when it cannot be read. */
export function inodeChange(volume: Volume, number: u32): Inode {
  const buffer = inodeBuffer(volume, number);
  if (buffer == NO_BUFFER) return NO_INODE;
  journalChange(volume, buffer);
  return inodeIn(volume, buffer, number);
}

/** S_IF… */
export function inodeType(inode: Inode): u32 {
  return (<u32>inode.mode) & S_IFMT;
}

export function inodeIsDirectory(inode: Inode): bool {
  return inodeType(inode) == S_IFDIR;
}

/** Bytes of its contents. */
export function inodeSize(inode: Inode): u64 {
  const low = <u64>inode.size;
  if (inodeType(inode) != S_IFREG) return low;
  return low | ((<u64>load<u32>(changetype<usize>(inode) + INODE_SIZE_HIGH)) << 32);
}

/** Sets that of an inode that belongs to the transaction. */
export function inodeSetSize(volume: Volume, inode: Inode, size: u64): void {
  inode.size = <u32>size;
  if (inodeType(inode) == S_IFREG) store<u32>(changetype<usize>(inode) + INODE_SIZE_HIGH, <u32>(size >> 32));
  if (size < LARGE || (volume.superblock.readOnlyCompatible & RO_COMPAT_LARGE_FILE) != 0) return;
  journalChange(volume, volume.superBuffer);
  volume.superblock.readOnlyCompatible |= RO_COMPAT_LARGE_FILE;
}

/** Whose it is: user and group. */
export function inodeUser(inode: Inode): u32 {
  return (<u32>inode.user) | ((<u32>load<u16>(changetype<usize>(inode) + INODE_USER_HIGH)) << 16);
}

export function inodeGroup(inode: Inode): u32 {
  return (<u32>inode.group) | ((<u32>load<u16>(changetype<usize>(inode) + INODE_GROUP_HIGH)) << 16);
}

export function inodeSetUser(inode: Inode, user: u32): void {
  inode.user = <u16>user;
  store<u16>(changetype<usize>(inode) + INODE_USER_HIGH, <u16>(user >> 16));
}

export function inodeSetGroup(inode: Inode, group: u32): void {
  inode.group = <u16>group;
  store<u16>(changetype<usize>(inode) + INODE_GROUP_HIGH, <u16>(group >> 16));
}

// ---- times ----

/** Whether it has a field of four bytes at `offset`, behind the first 128. */
function hasExtra(volume: Volume, inode: Inode, offset: usize): bool {
  if (volume.inodeSize <= INODE_BASE_SIZE) return false;
  const size = <u32>load<u16>(changetype<usize>(inode) + INODE_EXTRA);
  return size <= volume.inodeSize - INODE_BASE_SIZE && offset + 4 <= INODE_BASE_SIZE + size;
}

function readTime(volume: Volume, inode: Inode, seconds: u32, extraOffset: usize): u64 {
  // Seconds are signed, and two more bits count how often they have run over.
  const signed = <i64>(<i32>seconds);
  if (!hasExtra(volume, inode, extraOffset)) return signed < 0 ? 0 : <u64>signed * NANOSECONDS;
  const extra = load<u32>(changetype<usize>(inode) + extraOffset);
  const whole = signed + ((<i64>(extra & 3)) << 32);
  return whole < 0 ? 0 : <u64>whole * NANOSECONDS + min<u64>(extra >> 2, NANOSECONDS - 1);
}

/** The seconds of `time`, whose rest goes to the field at `extraOffset`. */
function writeTime(volume: Volume, inode: Inode, time: u64, extraOffset: usize): u32 {
  const seconds = time / NANOSECONDS;
  if (hasExtra(volume, inode, extraOffset)) {
    const epoch = (<u32>((<i64>seconds - <i64>(<i32>(<u32>seconds))) >> 32)) & 3;
    store<u32>(changetype<usize>(inode) + extraOffset, ((<u32>(time % NANOSECONDS)) << 2) | epoch);
  }
  return <u32>seconds;
}

/** Times of the last read, change of contents, change of any kind, ns since 1970. */
export function inodeAccessed(volume: Volume, inode: Inode): u64 {
  return readTime(volume, inode, inode.accessed, INODE_ACCESSED_EXTRA);
}

export function inodeModified(volume: Volume, inode: Inode): u64 {
  return readTime(volume, inode, inode.modified, INODE_MODIFIED_EXTRA);
}

export function inodeChanged(volume: Volume, inode: Inode): u64 {
  return readTime(volume, inode, inode.changed, INODE_CHANGED_EXTRA);
}

export function inodeSetAccessed(volume: Volume, inode: Inode, time: u64): void {
  inode.accessed = writeTime(volume, inode, time, INODE_ACCESSED_EXTRA);
}

export function inodeSetModified(volume: Volume, inode: Inode, time: u64): void {
  inode.modified = writeTime(volume, inode, time, INODE_MODIFIED_EXTRA);
}

export function inodeSetChanged(volume: Volume, inode: Inode, time: u64): void {
  inode.changed = writeTime(volume, inode, time, INODE_CHANGED_EXTRA);
}

/** Notes that its contents have changed now. */
export function inodeTouch(volume: Volume, inode: Inode): void {
  const now = wallClockNow();
  inodeSetModified(volume, inode, now);
  inodeSetChanged(volume, inode, now);
}

/** Whether reading it now is to be noted, as Linux's relatime has it. */
export function inodeReadIsNews(volume: Volume, inode: Inode): bool {
  const accessed = inodeAccessed(volume, inode);
  if (accessed <= inodeModified(volume, inode) || accessed <= inodeChanged(volume, inode)) return true;
  return wallClockNow() - accessed >= DAY;
}

/** Makes all of it new, with `mode`: no blocks, no links. Keeps the generation, which is of who had the number before, and counts it up. */
export function inodeReset(volume: Volume, inode: Inode, mode: u32): void {
  const generation = load<u32>(changetype<usize>(inode) + INODE_GENERATION) + 1;
  memory.fill(changetype<usize>(inode), 0, volume.inodeSize);
  inode.mode = <u16>mode;
  store<u32>(changetype<usize>(inode) + INODE_GENERATION, generation);
  if (volume.inodeSize >= INODE_BASE_SIZE + INODE_EXTRA_SIZE) {
    store<u16>(changetype<usize>(inode) + INODE_EXTRA, INODE_EXTRA_SIZE);
  }
  const now = wallClockNow();
  inodeSetAccessed(volume, inode, now);
  inodeSetModified(volume, inode, now);
  inodeSetChanged(volume, inode, now);
  if (!hasExtra(volume, inode, INODE_CREATED_EXTRA)) return;
  const created = writeTime(volume, inode, now, INODE_CREATED_EXTRA);
  store<u32>(changetype<usize>(inode) + INODE_CREATED, created);
}
