// Writing a transaction to the log (journal_layout.ts): revokes, descriptors and the blocks themselves, straight from their buffers, and
// behind them, when all this is on the device, the commit block.
import { PAGE_SIZE, orderFor, pagesAlloc } from "../../../kernel/memory/pages";
import { Buffer, NO_BUFFER, listedBuffer, nextListed } from "./buffers";
import {
  HEADER_SEQUENCE,
  HEADER_SIZE,
  HEADER_TYPE,
  JBD2_COMMIT,
  JBD2_DESCRIPTOR,
  JBD2_MAGIC,
  JBD2_REVOKE,
  JOURNAL_UUID,
  REVOKE_COUNT,
  REVOKE_HEADER,
  TAG_ESCAPED,
  TAG_FLAGS,
  TAG_LAST,
  TAG_SAME_UUID,
  TAG_SIZE,
  UUID_SIZE,
  bigStore,
  journalMark,
  journalQueue,
  journalScratch,
  journalTransfer,
  journalTransfersSize,
} from "./journal_layout";
import { Volume } from "./volume";

/** The Transfers of the superblock and the commit block; those of the log follow. */
const SUPER_TRANSFER: u32 = 0;
const FIRST_TRANSFER: u32 = 1;

let transfers: u32 = 0;
let scratches: u32 = 0;
let escapedCount: u32 = 0;

/** Tags that a descriptor has room for. */
function tagsPerDescriptor(blockSize: u32): u32 {
  return (blockSize - HEADER_SIZE - UUID_SIZE) / TAG_SIZE;
}

/** Blocks that a transaction of `blocks` may take in the log: with descriptors, a revoke block and the commit block. */
export function logBlocksMaximum(blocks: u32, blockSize: u32): u32 {
  return blocks + blocks / tagsPerDescriptor(blockSize) + 3;
}

/** Memory for transactions of volume.transactionMaximum blocks; false when there is none. */
export function logInit(volume: Volume): bool {
  const most = logBlocksMaximum(volume.transactionMaximum, volume.blockSize);
  const own = most - volume.transactionMaximum;
  volume.transfers = pagesAlloc(orderFor(journalTransfersSize(most + FIRST_TRANSFER)));
  volume.scratch = pagesAlloc(orderFor(own * PAGE_SIZE));
  volume.revoked = pagesAlloc(0);
  volume.logged = pagesAlloc(0);
  volume.revokedMaximum = (volume.blockSize - REVOKE_HEADER) >> 2;
  return volume.transfers != 0 && volume.scratch != 0 && volume.revoked != 0 && volume.logged != 0;
}

/** Queues memory to be written behind the last block of the log. */
function append(volume: Volume, address: usize): void {
  journalQueue(volume, journalTransfer(volume, FIRST_TRANSFER + transfers), address, volume.journalHead, true);
  transfers += 1;
  volume.journalHead += 1;
  if (volume.journalHead == volume.journalLength) volume.journalHead = volume.journalFirst;
  volume.journalUsed += 1;
}

/** A block of the journal's own, without contents. */
function newBlock(volume: Volume, type: u32): usize {
  const block = journalScratch(volume, scratches);
  scratches += 1;
  memory.fill(block, 0, volume.blockSize);
  bigStore(block, JBD2_MAGIC);
  bigStore(block + HEADER_TYPE, type);
  bigStore(block + HEADER_SEQUENCE, volume.sequence);
  return block;
}

function writeRevokes(volume: Volume): void {
  const block = newBlock(volume, JBD2_REVOKE);
  bigStore(block + REVOKE_COUNT, REVOKE_HEADER + (volume.revokedCount << 2));
  for (let i: u32 = 0; i < volume.revokedCount; i++) {
    bigStore(block + REVOKE_HEADER + ((<usize>i) << 2), load<u32>(volume.revoked + ((<usize>i) << 2)));
  }
  append(volume, block);
}

/**
 * Writes a descriptor of the buffers from `first` on, as many as fit, and them; the first that did not, NO_BUFFER at the end. It is whole before it is
 * queued: behind it the ring may be full, and the back end begins to read.
 */
function writeDescribed(volume: Volume, first: Buffer): Buffer {
  const block = newBlock(volume, JBD2_DESCRIPTOR);
  const behind = describe(volume, block, first);
  append(volume, block);
  for (let at = first; at != behind; at = nextListed(volume.changed, at)) append(volume, at.address);
  return behind;
}

/** Fills in the tags of a descriptor; the first buffer that has none. */
function describe(volume: Volume, block: usize, first: Buffer): Buffer {
  const most = tagsPerDescriptor(volume.blockSize);
  let tag = block + HEADER_SIZE;
  let last: usize = 0;
  let at = first;
  for (let i: u32 = 0; i < most && at != NO_BUFFER; i++) {
    let flags: u16 = i == 0 ? 0 : TAG_SAME_UUID;
    if (load<u32>(at.address) == bswap<u32>(JBD2_MAGIC)) {
      flags |= TAG_ESCAPED;
      at.isEscaped = true;
      escapedCount += 1;
      store<u32>(at.address, 0);
    }
    bigStore(tag, at.block);
    store<u16>(tag, bswap<u16>(flags), TAG_FLAGS);
    last = tag;
    tag += TAG_SIZE;
    if (i == 0) {
      memory.copy(tag, volume.journalSuper + JOURNAL_UUID, UUID_SIZE);
      tag += UUID_SIZE;
    }
    at = nextListed(volume.changed, at);
  }
  store<u16>(last, load<u16>(last, TAG_FLAGS) | bswap<u16>(TAG_LAST), TAG_FLAGS);
  return at;
}

/** Queues the running transaction, all but its commit block. logWritten() is to be called when it is written, or has failed. */
export function logWriteTransaction(volume: Volume): void {
  transfers = 0;
  scratches = 0;
  if (volume.journalIsEmpty) journalMark(volume, journalTransfer(volume, SUPER_TRANSFER), volume.journalHead);
  if (volume.revokedCount != 0) writeRevokes(volume);
  let at = listedBuffer(volume.changed);
  while (at != NO_BUFFER) at = writeDescribed(volume, at);
}

/** Gives blocks back their first four bytes that were left out of the log. */
export function logWritten(volume: Volume): void {
  if (escapedCount == 0) return;
  escapedCount = 0;
  for (let at = listedBuffer(volume.changed); at != NO_BUFFER; at = nextListed(volume.changed, at)) {
    if (!at.isEscaped) continue;
    at.isEscaped = false;
    store<u32>(at.address, bswap<u32>(JBD2_MAGIC));
  }
}

/** Queues the commit block. */
export function logWriteCommit(volume: Volume): void {
  append(volume, newBlock(volume, JBD2_COMMIT));
}
