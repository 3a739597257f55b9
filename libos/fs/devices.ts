// The devices that need no hardware (null(4)). They have names, which an embedded file of the same name goes before, but no
// directory: /dev cannot be opened or listed.
import { bytesEqualText } from "../../kernel/text";

/** No device. */
export const NO_DEVICE: u32 = 0;
/** /dev/null: nothing to read, and takes everything. */
export const DEVICE_NULL: u32 = 1;
/** /dev/zero: zero bytes without end, and takes everything. */
export const DEVICE_ZERO: u32 = 2;

/** The device at canonical path `path`, or NO_DEVICE. */
export function deviceFind(path: usize, length: u32): u32 {
  if (bytesEqualText(path, length, "/dev/null")) return DEVICE_NULL;
  return bytesEqualText(path, length, "/dev/zero") ? DEVICE_ZERO : NO_DEVICE;
}
