// The journal, as ext3 has it in ordered mode: what is not contents of files is changed in transactions. A transaction is written to the log, after
// the contents that it makes known; it counts when its commit block is on the device, and only then its blocks may go to their places. So whatever
// write the power fails at, replaying the log (recovery.ts, or Linux's mount and fsck) leaves the volume as it was after some commit, with all that
// was synced before.
// There is one transaction at a time, and nobody changes anything while it is committed: who calls holds the lock (libos/fs/lock.ts). Blocks
// that it frees are not used again before it is committed: in a bitmap a block is free when it is in the frozen copy, too.
// What is in the log is put in its place (checkpoint) when the log has no room for one more transaction. Invariant: it always has, between calls.
import { EIO, EROFS } from "../../../kernel/errno";
import { log } from "../../../kernel/log";
import { listEmpty } from "../../../kernel/list";
import { PAGE_SIZE } from "../../../kernel/memory/pages";
import { monotonicNow } from "../../../kernel/time/clock";
import { deviceFlush, deviceWait } from "../../blk/device";
import {
  BUFFER_CHANGED,
  BUFFER_COMMITTED,
  BUFFER_DATA,
  Buffer,
  NO_BUFFER,
  bufferBecome,
  listedBuffer,
} from "./buffers";
import { cacheForget, cacheGive, cacheTake, cacheWriteCommitted, cacheWriteData } from "./cache";
import { journalMark, journalTransfer } from "./journal_layout";
import { logBlocksMaximum, logWriteCommit, logWriteTransaction, logWritten } from "./log";
import { Volume } from "./volume";
import { writerWake } from "./writer";

/** Blocks that one step of a call may change at most, frozen copies included. */
export const CREDITS: u32 = 28;
/** Blocks that it may revoke. */
const REVOKES: u32 = 8;

/** After a failure of the device or nonsense on it: nothing is written any more. */
export function journalAbort(volume: Volume): void {
  if (volume.isReadOnly) return;
  volume.isReadOnly = true;
  if (!volume.device.isForbidden) log("disk").text("the file system has failed and is read-only from now on").end();
}

/** Before a step of a call that changes something: 0, -EROFS, or -EIO when what was before cannot be committed to make room. */
export function journalBegin(volume: Volume): i32 {
  if (volume.isReadOnly) return -EROFS;
  if (volume.loggedCount + REVOKES > PAGE_SIZE >> 2) {
    const error = journalCommit(volume);
    return error != 0 ? error : journalCheckpoint(volume);
  }
  const isFull = volume.changedCount + volume.frozenCount + CREDITS > volume.transactionMaximum;
  return isFull || volume.revokedCount + REVOKES > volume.revokedMaximum ? journalCommit(volume) : 0;
}

/**
 * Before `buffer` is changed: it belongs to the running transaction from now on. A block that the transaction has taken, freed and taken again
 * was revoked in between; what it becomes now is to be replayed.
 */
export function journalChange(volume: Volume, buffer: Buffer): void {
  if (buffer.state != BUFFER_CHANGED && volume.revokedCount != 0) cancelRevoke(volume, buffer.block);
  bufferBecome(volume, buffer, BUFFER_CHANGED);
  journalNote(volume);
}

/** Notes that there is something to be written. */
export function journalNote(volume: Volume): void {
  if (volume.changedAt != 0) return;
  volume.changedAt = monotonicNow();
  writerWake();
}

/** The same for a bitmap of blocks, of which it keeps what is committed: false when there is no buffer for that. */
export function journalChangeBitmap(volume: Volume, buffer: Buffer): bool {
  if (buffer.frozen == 0) {
    const frozen = cacheTake(volume);
    if (frozen == NO_BUFFER) return false;
    memory.copy(frozen.address, buffer.address, volume.blockSize);
    frozen.pins = 1;
    buffer.frozen = changetype<usize>(frozen);
    volume.frozenCount += 1;
  }
  journalChange(volume, buffer);
  return true;
}

/** Has what is in the log of `block` until now not replayed. */
function revoke(volume: Volume, block: u32): void {
  store<u32>(volume.revoked + ((<usize>volume.revokedCount) << 2), block);
  volume.revokedCount += 1;
}

/** Takes that back. */
function cancelRevoke(volume: Volume, block: u32): void {
  for (let i: u32 = 0; i < volume.revokedCount; i++) {
    const at = volume.revoked + ((<usize>i) << 2);
    if (load<u32>(at) != block) continue;
    volume.revokedCount -= 1;
    i -= 1;
    store<u32>(at, load<u32>(volume.revoked + ((<usize>volume.revokedCount) << 2)));
  }
}

