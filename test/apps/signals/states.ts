// The states in which a process can be when a signal reaches it: each child gets into one of them and stays there.
import {
  AF_INET,
  EINTR,
  FD_SET,
  INADDR_ANY,
  POLLIN,
  PollSet,
  SOCK_DGRAM,
  SOCK_STREAM,
  _exit,
  accept,
  bind,
  errno,
  fd_set,
  fork,
  getppid,
  listen,
  pause,
  pthread_cond_t,
  pthread_cond_wait,
  pthread_mutex_lock,
  pthread_mutex_t,
  read,
  recv,
  select,
  sleep,
  sockaddr_in,
  socket,
  usleep,
  wait,
} from "karyon";

/** Calls in which a process waits, and at the end the state without any. */
export const STATES: StaticArray<string> = [
  "sleep",
  "pause",
  "read",
  "accept",
  "recv",
  "poll",
  "select",
  "wait",
  "pthread_cond_wait",
  "computing",
];

const bytes = memory.data(16, 8);
export let spins: u32 = 0;

function listener(): i32 {
  const server = socket(AF_INET, SOCK_STREAM);
  bind(server, new sockaddr_in(INADDR_ANY, 7));
  listen(server, 1);
  return server;
}

function waitForChild(): bool {
  if (fork() == 0) {
    while (getppid() != 1) usleep(20_000); // until it is an orphan
    _exit(17);
  }
  return wait() == -1;
}

function waitForCondition(): bool {
  const mutex = new pthread_mutex_t();
  pthread_mutex_lock(mutex);
  pthread_cond_wait(new pthread_cond_t(), mutex); // a wake-up without a signal of the condition's
  return true;
}

/** Waits in state `name` until a signal ends that; whether the call said EINTR (where it can). */
export function enter(name: string): bool {
  while (name == "computing") spins++;
  if (name == "sleep") return sleep(1000) > 900;
  let result: i32;
  if (name == "pause") result = pause();
  else if (name == "read") result = read(0, bytes, 1);
  else if (name == "accept") result = accept(listener());
  else if (name == "recv") result = recv(socket(AF_INET, SOCK_DGRAM), bytes, 16, 0);
  else if (name == "wait") return waitForChild() && errno == EINTR;
  else if (name == "pthread_cond_wait") return waitForCondition();
  else if (name == "poll") {
    const set = new PollSet(1);
    set.add(socket(AF_INET, SOCK_DGRAM), POLLIN);
    result = set.wait(-1);
  } else {
    const fd = socket(AF_INET, SOCK_DGRAM);
    const set = new fd_set();
    FD_SET(fd, set);
    result = select(fd + 1, set, null, null);
  }
  return result == -1 && errno == EINTR;
}
