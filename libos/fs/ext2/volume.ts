// A mounted volume: what its superblock says that does not change, the state of its cache (cache.ts) and its journal (journal.ts). The
// superblock and the group descriptors stay in the cache for good; what changes in them changes there.
import { ListNode } from "../../../kernel/list";
import { BlockDevice } from "../../blk/device";
import { Buffer } from "./buffers";
import { GROUP_DESCRIPTOR_SIZE, GroupDescriptor, Superblock } from "./layout";

@unmanaged
@final
export class Volume {
  device: BlockDevice;
  /** Nothing can be changed: it was made so, or the journal has failed. */
  isReadOnly: bool;
  /** It has been left clean, or is not this domain's: nothing goes any more. */
  isClosed: bool;

  blockSize: u32;
  /** Of the size of a block. */
  blockShift: u32;
  blocks: u32;
  inodes: u32;
  firstDataBlock: u32;
  blocksPerGroup: u32;
  inodesPerGroup: u32;
  groups: u32;
  inodeSize: u32;
  firstInode: u32;
  /** Block numbers in a block: 2 to the power of this. */
  pointerShift: u32;
  /** Bytes of a file at most. */
  largest: u64;
  superBuffer: Buffer;
  /** The block with the first group descriptors. */
  descriptorBlock: u32;

  // The cache.
  buffers: usize;
  capacity: u32;
  table: usize;
  tableMask: u32;
  /** The ends of the list by age. */
  newest: usize;
  oldest: usize;
  /** Data that is to be written, and how many blocks. */
  dataNext: usize; // ListNode
  dataPrevious: usize;
  dataCount: u32;
  /** Blocks in the log that are not in their place. */
  committedNext: usize; // ListNode
  committedPrevious: usize;
  /** Something has been written since the device was last told to keep it. */
  isUnflushed: bool;
  /** Data could not be written since the last sync. */
  hasLostData: bool;

  // The running transaction.
  changedNext: usize; // ListNode
  changedPrevious: usize;
  changedCount: u32;
  frozenCount: u32;
  /** Blocks it may have at most. */
  transactionMaximum: u32;
  revoked: usize;
  revokedCount: u32;
  revokedMaximum: u32;
  /** Blocks of files' contents that are in the log, as the end of a file that was cut is. */
  logged: usize;
  loggedCount: u32;
  /** When the first change was made that is not on the device (ns); 0 for none. */
  changedAt: u64;

  // The log: blocks first … length - 1 of the journal's file, whose places are in `places`.
  journalPlaces: usize;
  journalFirst: u32;
  journalLength: u32;
  /** Where the next block goes, and how many are taken since the beginning of what is needed. */
  journalHead: u32;
  journalUsed: u32;
  sequence: u32;
  /** The journal's superblock says that there is nothing in it. */
  journalIsEmpty: bool;
  /** Blocks of memory in pages of their own that log blocks are made in, and Transfers. */
  scratch: usize;
  transfers: usize;
  /** The journal's superblock. */
  journalSuper: usize;

  get superblock(): Superblock {
    const offset: usize = this.blockSize == 1024 ? 0 : 1024;
    return changetype<Superblock>(this.superBuffer.address + offset);
  }

  get data(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + offsetof<Volume>("dataNext"));
  }

  get committed(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + offsetof<Volume>("committedNext"));
  }

  get changed(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + offsetof<Volume>("changedNext"));
  }

  /** Whether `block` is a number that a file may have. */
  hasBlock(block: u32): bool {
    return block > this.firstDataBlock && block < this.blocks;
  }

  /** The block that group `group`'s descriptor is in. */
  descriptorBlockOf(group: u32): u32 {
    return this.descriptorBlock + group / (this.blockSize / GROUP_DESCRIPTOR_SIZE);
  }

  /** The descriptor of `group` in the buffer of its block. */
  descriptorIn(buffer: Buffer, group: u32): GroupDescriptor {
    const index = group % (this.blockSize / GROUP_DESCRIPTOR_SIZE);
    return changetype<GroupDescriptor>(buffer.address + index * GROUP_DESCRIPTOR_SIZE);
  }

  /** The first block of `group`. */
  groupStart(group: u32): u32 {
    return this.firstDataBlock + group * this.blocksPerGroup;
  }

  /** How many blocks `group` has: the last one may have fewer. */
  groupBlocks(group: u32): u32 {
    return min(this.blocksPerGroup, this.blocks - this.groupStart(group));
  }

  /** The group that `block` is in. */
  groupOf(block: u32): u32 {
    return (block - this.firstDataBlock) / this.blocksPerGroup;
  }
}
