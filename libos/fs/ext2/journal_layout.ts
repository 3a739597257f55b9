// The journal's blocks (jbd2, Linux's Documentation/filesystems/ext4/journal.rst; big endian): a superblock, and a log of transactions, each of
// blocks that cancel others' replay (revoke), of descriptors with the blocks they describe behind them, and of a commit block, by which it counts.
import { PAGE_SIZE } from "../../../kernel/memory/pages";
import { SECTOR_SHIFT } from "../../blk/blkif";
import { Transfer, deviceTransfer, deviceWait } from "../../blk/device";
import { Volume } from "./volume";

export const JBD2_MAGIC: u32 = 0xc03b3998;
export const JBD2_DESCRIPTOR: u32 = 1;
export const JBD2_COMMIT: u32 = 2;
export const JBD2_SUPERBLOCK: u32 = 4;
export const JBD2_REVOKE: u32 = 5;

// Of the header of each block.
export const HEADER_TYPE: usize = 4;
export const HEADER_SEQUENCE: usize = 8;
export const HEADER_SIZE: u32 = 12;

// Of the superblock.
export const JOURNAL_BLOCK_SIZE: usize = 12;
export const JOURNAL_LENGTH: usize = 16;
export const JOURNAL_FIRST: usize = 20;
/** The number of the first transaction in the log, and where it begins: 0 when there is none. */
export const JOURNAL_SEQUENCE: usize = 24;
export const JOURNAL_START: usize = 28;
export const JOURNAL_INCOMPATIBLE: usize = 40;
export const JOURNAL_UUID: usize = 48;
/** Revoke blocks: the one feature that is needed and known. */
export const JOURNAL_REVOKES: u32 = 1;

// Of a tag in a descriptor: number of the block, and flags in the last two bytes.
export const TAG_SIZE: u32 = 8;
export const TAG_FLAGS: usize = 6;
/** The block began like one of the journal's own: its first four bytes are zero in the log. */
export const TAG_ESCAPED: u16 = 1;
/** No UUID follows. */
export const TAG_SAME_UUID: u16 = 2;
export const TAG_LAST: u16 = 8;
export const UUID_SIZE: u32 = 16;

/** Of a revoke block: bytes that are used, these included; then block numbers. */
export const REVOKE_COUNT: usize = 12;
export const REVOKE_HEADER: u32 = 16;

export function bigLoad(address: usize): u32 {
  return bswap<u32>(load<u32>(address));
}

export function bigStore(address: usize, value: u32): void {
  store<u32>(address, bswap<u32>(value));
}

/** Bytes between Transfers of the journal. */
const TRANSFER_SIZE: usize = 24;

/** Transfer `index` of the journal's own. */
export function journalTransfer(volume: Volume, index: u32): Transfer {
  return changetype<Transfer>(volume.transfers + <usize>index * TRANSFER_SIZE);
}

/** Memory of `count` Transfers. */
export function journalTransfersSize(count: u32): u32 {
  return count * <u32>TRANSFER_SIZE;
}

/** Page `index` of the journal's own. */
export function journalScratch(volume: Volume, index: u32): usize {
  return volume.scratch + <usize>(index * PAGE_SIZE);
}

/** The block of the device that block `index` of the journal's file is. */
export function journalPlace(volume: Volume, index: u32): u32 {
  return load<u32>(volume.journalPlaces + ((<usize>index) << 2));
}

/** Queues the block of memory at `address` to be written to, or read from, block `index` of the journal. */
export function journalQueue(volume: Volume, transfer: Transfer, address: usize, index: u32, writing: bool): void {
  transfer.address = address;
  transfer.length = volume.blockSize;
  transfer.sector = (<u64>journalPlace(volume, index)) << (volume.blockShift - SECTOR_SHIFT);
  deviceTransfer(volume.device, transfer, writing);
}

/** Reads block `index` of the journal to `address`: 0 or -EIO. */
export function journalReadBlock(volume: Volume, address: usize, index: u32): i32 {
  journalQueue(volume, journalTransfer(volume, 0), address, index, false);
  return deviceWait(volume.device);
}

/** Queues the journal's superblock, which says that the log begins with transaction `volume.sequence` in block `start`; 0: it is empty. */
export function journalMark(volume: Volume, transfer: Transfer, start: u32): void {
  bigStore(volume.journalSuper + JOURNAL_SEQUENCE, volume.sequence);
  bigStore(volume.journalSuper + JOURNAL_START, start);
  volume.journalIsEmpty = start == 0;
  journalQueue(volume, transfer, volume.journalSuper, 0, true);
}
