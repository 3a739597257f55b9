// The two clocks of the server, read once per turn of the event loop: monotonic milliseconds for time-outs, and the date
// as text, which is formatted anew when its second is over.
import { clock_gettime, CLOCK_MONOTONIC, CLOCK_REALTIME, timespec } from "karyon";
import { IMF_FIXDATE_LENGTH, formatDate } from "karyon/http/message";

const time = new timespec();
const text = memory.data(32, 8);

let milliseconds: u64 = 0;
let seconds: i64 = 0;
/** Monotonic time at which the text stops being true. */
let textExpires: u64 = 0;

/** Reads the clocks. Returns the monotonic time in milliseconds. */
export function updateClock(): u64 {
  clock_gettime(CLOCK_MONOTONIC, time);
  milliseconds = <u64>time.tv_sec * 1000 + <u64>time.tv_nsec / 1_000_000;
  if (milliseconds >= textExpires) {
    clock_gettime(CLOCK_REALTIME, time);
    seconds = time.tv_sec;
    formatDate(text, seconds);
    textExpires = milliseconds + 1000 - <u64>time.tv_nsec / 1_000_000;
  }
  return milliseconds;
}

/** Monotonic milliseconds as of the last update. */
export function monotonicTime(): u64 {
  return milliseconds;
}

/** Seconds since the epoch as of the last update. */
export function wallTime(): i64 {
  return seconds;
}

/** Address of the date as IMF_FIXDATE_LENGTH bytes. */
export function dateText(): usize {
  return text;
}

/** Copies the date to `target`. */
export function putDate(target: usize): void {
  memory.copy(target, text, IMF_FIXDATE_LENGTH);
}
