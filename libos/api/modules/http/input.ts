// A connection's input: one request after the other out of one buffer. Strict as message/ is: what is not understood is refused, and ends the connection. Whoever is slow is
// refused, too: a request has REQUEST_TIME to arrive, from its first byte.
import { EAGAIN } from "../../../../kernel/errno";
import { CLOCK_MONOTONIC } from "../../../posix/constants";
import { errno } from "../../errno";
import { clockNanoseconds } from "../../time";
import { Connection } from "../net/connection";
import { BODY_LIMIT, Body, bodyStart, bodyStep } from "./message/body";
import { HEAD_LIMIT, requestParse } from "./message/parser";
import {
  EXPECT_CONTINUE,
  EXPECT_UNKNOWN,
  PARSE_COMPLETE,
  PARSE_MORE,
  Request as Head,
  TARGET_HTTPS,
  requestReset,
} from "./message/request";
import { CONTENT_TOO_LARGE, EXPECTATION_FAILED, MISDIRECTED_REQUEST, REQUEST_TIMEOUT } from "./message/status";

/** How long a connection may be without a request, and how long one may take to arrive, in ms. */
const IDLE_TIME: i64 = 30_000;
const REQUEST_TIME: i64 = 30_000;

/** What `next` returns beside a status that refuses. */
export const REQUEST_HERE: i32 = 0;
/** The connection is over: its end, or an error. */
export const CONNECTION_OVER: i32 = 1;

function now(): i64 {
  return clockNanoseconds(CLOCK_MONOTONIC) / 1_000_000;
}

/** The input of a connection. */
@final
export class Input {
  private buffer: Uint8Array = new Uint8Array(<i32>HEAD_LIMIT + 1024);
  /** Bytes in the buffer, and those of the request that was the last. */
  private length: i32 = 0;
  private used: i32 = 0;
  private deadline: i64 = 0;
  // Views of what the objects of message/ are: memory without a class.
  private headMemory: StaticArray<u8> = new StaticArray<u8>(offsetof<Head>());
  private bodyMemory: StaticArray<u8> = new StaticArray<u8>(offsetof<Body>());
  /** The content of the request. */
  content: Uint8Array = new Uint8Array(0);

  constructor(private connection: Connection) {}

  /** The head of the request, until `next`. */
  get head(): Head {
    return changetype<Head>(this.headMemory);
  }

  private get body(): Body {
    return changetype<Body>(this.bodyMemory);
  }

  /** Where the message lies, until `next`. */
  get message(): usize {
    return this.buffer.dataStart;
  }

  /** Receives more behind what is there. Returns 0, CONNECTION_OVER or REQUEST_TIMEOUT. */
  private receive(): i32 {
    const left = this.deadline - now();
    if (left <= 0 || !this.connection.setTimeout(<u32>left)) return REQUEST_TIMEOUT;
    const isFirst = this.length == 0;
    const count = this.connection.read(this.buffer, this.length);
    if (count < 0 && errno == EAGAIN && this.length > 0) return REQUEST_TIMEOUT;
    if (count <= 0) return CONNECTION_OVER;
    this.length += count;
    if (isFirst) this.deadline = now() + REQUEST_TIME;
    return 0;
  }

  /** Waits for the next request. Returns REQUEST_HERE, CONNECTION_OVER, or the status that refuses it. */
  next(): i32 {
    this.buffer.copyWithin(0, this.used, this.length);
    this.length -= this.used;
    this.used = 0;
    this.deadline = now() + (this.length == 0 ? IDLE_TIME : REQUEST_TIME);
    requestReset(this.head);
    while (true) {
      const result = this.length == 0 ? PARSE_MORE : requestParse(this.head, this.message, this.length);
      if (result == PARSE_COMPLETE) break;
      if (result != PARSE_MORE) return result;
      const failure = this.receive();
      if (failure != 0) return failure;
    }
    if (this.head.has(TARGET_HTTPS)) return MISDIRECTED_REQUEST;
    if (this.head.has(EXPECT_UNKNOWN)) return EXPECTATION_FAILED;
    this.used = this.head.line;
    return this.takeBody();
  }

  /** Collects the content behind the head; the buffer keeps the head. */
  private takeBody(): i32 {
    this.content = new Uint8Array(0);
    const refusal = bodyStart(this.body, this.head);
    if (refusal != 0) return refusal;
    if (this.body.isComplete()) return REQUEST_HERE;
    if (this.head.has(EXPECT_CONTINUE) && !this.connection.writeText("HTTP/1.1 100 Continue\r\n\r\n"))
      return CONNECTION_OVER;
    const head = this.used;
    let length = 0;
    while (true) {
      while (this.used < this.length && !this.body.isComplete()) {
        const isContent = this.body.isAtContent();
        const count = bodyStep(this.body, this.message + this.used, this.message + this.length);
        if (count < 0) return -count;
        if (isContent) {
          if (<u64>(length + count) > BODY_LIMIT) return CONTENT_TOO_LARGE;
          this.keep(this.used, count, length);
          length += count;
        }
        this.used += count;
      }
      if (this.body.isComplete()) break;
      // All of the body that has come is taken: what comes next takes its place.
      this.length = this.used = head;
      const failure = this.receive();
      if (failure != 0) return failure;
    }
    this.content = this.content.subarray(0, length);
    return REQUEST_HERE;
  }

  /** Puts `count` bytes of the buffer to `length` of the content, which grows by doubling. */
  private keep(from: i32, count: i32, length: i32): void {
    if (length + count > this.content.length) {
      const larger = new Uint8Array(max(length + count, 2 * this.content.length));
      larger.set(this.content);
      this.content = larger;
    }
    memory.copy(this.content.dataStart + length, this.message + from, count);
  }
}
