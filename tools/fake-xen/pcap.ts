// Writes captures in the classic pcap format (nanosecond variant) for a failing test's post-mortem.
import { writeFile } from "node:fs/promises";

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const LINKTYPE_ETHERNET = 1;

/** Frames with their times, in memory until save(). */
export class Capture {
  private readonly records: Buffer[] = [];

  /** Notes `frame`, seen at `now` ns. */
  add(now: number, frame: Uint8Array): void {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(Math.floor(now / 1e9), 0);
    header.writeUInt32LE(Math.floor(now % 1e9), 4);
    header.writeUInt32LE(frame.length, 8);
    header.writeUInt32LE(frame.length, 12);
    this.records.push(header, Buffer.from(frame));
  }

  async save(file: string): Promise<void> {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(MAGIC_NANOSECONDS, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(0x40000, 16);
    header.writeUInt32LE(LINKTYPE_ETHERNET, 20);
    await writeFile(file, Buffer.concat([header, ...this.records]));
  }
}
