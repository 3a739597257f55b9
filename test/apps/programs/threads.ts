// Has threads that wait in many ways, and executes the worker from one that is not the first.
import {
  POLLIN,
  errno,
  execve,
  pipe2,
  O_CLOEXEC,
  PollSet,
  pthread_cond_t,
  pthread_cond_wait,
  pthread_create,
  pthread_exit,
  pthread_mutex_lock,
  pthread_mutex_t,
  pthread_mutex_unlock,
  puts,
  readBytes,
  sched_yield,
  sleep,
} from "karyon";

const mutex = new pthread_mutex_t();
const condition = new pthread_cond_t();
const ends = new StaticArray<i32>(2);
let waiting = 0;

function mustNotReturn(what: string): i32 {
  puts("FAILED: a thread went on behind " + what);
  return 1;
}

function reads(_argument: i32): i32 {
  waiting++;
  readBytes(ends[0], new Uint8Array(1));
  return mustNotReturn("read");
}

function sleeps(_argument: i32): i32 {
  waiting++;
  sleep(3600);
  return mustNotReturn("sleep");
}

function waits(_argument: i32): i32 {
  pthread_mutex_lock(mutex);
  waiting++;
  pthread_cond_wait(condition, mutex);
  pthread_mutex_unlock(mutex);
  return mustNotReturn("a condition");
}

function polls(_argument: i32): i32 {
  waiting++;
  const set = new PollSet();
  set.add(ends[0], POLLIN);
  set.wait(-1);
  return mustNotReturn("poll");
}

function yields(_argument: i32): i32 {
  waiting++;
  while (waiting < 1000) sched_yield();
  return mustNotReturn("sched_yield");
}

function neverBegins(_argument: i32): i32 {
  return mustNotReturn("its beginning");
}

function executes(main: i32): i32 {
  while (waiting < 5) sched_yield();
  pthread_create<i32>(neverBegins, 0);
  if (main != 0) execve("/bin/worker", ["worker", "closed", ends[0].toString()], []);
  puts(`FAILED: execve, error ${errno}`);
  return 1;
}

export function main(words: string[]): i32 {
  pipe2(ends, O_CLOEXEC);
  pthread_create<i32>(reads, 0);
  pthread_create<i32>(sleeps, 0);
  pthread_create<i32>(waits, 0);
  pthread_create<i32>(polls, 0);
  pthread_create<i32>(yields, 0);
  if (words[0] == "main") executes(1);
  pthread_create<i32>(executes, 1);
  if (words[0] == "ended") pthread_exit(0);
  sleep(3600);
  return mustNotReturn("sleep of the main thread");
}
