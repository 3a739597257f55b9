// Signals of threads: each has a mask of its own, and handlers run where the signal is not held up.
import {
  ESRCH,
  EPIPE,
  SIGPIPE,
  SIGUSR1,
  SIG_BLOCK,
  SIG_DFL,
  SIG_UNBLOCK,
  close,
  errno,
  getpid,
  kill,
  pipe,
  pthread_create,
  pthread_join,
  pthread_kill,
  pthread_self,
  pthread_sigmask,
  sigaddset,
  signal,
  sigpending,
  sigset_t,
  sigismember,
  sleep,
  usleep,
  write,
} from "karyon";
import { check } from "./check";

const statusWord = memory.data(4, 4);
const byte = memory.data(1);
const TICK = 20_000;
let handledOn = 0;
let isReady = false;
let writeEnd = -1;

function note(_signal: i32): void {
  handledOn = pthread_self();
}

function hold(number: i32): void {
  const set = new sigset_t();
  sigaddset(set, number);
  pthread_sigmask(SIG_BLOCK, set);
}

/** Sleeps until a signal comes: 1 when its handler has run here. */
function sleeper(_argument: i32): i32 {
  isReady = true;
  const left = sleep(600);
  return left > 0 && handledOn == pthread_self() ? 1 : 0;
}

function start(): i32 {
  isReady = false;
  handledOn = 0;
  const thread = pthread_create(sleeper, 0);
  while (!isReady) usleep(TICK);
  return thread;
}

function ends(thread: i32): bool {
  return pthread_join(thread, statusWord) == 0 && load<i32>(statusWord) == 1;
}

/** SIGPIPE comes to the thread that writes, which holds it up: 1 when it is pending there. */
function writer(_argument: i32): i32 {
  hold(SIGPIPE);
  const isBroken = write(writeEnd, byte, 1) == -1 && errno == EPIPE;
  const pending = new sigset_t();
  sigpending(pending);
  return isBroken && sigismember(pending, SIGPIPE) == 1 ? 1 : 0;
}

export function threads(): void {
  signal(SIGUSR1, note);
  const told = start();
  check("pthread_kill runs the handler on that thread", pthread_kill(told, SIGUSR1) == 0 && ends(told));
  check("which has ended", pthread_kill(told, SIGUSR1) == ESRCH);
  const takes = start();
  hold(SIGUSR1);
  check("what the main thread holds up another takes", kill(getpid(), SIGUSR1) == 0 && ends(takes));
  const own = new sigset_t();
  sigaddset(own, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, own);
  const pair: StaticArray<i32> = [-1, -1];
  pipe(pair);
  close(pair[0]);
  writeEnd = pair[1];
  check("SIGPIPE is for the thread that writes", ends(pthread_create(writer, 0)));
  close(writeEnd);
  signal(SIGUSR1, SIG_DFL);
}
