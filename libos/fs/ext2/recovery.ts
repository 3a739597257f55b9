// Replaying the log of a volume that was not left clean (jbd2's recovery.c): in three passes over it – how far it goes, which blocks are
// revoked by which transaction, and then each block that no later transaction has revoked goes to its place. A log ends before the first
// transaction without a commit block, which is one that the power failed in.
import { EIO, ENOMEM } from "../../../kernel/errno";
import { log } from "../../../kernel/log";
import { PAGE_SIZE, pageAlloc, pagesFree } from "../../../kernel/memory/pages";
import { deviceFlush } from "../../blk/device";
import { BUFFER_DATA, NO_BUFFER, bufferBecome, cacheStep } from "./buffers";
import { cacheFresh, cacheWriteData } from "./cache";
import {
  HEADER_SEQUENCE,
  HEADER_SIZE,
  HEADER_TYPE,
  JBD2_COMMIT,
  JBD2_DESCRIPTOR,
  JBD2_MAGIC,
  JBD2_REVOKE,
  JOURNAL_SEQUENCE,
  JOURNAL_START,
  REVOKE_COUNT,
  REVOKE_HEADER,
  TAG_ESCAPED,
  TAG_FLAGS,
  TAG_LAST,
  TAG_SAME_UUID,
  TAG_SIZE,
  UUID_SIZE,
  bigLoad,
  journalReadBlock,
  journalScratch,
} from "./journal_layout";
import { Volume } from "./volume";

const PASS_SCAN: u32 = 0;
const PASS_REVOKE: u32 = 1;
const PASS_REPLAY: u32 = 2;

/** What is revoked: pages of {block, sequence}, behind the address of the next page and a count. */
const REVOKE_PAGE_HEADER: u32 = 8;
const REVOKE_ENTRY: u32 = 8;
const REVOKES_PER_PAGE: u32 = (PAGE_SIZE - REVOKE_PAGE_HEADER) / REVOKE_ENTRY;

let revokes: usize = 0;
let end: u32 = 0;
let replayed: u32 = 0;

function revokeAt(page: usize, index: u32): usize {
  return page + REVOKE_PAGE_HEADER + <usize>(index * REVOKE_ENTRY);
}

/** Notes that transaction `sequence` revokes `block`: 0 or -ENOMEM. */
function revoke(block: u32, sequence: u32): i32 {
  if (revokes == 0 || load<u32>(revokes, 4) == REVOKES_PER_PAGE) {
    const page = pageAlloc();
    if (page == 0) return -ENOMEM;
    store<usize>(page, revokes);
    store<u32>(page, 0, 4);
    revokes = page;
  }
  const count = load<u32>(revokes, 4);
  store<u32>(revokeAt(revokes, count), block);
  store<u32>(revokeAt(revokes, count), sequence, 4);
  store<u32>(revokes, count + 1, 4);
  return 0;
}

/** Whether transaction `sequence` or a later one has revoked `block`. */
function isRevoked(block: u32, sequence: u32): bool {
  for (let page = revokes; page != 0; page = load<usize>(page)) {
    const count = load<u32>(page, 4);
    for (let i: u32 = 0; i < count; i++) {
      const entry = revokeAt(page, i);
      if (load<u32>(entry) == block && <i32>(load<u32>(entry, 4) - sequence) >= 0) return true;
    }
  }
  return false;
}

function freeRevokes(): void {
  while (revokes != 0) {
    const next = load<usize>(revokes);
    pagesFree(revokes, 0);
    revokes = next;
  }
}

function next(volume: Volume, at: u32): u32 {
  return at + 1 >= volume.journalLength ? volume.journalFirst : at + 1;
}

/** Puts a block from block `at` of the log to its place: 0 or -EIO. */
function replay(volume: Volume, at: u32, block: u32, isEscaped: bool): i32 {
  if (block >= volume.blocks) return -EIO;
  cacheStep();
  const buffer = cacheFresh(volume, block);
  if (buffer == NO_BUFFER) return -EIO;
  const error = journalReadBlock(volume, buffer.address, at);
  if (error != 0) return error;
  if (isEscaped) store<u32>(buffer.address, bswap<u32>(JBD2_MAGIC));
  bufferBecome(volume, buffer, BUFFER_DATA);
  replayed += 1;
  return 0;
}

