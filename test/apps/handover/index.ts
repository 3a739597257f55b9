// A server that forks with its connections, for test/lab/handover.test.ts. What it does with one is its port's:
//   7 echo    a child for each; the parent closes its descriptor at once
//   8 keep    … closes it when the child has ended: the child claims the connection by reading
//   9 busy    both use it: the child hears EBUSY, and gets it when the parent has closed
//  10 flow    the parent sends back 64 KiB before it forks, in the midst of what comes and goes
//  11 chain   process after process sends back 64 KiB, then forks the next, as many as the connection's first byte says
//  12 greet   a child says "process <pid>", and waits
//  13 idle    a child holds it, and never uses it
//  14 late    keep, but the child begins three seconds after the fork, while the client sends
import {
  AF_INET,
  INADDR_ANY,
  POLLIN,
  PollSet,
  SIGPIPE,
  SIG_IGN,
  SOCK_STREAM,
  WNOHANG,
  _exit,
  accept,
  bind,
  close,
  errno,
  fork,
  getpid,
  listen,
  perror,
  pipe,
  read,
  signal,
  sleep,
  sockaddr_in,
  socket,
  usleep,
  waitpid,
  write,
  writeText,
} from "karyon";

const FIRST: u16 = 7;
const PORTS: i32 = 8;
const SIZE: usize = 16384;
const PART: u32 = 65536;
const LATE_S: u32 = 3;
const LONG_S: u32 = 600;

const buffer = memory.data(16384);
const byte = memory.data(8);
const listeners = new StaticArray<i32>(PORTS);
/** Connections that the parent keeps, and the children that serve them. */
const kept = new Map<i32, i32>();

/** fork(), as soon as there is somebody who does it. */
function forkSurely(): i32 {
  for (let tries = 0; tries < 1200; tries++) {
    const pid = fork();
    if (pid >= 0) return pid;
    usleep(100_000);
  }
  perror("handover: fork");
  return -1;
}

/** What a child of a server begins with: it lets go of what is not its own. */
function childBegins(client: i32): void {
  for (let i = 0; i < PORTS; i++) close(listeners[i]);
  const others = kept.keys();
  for (let i = 0; i < others.length; i++) if (others[i] != client) close(others[i]);
}

function sendAll(client: i32, length: usize): bool {
  for (let sent: usize = 0; sent < length;) {
    const count = write(client, buffer + sent, length - sent);
    if (count <= 0) return false;
    sent += count;
  }
  return true;
}

/** Sends back what comes, `most` bytes of it or until the end; false at the end. */
function echo(client: i32, most: u32): bool {
  for (let left = most; left != 0;) {
    const count = read(client, buffer, min<usize>(SIZE, left));
    if (count < 0) console.log(`handover: process ${getpid()} cannot read: ${errno}`);
    if (count <= 0 || !sendAll(client, count)) return false;
    left -= <u32>count;
  }
  return true;
}

function serve(client: i32, keeps: bool, late: bool = false): void {
  const pid = forkSurely();
  if (pid == 0) {
    childBegins(client);
    if (late) sleep(LATE_S);
    echo(client, u32.MAX_VALUE);
    close(client);
    _exit(0);
  }
  if (keeps) kept.set(client, pid);
  else close(client);
}

function busy(client: i32): void {
  const toChild = new StaticArray<i32>(2);
  const toParent = new StaticArray<i32>(2);
  pipe(toChild);
  pipe(toParent);
  const pid = forkSurely();
  if (pid == 0) {
    childBegins(client);
    read(toChild[0], byte, 1);
    const count = read(client, buffer, SIZE);
    store<u8>(byte, <u8>(count < 0 ? errno : 0));
    write(toParent[1], byte, 1);
    read(toChild[0], byte, 1);
    writeText(client, `process ${getpid()} has it now\n`);
    close(client);
    _exit(0);
  }
  writeText(client, "the parent has it\n");
  write(toChild[1], byte, 1);
  read(toParent[0], byte, 1);
  writeText(client, `errno ${load<u8>(byte)}\n`);
  close(client);
  write(toChild[1], byte, 1);
  for (let i = 0; i < 2; i++) {
    close(toChild[i]);
    close(toParent[i]);
  }
}

function chain(client: i32): void {
  if (forkSurely() != 0) {
    close(client);
    return;
  }
  childBegins(client);
  read(client, byte, 1);
  for (let left = load<u8>(byte); left != 0; left--) {
    if (!echo(client, PART)) break;
    const pid = forkSurely();
    if (pid == 0) continue;
    close(client);
    waitpid(pid);
    _exit(0);
  }
  echo(client, u32.MAX_VALUE);
  close(client);
  _exit(0);
}

function stay(client: i32, greets: bool): void {
  if (forkSurely() == 0) {
    childBegins(client);
    if (greets) writeText(client, `process ${getpid()}\n`);
    else console.log(`handover: process ${getpid()} is idle`);
    if (greets) read(client, buffer, SIZE);
    else sleep(LONG_S);
    _exit(0);
  }
  close(client);
}

function begin(client: i32, port: i32): void {
  if (port == 7 || port == 8) serve(client, port == 8);
  else if (port == 9) busy(client);
  else if (port == 10 && echo(client, PART)) serve(client, false);
  else if (port == 11) chain(client);
  else if (port == 12 || port == 13) stay(client, port == 12);
  else if (port == 14) serve(client, true, true);
  else close(client);
}

/** Takes in the ends of children. */
function reap(): void {
  while (true) {
    const pid = waitpid(-1, 0, WNOHANG);
    if (pid <= 0) return;
    const clients = kept.keys();
    for (let i = 0; i < clients.length; i++) {
      if (kept.get(clients[i]) != pid) continue;
      close(clients[i]);
      kept.delete(clients[i]);
    }
  }
}

export function main(_args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // who has gone is told by EPIPE
  const set = new PollSet();
  for (let i = 0; i < PORTS; i++) {
    listeners[i] = socket(AF_INET, SOCK_STREAM);
    const address = new sockaddr_in(INADDR_ANY, <u16>(FIRST + i));
    if (bind(listeners[i], address) != 0 || listen(listeners[i], 32) != 0) {
      perror("handover");
      return 1;
    }
    set.add(listeners[i], POLLIN);
  }
  console.log("handover: ready");
  while (set.wait(200) >= 0) {
    reap();
    for (let i = 0; i < PORTS; i++) {
      if ((set.at(i).revents & POLLIN) == 0) continue;
      const client = accept(listeners[i]);
      if (client >= 0) begin(client, FIRST + i);
    }
  }
  return 0;
}