function isLogged(volume: Volume, block: u32): bool {
  for (let i: u32 = 0; i < volume.loggedCount; i++) {
    if (load<u32>(volume.logged + ((<usize>i) << 2)) == block) return true;
  }
  return false;
}

/** Block `block`, which is freed, is not to be written nor, if it `wasJournaled`, replayed from what is in the log until now. */
export function journalForget(volume: Volume, block: u32, wasJournaled: bool): void {
  cacheForget(volume, block);
  if (wasJournaled || isLogged(volume, block)) revoke(volume, block);
}

/**
 * Before contents of a file are changed in a way that must not be seen before the commit: its last block, when what is behind the new end
 * becomes zero. That block takes the way through the log.
 */
export function journalChangeData(volume: Volume, buffer: Buffer): void {
  if (!isLogged(volume, buffer.block)) {
    store<u32>(volume.logged + ((<usize>volume.loggedCount) << 2), buffer.block);
    volume.loggedCount += 1;
  }
  journalChange(volume, buffer);
}

/** After contents of a file have been changed in `buffer`: they are to be written in their place, and not from the log. */
export function journalData(volume: Volume, buffer: Buffer): void {
  journalNote(volume);
  if (buffer.state == BUFFER_CHANGED) return;
  if (volume.loggedCount != 0 && isLogged(volume, buffer.block)) revoke(volume, buffer.block);
  bufferBecome(volume, buffer, BUFFER_DATA);
}

/** All changed buffers are committed: their frozen copies are not needed any more. */
function changesAreCommitted(volume: Volume): void {
  while (!listEmpty(volume.changed)) {
    const buffer = listedBuffer(volume.changed);
    if (buffer.frozen != 0) {
      const frozen = changetype<Buffer>(buffer.frozen);
      frozen.pins = 0;
      cacheGive(frozen);
      buffer.frozen = 0;
    }
    bufferBecome(volume, buffer, BUFFER_COMMITTED);
  }
  volume.frozenCount = 0;
  volume.revokedCount = 0;
}

/** Tells the device to keep what has been written: 0 or -EIO. */
function settle(volume: Volume): i32 {
  if (!volume.isUnflushed) return 0;
  const error = deviceFlush(volume.device);
  if (error == 0) volume.isUnflushed = false;
  return error;
}

/** Writes the transaction to the log, where it counts when this returns 0. */
function writeTransaction(volume: Volume): i32 {
  volume.isUnflushed = true;
  logWriteTransaction(volume);
  const error = deviceWait(volume.device);
  logWritten(volume);
  if (error != 0) return error;
  const unsettled = settle(volume);
  if (unsettled != 0) return unsettled;
  volume.isUnflushed = true;
  logWriteCommit(volume);
  const failure = deviceWait(volume.device);
  return failure != 0 ? failure : settle(volume);
}

/** Commits the running transaction, and has the device keep all data: 0, or -EIO, and then the volume has failed. */
export function journalCommit(volume: Volume): i32 {
  if (volume.isReadOnly) return -EIO;
  cacheWriteData(volume);
  volume.changedAt = 0;
  if (volume.changedCount == 0) return settle(volume);
  const error = writeTransaction(volume);
  if (error != 0) {
    journalAbort(volume);
    return error;
  }
  changesAreCommitted(volume);
  volume.sequence += 1;
  const room = volume.journalLength - volume.journalFirst - volume.journalUsed;
  return room < logBlocksMaximum(volume.transactionMaximum, volume.blockSize) ? journalCheckpoint(volume) : 0;
}

/** Puts what is in the log in its place, and empties it. Nothing is changed that is not committed. 0 or -EIO. */
export function journalCheckpoint(volume: Volume): i32 {
  let error = cacheWriteCommitted(volume);
  if (error == 0) error = settle(volume);
  if (error == 0 && !volume.journalIsEmpty) {
    journalMark(volume, journalTransfer(volume, 0), 0);
    volume.isUnflushed = true;
    error = deviceWait(volume.device);
    if (error == 0) error = settle(volume);
  }
  if (error != 0) journalAbort(volume);
  else {
    volume.journalUsed = 0;
    volume.loggedCount = 0;
  }
  return error;
}

/** Returns when all that was done before is on the device: 0 or -EIO. */
export function journalSync(volume: Volume): i32 {
  const error = journalCommit(volume);
  const lost = volume.hasLostData;
  volume.hasLostData = false;
  return error != 0 ? error : lost ? -EIO : 0;
}
