// Threads, mutexes, condition variables.
import {
  CLOCK_REALTIME,
  EBUSY,
  EDEADLK,
  EINVAL,
  ENOENT,
  EPERM,
  ESRCH,
  ETIMEDOUT,
  clock_gettime,
  close,
  errno,
  pthread_attr_t,
  pthread_cond_broadcast,
  pthread_cond_t,
  pthread_cond_timedwait,
  pthread_cond_wait,
  pthread_create,
  pthread_detach,
  pthread_exit,
  pthread_join,
  pthread_mutex_lock,
  pthread_mutex_t,
  pthread_mutex_trylock,
  pthread_mutex_unlock,
  pthread_self,
  pthread_t,
  sched_yield,
  setErrno,
  timespec,
  usleep,
} from "karyon";
import { check } from "./check";

class Counter {
  value: i32 = 0;
  mutex: pthread_mutex_t = new pthread_mutex_t();
  ready: pthread_cond_t = new pthread_cond_t();
}

function addSlowly(counter: Counter): i32 {
  for (let i = 0; i < 10; i++) {
    pthread_mutex_lock(counter.mutex);
    const value = counter.value;
    sched_yield();
    counter.value = value + 1;
    pthread_mutex_unlock(counter.mutex);
  }
  return counter.value;
}

function mutexChecks(): void {
  const counter = new Counter();
  const threads: pthread_t[] = [];
  for (let i = 0; i < 8; i++) threads.push(pthread_create<Counter>(addSlowly, counter));
  let joined = 0;
  for (let i = 0; i < threads.length; i++) if (pthread_join(threads[i]) == 0) joined++;
  check("8 threads, joined", joined == 8);
  check("a mutex keeps them apart", counter.value == 80);
  check("lock, again", pthread_mutex_lock(counter.mutex) == 0 && pthread_mutex_lock(counter.mutex) == EDEADLK);
  check("trylock of a locked one", pthread_mutex_trylock(counter.mutex) == EBUSY);
  check("unlock, again", pthread_mutex_unlock(counter.mutex) == 0 && pthread_mutex_unlock(counter.mutex) == EPERM);
}

function waitForTen(counter: Counter): i32 {
  pthread_mutex_lock(counter.mutex);
  while (counter.value < 10) pthread_cond_wait(counter.ready, counter.mutex);
  counter.value++;
  pthread_mutex_unlock(counter.mutex);
  return 0;
}

function conditionChecks(): void {
  const counter = new Counter();
  const one = pthread_create<Counter>(waitForTen, counter);
  const two = pthread_create<Counter>(waitForTen, counter);
  usleep(1000);
  pthread_mutex_lock(counter.mutex);
  counter.value = 10;
  pthread_cond_broadcast(counter.ready);
  pthread_mutex_unlock(counter.mutex);
  check("a broadcast wakes all", pthread_join(one) == 0 && pthread_join(two) == 0 && counter.value == 12);

  const deadline = new timespec();
  clock_gettime(CLOCK_REALTIME, deadline);
  deadline.tv_nsec += 10_000_000;
  if (deadline.tv_nsec >= 1_000_000_000) {
    deadline.tv_nsec -= 1_000_000_000;
    deadline.tv_sec++;
  }
  pthread_mutex_lock(counter.mutex);
  check("a wait ends in time", pthread_cond_timedwait(counter.ready, counter.mutex, deadline) == ETIMEDOUT);
  pthread_mutex_unlock(counter.mutex);
}

function exitEarly(status: i32): i32 {
  pthread_exit(status + 1);
  return 0;
}

function ownErrno(_argument: i32): i32 {
  const fresh = errno == 0;
  close(-1);
  const mine = errno;
  usleep(1000);
  return fresh && errno == mine ? 1 : 0;
}

function recursion(depth: i32): i32 {
  return depth == 0 ? 0 : 1 + recursion(depth - 1) * (pthread_self() > 0 ? 1 : 2);
}

function deepStack(_argument: i32): i32 {
  return recursion(2000);
}

function statusOf(thread: pthread_t): i32 {
  const status = new StaticArray<i32>(1);
  return pthread_join(thread, changetype<usize>(status)) == 0 ? status[0] : -1;
}

function lifeChecks(): void {
  check("pthread_exit gives the status", statusOf(pthread_create<i32>(exitEarly, 41)) == 42);
  setErrno(ENOENT);
  const thread = pthread_create<i32>(ownErrno, 0);
  usleep(100);
  check("errno is each thread's own", errno == ENOENT && statusOf(thread) == 1 && errno == ENOENT);
  const attributes = new pthread_attr_t();
  attributes.stackSize = 512 * 1024;
  check("a large stack", statusOf(pthread_create<i32>(deepStack, 0, attributes)) == 2000);
  check("join itself", pthread_join(pthread_self()) == EINVAL || pthread_join(pthread_self()) == EDEADLK);
  check("join none", pthread_join(999) == ESRCH && pthread_join(-5) == ESRCH);

  let made = 0;
  for (let i = 0; i < 2000; i++) {
    const detached = pthread_create<i32>(exitEarly, i);
    if (detached > 0 && pthread_detach(detached) == 0) made++;
    sched_yield();
  }
  check("2000 detached threads, one after the other", made == 2000);
  const ended = pthread_create<i32>(exitEarly, 1);
  sched_yield();
  let others = 0;
  for (let i = 0; i < 1100; i++) if (pthread_join(pthread_create<i32>(exitEarly, i)) == 0) others++;
  check("an ended thread keeps its id until it is joined", others == 1100 && statusOf(ended) == 2);
  const joinable = pthread_create<i32>(exitEarly, 0);
  sched_yield();
  check("detach one that has ended", pthread_detach(joinable) == 0 && pthread_join(joinable) == ESRCH);

  let many = 0;
  const threads: pthread_t[] = [];
  for (let i = 0; i < 2000; i++) {
    const next = pthread_create<i32>(exitEarly, i);
    if (next < 0) break;
    threads.push(next);
    many++;
  }
  for (let i = 0; i < threads.length; i++) pthread_join(threads[i]);
  check("too many threads are refused, and come back", many < 2000 && statusOf(pthread_create<i32>(exitEarly, 6)) == 7);
}

/** Refers to more objects than a small shadow stack has room for. */
function referMuch(depth: i32): string {
  const one = `one ${depth}`;
  const two = `two ${depth}`;
  const three = depth == 0 ? "" : referMuch(depth - 1);
  return one.length + two.length < three.length ? three : one;
}

function overflow(depth: i32): i32 {
  return referMuch(depth).length;
}

/** Never returns: the guard below the shadow stack is found damaged. */
export function shadowOverflow(): void {
  const attributes = new pthread_attr_t();
  attributes.stackSize = 1024 * 1024;
  attributes.shadowStackSize = 1024;
  // Lies below the thread's block: what is written over must not be an object, which the collector might come upon first.
  heap.alloc(16384);
  statusOf(pthread_create<i32>(overflow, 200, attributes));
}

export function threadChecks(): void {
  mutexChecks();
  conditionChecks();
  lifeChecks();
}
