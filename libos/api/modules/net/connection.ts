// A connection of TCP: bytes and lines in and out. One thread reads at a time, and one writes. It does not close itself: the collector knows no descriptors.
import { EMSGSIZE } from "../../../../kernel/errno";
import { MSG_NOSIGNAL, SHUT_WR, SO_RCVTIMEO, SO_SNDTIMEO } from "../../../posix/constants";
import { setErrno } from "../../errno";
import { sockaddr_in6 } from "../../inet6";
import { recv, send, setSocketTimeout, shutdown } from "../../socket";
import { close as closeDescriptor } from "../../unistd";
import { hostText } from "./address";

const BUFFER_SIZE: i32 = 4096;
const LF: u8 = 0x0a;
const CR: u8 = 0x0d;
const NOTHING = new Uint8Array(0);

/** A connection. */
@final
export class Connection {
  // What has been received and not read: bytes from … to of the buffer, which is there once something was.
  private buffer: Uint8Array = NOTHING;
  private from: i32 = 0;
  private to: i32 = 0;

  constructor(
    /** Its descriptor, for the calls of "karyon"; -1 once it is closed. What a line reader has received already is not to be had there. */
    public fd: i32,
    private address: sockaddr_in6,
  ) {}

  /** The peer's address as text. */
  get host(): string {
    return hostText(this.address);
  }

  /** The peer's port. */
  get port(): u16 {
    return this.address.port;
  }

  /** The peer: "10.0.2.2:7" or "[fd00::1]:7". */
  toString(): string {
    return this.address.sin6_addr.isMapped ? `${this.host}:${this.port}` : this.address.toString();
  }

  /** How long a call that reads or writes may wait, in ms, before it fails with EAGAIN; 0: for ever, as at first. False on error (EBADF). */
  setTimeout(milliseconds: u32): bool {
    return (
      setSocketTimeout(this.fd, SO_RCVTIMEO, milliseconds) == 0 &&
      setSocketTimeout(this.fd, SO_SNDTIMEO, milliseconds) == 0
    );
  }

  /** Reads what there is, waiting for the first, to bytes `start` … of `bytes`. Returns how many, 0 at the end, -1 on error (EAGAIN, ECONNRESET …). */
  read(bytes: Uint8Array, start: i32 = 0): i32 {
    const room = max(bytes.length - start, 0);
    if (this.from == this.to) return room == 0 ? 0 : recv(this.fd, bytes.dataStart + start, room);
    const count = min(room, this.to - this.from);
    memory.copy(bytes.dataStart + start, this.buffer.dataStart + this.from, count);
    this.from += count;
    return count;
  }

  /** Receives more behind what is there: how much, 0 at the end, -1. */
  private fill(): i32 {
    if (this.buffer.length == 0) this.buffer = new Uint8Array(BUFFER_SIZE);
    if (this.from == this.to) this.from = this.to = 0;
    if (this.to == this.buffer.length && this.from > 0) {
      this.buffer.copyWithin(0, this.from, this.to);
      this.to -= this.from;
      this.from = 0;
    } else if (this.to == this.buffer.length) {
      const larger = new Uint8Array(2 * this.to);
      larger.set(this.buffer);
      this.buffer = larger;
    }
    const count = recv(this.fd, this.buffer.dataStart + this.to, this.buffer.length - this.to);
    if (count > 0) this.to += count;
    return count;
  }

  /**
   * Reads a line: its text without the end, LF or CR LF. What is behind the last end is a line, too, unless it is empty. Null at the end of the stream, with errno
   * 0, or on error: EMSGSIZE (longer than `limit` bytes; it stays unread), EAGAIN, ECONNRESET …
   */
  readLine(limit: i32 = 65536): string | null {
    let looked = 0;
    while (true) {
      for (; looked < this.to - this.from; looked++) {
        if (this.buffer[this.from + looked] == LF) return this.takeLine(looked, 1);
        if (looked >= limit) {
          setErrno(EMSGSIZE);
          return null;
        }
      }
      const count = this.fill();
      if (count > 0) continue;
      if (count == 0 && looked > 0) return this.takeLine(looked, 0);
      if (count == 0) setErrno(0);
      return null;
    }
  }

  /** The text of the first `length` bytes, without a CR at its end, which are taken out with `behind` more. */
  private takeLine(length: i32, behind: i32): string {
    const start = this.buffer.dataStart + this.from;
    const hasReturn = length > 0 && load<u8>(start + length - 1) == CR;
    this.from += length + behind;
    return String.UTF8.decodeUnsafe(start, hasReturn ? length - 1 : length);
  }

  /** Reads to the end of the stream. Null on error: EMSGSIZE (more than `limit` bytes), EAGAIN, ECONNRESET … */
  readAll(limit: i32 = 1 << 20): Uint8Array | null {
    while (this.to - this.from <= limit) {
      const count = this.fill();
      if (count < 0) return null;
      if (count > 0) continue;
      const all = this.buffer.slice(this.from, this.to);
      this.from = this.to;
      return all;
    }
    setErrno(EMSGSIZE);
    return null;
  }

  /** Sends bytes `start` … `end` (below 0: all) of `bytes`; waits until there is room for them. False on error (EPIPE, ECONNRESET, EAGAIN …). */
  write(bytes: Uint8Array, start: i32 = 0, end: i32 = -1): bool {
    const from = min(max(start, 0), bytes.length);
    return this.send(bytes.dataStart + from, max((end < 0 ? bytes.length : min(end, bytes.length)) - from, 0));
  }

  /** Sends `text` as UTF-8. Otherwise like `write`. */
  writeText(text: string): bool {
    const bytes = String.UTF8.encode(text);
    return this.send(changetype<usize>(bytes), bytes.byteLength);
  }

  private send(start: usize, length: i32): bool {
    for (let done = 0; done < length;) {
      const count = send(this.fd, start + done, length - done, MSG_NOSIGNAL);
      if (count < 0) return false;
      done += count;
    }
    return true;
  }

  /** Sends no more: the peer reads the end of the stream. False on error (ENOTCONN …). */
  end(): bool {
    return shutdown(this.fd, SHUT_WR) == 0;
  }

  /** Closes the connection; what was written still arrives. False on error (EBADF: it was closed). */
  close(): bool {
    const fd = this.fd;
    this.fd = -1;
    return closeDescriptor(fd) == 0;
  }
}
