// A span names a piece of a message by offset and length, packed into one integer, so that it stays true when the message
// moves to another buffer. 0 means "not there": at offset 0 is the method, never a value.

/** The piece [from, end) of the message that begins at `buffer`. */
export function spanOf(buffer: usize, from: usize, end: usize): u64 {
  return ((<u64>(from - buffer)) << 32) | (<u64>(end - from));
}

/** Address of the first byte. */
export function spanStart(buffer: usize, span: u64): usize {
  return buffer + <usize>(span >> 32);
}

/** Address after the last byte. */
export function spanEnd(buffer: usize, span: u64): usize {
  return spanStart(buffer, span) + <usize>(<u32>span);
}

/** Number of bytes. */
export function spanLength(span: u64): u32 {
  return <u32>span;
}
