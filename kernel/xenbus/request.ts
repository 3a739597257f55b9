// One xenstore request and its reply. The structure belongs to the requester, as does the memory it points at; both
// must stay until the request is done. The payload is at most two texts: `first` NUL `second` [NUL].
import { EINPROGRESS } from "../errno";
import { ListNode } from "../list";
import { WaitQueue } from "../thread/wait_queue";
import { HEADER_SIZE } from "./wire";

/** Bytes of a StoreRequest, for static instances. */
export const STORE_REQUEST_SIZE: i32 = 80;

/** A request on its way to xenstored and back. */
@unmanaged
@final
export class StoreRequest {
  // Link in the client's queues; the fields of a ListNode.
  next: usize;
  previous: usize;
  // struct xsd_sockmsg as it goes onto the ring.
  type: u32;
  requestId: u32;
  transaction: u32;
  payloadLength: u32;
  first: usize;
  firstLength: u32;
  second: usize;
  secondLength: u32;
  /** Bytes of header and payload already on the ring. */
  sent: u32;
  /** Where the reply's payload goes; what exceeds the capacity is dropped. */
  reply: usize;
  replyCapacity: u32;
  /** Bytes of payload in the reply, also those that did not fit. */
  replyLength: u32;
  /** -EINPROGRESS until done; then the reply's length, which may exceed replyCapacity, or -errno. */
  status: i32;
  /** Function index of (argument: usize) => void, called when done; 0 = none. Must not block. */
  done: u32;
  argument: usize;
  waiters: u64; // a WaitQueue, woken when done

  /** The request as a list node. */
  node(): ListNode {
    return changetype<ListNode>(this);
  }

  /** Woken when the request is done. */
  waitQueue(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + offsetof<StoreRequest>("waiters"));
  }

  /** True from submission until done. */
  pending(): bool {
    return this.status == -EINPROGRESS;
  }
}

/** Prepares a request: its payload is `first` NUL, then `second`, then another NUL if `secondTerminated`. */
export function requestPrepare(
  request: StoreRequest,
  type: u32,
  transaction: u32,
  first: usize,
  firstLength: u32,
  second: usize,
  secondLength: u32,
  secondTerminated: bool,
): void {
  request.type = type;
  request.transaction = transaction;
  request.payloadLength = firstLength + 1 + secondLength + <u32>secondTerminated;
  request.first = first;
  request.firstLength = firstLength;
  request.second = second;
  request.secondLength = secondLength;
  request.reply = 0;
  request.replyCapacity = 0;
  request.done = 0;
}

/** Bytes of the whole message. */
export function requestLength(request: StoreRequest): u32 {
  return HEADER_SIZE + request.payloadLength;
}

const nul = memory.data(1);

/** The address of the message's byte `offset`; requestChunkLength() bytes stand there together. */
export function requestChunk(request: StoreRequest, offset: u32): usize {
  if (offset < HEADER_SIZE) return changetype<usize>(request) + offsetof<StoreRequest>("type") + offset;
  offset -= HEADER_SIZE;
  if (offset < request.firstLength) return request.first + offset;
  offset -= request.firstLength;
  if (offset == 0) return nul;
  offset -= 1;
  return offset < request.secondLength ? request.second + offset : nul;
}

/** Bytes that stand together from the message's byte `offset` on; 0 at its end. */
export function requestChunkLength(request: StoreRequest, offset: u32): u32 {
  if (offset < HEADER_SIZE) return HEADER_SIZE - offset;
  offset -= HEADER_SIZE;
  if (offset < request.firstLength) return request.firstLength - offset;
  offset -= request.firstLength;
  if (offset == 0) return 1;
  offset -= 1;
  if (offset < request.secondLength) return request.secondLength - offset;
  return request.payloadLength - request.firstLength - 1 - offset;
}
