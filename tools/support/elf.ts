// As much of ELF-64 (little endian) as is needed: which shared libraries a program names (DT_NEEDED), what a section holds.
import { KaryonError } from "./errors.ts";

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const SHT_NOBITS = 8;
const DT_NULL = 0n;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

/** Whether `bytes` begin as an ELF-64 file does. */
export function isElf(bytes: Buffer): boolean {
  return bytes.length > 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2;
}

/** The names in DT_NEEDED, in their order; empty for a static program or for what is no ELF file. */
export function neededLibraries(bytes: Buffer): string[] {
  if (!isElf(bytes)) return [];
  const segments = programHeaders(bytes);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const needed: bigint[] = [];
  let strings = 0n;
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.size; at += 16) {
    const tag = bytes.readBigInt64LE(at);
    const value = bytes.readBigUInt64LE(at + 8);
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) needed.push(value);
    if (tag === DT_STRTAB) strings = value;
  }
  const table = fileOffset(segments, strings);
  return needed.map((name) => textAt(bytes, table + Number(name)));
}

/** A section of an ELF file. */
export interface Section {
  readonly name: string;
  readonly address: number;
  /** Bytes in memory. */
  readonly size: number;
  /** What the file has of it: nothing where memory begins as zeros. */
  readonly content: Buffer;
}

/** The sections of an ELF file, in their order. @throws KaryonError BAD_ELF for another kind of file */
export function sections(bytes: Buffer): Section[] {
  if (!isElf(bytes)) throw new KaryonError("BAD_ELF", "this is no ELF-64 file");
  const start = Number(bytes.readBigUInt64LE(40));
  const [entry, count, strings] = [58, 60, 62].map((offset) => bytes.readUInt16LE(offset)) as [number, number, number];
  const word = (header: number, offset: number): number => Number(bytes.readBigUInt64LE(header + offset));
  const names = word(start + strings * entry, 24);
  return Array.from({ length: count }, (_, i) => start + i * entry).map((header) => {
    const [address = 0, offset = 0, size = 0] = [16, 24, 32].map((at) => word(header, at));
    const inFile = bytes.readUInt32LE(header + 4) === SHT_NOBITS ? 0 : size;
    const name = textAt(bytes, names + bytes.readUInt32LE(header));
    return { name, address, size, content: bytes.subarray(offset, offset + inFile) };
  });
}

/** The section called `name`. @throws KaryonError BAD_ELF when there is none */
export function section(bytes: Buffer, name: string): Section {
  const found = sections(bytes).find((each) => each.name === name);
  if (found === undefined) throw new KaryonError("BAD_ELF", `an ELF file has no section ${name}`);
  return found;
}

function programHeaders(bytes: Buffer): Segment[] {
  const start = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  const count = bytes.readUInt16LE(56);
  return Array.from({ length: count }, (_, i) => start + i * size).map((at) => ({
    type: bytes.readUInt32LE(at),
    offset: Number(bytes.readBigUInt64LE(at + 8)),
    address: bytes.readBigUInt64LE(at + 16),
    size: Number(bytes.readBigUInt64LE(at + 32)),
  }));
}

function fileOffset(segments: readonly Segment[], address: bigint): number {
  const holder = segments.find(
    (s) => s.type === PT_LOAD && address >= s.address && address < s.address + BigInt(s.size),
  );
  if (holder === undefined) throw new KaryonError("BAD_ELF", "an ELF file's dynamic strings lie in no segment");
  return holder.offset + Number(address - holder.address);
}

function textAt(bytes: Buffer, offset: number): string {
  return bytes.toString("latin1", offset, bytes.indexOf(0, offset));
}
