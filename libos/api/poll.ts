// poll.h: waiting until one of many descriptors is ready.
import { EINVAL } from "../../kernel/errno";
import { conclude, errno } from "./errno";
import * as posix from "./posix";
import { sigset_t } from "./sigset";
import { timespec } from "./time";
import { NO_TIME, nanosecondsOf } from "./timeout";

/** Data, a connection, or the end of the stream can be read without blocking. */
export const POLLIN: i16 = 0x001;
/** Data can be written without blocking. */
export const POLLOUT: i16 = 0x004;
/** Only in revents: an error is pending (SO_ERROR). */
export const POLLERR: i16 = 0x008;
/** Only in revents: both directions are over. */
export const POLLHUP: i16 = 0x010;
/** Only in revents: no such descriptor. */
export const POLLNVAL: i16 = 0x020;
/** The peer will send no more. */
export const POLLRDHUP: i16 = 0x2000;

/** struct pollfd. An entry with a negative fd is passed over. */
@unmanaged
@final
export class pollfd {
  fd: i32;
  events: i16;
  revents: i16;
}

/**
 * Waits until one of the `count` pollfd at `entries` is ready, `timeout` milliseconds at most (-1: without limit,
 * 0: only looks). Returns how many have revents set, or -1.
 */
export function poll(entries: usize, count: u32, timeout: i32): i32 {
  return conclude(errno, posix.poll(entries, count, <i64>timeout * 1_000_000));
}

/**
 * poll() for `timeout` (null: without limit), while the signals of `mask` and no others are held up (null: no change). A signal that is let
 * through before or meanwhile ends it: -1 with EINTR, and its handler has run.
 */
export function ppoll(entries: usize, count: u32, timeout: timespec | null, mask: sigset_t | null): i32 {
  const nanoseconds = nanosecondsOf(timeout);
  if (nanoseconds == NO_TIME) return conclude(errno, -EINVAL);
  return conclude(errno, posix.ppoll(entries, count, nanoseconds, mask === null ? 0 : changetype<usize>(mask)));
}

/** An array of pollfd that grows: `set.add(fd, POLLIN)`, `set.wait(timeout)`, `set.at(i).revents`. */
@final
export class PollSet {
  private entries: StaticArray<u64>;
  /** Entries in use. */
  length: i32 = 0;

  constructor(capacity: i32 = 16) {
    this.entries = new StaticArray<u64>(max(capacity, 1));
  }

  /** Entry `index`, 0 … length - 1, for reading and writing; good until the next `add`. */
  at(index: i32): pollfd {
    if (<u32>index >= <u32>this.length) throw new RangeError("no such entry in the PollSet");
    return changetype<pollfd>(changetype<usize>(this.entries) + ((<usize>index) << 3));
  }

  /** Appends an entry and returns its index. */
  add(fd: i32, events: i16): i32 {
    const index = this.length;
    if (index == this.entries.length) {
      const larger = new StaticArray<u64>(index * 2);
      memory.copy(changetype<usize>(larger), changetype<usize>(this.entries), (<usize>index) << 3);
      this.entries = larger;
    }
    this.length = index + 1;
    const entry = this.at(index);
    entry.fd = fd;
    entry.events = events;
    entry.revents = 0;
    return index;
  }

  /** Removes entry `index`; the last one takes its place. */
  removeAt(index: i32): void {
    const last = changetype<usize>(this.at(this.length - 1));
    store<u64>(changetype<usize>(this.at(index)), load<u64>(last));
    this.length--;
  }

  /** poll() over all entries. */
  wait(timeout: i32): i32 {
    return poll(changetype<usize>(this.entries), this.length, timeout);
  }
}
