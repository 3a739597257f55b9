// The head of a request as the parser leaves it. Nothing is copied out of the connection's buffer: what matters is named
// by spans (span.ts), which count from the first byte of the message and so stay true when it moves to another buffer.

/** What requestParse returns besides a status code. */
export const PARSE_MORE: i32 = 0;
export const PARSE_COMPLETE: i32 = 1;

export const METHOD_UNKNOWN: u8 = 0;
export const METHOD_GET: u8 = 1;
export const METHOD_HEAD: u8 = 2;
export const METHOD_OPTIONS: u8 = 3;
/** A method that the specifications define and that no file allows. */
export const METHOD_OTHER: u8 = 4;

/** Flags of a request. */
export const HAS_HOST: u32 = 1;
export const HAS_CONTENT_LENGTH: u32 = 2;
export const HAS_TRANSFER_ENCODING: u32 = 4;
export const CONNECTION_CLOSE: u32 = 8;
export const CONNECTION_KEEP_ALIVE: u32 = 16;
export const EXPECT_CONTINUE: u32 = 32;
export const EXPECT_UNKNOWN: u32 = 64;
/** The target is "*". */
export const TARGET_ASTERISK: u32 = 128;
/** The target names the https scheme: not ours to answer. */
export const TARGET_HTTPS: u32 = 256;
/** If-Match or If-None-Match stands on more than one line; all of them count. */
export const REPEATED_MATCH: u32 = 512;

/** A request head: the parser's state, then what it found. */
@unmanaged
@final
export class Request {
  /** Where the line under way begins; after the end of the head: where the body begins. */
  line: u32;
  /** Everything before is known to hold no end of line. */
  scanned: u32;
  phase: u8;
  method: u8;
  /** 0 or 1: the peer speaks HTTP/1.0, or 1.1 and later. */
  minorVersion: u8;
  emptyLines: u8;
  fieldCount: u32;
  flags: u32;
  /** The request line, for the log. */
  requestLine: u64;
  /** Path as received, possibly empty; query after "?" as received, 0 without one. */
  path: u64;
  query: u64;
  contentLength: u64;
  /** Values of the fields that matter, without blanks around them. A length of 0: present and not valid. */
  ifMatch: u64;
  ifNoneMatch: u64;
  ifModifiedSince: u64;
  ifUnmodifiedSince: u64;
  ifRange: u64;
  range: u64;

  /** True when the flag is set. */
  has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }

  /** Sets a flag. */
  set(flag: u32): void {
    this.flags |= flag;
  }

  /** True when a body follows the head. */
  hasBody(): bool {
    return this.contentLength != 0 || this.has(HAS_TRANSFER_ENCODING);
  }

  /** True when the client wants to use the connection again (RFC 9112 section 9.3). */
  keepsAlive(): bool {
    if (this.has(CONNECTION_CLOSE)) return false;
    return this.minorVersion != 0 || this.has(CONNECTION_KEEP_ALIVE);
  }
}

/** Prepares for the next message. */
export function requestReset(request: Request): void {
  memory.fill(changetype<usize>(request), 0, offsetof<Request>());
}
