// Words that are looked for in every request: names and values of fields. They are kept as bytes from the start of the program,
// since a literal has two bytes a character, and handing one on costs more than the comparison.
//
// In memory: u32 length, then the bytes, in lower case.

/** Bytes that are compared in one step; no word is shorter. */
const STEP: usize = 4;
const LOWER_CASE: u32 = 0x20202020;

/** Keeps a literal of at least four lower case letters, digits and hyphens. Returns the word, for isWord. */
export function keepWord(literal: string): usize {
  const length = <usize>literal.length;
  assert(length >= STEP);
  const word = heap.alloc(sizeof<u32>() + length);
  store<u32>(word, <u32>length);
  String.UTF8.encodeUnsafe(changetype<usize>(literal), literal.length, word + sizeof<u32>());
  return word;
}

/**
 * True when [from, end), which holds no control characters, is the word without regard to case. Of such bytes setting bit 5
 * folds the case and confuses nothing else.
 */
export function isWord(from: usize, end: usize, word: usize): bool {
  if (end - from != load<u32>(word)) return false;
  const last = end - STEP;
  let letters = word + sizeof<u32>();
  let at = from;
  for (; at < last; at += STEP) {
    if ((load<u32>(at) | LOWER_CASE) != load<u32>(letters)) return false;
    letters += STEP;
  }
  // The last step begins before `at` where the length is no multiple of it.
  return (load<u32>(last) | LOWER_CASE) == load<u32>(letters - (at - last));
}
