// Front half of a shared request/response ring, as xen/include/public/io/ring.h defines it. Requests and responses
// share the entries; both indices run free and wrap at 2^32.
// Layout of the shared page: u32 req_prod, req_event, rsp_prod, rsp_event, 48 bytes of padding, then the entries.
// Invariants: responsesConsumed <= rsp_prod <= requestsProduced holds or the back end lies, and every lie is seen
// before an entry is read; an entry is only written while it holds neither a request nor an unread response.
import { EPROTO } from "./errno";
import { PAGE_SIZE } from "./memory/pages";

const REQ_PROD: usize = 0;
const REQ_EVENT: usize = 4;
const RSP_PROD: usize = 8;
const RSP_EVENT: usize = 12;
const ENTRIES: u32 = 64;

/** Bytes of a FrontRing, for static instances. */
export const FRONT_RING_SIZE: i32 = 24;

/** The front end's private view of one shared ring. Only this structure is believed; the shared page is the peer's. */
@unmanaged
@final
export class FrontRing {
  /** Address of the shared page. */
  page: usize;
  entrySize: u32;
  /** Number of entries, a power of two. */
  entries: u32;
  /** Index of the next request to write; what the peer may see of it changes in push(). */
  requestsProduced: u32;
  /** Index of the next response to read. */
  responsesConsumed: u32;
  private requestsPushed: u32;

  /** Makes `page` an empty ring with entries of `entrySize` bytes (SHARED_RING_INIT and FRONT_RING_INIT). */
  init(page: usize, entrySize: u32): void {
    this.page = page;
    this.entrySize = entrySize;
    this.entries = 1 << (31 - clz((PAGE_SIZE - ENTRIES) / entrySize));
    this.requestsProduced = 0;
    this.responsesConsumed = 0;
    this.requestsPushed = 0;
    memory.fill(page, 0, PAGE_SIZE);
    atomic.store<u32>(page + REQ_EVENT, 1);
    atomic.store<u32>(page + RSP_EVENT, 1);
  }

  /** Requests that the peer has not answered, or whose answer is unread. */
  outstanding(): u32 {
    return this.requestsProduced - this.responsesConsumed;
  }

  /** Entries that requests can be written to now. */
  free(): u32 {
    return this.entries - this.outstanding();
  }

  /** Address of the entry with running index `index`. */
  entry(index: u32): usize {
    return this.page + ENTRIES + (index & (this.entries - 1)) * this.entrySize;
  }

  /** Takes the next entry for a request; free() must not be 0. The peer sees it after push(). */
  request(): usize {
    const address = this.entry(this.requestsProduced);
    this.requestsProduced += 1;
    return address;
  }

  /** Shows the peer all requests written so far; true when it has to be notified. */
  push(): bool {
    const before = this.requestsPushed;
    const after = this.requestsProduced;
    if (before == after) return false;
    this.requestsPushed = after;
    // Atomics are sequentially consistent: entries, index and the look at req_event happen in this order.
    atomic.store<u32>(this.page + REQ_PROD, after);
    return after - atomic.load<u32>(this.page + REQ_EVENT) < after - before;
  }

  /** Number of responses ready to read; -EPROTO when the peer answered what was never asked. */
  responses(): i32 {
    const ready = atomic.load<u32>(this.page + RSP_PROD) - this.responsesConsumed;
    return ready > this.requestsPushed - this.responsesConsumed ? -EPROTO : ready;
  }

  /** Marks `count` responses as read, so that their entries can carry requests again. */
  consume(count: u32): void {
    this.responsesConsumed += count;
  }

  /**
   * Asks for a notification once `count` more responses are there (1: at the next one). A count above outstanding()
   * asks for none.
   * @returns true when that many are there already, in which case no notification may follow
   */
  notifyAfter(count: u32): bool {
    const event = this.responsesConsumed + count;
    // The event index first, then the check, or a response between the two goes unnoticed.
    atomic.store<u32>(this.page + RSP_EVENT, event);
    return atomic.load<u32>(this.page + RSP_PROD) - this.responsesConsumed >= count;
  }
}
