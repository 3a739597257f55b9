// A process that does everything at random and forks in between: whatever was prepared for a child before – a copy of
// memory, of tables, of a device's state – must not be what the child finds, but what the parent has at the fork.
import {
  AF_INET,
  INADDR_LOOPBACK,
  O_RDONLY,
  SEEK_CUR,
  SEEK_SET,
  SOCK_DGRAM,
  WNOHANG,
  bind,
  close,
  fork,
  getsockname,
  lseek,
  open,
  pthread_create,
  pthread_join,
  puts,
  recv,
  sched_yield,
  sendto,
  sockaddr_in,
  socket,
  usleep,
} from "karyon";
import { check, checksForked, endChild, reap, status } from "./check";
import { memoryHash, mix, rangeHash } from "./memory_hash";

const FILES = 4;
const MOST_WORDS: u32 = 40_000;
const MOST_GROWTH = 12;
const MOST_THREADS = 4;
const MOST_CHILDREN = 3;
const FILE_SIZE: u32 = 400 * 26;
const FIRST_PORT: u16 = 4000;

let state: u32 = 0;
let growth = 0;
let children = 0;
let sleeping = 0;
const region = memory.data(1024 * 1024, 4096);
const REGION_WORDS: u32 = 262_144;
const files = new StaticArray<i32>(FILES);
const positions = new StaticArray<u32>(FILES);
const sockets = new StaticArray<i32>(FILES);
const threads = new StaticArray<i32>(MOST_THREADS);
const datagram = memory.data(8, 8);

function random(below: u32): u32 {
  state += 1;
  return mix(state, 0x51ed270b) % below;
}

function scribble(): void {
  // Close together or far apart: both happen.
  const span = random(2) == 0 ? REGION_WORDS : 2048;
  const start = random(REGION_WORDS - span + 1);
  for (let left = random(MOST_WORDS); left != 0; left--) {
    store<u32>(region + ((<usize>start + random(span)) << 2), state);
  }
}

function grow(): void {
  if (growth == MOST_GROWTH || memory.grow(1) < 0) return;
  growth++;
  const end = (<usize>memory.size()) << 16;
  for (let at = end - 65536; at < end; at += 1024) store<u32>(at, state);
}

function moveFile(): void {
  const i = random(FILES);
  if (files[i] < 0) {
    files[i] = open("/lines.txt", O_RDONLY);
    positions[i] = 0;
  } else if (random(3) == 0) {
    close(files[i]);
    files[i] = -1;
    return;
  }
  positions[i] = random(FILE_SIZE);
  lseek(files[i], positions[i], SEEK_SET);
}

function moveSocket(): void {
  const i = random(FILES);
  if (sockets[i] >= 0) {
    close(sockets[i]);
    sockets[i] = -1;
    return;
  }
  sockets[i] = socket(AF_INET, SOCK_DGRAM);
  check("bind", bind(sockets[i], new sockaddr_in(INADDR_LOOPBACK, FIRST_PORT + <u16>i)) == 0);
}

function nap(which: i32): i32 {
  sleeping++;
  usleep((which + 1) * 2000);
  sched_yield();
  sleeping--;
  return 0;
}

function moveThread(): void {
  const i = random(MOST_THREADS);
  if (threads[i] > 0) pthread_join(threads[i]);
  threads[i] = threads[i] > 0 ? 0 : pthread_create<i32>(nap, i);
}

function act(): void {
  const what = random(10);
  if (what < 4) scribble();
  else if (what == 4) grow();
  else if (what == 5) moveFile();
  else if (what == 6) moveSocket();
  else if (what == 7) moveThread();
  else if (what == 8) usleep(random(4000));
  else sched_yield();
}

/** Whether the descriptors are what this process has made of them. */
function descriptorsHold(): bool {
  const address = new sockaddr_in(0, 0);
  for (let i = 0; i < FILES; i++) {
    if (files[i] >= 0 && lseek(files[i], 0, SEEK_CUR) != positions[i]) return false;
    if (sockets[i] < 0) continue;
    if (getsockname(sockets[i], address) != 0 || address.port != FIRST_PORT + <u16>i) return false;
  }
  return true;
}

/** Whether the open sockets carry datagrams within this process. */
function socketsWork(): bool {
  for (let i = 0; i < FILES; i++) {
    if (sockets[i] < 0) continue;
    store<u32>(datagram, state ^ i);
    if (sendto(sockets[i], datagram, 4, 0, new sockaddr_in(INADDR_LOOPBACK, FIRST_PORT + <u16>i)) != 4) return false;
    store<u32>(datagram, 0);
    if (recv(sockets[i], datagram, 8) != 4 || load<u32>(datagram) != (state ^ i)) return false;
  }
  return true;
}

function child(depth: i32): void {
  checksForked();
  check("descriptors are the parent's", descriptorsHold());
  check("sockets work in the child", socketsWork());
  children = 0;
  // Threads that slept are not here, and so cannot be joined.
  for (let i = 0; i < MOST_THREADS; i++) threads[i] = 0;
  state ^= 0x2545f491;
  for (let i = random(6); i != 0; i--) act();
  if (depth < 2 && random(3) == 0) forkAndCheck(depth + 1);
  while (children > 0) reapOne(0);
  endChild();
}

function reapOne(options: i32): void {
  if (reap(-1, options) <= 0) {
    if (options == 0) children = 0;
    return;
  }
  children--;
  check("a child passes", status() == 0);
}

/** A hash of what must be the same on both sides: all, unless fork() takes other threads' blocks from the child's heap. */
function stateHash(): u64 {
  for (let i = 0; i < MOST_THREADS; i++) if (threads[i] > 0) return rangeHash(region, region + (REGION_WORDS << 2));
  return memoryHash();
}

function forkAndCheck(depth: i32): void {
  const before = stateHash();
  const pid = fork();
  const after = pid < 0 ? before : stateHash(); // a failure stores errno
  if (pid == 0) {
    check("the child's memory is what the parent had at the fork", after == before);
    child(depth);
  }
  check("the parent's memory is as before", after == before);
  // A child that has just begun may be too quick for a busy host.
  check("fork", pid > 1 || depth > 0);
  if (pid > 1) children++;
}

/** `count` forks with random activity in between; of children, too. The seed is in the output. */
export function stale(count: i32): void {
  const seed: u32 = 4711 + count;
  state = seed;
  puts(`seed ${seed}`);
  for (let i = 0; i < FILES; i++) {
    files[i] = -1;
    sockets[i] = -1;
  }
  for (let round = 0; round < count; round++) {
    for (let i = random(8); i != 0; i--) act();
    forkAndCheck(0);
    while (children >= MOST_CHILDREN) reapOne(0);
    if (random(2) == 0) reapOne(WNOHANG);
    check(`descriptors hold after round ${round}`, descriptorsHold());
  }
  while (children > 0) reapOne(0);
  for (let i = 0; i < MOST_THREADS; i++) if (threads[i] > 0) pthread_join(threads[i]);
  check("no thread is lost", sleeping == 0);
  check("sockets work", socketsWork());
}
