// A family for tools/bench/handover.ts: the parent accepts connections on port 7 and keeps them; its child inherits them, and claims as many of
// them as it is told, one after the other, by reading a byte that came before it was born. Port 8 takes orders of one byte, a connection each:
//   0   forks the child; answers "forked"
//   255 answers how many connections the parent keeps
//   n   lets the child claim the next n connections; answers how many ns it has waited for them in all
import {
  AF_INET,
  CLOCK_MONOTONIC,
  INADDR_ANY,
  POLLIN,
  PollSet,
  SIGPIPE,
  SIG_IGN,
  SOCK_STREAM,
  accept,
  bind,
  clock_gettime,
  close,
  errno,
  fork,
  listen,
  perror,
  pipe,
  read,
  signal,
  sockaddr_in,
  socket,
  timespec,
  usleep,
  write,
  writeText,
} from "karyon";

const KEPT: u16 = 7;
const ORDERS: u16 = 8;
const BACKLOG = 1024;
const HOW_MANY: u8 = 255;

const word = memory.data(8);
const kept: i32[] = [];
const toChild = new StaticArray<i32>(2);
const toParent = new StaticArray<i32>(2);

/** fork(), as soon as there is somebody who does it. */
function forkSurely(): i32 {
  for (let tries = 0; tries < 1200; tries++) {
    const pid = fork();
    if (pid >= 0) return pid;
    usleep(100_000);
  }
  return -1;
}

/** Monotonic, ns. */
function now(): i64 {
  const time = new timespec();
  clock_gettime(CLOCK_MONOTONIC, time);
  return time.tv_sec * 1_000_000_000 + time.tv_nsec;
}

/** The ns that it takes to read a byte of a connection; -errno. */
function claim(client: i32): i64 {
  const begun = now();
  const count = read(client, word, 1);
  return count == 1 ? now() - begun : -(count == 0 ? 1 : errno);
}

/** The child's life. */
function serveOrders(): void {
  for (let next = 0; read(toChild[0], word, 1) == 1;) {
    let waited: i64 = 0;
    for (let left = load<u8>(word); left != 0 && waited >= 0 && next < kept.length; left--) {
      const time = claim(kept[next++]);
      waited = time < 0 ? time : waited + time;
    }
    store<i64>(word, waited);
    write(toParent[1], word, 8);
  }
}

/** Does what a connection to ORDERS says; false in the child. */
function obey(client: i32): bool {
  if (read(client, word, 1) != 1) {
    close(client);
    return true;
  }
  const order = load<u8>(word);
  if (order == HOW_MANY) {
    writeText(client, `${kept.length}\n`);
  } else if (order == 0) {
    if (forkSurely() == 0) {
      close(client);
      return false;
    }
    writeText(client, "forked\n");
  } else {
    write(toChild[1], word, 1);
    read(toParent[0], word, 8);
    writeText(client, `${load<i64>(word)}\n`);
  }
  close(client);
  return true;
}

function listener(port: u16): i32 {
  const descriptor = socket(AF_INET, SOCK_STREAM);
  if (bind(descriptor, new sockaddr_in(INADDR_ANY, port)) != 0 || listen(descriptor, BACKLOG) != 0) perror("claims");
  return descriptor;
}

export function main(_args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // who has gone is told by EPIPE
  pipe(toChild);
  pipe(toParent);
  const set = new PollSet();
  set.add(listener(KEPT), POLLIN);
  set.add(listener(ORDERS), POLLIN);
  console.log("claims: ready");
  while (set.wait(-1) >= 0) {
    if ((set.at(0).revents & POLLIN) != 0) kept.push(accept(set.at(0).fd));
    if ((set.at(1).revents & POLLIN) == 0) continue;
    if (!obey(accept(set.at(1).fd))) {
      serveOrders();
      return 0;
    }
  }
  return 1;
}
