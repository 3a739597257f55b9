// Process 1: forks the store and then, for each client, a backend; waits for those that end; touches no data. When a backend ends, however
// it does, the store is told and its place is free again as soon as nothing of it is left in the pipes. When the store ends, the backends
// are ended too, for what their clients were told may be gone, and all begin anew.
import { AF_INET6, EINTR, POLLIN, SIGCHLD, SIGKILL, SIGTERM, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, WEXITSTATUS, WIFEXITED, WNOHANG, WTERMSIG, accept, bind, close, errno, fork, in6addr_any, inet_ntop, kill, listen, poll, pollfd, puts, read, setSocketOption, signal, sockaddr_in6, socket, strerror, usleep, waitpid, write, writeText } from "karyon"; // prettier-ignore
import { now, updateClock } from "../clock";
import { options } from "../options";
import { keepStore } from "../store/process";
import { serveClient } from "./backend";
import { CONTROL_SIZE } from "./frame";
import { controlEnd, drainAll, drainPipe, freedEnd, openSlots, slots } from "./slots";

const BACKLOG: i32 = 64;
/** Milliseconds that backends get to end after SIGTERM, before SIGKILL. */
const END_TIMEOUT: u64 = 5000;
/** Milliseconds before the store is forked again after it, or the attempt, has failed at once; doubles. */
const LEAST_DELAY: u64 = 250;
const MOST_DELAY: u64 = 30_000;
const EARLY: u64 = 2000;
/** Microseconds between two looks at children that are ending. */
const LOOK: u32 = 20_000;

const peer = new sockaddr_in6();
const statusWord = new StaticArray<i32>(1);
const message = memory.data(256, 8);
const MESSAGES: u32 = 256;
/** Two entries: the listener and freed places. */
const entries = memory.data(16, 8);
let listener: i32 = -1;
let storePid: i32 = 0;
let storeBorn: u64 = 0;
let failures: i32 = 0;
let lastSession: u32 = 0;
let endWanted: bool = false;

/** Serves until SIGTERM. Returns an exit status; -1 with errno when it cannot begin. In a child: its exit status. */
export function keepPosts(): i32 {
  if (!openListener() || openSlots(options.maxClients) < 0) return -1;
  signal(SIGCHLD, (_: i32) => {}); // it only ends the wait
  signal(SIGTERM, (_: i32) => {
    endWanted = true;
  });
  puts(`kvdb: port ${options.port}, ${options.maxClients} clients, ${options.maxMemory} MiB`);
  while (!endWanted) {
    updateClock();
    bury();
    if (storePid == 0) {
      if (startStore()) return keepStore();
      continue;
    }
    if (!wait()) continue;
    const status = welcome();
    if (status >= 0) return status;
  }
  puts("kvdb: SIGTERM: all processes end");
  endChildren(true);
  return 0;
}

function openListener(): bool {
  listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK);
  if (listener < 0) return false;
  setSocketOption(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  return bind(listener, new sockaddr_in6(in6addr_any, <u16>options.port)) == 0 && listen(listener, BACKLOG) == 0;
}

/** Forks the store, after a pause when the last one came to nothing. True in the store. */
function startStore(): bool {
  if (failures > 0) {
    usleep(<u32>min(LEAST_DELAY << (<u64>min(failures - 1, 16)), MOST_DELAY) * 1000);
    if (endWanted) return false;
  }
  const pid = fork();
  if (pid == 0) {
    close(listener);
    return true;
  }
  if (pid < 0) {
    if (failures++ == 0) puts(`kvdb: the store cannot be forked: ${strerror(errno)}`);
    return false;
  }
  storePid = pid;
  storeBorn = updateClock();
  return false;
}

/** Waits for a client or a child. Whether there is a client, and a place for it or none in sight. */
function wait(): bool {
  const comes = changetype<pollfd>(entries);
  const frees = changetype<pollfd>(entries + offsetof<pollfd>());
  // While a place is being emptied, a client need not hear that there is none.
  comes.fd = freeSlot() < 0 && anyEnding() ? -1 : listener;
  comes.events = POLLIN;
  comes.revents = 0;
  frees.fd = freedEnd();
  frees.events = POLLIN;
  frees.revents = 0;
  poll(entries, 2, -1);
  if (frees.revents != 0) takeFreed();
  return comes.revents != 0;
}

/** The number of a place that nobody has; -1 when there is none. */
function freeSlot(): i32 {
  for (let i = 0; i < slots.length; i++) if (slots[i].session == 0) return i;
  return -1;
}

