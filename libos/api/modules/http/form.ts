// Names and values as forms send them, application/x-www-form-urlencoded (URL Standard, section 5.1).
import { PERCENT, hexValue } from "./message/bytes";

const PLUS: u8 = 0x2b;
const SPACE: u8 = 0x20;

/** The text that `encoded` stands for: "+" is a space, "%41" an "A"; what is no escape stays as it is. */
export function decodeText(encoded: string): string {
  const source = String.UTF8.encode(encoded);
  const start = changetype<usize>(source);
  const length = <usize>source.byteLength;
  let to: usize = 0;
  for (let at: usize = 0; at < length; at++) {
    let byte = load<u8>(start + at);
    if (byte == PLUS) byte = SPACE;
    if (byte == PERCENT && at + 2 < length) {
      const high = hexValue(load<u8>(start + at + 1));
      const low = hexValue(load<u8>(start + at + 2));
      if (high >= 0 && low >= 0) {
        byte = <u8>((high << 4) | low);
        at += 2;
      }
    }
    store<u8>(start + to++, byte);
  }
  return String.UTF8.decodeUnsafe(start, to);
}

/** The first value of `name` in "name=value&name=value"; null when it is not there. */
export function decodeForm(text: string, name: string): string | null {
  const pairs = text.split("&");
  for (let i = 0; i < pairs.length; i++) {
    const sign = pairs[i].indexOf("=");
    const end = sign < 0 ? pairs[i].length : sign;
    if (end > 0 && decodeText(pairs[i].substring(0, end)) == name) return decodeText(pairs[i].substring(end + 1));
  }
  return null;
}
