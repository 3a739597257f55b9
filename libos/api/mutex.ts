// pthread.h: mutexes and condition variables, on the futex calls. As in C, the functions return error numbers and leave
// errno alone. Make them with `new pthread_mutex_t()`; there is nothing to destroy.
import { EBUSY, EDEADLK, EINVAL, EPERM, ETIMEDOUT } from "../../kernel/errno";
import { CLOCK_REALTIME } from "../posix/constants";
import { errno, keep } from "./errno";
import * as posix from "./posix";
import { clockNanoseconds, timespec } from "./time";

/** A mutex of the error-checking kind: locking it twice or unlocking another's is reported. */
@final
export class pthread_mutex_t {
  /** Futex: the thread that holds it, 0 = free. */
  owner: i32 = 0;
  /** Threads that sleep in pthread_mutex_lock. */
  waiters: u32 = 0;
}

/** A condition variable. */
@final
export class pthread_cond_t {
  /** Futex: counts the signals. */
  sequence: u32 = 0;
  waiters: u32 = 0;
}

/** Locks the mutex, sleeping while another thread holds it. Returns 0, or EDEADLK when the caller already does. */
export function pthread_mutex_lock(mutex: pthread_mutex_t): i32 {
  const self = posix.thread_self();
  if (mutex.owner == self) return EDEADLK;
  while (mutex.owner != 0) {
    mutex.waiters++;
    keep(errno, posix.futex_wait(changetype<usize>(mutex) + offsetof<pthread_mutex_t>("owner"), mutex.owner, -1));
    mutex.waiters--;
  }
  mutex.owner = self;
  return 0;
}

/** Locks the mutex if it is free. Returns 0 or EBUSY. */
export function pthread_mutex_trylock(mutex: pthread_mutex_t): i32 {
  if (mutex.owner != 0) return EBUSY;
  mutex.owner = posix.thread_self();
  return 0;
}

/** Unlocks the mutex. Returns 0, or EPERM when the caller does not hold it. */
export function pthread_mutex_unlock(mutex: pthread_mutex_t): i32 {
  if (mutex.owner != posix.thread_self()) return EPERM;
  mutex.owner = 0;
  if (mutex.waiters != 0) posix.futex_wake(changetype<usize>(mutex) + offsetof<pthread_mutex_t>("owner"), 1);
  return 0;
}

function waitFor(condition: pthread_cond_t, mutex: pthread_mutex_t, nanoseconds: i64): i32 {
  const sequence = condition.sequence;
  const error = pthread_mutex_unlock(mutex);
  if (error != 0) return error;
  condition.waiters++;
  const word = changetype<usize>(condition) + offsetof<pthread_cond_t>("sequence");
  const result = keep(errno, posix.futex_wait(word, sequence, nanoseconds));
  condition.waiters--;
  pthread_mutex_lock(mutex);
  return result == -ETIMEDOUT ? ETIMEDOUT : 0;
}

/**
 * Unlocks the mutex, sleeps until the condition is signalled, locks it again. Returns 0, or EPERM when the caller does
 * not hold the mutex. Wake-ups without a signal happen: test the condition in a loop.
 */
export function pthread_cond_wait(condition: pthread_cond_t, mutex: pthread_mutex_t): i32 {
  return waitFor(condition, mutex, -1);
}

/** Like pthread_cond_wait, until the moment `deadline` of CLOCK_REALTIME at the latest: then ETIMEDOUT. */
export function pthread_cond_timedwait(condition: pthread_cond_t, mutex: pthread_mutex_t, deadline: timespec): i32 {
  if (deadline.tv_nsec < 0 || deadline.tv_nsec >= 1_000_000_000) return EINVAL;
  const seconds = max<i64>(min<i64>(deadline.tv_sec, u32.MAX_VALUE), 0);
  const rest = seconds * 1_000_000_000 + deadline.tv_nsec - clockNanoseconds(CLOCK_REALTIME);
  return waitFor(condition, mutex, max<i64>(rest, 0));
}

/** Wakes one of the threads that wait for the condition. Returns 0. */
export function pthread_cond_signal(condition: pthread_cond_t): i32 {
  return wake(condition, 1);
}

/** Wakes all threads that wait for the condition. Returns 0. */
export function pthread_cond_broadcast(condition: pthread_cond_t): i32 {
  return wake(condition, u32.MAX_VALUE);
}

function wake(condition: pthread_cond_t, count: u32): i32 {
  condition.sequence++;
  if (condition.waiters != 0) {
    posix.futex_wake(changetype<usize>(condition) + offsetof<pthread_cond_t>("sequence"), count);
  }
  return 0;
}
