// Functions that the app wants called when it ends by itself (atexit): words of its own, as handlers of signals are. They are called by
// the app's unit (tools/image/glue.ts), the last one first, each after it has been taken from here.
import { ENOMEM } from "../../kernel/errno";
import { PAGE_SIZE, pageAlloc } from "../../kernel/memory/pages";
import { appThreadsRunning } from "./threads";

const MOST: u32 = PAGE_SIZE >> 2;

let words: usize = 0; // a page of u32
let count: u32 = 0;

/** Adds one: 0, or -ENOMEM when there are as many as can be, 1024. */
export function exitHandlerAdd(word: u32): i32 {
  if (words == 0) words = pageAlloc();
  if (words == 0 || count == MOST) return -ENOMEM;
  store<u32>(words + ((<usize>count) << 2), word);
  count += 1;
  return 0;
}

/** Export: the next one to call, which is not there any more; 0 for none, and with `lastThread` while the app has other threads. */
export function exitHandlerTake(lastThread: bool): u32 {
  if (count == 0 || (lastThread && appThreadsRunning() > 1)) return 0;
  count -= 1;
  return load<u32>(words + ((<usize>count) << 2));
}

/** Another program takes the process over. */
export function exitHandlersForget(): void {
  count = 0;
}
