// Opening a volume: its superblock is looked at, its cache and its journal are set up, what is in the log is replayed, and what a crash has
// interrupted is ended; and leaving it clean. What is on the device is data like what comes from a network: sizes are checked here, numbers
// of blocks, inodes and bytes wherever they are used.
import { EBUSY, EINVAL, EIO, ENODEV, ENOMEM } from "../../../kernel/errno";
import { PAGE_SIZE, orderFor, pageAlloc, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { wallClockNow } from "../../../kernel/time/clock";
import { SECTOR_SHIFT } from "../../blk/blkif";
import { BlockDevice, Transfer, deviceFlush, deviceTransfer, deviceWait } from "../../blk/device";
import { blockMap } from "./block_map";
import { BUFFER_DATA, NO_BUFFER, bufferBecome, cacheStep } from "./buffers";
import { cacheInit, cacheRead, cacheWriteData } from "./cache";
import { NO_INODE, inodeAt, inodeSize } from "./inode";
import { journalAbort, journalCheckpoint, journalCommit } from "./journal";
import {
  HEADER_TYPE,
  JBD2_MAGIC,
  JBD2_SUPERBLOCK,
  JOURNAL_BLOCK_SIZE,
  JOURNAL_FIRST,
  JOURNAL_INCOMPATIBLE,
  JOURNAL_LENGTH,
  JOURNAL_REVOKES,
  JOURNAL_SEQUENCE,
  JOURNAL_START,
  bigLoad,
  bigStore,
  journalMark,
  journalReadBlock,
  journalTransfer,
} from "./journal_layout";
import {
  COMPAT_HAS_JOURNAL,
  DIRECT_BLOCKS,
  EXT2_MAGIC,
  GROUP_DESCRIPTOR_SIZE,
  INCOMPAT_FILETYPE,
  INCOMPAT_KNOWN,
  INCOMPAT_RECOVER,
  INODE_BASE_SIZE,
  RO_COMPAT_KNOWN,
  STATE_ERROR,
  SUPERBLOCK_OFFSET,
  SUPER_JOURNAL_INODE,
  Superblock,
} from "./layout";
import { logInit } from "./log";
import { orphansEnd } from "./orphans";
import { recover } from "./recovery";
import { Volume } from "./volume";

const NANOSECONDS: u64 = 1_000_000_000;
/** The least and the most blocks of a transaction. */
const TRANSACTION_LEAST: u32 = 32;
const TRANSACTION_MOST: u32 = 512;
/** Bytes of a file at most, so that its sectors can be counted. */
const LARGEST: u64 = 0x1ff_ffff_0000;

const transfer = changetype<Transfer>(memory.data(32, 8));
let mend: string = "";

/** What is to be done about a volume that volumeOpen() has refused; "" when nothing is known. */
export function volumeMend(): string {
  return mend;
}

function refuse(error: i32, text: string): i32 {
  mend = text;
  return error;
}

/** Whether the sizes in a superblock fit each other and the device. */
function isSound(device: BlockDevice, superblock: Superblock): bool {
  if (superblock.logBlockSize > 2) return false;
  const blockSize: u32 = 1024 << superblock.logBlockSize;
  const inodeSize = <u32>superblock.inodeSize;
  const perGroup = superblock.blocksPerGroup;
  const inodesPerGroup = superblock.inodesPerGroup;
  const first: u32 = blockSize == 1024 ? 1 : 0;
  if (superblock.firstDataBlock != first || superblock.blocks <= first + 8) return false;
  if (perGroup == 0 || perGroup > blockSize << 3 || (perGroup & 7) != 0) return false;
  if (inodesPerGroup == 0 || inodesPerGroup > blockSize << 3 || (inodesPerGroup & 7) != 0) return false;
  if (inodeSize < INODE_BASE_SIZE || inodeSize > blockSize || (inodeSize & (inodeSize - 1)) != 0) return false;
  const groups = (superblock.blocks - first + perGroup - 1) / perGroup;
  if (<u64>groups * inodesPerGroup != <u64>superblock.inodes || superblock.inodes > <u32>i32.MAX_VALUE) return false;
  if (superblock.firstInode < 11 || superblock.firstInode > inodesPerGroup) return false;
  const sectors = <u64>superblock.blocks * (blockSize >> SECTOR_SHIFT);
  return sectors <= device.sectors && device.sectorSize <= blockSize;
}

/** Why a volume with this superblock is not mounted; 0 when it is. */
function check(device: BlockDevice, superblock: Superblock): i32 {
  if (superblock.magic != EXT2_MAGIC || superblock.revision == 0) {
    return refuse(-EINVAL, "it holds no ext3 file system: make one with mke2fs -t ext3");
  }
  const unknown = superblock.incompatible & ~INCOMPAT_KNOWN;
  const hasAll =
    (superblock.incompatible & INCOMPAT_FILETYPE) != 0 && (superblock.compatible & COMPAT_HAS_JOURNAL) != 0;
  if (unknown != 0 || (superblock.readOnlyCompatible & ~RO_COMPAT_KNOWN) != 0 || !hasAll) {
    return refuse(-EINVAL, "it is no ext3 with the usual features: make one with mke2fs -t ext3");
  }
  if (!isSound(device, superblock)) return refuse(-EINVAL, "its superblock is damaged or too large for it: see e2fsck");
  if ((superblock.state & STATE_ERROR) != 0) return refuse(-EIO, "errors have been found in it: run e2fsck");
  if (device.isReadOnly) return refuse(-EBUSY, "it is read-only, and a journal is written: access=rw");
  return 0;
}

/** Takes the sizes in. */
function measure(volume: Volume, superblock: Superblock): void {
  volume.blockSize = 1024 << superblock.logBlockSize;
  volume.blockShift = 10 + superblock.logBlockSize;
  volume.blocks = superblock.blocks;
  volume.inodes = superblock.inodes;
  volume.firstDataBlock = superblock.firstDataBlock;
  volume.blocksPerGroup = superblock.blocksPerGroup;
  volume.inodesPerGroup = superblock.inodesPerGroup;
  volume.groups = (volume.blocks - volume.firstDataBlock + volume.blocksPerGroup - 1) / volume.blocksPerGroup;
  volume.inodeSize = superblock.inodeSize;
  volume.firstInode = superblock.firstInode;
  volume.pointerShift = volume.blockShift - 2;
  volume.descriptorBlock = volume.firstDataBlock + 1;
  const shift = <u64>volume.pointerShift;
  const most = <u64>DIRECT_BLOCKS + ((<u64>1) << shift) + ((<u64>1) << (2 * shift)) + ((<u64>1) << (3 * shift));
  volume.largest = min(most << volume.blockShift, LARGEST);
}

/** Reads the superblock of `device` to `page`: 0 or -EIO. */
function readSuperblock(device: BlockDevice, page: usize): i32 {
  transfer.address = page;
  transfer.length = PAGE_SIZE;
  transfer.sector = 0;
  if (device.sectors < 8) return -EIO;
  deviceTransfer(device, transfer, false);
  return deviceWait(device);
}

/** Gets what is always needed into the cache: superblock and descriptors. */
function pinFixed(volume: Volume): i32 {
  const descriptors = (volume.groups - 1) / (volume.blockSize / GROUP_DESCRIPTOR_SIZE) + 1;
  if (descriptors > volume.capacity >> 3) return refuse(-ENOMEM, "it is too large for the domain's memory");
  const superBuffer = cacheRead(volume, SUPERBLOCK_OFFSET >> volume.blockShift);
  if (superBuffer == NO_BUFFER) return -EIO;
  superBuffer.pins += 1;
  volume.superBuffer = superBuffer;
  for (let i: u32 = 0; i < descriptors; i++) {
    const buffer = cacheRead(volume, volume.descriptorBlock + i);
    if (buffer == NO_BUFFER) return -EIO;
    buffer.pins += 1;
  }
  return 0;
}

/** Finds the blocks of the journal's file: 0 or -errno. */
function mapJournal(volume: Volume): i32 {
  const number = load<u32>(changetype<usize>(volume.superblock) + SUPER_JOURNAL_INODE);
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return -EIO;
  const length = inodeSize(inode) >> volume.blockShift;
  if (length < 64 || length > <u64>volume.blocks) return -EINVAL;
  const order = orderFor((<u32>length) << 2);
  if (order > 10) return refuse(-ENOMEM, "its journal is too large: mke2fs -J size=64");
  volume.journalPlaces = pagesAlloc(order);
  if (volume.journalPlaces == 0) return -ENOMEM;
  volume.journalLength = <u32>length;
  for (let i: u32 = 0; i < volume.journalLength; i++) {
    if ((i & 15) == 0) cacheStep();
    const block = blockMap(volume, number, i);
    if (block <= 0) return -EIO;
    store<u32>(volume.journalPlaces + ((<usize>i) << 2), <u32>block);
  }
  return 0;
}

/** Reads the journal's superblock, and replays what is in the log: 0 or -errno. */
function openJournal(volume: Volume): i32 {
  const most = min(volume.journalLength, volume.capacity) >> 2;
  volume.transactionMaximum = min(most, TRANSACTION_MOST);
  if (volume.transactionMaximum < TRANSACTION_LEAST) return refuse(-ENOMEM, "the domain has too little memory for it");
  volume.journalSuper = pageAlloc();
  if (volume.journalSuper == 0 || !logInit(volume)) return -ENOMEM;
  const error = journalReadBlock(volume, volume.journalSuper, 0);
  if (error != 0) return error;
  const own = volume.journalSuper;
  const length = bigLoad(own + JOURNAL_LENGTH);
  const first = bigLoad(own + JOURNAL_FIRST);
  const start = bigLoad(own + JOURNAL_START);
  const isOurs = bigLoad(own) == JBD2_MAGIC && bigLoad(own + HEADER_TYPE) == JBD2_SUPERBLOCK;
  const fits = bigLoad(own + JOURNAL_BLOCK_SIZE) == volume.blockSize && length <= volume.journalLength;
  if (!isOurs || !fits || first == 0 || first + 64 > length || start >= length || (start != 0 && start < first)) {
    return refuse(-EINVAL, "its journal is damaged: see e2fsck");
  }
  if ((bigLoad(own + JOURNAL_INCOMPATIBLE) & ~JOURNAL_REVOKES) != 0) {
    return refuse(-EINVAL, "its journal has features that are not known: see tune2fs");
  }
  volume.journalLength = length;
  volume.journalFirst = first;
  volume.journalHead = first;
  volume.sequence = bigLoad(own + JOURNAL_SEQUENCE);
  if (start != 0) {
    const failure = recover(volume);
    if (failure != 0) return failure;
  }
  bigStore(own + JOURNAL_INCOMPATIBLE, JOURNAL_REVOKES);
  journalMark(volume, journalTransfer(volume, 0), 0);
  return deviceWait(volume.device);
}

/** Writes the superblock in its place: 0 or -EIO. */
function writeSuperblock(volume: Volume): i32 {
  volume.superblock.writeTime = <u32>(wallClockNow() / NANOSECONDS);
  bufferBecome(volume, volume.superBuffer, BUFFER_DATA);
  cacheWriteData(volume);
  const error = deviceFlush(volume.device);
  return volume.hasLostData ? -EIO : error;
}

/** Begins to use it: the superblock says from now on that the journal has to be looked at. */
function begin(volume: Volume): i32 {
  const superblock = volume.superblock;
  superblock.incompatible |= INCOMPAT_RECOVER;
  superblock.mountTime = <u32>(wallClockNow() / NANOSECONDS);
  superblock.mountCount += 1;
  const error = writeSuperblock(volume);
  if (error != 0) return error;
  const ended = orphansEnd(volume);
  return ended != 0 ? ended : journalCommit(volume);
}

/** All that makes `volume`, whose device is set, one that can be used. */
function open(volume: Volume): i32 {
  let error = cacheInit(volume);
  if (error == -ENOMEM) return refuse(-ENOMEM, "the domain has too little memory for it");
  cacheStep();
  if (error == 0) error = pinFixed(volume);
  if (error == 0) error = mapJournal(volume);
  cacheStep();
  if (error == 0) error = openJournal(volume);
  cacheStep();
  return error != 0 ? error : begin(volume);
}

/** Opens what is on `device`: the address of a Volume, or -errno with what is to be done in volumeMend(). */
export function volumeOpen(device: BlockDevice): i32 {
  mend = "";
  const page = pageAlloc();
  if (page == 0) return -ENOMEM;
  let error = readSuperblock(device, page);
  const superblock = changetype<Superblock>(page + SUPERBLOCK_OFFSET);
  if (error == 0) error = check(device, superblock);
  const volume = changetype<Volume>(error == 0 ? pageAlloc() : 0);
  if (error == 0 && changetype<usize>(volume) == 0) error = -ENOMEM;
  if (error == 0) {
    memory.fill(changetype<usize>(volume), 0, PAGE_SIZE);
    volume.device = device;
    measure(volume, superblock);
    error = open(volume);
  }
  pagesFree(page, 0);
  return error != 0 ? error : <i32>changetype<usize>(volume);
}

/** Leaves `volume` clean: all is in its place, and the superblock says so. 0 or -EIO. Nothing goes with it any more. */
export function volumeClose(volume: Volume): i32 {
  if (volume.isClosed || volume.isReadOnly) return -ENODEV;
  let error = journalCommit(volume);
  if (error == 0) error = journalCheckpoint(volume);
  if (error == 0) {
    volume.superblock.incompatible &= ~INCOMPAT_RECOVER;
    error = writeSuperblock(volume);
  }
  if (error != 0) journalAbort(volume);
  volume.isClosed = true;
  return error;
}
