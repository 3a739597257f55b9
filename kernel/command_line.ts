// The command line that the toolstack gives the domain (`extra =` in an xl cfg):
//   key=value key=value -- argument "argument with spaces" 'another'
// Words are separated by spaces; single or double quotes keep spaces together and a backslash takes the next
// character as it is. What is missing is told on the console (main.ts). Before ` -- ` stand the system's options, behind it the app's arguments.
import { bytesEqualText } from "./text";
import { MAX_GUEST_CMDLINE, START_INFO_CMD_LINE, startInfo } from "./xen/start_info";

/** Bytes somewhere in memory. */
@unmanaged
@final
export class TextSpan {
  address: usize;
  length: u32;
}

/** The most words that a command line can have. */
const MAXIMUM_WORDS: u32 = 128;

const bytes = memory.data(1024, 8); // the words, unquoted, one behind the other
const words = memory.data(1024, 8); // TextSpans
let wordCount: u32 = 0;
let isWhole = true;
let argumentsStart: u32 = 0; // index of the first word behind "--"

function span(index: u32): TextSpan {
  return changetype<TextSpan>(words + ((<usize>index) << 3));
}

/** Reads the command line. Called once, before any option is asked for. */
export function commandLineInit(): void {
  const source = changetype<usize>(startInfo()) + START_INFO_CMD_LINE;
  let at: u32 = 0;
  let written: u32 = 0;
  argumentsStart = u32.MAX_VALUE;
  while (wordCount < MAXIMUM_WORDS) {
    while (at < MAX_GUEST_CMDLINE && load<u8>(source + at) == 0x20) at += 1;
    if (at >= MAX_GUEST_CMDLINE || load<u8>(source + at) == 0) break;
    const word = span(wordCount);
    word.address = bytes + written;
    at = readWord(source, at, word);
    written += word.length;
    const isSeparator = word.length == 2 && load<u16>(word.address) == 0x2d2d;
    if (isSeparator && argumentsStart == u32.MAX_VALUE) argumentsStart = wordCount;
    else wordCount += 1;
  }
  if (argumentsStart == u32.MAX_VALUE) argumentsStart = wordCount;
}

/** False when the toolstack may have cut it off, when there are more words than can be, or when a quote has no end. */
export function commandLineIsWhole(): bool {
  return isWhole && wordCount != MAXIMUM_WORDS;
}

/** Copies one word without its quotes to word.address; the position behind it. */
function readWord(source: usize, start: u32, word: TextSpan): u32 {
  let at = start;
  let quote: u8 = 0;
  let length: u32 = 0;
  for (; at < MAX_GUEST_CMDLINE; at++) {
    let byte = load<u8>(source + at);
    if (byte == 0 || (byte == 0x20 && quote == 0)) break;
    if (byte == quote) {
      quote = 0;
      continue;
    }
    if (quote == 0 && (byte == 0x22 || byte == 0x27)) {
      quote = byte;
      continue;
    }
    if (byte == 0x5c && quote != 0x27 && load<u8>(source + at + 1) != 0) {
      at += 1;
      byte = load<u8>(source + at);
    }
    store<u8>(word.address + length, byte);
    length += 1;
  }
  word.length = length;
  if (quote != 0 || at >= MAX_GUEST_CMDLINE - 1) isWhole = false;
  return at;
}

/** How many arguments the app has. */
export function argumentCount(): u32 {
  return wordCount - argumentsStart;
}

/** The app's argument `index` < argumentCount(). */
export function argumentAt(index: u32): TextSpan {
  return span(argumentsStart + index);
}

/** How many options stand before the arguments. */
export function optionCount(): u32 {
  return argumentsStart;
}

/** The option `index` < optionCount(), as "key=value". */
export function optionAt(index: u32): TextSpan {
  return span(index);
}

/** Finds option `name` and puts its value into `value`; false when it is not given. The last one counts. */
export function commandLineOption(name: string, value: TextSpan): bool {
  const length = <u32>name.length;
  for (let i: i32 = argumentsStart - 1; i >= 0; i--) {
    const option = span(i);
    if (option.length <= length || load<u8>(option.address + length) != 0x3d) continue;
    if (!bytesEqualText(option.address, length, name)) continue;
    value.address = option.address + length + 1;
    value.length = option.length - length - 1;
    return true;
  }
  return false;
}
