// A client of the server under test: its connection as two byte queues, one of which the test fills and one the server.

const EAGAIN = 11;
const EPIPE = 32;
const ECONNRESET = 104;

/** Bits of poll's events. */
export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLHUP = 16;

/** How a connection stands, seen from the client. */
export type Ending = "open" | "shutdown" | "closed" | "reset";

/** A client's connection. */
export class Client {
  /** Bytes the server may still send before its socket is full. */
  window = Infinity;
  /** Most bytes that one recv of the server gets. */
  chunk = Infinity;
  ending: Ending = "open";
  /** Every send of the server, one by one. */
  readonly sends: Buffer[] = [];
  accepted = false;
  private queue = Buffer.alloc(0);
  private ended = false;
  private broken = false;

  /** What the server has sent. */
  get received(): Buffer {
    return Buffer.concat(this.sends);
  }

  /** The same as text, a byte a character. */
  get text(): string {
    return this.received.toString("latin1");
  }

  /** Sends to the server. */
  send(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.queue = Buffer.concat([this.queue, bytes]);
  }

  /** Ends the client's direction. */
  end(): void {
    this.ended = true;
  }

  /** Resets the connection. */
  reset(): void {
    this.broken = true;
  }

  /** Bytes that the server has not read. */
  get unread(): number {
    return this.queue.length;
  }

  /** The server's side. */
  pollEvents(): number {
    const readable = this.queue.length > 0 || this.ended || this.broken ? POLLIN : 0;
    const writable = this.window > 0 || this.broken ? POLLOUT : 0;
    return readable | writable | (this.broken ? POLLHUP : 0);
  }

  take(limit: number): Buffer | number {
    if (this.broken) return -ECONNRESET;
    if (this.queue.length === 0) return this.ended ? Buffer.alloc(0) : -EAGAIN;
    const count = Math.min(limit, this.chunk, this.queue.length);
    const bytes = this.queue.subarray(0, count);
    this.queue = this.queue.subarray(count);
    return bytes;
  }

  put(bytes: Buffer): number {
    if (this.broken) return -ECONNRESET;
    if (this.ending !== "open") return -EPIPE;
    if (this.window === 0) return -EAGAIN;
    const count = Math.min(bytes.length, this.window);
    this.window -= count;
    this.sends.push(Buffer.from(bytes.subarray(0, count)));
    return count;
  }
}
