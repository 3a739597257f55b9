// The kernel's log: lines on the console, "[   1.234567] net: carrier lost". One line is built at a time in a static
// buffer: log("net").text("carrier lost").end(). A line is complete or absent, and not longer than LINE_SIZE.
import { consoleWriteAll } from "./console";
import { TextBuffer, textBuffer } from "./text";
import { monotonicNow } from "./time/clock";

const LINE_SIZE: u32 = 320;

const lineBytes = memory.data(320, 8);
const lineBuffer = memory.data(16, 8);

/** A log line under construction; the methods are TextBuffer's. */
@unmanaged
@final
export class LogLine {
  address: usize;
  capacity: u32;
  length: u32;
  truncated: bool;

  private buffer(): TextBuffer {
    return changetype<TextBuffer>(changetype<usize>(this));
  }

  /** Appends a literal. */
  text(literal: string): LogLine {
    this.buffer().text(literal);
    return this;
  }

  /** Appends bytes; what is not printable ASCII appears as a dot, because peers choose such text. */
  bytes(source: usize, count: u32): LogLine {
    for (let i: u32 = 0; i < count; i++) {
      const byte = load<u8>(source + i);
      this.buffer().byte(byte >= 32 && byte < 127 ? byte : 0x2e);
    }
    return this;
  }

  /** Appends an unsigned number. */
  decimal(value: u64): LogLine {
    this.buffer().decimal(value);
    return this;
  }

  /** Appends a signed number. */
  signed(value: i64): LogLine {
    this.buffer().signed(value);
    return this;
  }

  /** Appends a hexadecimal number without prefix. */
  hex(value: u64, digits: u32 = 1): LogLine {
    this.buffer().hex(value, digits);
    return this;
  }

  /** Appends an IPv4 address in host order. */
  ipv4(address: u32): LogLine {
    this.buffer().ipv4(address);
    return this;
  }

  /** Appends the Ethernet address at `address`. */
  mac(address: usize): LogLine {
    this.buffer().mac(address);
    return this;
  }

  /** Writes the line out. */
  end(): void {
    if (this.length >= LINE_SIZE) this.length = LINE_SIZE - 1;
    this.buffer().byte(10);
    consoleWriteAll(this.address, this.length);
  }
}

/** Begins a line of `subsystem`. */
export function log(subsystem: string): LogLine {
  const now = monotonicNow() / 1000;
  const buffer = textBuffer(changetype<TextBuffer>(lineBuffer), lineBytes, LINE_SIZE);
  buffer.text("[");
  for (let room = max<u64>(now / 1_000_000, 1); room < 1000; room *= 10) buffer.text(" ");
  buffer
    .decimal(now / 1_000_000)
    .text(".")
    .decimal(now % 1_000_000, 6)
    .text("] ")
    .text(subsystem)
    .text(": ");
  return changetype<LogLine>(lineBuffer);
}