function anyEnding(): bool {
  for (let i = 0; i < slots.length; i++) if (slots[i].session != 0 && slots[i].pid == 0) return true;
  return false;
}

/** Accepts a client and forks its backend. Returns -1; in the backend its exit status. */
function welcome(): i32 {
  const client = accept(listener, peer);
  if (client < 0) return -1;
  const place = freeSlot();
  if (place < 0) return turnAway(client, "ERR max number of clients reached");
  const slot = slots[place];
  slot.session = ++lastSession;
  const pid = fork();
  if (pid == 0) {
    close(listener);
    return serveClient(client, place, slot.session, peerText());
  }
  if (pid < 0) {
    slot.session = 0;
    return turnAway(client, `ERR no process for you: ${strerror(errno)}`);
  }
  slot.pid = pid;
  close(client);
  return -1;
}

function turnAway(client: i32, why: string): i32 {
  writeText(client, `-${why}\r\n`);
  close(client);
  return -1;
}

/** "10.0.2.2:40000" or "[fe80::1]:40000". */
function peerText(): string {
  const bytes = memory.data(16, 8);
  peer.copyAddress(bytes);
  const text = inet_ntop(AF_INET6, bytes)!;
  const mapped = "::ffff:";
  const host = text.startsWith(mapped) && text.includes(".") ? text.substring(mapped.length) : `[${text}]`;
  return `${host}:${peer.port}`;
}

/** The store has emptied places. */
function takeFreed(): void {
  const count = read(freedEnd(), message, MESSAGES);
  for (let at = 0; at + <i32>CONTROL_SIZE <= count; at += CONTROL_SIZE) {
    const place = load<i32>(message + at);
    if (place < 0 || place >= slots.length) continue;
    const slot = slots[place];
    if (slot.pid != 0 || slot.session != load<u32>(message + at, 4)) continue;
    drainPipe(slot.answers[0]);
    slot.session = 0;
  }
}

/** Waits for children that have ended. */
function bury(): void {
  while (true) {
    const pid = waitpid(-1, changetype<usize>(statusWord), WNOHANG);
    if (pid <= 0) return;
    if (pid == storePid) {
      storeEnded();
    } else {
      const place = slotOf(pid);
      if (place >= 0) backendEnded(place);
    }
  }
}

function slotOf(pid: i32): i32 {
  for (let i = 0; i < slots.length; i++) if (slots[i].pid == pid) return i;
  return -1;
}

function howEnded(): string {
  const status = statusWord[0];
  return WIFEXITED(status) ? `ended with status ${WEXITSTATUS(status)}` : `was ended by signal ${WTERMSIG(status)}`;
}

function backendEnded(place: i32): void {
  const slot = slots[place];
  if (statusWord[0] != 0) puts(`kvdb: backend ${slot.pid} ${howEnded()}`);
  slot.pid = 0;
  store<i32>(message, place);
  store<u32>(message, slot.session, 4);
  write(controlEnd(), message, CONTROL_SIZE);
}

function storeEnded(): void {
  puts(`kvdb: the store ${howEnded()}: its data is gone, all clients are let go`);
  failures = now() - storeBorn < EARLY ? failures + 1 : 0;
  storePid = 0;
  endChildren(false);
  drainAll();
}

/** Ends all children, the store too if `everybody`, and waits for them. */
function endChildren(everybody: bool): void {
  signalChildren(SIGTERM, everybody);
  const until = updateClock() + END_TIMEOUT;
  let killed = false;
  while (anyLeft(everybody)) {
    const pid = waitpid(-1, changetype<usize>(statusWord), WNOHANG);
    if (pid == storePid) storePid = 0;
    if (pid > 0) {
      const place = slotOf(pid);
      if (place >= 0) slots[place].pid = 0;
      continue;
    }
    if (pid < 0 && errno != EINTR) return;
    if (updateClock() >= until && !killed) {
      killed = true;
      signalChildren(SIGKILL, everybody);
    }
    usleep(LOOK);
  }
}

function signalChildren(what: i32, everybody: bool): void {
  if (everybody && storePid != 0) kill(storePid, what);
  for (let i = 0; i < slots.length; i++) if (slots[i].pid != 0) kill(slots[i].pid, what);
}

function anyLeft(everybody: bool): bool {
  if (everybody && storePid != 0) return true;
  for (let i = 0; i < slots.length; i++) if (slots[i].pid != 0) return true;
  return false;
}
