// A batch: several xenstore reads and writes sent together without blocking, with one call when the last is done.
// It lives in one page: this structure, its requests, then an arena for paths, values and replies. A batch that was
// given more than fits fails as a whole with -E2BIG, which batchStatus() shows for every entry.
import { E2BIG, EIO } from "../errno";
import { PAGE_SIZE } from "../memory/pages";
import { TextBuffer, parseDecimal, textBuffer } from "../text";
import { clientSubmit } from "./client";
import { STORE_REQUEST_SIZE, StoreRequest, requestPrepare } from "./request";
import { XS_DIRECTORY, XS_READ, XS_WRITE } from "./wire";

/** Requests that fit into one batch. */
const BATCH_REQUESTS: u32 = 20;
const REQUESTS: usize = 64;
const ARENA: usize = 1664; // REQUESTS + BATCH_REQUESTS * STORE_REQUEST_SIZE

/** The beginning of the page. */
@unmanaged
@final
export class StoreBatch {
  count: u32;
  /** Requests not done yet. */
  pending: u32;
  private arenaUsed: u32;
  private overflowed: bool;
  /** Function index of (argument: usize) => void, called when all requests are done. */
  done: u32;
  argument: usize;
  // A TextBuffer for the path or value being built.
  private textAddress: usize;
  private textCapacity: u32;
  private textLength: u32;
  private textTruncated: bool;

  private request(index: u32): StoreRequest {
    return changetype<StoreRequest>(changetype<usize>(this) + REQUESTS + index * STORE_REQUEST_SIZE);
  }

  /** Forgets all requests; none may be pending. */
  reset(): void {
    this.count = 0;
    this.arenaUsed = 0;
    this.overflowed = false;
  }

  /** An empty text in the rest of the arena; keep() makes it permanent. */
  private begin(): TextBuffer {
    const text = changetype<TextBuffer>(changetype<usize>(this) + offsetof<StoreBatch>("textAddress"));
    const used = <u32>ARENA + this.arenaUsed;
    return textBuffer(text, changetype<usize>(this) + used, PAGE_SIZE - used);
  }

  private keep(): void {
    if (this.textTruncated) this.overflowed = true;
    this.arenaUsed += this.textLength;
  }

  private add(type: u32, directory: TextBuffer, node: string): u32 {
    if (this.count == BATCH_REQUESTS) {
      this.overflowed = true;
      return BATCH_REQUESTS - 1;
    }
    const index = this.count;
    const path = this.begin().bytes(directory.address, directory.length);
    if (node.length != 0) path.text("/").text(node);
    if (directory.overflowed()) this.overflowed = true;
    const request = this.request(index);
    requestPrepare(request, type, 0, path.address, path.length, 0, 0, false);
    this.keep();
    request.done = onDone.index;
    request.argument = changetype<usize>(this);
    this.count = index + 1;
    return index;
  }

  private reserveReply(index: u32, capacity: u32): void {
    const request = this.request(index);
    const used = <u32>ARENA + this.arenaUsed;
    if (PAGE_SIZE - used < capacity) {
      this.overflowed = true;
      return;
    }
    request.reply = changetype<usize>(this) + used;
    request.replyCapacity = capacity;
    this.arenaUsed += capacity;
  }

  /** Adds a read of `directory`/`node`, of which up to `capacity` bytes are kept; its index. */
  read(directory: TextBuffer, node: string, capacity: u32 = 16): u32 {
    const index = this.add(XS_READ, directory, node);
    this.reserveReply(index, capacity);
    return index;
  }

  /** Adds a listing of `directory`; its index. */
  list(directory: TextBuffer, capacity: u32): u32 {
    const index = this.add(XS_DIRECTORY, directory, "");
    this.reserveReply(index, capacity);
    return index;
  }

  /** Adds a write of a number at `directory`/`node`; its index. */
  write(directory: TextBuffer, node: string, value: u64): u32 {
    const index = this.add(XS_WRITE, directory, node);
    const text = this.begin().decimal(value);
    const request = this.request(index);
    request.second = text.address;
    request.secondLength = text.length;
    request.payloadLength += text.length;
    this.keep();
    return index;
  }

  /** Adds a write of a literal at `directory`/`node`. */
  writeText(directory: TextBuffer, node: string, value: string): void {
    const index = this.add(XS_WRITE, directory, node);
    const text = this.begin().text(value);
    const request = this.request(index);
    request.second = text.address;
    request.secondLength = text.length;
    request.payloadLength += text.length;
    this.keep();
  }

  /** Sends all requests. The completion call may come before this returns. */
  submit(): void {
    if (this.overflowed || this.count == 0) {
      call_indirect<void>(this.done, this.argument);
      return;
    }
    const count = this.count;
    this.pending = count;
    for (let i: u32 = 0; i < count; i++) clientSubmit(this.request(i));
  }

  /** The reply's length, or -errno. */
  status(index: u32): i32 {
    return this.overflowed ? -E2BIG : this.request(index).status;
  }

  /** The first error of all requests, or 0. */
  error(): i32 {
    for (let i: u32 = 0; i < this.count; i++) if (this.status(i) < 0) return this.status(i);
    return this.overflowed ? -E2BIG : 0;
  }

  /** Address of the kept part of a reply. */
  reply(index: u32): usize {
    return this.request(index).reply;
  }

  /** Length of the kept part of a reply; 0 after an error. */
  replyLength(index: u32): u32 {
    const status = this.status(index);
    return status < 0 ? 0 : min(<u32>status, this.request(index).replyCapacity);
  }

  /** The number that was read, or `otherwise` when the node is missing or holds anything else. */
  number(index: u32, otherwise: i64): i64 {
    const value = this.status(index) < 0 ? -EIO : parseDecimal(this.reply(index), this.replyLength(index));
    return value < 0 ? otherwise : value;
  }
}

function onDone(argument: usize): void {
  const batch = changetype<StoreBatch>(argument);
  batch.pending -= 1;
  if (batch.pending == 0) call_indirect<void>(batch.done, batch.argument);
}

/** Makes the page at `page` an empty batch that calls `done` (a function index) with `argument`. */
export function batchInit(page: usize, done: u32, argument: usize): StoreBatch {
  const batch = changetype<StoreBatch>(page);
  memory.fill(page, 0, ARENA);
  batch.done = done;
  batch.argument = argument;
  batch.reset();
  return batch;
}
