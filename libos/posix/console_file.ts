// The console behind descriptors 0, 1 and 2.
import { consoleRead, consoleReadable, consoleWaitQueue, consoleWritable, consoleWrite } from "../../kernel/console";
import { EAGAIN, EINTR, EIO } from "../../kernel/errno";
import { NEVER, monotonicNow } from "../../kernel/time/clock";
import { waitInterruptibly, waitOn } from "../../kernel/thread/wait_queue";
import { READABLE, WRITABLE } from "../net/poll_events";

/** How long a write waits for a console that takes nothing (ns), before it is given up for good. */
const PATIENCE: u64 = 5_000_000_000;

/** The console took nothing for so long: writes fail at once until it does again, lest each one waits. */
let stalled = false;

/** Writes the `count` bytes at `source`: the number written, -EAGAIN, or -EIO when nobody serves the console. */
export function consoleFileWrite(source: usize, count: u32, nonBlocking: bool): i32 {
  let done: u32 = 0;
  while (done < count) {
    const written = consoleWrite(source + done, count - done);
    done += written;
    if (written != 0) {
      stalled = false;
      continue;
    }
    if (nonBlocking || stalled) break;
    if (waitOn(consoleWaitQueue(), monotonicNow() + PATIENCE) != 0) stalled = consoleWritable() == 0;
  }
  if (done != 0 || count == 0) return <i32>done;
  return stalled ? -EIO : -EAGAIN;
}

/** Reads what has been typed, up to `count` bytes; the Enter key's carriage return becomes a newline. */
export function consoleFileRead(target: usize, count: u32, nonBlocking: bool): i32 {
  if (count == 0) return 0;
  let taken = consoleRead(target, count);
  while (taken == 0) {
    if (nonBlocking) return -EAGAIN;
    if (waitInterruptibly(consoleWaitQueue(), NEVER) == -EINTR) return -EINTR;
    taken = consoleRead(target, count);
  }
  for (let i: u32 = 0; i < taken; i++) {
    if (load<u8>(target + i) == 0x0d) store<u8>(target + i, 0x0a);
  }
  return <i32>taken;
}

/** Readiness as POLL bits. */
export function consoleFileEvents(): u32 {
  return (consoleReadable() ? READABLE : 0) | (consoleWritable() >= 2 || stalled ? WRITABLE : 0);
}
