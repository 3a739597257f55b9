// Writes packet captures (libpcap file format, link type Ethernet) that tcpdump and Wireshark open.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const LINK_ETHERNET = 1;

/** One captured frame; time in ns. */
export interface CapturedFrame {
  readonly time: bigint;
  readonly data: Uint8Array;
}

function encode(frames: readonly CapturedFrame[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(MAGIC_NANOSECONDS, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(LINK_ETHERNET, 20);
  const parts: Uint8Array[] = [header];
  for (const { time, data } of frames) {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(Number(time / 1_000_000_000n), 0);
    record.writeUInt32LE(Number(time % 1_000_000_000n), 4);
    record.writeUInt32LE(data.length, 8);
    record.writeUInt32LE(data.length, 12);
    parts.push(record, data);
  }
  return Buffer.concat(parts);
}

/** Writes build/<name>.pcap and returns its path. */
export function writePcap(name: string, frames: readonly CapturedFrame[]): string {
  const folder = join(ROOT, "build");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name.replaceAll(/[^\w.-]+/g, "_")}.pcap`);
  writeFileSync(file, encode(frames));
  return file;
}
