// A process that accepts connections and passes each to one of two workers, which it has forked before there were any, by turns; for
// test/lab/passing.test.ts. One worker gets them through a stream, the other as records. What is done with a connection is its port's:
//   7 echo    it is passed as it was accepted
//   8 used    … after the dispatcher has read the first byte
//   9 greet   the worker says "process <pid>" first
import {
  AF_INET,
  AF_UNIX,
  INADDR_ANY,
  POLLIN,
  PollSet,
  SIGPIPE,
  SIG_IGN,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  _exit,
  accept,
  bind,
  close,
  errno,
  fork,
  getpid,
  getsockname,
  listen,
  perror,
  read,
  receiveDescriptors,
  sendDescriptors,
  signal,
  sockaddr_in,
  socket,
  socketpair,
  usleep,
  write,
  writeText,
} from "karyon";

const FIRST: u16 = 7;
const PORTS: i32 = 3;
const WORKERS: i32 = 2;
const SIZE: usize = 16384;

const buffer = memory.data(16384);
const listeners = new StaticArray<i32>(PORTS);
/** The dispatcher's end to each worker; -1 when that has ended. */
const workers = new StaticArray<i32>(WORKERS);
let turn = 0;

function sendAll(client: i32, length: usize): bool {
  for (let sent: usize = 0; sent < length;) {
    const count = write(client, buffer + sent, length - sent);
    if (count <= 0) return false;
    sent += count;
  }
  return true;
}

/** A connection has come to a worker. */
function takeOne(end: i32, set: PollSet): bool {
  const descriptors = new StaticArray<i32>(1);
  const count = receiveDescriptors(end, descriptors);
  if (count != 1) {
    console.log(`dispatcher: worker ${getpid()} gets ${count}: ${errno}`);
    return count < 0;
  }
  const own = new sockaddr_in(INADDR_ANY, 0);
  getsockname(descriptors[0], own);
  if (own.port == FIRST + 2) writeText(descriptors[0], `process ${getpid()}\n`);
  set.add(descriptors[0], POLLIN);
  return true;
}

function work(end: i32): void {
  const set = new PollSet();
  set.add(end, POLLIN);
  while (set.wait(-1) >= 0) {
    for (let i = set.length - 1; i > 0; i--) {
      if (set.at(i).revents == 0) continue;
      const client = set.at(i).fd;
      const count = read(client, buffer, SIZE);
      if (count > 0 && sendAll(client, count)) continue;
      if (count < 0) console.log(`dispatcher: worker ${getpid()} cannot read: ${errno}`);
      close(client);
      set.removeAt(i);
    }
    if (set.at(0).revents != 0 && !takeOne(end, set)) break;
  }
}

/** fork(), as soon as there is somebody who does it. */
function forkSurely(): i32 {
  for (let tries = 0; tries < 1200; tries++) {
    const pid = fork();
    if (pid >= 0) return pid;
    usleep(100_000);
  }
  perror("dispatcher: fork");
  return -1;
}

function startWorker(index: i32): void {
  const ends = new StaticArray<i32>(2);
  if (socketpair(AF_UNIX, index == 0 ? SOCK_STREAM : SOCK_SEQPACKET, 0, ends) != 0) perror("dispatcher: socketpair");
  if (forkSurely() == 0) {
    for (let i = 0; i < PORTS; i++) close(listeners[i]);
    for (let i = 0; i < index; i++) close(workers[i]);
    close(ends[0]);
    console.log(`dispatcher: worker ${index} is ${getpid()}`);
    work(ends[1]);
    _exit(0);
  }
  close(ends[1]);
  workers[index] = ends[0];
}

/** Gives a connection to the worker whose turn it is, or another if that has ended. */
function dispatch(client: i32): void {
  for (let tries = 0; tries < WORKERS; tries++) {
    const index = turn++ % WORKERS;
    if (workers[index] < 0) continue;
    const descriptors = new StaticArray<i32>(1);
    descriptors[0] = client;
    if (sendDescriptors(workers[index], descriptors) == 0) break;
    console.log(`dispatcher: worker ${index} has gone: ${errno}`);
    close(workers[index]);
    workers[index] = -1;
  }
  close(client);
}

export function main(_args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // who has gone is told by EPIPE
  const set = new PollSet();
  for (let i = 0; i < PORTS; i++) {
    listeners[i] = socket(AF_INET, SOCK_STREAM);
    if (bind(listeners[i], new sockaddr_in(INADDR_ANY, <u16>(FIRST + i))) != 0 || listen(listeners[i], 32) != 0) {
      perror("dispatcher");
      return 1;
    }
    set.add(listeners[i], POLLIN);
  }
  for (let i = 0; i < WORKERS; i++) startWorker(i);
  console.log("dispatcher: ready");
  while (set.wait(-1) >= 0) {
    for (let i = 0; i < PORTS; i++) {
      if ((set.at(i).revents & POLLIN) == 0) continue;
      const client = accept(listeners[i]);
      if (client < 0) continue;
      if (i == 1) read(client, buffer, 1);
      dispatch(client);
    }
  }
  return 0;
}
