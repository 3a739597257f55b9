// How a function of WASI answers: an error number, and when that is 0 what it tells at an address that the app gave. That address is checked
// before anything is done, so nothing is done that the app does not learn of; memory never shrinks, so it stays good while a call waits.
import { userBuffer } from "../process/user_memory";
import { WASI_FAULT, WASI_SUCCESS, wasiError } from "./errno";

const WORD: u32 = 4;
const LONG_WORD: u32 = 8;

/** Whether a word (u32) can be told at offset `target` of app memory. */
export function isWord(target: u32): bool {
  return userBuffer(target, WORD) != 0;
}

/** Whether a u64 can. */
export function isLongWord(target: u32): bool {
  return userBuffer(target, LONG_WORD) != 0;
}

/** Tells `value` at `target`. */
export function tellWord(target: u32, value: u32): u32 {
  const at = userBuffer(target, WORD);
  if (at == 0) return WASI_FAULT;
  store<u32>(at, value);
  return WASI_SUCCESS;
}

/** Tells `value` at `target`. */
export function tellLongWord(target: u32, value: u64): u32 {
  const at = userBuffer(target, LONG_WORD);
  if (at == 0) return WASI_FAULT;
  store<u64>(at, value);
  return WASI_SUCCESS;
}

/** The error that `result` is, or the word that it is told at `target`. */
export function answerWord(result: i32, target: u32): u32 {
  return result < 0 ? wasiError(result) : tellWord(target, result);
}

/** The error that `result` is, or the u64 that it is told at `target`. */
export function answerLongWord(result: i64, target: u32): u32 {
  return result < 0 ? wasiError(result) : tellLongWord(target, result);
}
