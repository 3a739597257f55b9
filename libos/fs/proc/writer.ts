// Columns and units of /proc, beside what TextBuffer has.
import { TextBuffer } from "../../../kernel/text";

const PAGE_KIBIBYTES: u64 = 4;
/** Nanoseconds of a clock tick: USER_HZ is 100. */
export const TICK: u64 = 10_000_000;
const NANOSECONDS: u64 = 1_000_000_000;

/** Appends a number in decimal, with blanks before it up to `width`. */
export function writeRight(out: TextBuffer, value: u64, width: u32): void {
  let digits: u32 = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits++;
  writeBlanks(out, digits < width ? width - digits : 0);
  out.decimal(value);
}

/** Appends `count` blanks. */
export function writeBlanks(out: TextBuffer, count: u32): void {
  for (let i: u32 = 0; i < count; i++) out.byte(0x20);
}

/** Appends a number in hexadecimal with capital letters and exactly `digits` digits. */
export function writeHex(out: TextBuffer, value: u32, digits: u32): void {
  for (let left = digits; left != 0; left--) {
    const digit = <u8>((value >> ((left - 1) << 2)) & 15);
    out.byte(digit < 10 ? 0x30 + digit : 0x37 + digit);
  }
}

/** Appends "name", blanks up to `width`, a number of pages in kibibytes, and the end of the line. */
export function writePages(out: TextBuffer, name: string, width: u32, pages: u64): void {
  out.text(name);
  writeBlanks(out, width - name.length);
  writeRight(out, pages * PAGE_KIBIBYTES, 8);
  out.text(" kB\n");
}

/** Appends a time in seconds with two decimals. */
export function writeSeconds(out: TextBuffer, time: u64): void {
  out
    .decimal(time / NANOSECONDS)
    .byte(0x2e)
    .decimal((time % NANOSECONDS) / TICK, 2);
}

/** Appends "name:", a tab, a number, and the end of the line. */
export function writeField(out: TextBuffer, name: string, value: u64): void {
  out.text(name).text(":\t").decimal(value).byte(0x0a);
}
