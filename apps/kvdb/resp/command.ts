// A command as a client sends it (https://redis.io/docs/latest/develop/reference/protocol-spec/): an array of strings, or a line of words. The words stay where they
// are; a command says where.
import { MOST_COMMAND, MOST_LINE, MOST_WORD, MOST_WORDS } from "./limits";

const CR: u8 = 13;
const LF: u8 = 10;
const SPACE: u8 = 32;
const TAB: u8 = 9;
const QUOTE: u8 = 34;
const APOSTROPHE: u8 = 39;
const BACKSLASH: u8 = 92;
const ASTERISK: u8 = 42;
const DOLLAR: u8 = 36;
/** Longest number, with its sign. */
const MOST_DIGITS: u32 = 20;

const MORE: i32 = 0;
const WRONG: i32 = -1;

/** The words of a command. */
@final
export class Command {
  /** How many words; 0 for an empty line. */
  count: u32 = 0;
  /** What is wrong, in Redis's words, when parse() has returned -1. */
  complaint: string = "";
  private readonly starts: StaticArray<usize> = new StaticArray<usize>(<i32>MOST_WORDS);
  private readonly lengths: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_WORDS);

  /** Address of word `i`. */
  at(i: u32): usize {
    return this.starts[i];
  }

  /** Bytes of word `i`. */
  size(i: u32): u32 {
    return this.lengths[i];
  }

  /** Word `i` as text, a byte a character. */
  text(i: u32): string {
    return latin1(this.at(i), this.size(i));
  }

  /** Word `i` in upper case, for names of commands and options. */
  name(i: u32): string {
    return this.size(i) > 32 ? "" : this.text(i).toUpperCase();
  }

  /**
   * Reads a command from `length` bytes at `from`.
   * @returns how many of them it takes; 0 when it is not complete; -1 with `complaint` when it is none and nothing after it can be
   * relied upon
   */
  parse(from: usize, length: u32): i32 {
    this.count = 0;
    if (length == 0) return MORE;
    const used = load<u8>(from) == ASTERISK ? this.parseArray(from, length) : this.parseLine(from, length);
    if (used == MORE && length >= MOST_COMMAND) return this.wrong("too big a command");
    return used;
  }

  private wrong(complaint: string): i32 {
    this.count = 0;
    this.complaint = complaint;
    return WRONG;
  }

  private parseArray(from: usize, length: u32): i32 {
    const end = from + length;
    let at = readNumber(from + 1, end);
    if (at == 0) return MORE;
    if (at == 1 || parsedNumber > <i64>MOST_WORDS) return this.wrong("invalid multibulk length");
    const words = parsedNumber;
    for (let i: i64 = 0; i < words; i++) {
      if (at == end) return MORE;
      if (load<u8>(at) != DOLLAR) return this.wrong(`expected '$', got '${shown(load<u8>(at))}'`);
      at = readNumber(at + 1, end);
      if (at == 0) return MORE;
      if (at == 1 || parsedNumber < 0 || parsedNumber > <i64>MOST_WORD) return this.wrong("invalid bulk length");
      const size = <u32>parsedNumber;
      if (<usize>size + 2 > end - at) return at - from + size > MOST_COMMAND ? this.wrong("too big a command") : MORE;
      if (load<u8>(at + size) != CR || load<u8>(at + size, 1) != LF)
        return this.wrong("a string does not end where it should");
      this.add(at, size);
      at += size + 2;
    }
    return <i32>(at - from);
  }

  private add(at: usize, size: u32): void {
    this.starts[this.count] = at;
    this.lengths[this.count] = size;
    this.count += 1;
  }

  /** A line of words, which may be quoted; escapes are not known. For people with nc. */
  private parseLine(from: usize, length: u32): i32 {
    const limit = from + min(length, MOST_LINE);
    let end = from;
    while (end < limit && load<u8>(end) != LF) end++;
    if (end == limit) return length >= MOST_LINE ? this.wrong("too big inline request") : MORE;
    const used = <i32>(end + 1 - from);
    if (end > from && load<u8>(end - 1) == CR) end--;
    let at = from;
    while (true) {
      while (at < end && (load<u8>(at) == SPACE || load<u8>(at) == TAB)) at++;
      if (at == end) return used;
      if (this.count == MOST_WORDS) return this.wrong("too big inline request");
      const first = load<u8>(at);
      const quoted = first == QUOTE || first == APOSTROPHE;
      if (quoted) at++;
      const word = at;
      while (at < end && (quoted ? load<u8>(at) != first : load<u8>(at) != SPACE && load<u8>(at) != TAB)) {
        if (load<u8>(at) == BACKSLASH && quoted) return this.wrong("no escapes in an inline request");
        at++;
      }
      if (quoted && at == end) return this.wrong("unbalanced quotes in request");
      this.add(word, <u32>(at - word));
      if (quoted) at++;
    }
  }
}

let parsedNumber: i64 = 0;

/** Reads "<number>\r\n" to `parsedNumber`. Returns where it ends, 0 when it is not complete, 1 when it is none. */
function readNumber(from: usize, end: usize): usize {
  let at = from;
  while (at < end && load<u8>(at) != CR) {
    if (at - from > MOST_DIGITS) return 1;
    at++;
  }
  if (at + 1 >= end) return at - from > MOST_DIGITS ? 1 : 0;
  if (load<u8>(at, 1) != LF) return 1;
  if (!readInteger(from, <u32>(at - from))) return 1;
  parsedNumber = integer;
  return at + 2;
}

let integer: i64 = 0;

/** Whether the `length` bytes at `from` are a number of 64 bits in decimal: integerRead() has it. */
export function readInteger(from: usize, length: u32): bool {
  if (length == 0 || length > MOST_DIGITS) return false;
  const negative = load<u8>(from) == 45;
  let at = negative ? from + 1 : from;
  const end = from + length;
  if (at == end || (load<u8>(at) == 48 && length > 1)) return false;
  let value: u64 = 0;
  for (; at < end; at++) {
    const digit = <u64>load<u8>(at) - 48;
    if (digit > 9 || value > (u64.MAX_VALUE - digit) / 10) return false;
    value = value * 10 + digit;
  }
  if (value > <u64>i64.MAX_VALUE + (negative ? 1 : 0)) return false;
  integer = negative ? -(<i64>value) : <i64>value;
  return true;
}

/** The number that readInteger() has read last. */
export function integerRead(): i64 {
  return integer;
}

/** Bytes as text, a byte a character. */
export function latin1(from: usize, length: u32): string {
  const wide = new StaticArray<u16>(<i32>length);
  for (let i: u32 = 0; i < length; i++) wide[i] = load<u8>(from + i);
  return String.UTF16.decodeUnsafe(changetype<usize>(wide), (<usize>length) << 1);
}

/** A character that may stand in an error. */
function shown(byte: u8): string {
  return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "?";
}
