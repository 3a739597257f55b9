// sys/epoll.h: waiting for many descriptors at a cost that does not grow with how many there are, but with how many are ready.
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";
import { sigset_t } from "./sigset";

/** struct epoll_event: what is to be told, or has happened (EPOLL…), and whatever the app wants to know it by. */
@unmanaged
@final
export class epoll_event {
  events: u32;
  /** data.u64; the app's own. */
  data: u64;

  /** data.fd */
  get fd(): i32 {
    return <i32>this.data;
  }
}

/** Makes an epoll that watches nothing yet (`flags`: EPOLL_CLOEXEC). Returns its descriptor, or -1. The child of a fork gets a copy of its own. */
export function epoll_create1(flags: i32): i32 {
  return conclude(errno, posix.epoll_create(flags));
}

/**
 * EPOLL_CTL_ADD, EPOLL_CTL_MOD or EPOLL_CTL_DEL for descriptor `fd`, with the epoll_event at `event` (0 for EPOLL_CTL_DEL). An entry goes when the
 * last descriptor of what it stands for is closed. Returns 0, or -1: EEXIST, ENOENT, EPERM (a file, always ready), ELOOP.
 */
export function epoll_ctl(epfd: i32, op: i32, fd: i32, event: usize): i32 {
  return conclude(errno, posix.epoll_ctl(epfd, op, fd, event));
}

/**
 * Waits until something is ready, `timeout` milliseconds at most (-1: without limit, 0: only looks), and stores up to `maxevents`
 * epoll_event at `events`. Returns how many, 0 when the time is over, or -1 (EINTR: a signal).
 */
export function epoll_wait(epfd: i32, events: usize, maxevents: i32, timeout: i32): i32 {
  return conclude(errno, posix.epoll_wait(epfd, events, maxevents, <i64>timeout * 1_000_000));
}

/** epoll_wait() while the signals of `mask` and no others are held up (null: no change), as ppoll(). */
export function epoll_pwait(epfd: i32, events: usize, maxevents: i32, timeout: i32, mask: sigset_t | null): i32 {
  const set: usize = mask === null ? 0 : changetype<usize>(mask);
  return conclude(errno, posix.epoll_pwait(epfd, events, maxevents, <i64>timeout * 1_000_000, set));
}

/** An epoll with room for its events: `set.add(fd, EPOLLIN)`, `set.wait(timeout)`, `set.at(i).fd`. */
@final
export class EpollSet {
  /** Its descriptor; -1, with errno, when it could not be made. */
  readonly epfd: i32;
  private readonly room: StaticArray<u64>;
  /** For what is given to epoll_ctl. */
  private readonly given: StaticArray<u64> = new StaticArray<u64>(2);

  /** `capacity`: of how many descriptors one wait tells at most. */
  constructor(
    private readonly capacity: i32 = 64,
    flags: i32 = 0,
  ) {
    this.room = new StaticArray<u64>(max(capacity, 1) * 2);
    this.epfd = epoll_create1(flags);
  }

  private control(op: i32, fd: i32, events: u32, data: u64): i32 {
    const event = changetype<epoll_event>(changetype<usize>(this.given));
    event.events = events;
    event.data = data;
    return epoll_ctl(this.epfd, op, fd, changetype<usize>(event));
  }

  /** Watches `fd`, which `data` tells in events. Returns 0, or -1. */
  add(fd: i32, events: u32, data: u64 = <u64>fd): i32 {
    return this.control(EPOLL_CTL_ADD, fd, events, data);
  }

  /** Changes what is watched of `fd`; also what makes one with EPOLLONESHOT be told again. */
  modify(fd: i32, events: u32, data: u64 = <u64>fd): i32 {
    return this.control(EPOLL_CTL_MOD, fd, events, data);
  }

  /** Watches `fd` no more. */
  remove(fd: i32): i32 {
    return this.control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** epoll_wait() for what it has room for. */
  wait(timeout: i32): i32 {
    return epoll_wait(this.epfd, changetype<usize>(this.room), max(this.capacity, 1), timeout);
  }

  /** Event `index`, less than what the last `wait` has returned; good until the next one. */
  at(index: i32): epoll_event {
    if (<u32>index >= <u32>max(this.capacity, 1)) throw new RangeError("no such event in the EpollSet");
    return changetype<epoll_event>(changetype<usize>(this.room) + ((<usize>index) << 4));
  }
}