/** Goes through the tags of the descriptor in scratch page 0, whose first block is `start`: the block behind the last, or -EIO, below 0. */
function described(volume: Volume, start: u32, sequence: u32, pass: u32): i64 {
  const descriptor = journalScratch(volume, 0);
  const last = descriptor + volume.blockSize - TAG_SIZE;
  let at = start;
  let tag = descriptor + HEADER_SIZE;
  while (tag <= last) {
    const block = bigLoad(tag);
    const flags = bswap<u16>(load<u16>(tag, TAG_FLAGS));
    if (pass == PASS_REPLAY && !isRevoked(block, sequence)) {
      const error = replay(volume, at, block, (flags & TAG_ESCAPED) != 0);
      if (error != 0) return error;
    }
    at = next(volume, at);
    tag += TAG_SIZE + ((flags & TAG_SAME_UUID) == 0 ? UUID_SIZE : 0);
    if ((flags & TAG_LAST) != 0) break;
  }
  return at;
}

/** Takes in the revoke block in scratch page 0. */
function revoked(volume: Volume, sequence: u32): i32 {
  const block = journalScratch(volume, 0);
  const used = min(bigLoad(block + REVOKE_COUNT), volume.blockSize);
  for (let at = REVOKE_HEADER; at + 4 <= used; at += 4) {
    const error = revoke(bigLoad(block + at), sequence);
    if (error != 0) return error;
  }
  return 0;
}

/** One pass over the log, which the first one finds the end of: 0, -EIO, -ENOMEM. */
function pass(volume: Volume, kind: u32): i32 {
  const header = journalScratch(volume, 0);
  let sequence = bigLoad(volume.journalSuper + JOURNAL_SEQUENCE);
  let at = bigLoad(volume.journalSuper + JOURNAL_START);
  // No more blocks than there are, should the log be a circle.
  for (let left = volume.journalLength; left != 0; left--) {
    if (kind != PASS_SCAN && sequence == end) break;
    const error = journalReadBlock(volume, header, at);
    if (error != 0) return error;
    if (bigLoad(header) != JBD2_MAGIC || bigLoad(header + HEADER_SEQUENCE) != sequence) break;
    const type = bigLoad(header + HEADER_TYPE);
    at = next(volume, at);
    if (type == JBD2_COMMIT) sequence += 1;
    else if (type == JBD2_DESCRIPTOR) {
      const behind = described(volume, at, sequence, kind);
      if (behind < 0) return <i32>behind;
      at = <u32>behind;
    } else if (type == JBD2_REVOKE) {
      const failure = kind == PASS_REVOKE ? revoked(volume, sequence) : 0;
      if (failure != 0) return failure;
    } else break;
  }
  if (kind == PASS_SCAN) end = sequence;
  return 0;
}

/** Replays the log, which begins in a block that it has: 0, and the device has it all; -EIO, -ENOMEM. */
export function recover(volume: Volume): i32 {
  replayed = 0;
  let error = pass(volume, PASS_SCAN);
  if (error == 0) error = pass(volume, PASS_REVOKE);
  if (error == 0) error = pass(volume, PASS_REPLAY);
  freeRevokes();
  if (error != 0) return error;
  cacheWriteData(volume);
  if (volume.hasLostData) return -EIO;
  const unsettled = deviceFlush(volume.device);
  if (unsettled != 0) return unsettled;
  volume.sequence = end + 1;
  const start = bigLoad(volume.journalSuper + JOURNAL_SEQUENCE);
  log("disk")
    .text("replayed ")
    .decimal(end - start)
    .text(" transactions, ")
    .decimal(replayed)
    .text(" blocks")
    .end();
  return 0;
}
