// Memory after fork(): a copy, of which each side changes its own only.
import { WNOHANG, fork, getpid, puts, usleep, waitpid } from "karyon";
import { awaitExit, check, endChild, checksForked, inChild } from "./check";
import { memoryHash, mix } from "./memory_hash";

const WORDS: u32 = 3 << 18; // 3 MiB
const WRITES: u32 = 6000;
const SEED: u32 = 20_260_101;

let region: usize = 0;
let written: usize = 0; // one bit for each word
let global = 1;

/** The region with its initial words, none of them written since. */
function prepare(): void {
  if (region == 0) {
    region = heap.alloc(WORDS * 4);
    written = heap.alloc(WORDS / 8);
  }
  for (let i: u32 = 0; i < WORDS; i++) store<u32>(region + i * 4, mix(SEED, i));
  memory.fill(written, 0, WORDS / 8);
}

/** Where `word`'s bit is. */
function bitsAt(word: u32): usize {
  return written + ((word >> 5) << 2);
}

function bitOf(word: u32): u32 {
  return 1 << (word & 31);
}

/** Writes `count` words at places that `seed` chooses. */
function scribble(seed: u32, count: u32 = WRITES): void {
  for (let i: u32 = 0; i < count; i++) {
    const word = mix(seed, i) % WORDS;
    store<u32>(region + word * 4, mix(seed ^ 0x5bd1e995, word));
    store<u32>(bitsAt(word), load<u32>(bitsAt(word)) | bitOf(word));
  }
}

/** How many words are neither the initial ones nor, where this process wrote, those of `seed`. */
function strange(seed: u32): u32 {
  let count: u32 = 0;
  for (let word: u32 = 0; word < WORDS; word++) {
    const own = (load<u32>(bitsAt(word)) & bitOf(word)) != 0;
    if (load<u32>(region + word * 4) != mix(own ? seed ^ 0x5bd1e995 : SEED, word)) count++;
  }
  return count;
}

/** fork() gives the pid, and 0; variables have the values they had; all memory is the same to the last byte. */
export function values(_count: i32): void {
  global = 42;
  const text = `made by ${getpid()}`;
  const before = memoryHash();
  const pid = fork();
  const after = memoryHash();
  if (pid == 0) {
    checksForked();
    check("the child's memory is the parent's", after == before);
    check("its variables too", global == 42 && text == "made by 1");
    global = 43;
    endChild();
  }
  check("the parent's memory has not changed", after == before);
  check("the child has a pid", pid > 1);
  awaitExit(pid);
  check("the child's variable is not the parent's", global == 42);
}

/** Both write thousands of words all over at the same time; each finds its own and the old ones. */
export function bothWrite(count: i32): void {
  puts(`seed ${SEED}`);
  for (let round = 1; round <= count; round++) {
    prepare();
    const before = memoryHash();
    const pid = fork();
    const after = memoryHash();
    const seed = SEED + 2 * round + (pid == 0 ? 1 : 0);
    if (pid == 0) checksForked();
    check("the same memory right after fork", before == after);
    scribble(seed, WRITES / 2);
    usleep(1000);
    scribble(seed);
    check(`${strange(seed)} words are not as this process left them`, strange(seed) == 0);
    usleep(20_000);
    check(`${strange(seed)} words have changed by themselves`, strange(seed) == 0);
    if (pid == 0) endChild();
    awaitExit(pid);
    check(`${strange(seed)} words have changed when the child ended`, strange(seed) == 0);
  }
}

/** While the child writes everywhere, no byte of the parent changes. */
export function childWrites(_count: i32): void {
  prepare();
  const pid = inChild(() => {
    for (let i: u32 = 0; i < 4; i++) scribble(SEED + i);
  });
  const before = memoryHash();
  // Without a place for the status: nothing writes to memory here.
  let ended = 0;
  while (ended == 0) {
    usleep(1000);
    ended = waitpid(pid, 0, WNOHANG);
  }
  const after = memoryHash();
  check("the child ends", ended == pid);
  check("the parent's memory is as it was", before == after);
}

/** While the parent writes everywhere, no byte of the child changes. */
export function parentWrites(_count: i32): void {
  prepare();
  const before = memoryHash();
  const pid = fork();
  if (pid == 0) {
    let changed = 0;
    for (let round = 0; round < 10; round++) {
      if (memoryHash() != before) changed++;
      usleep(10_000);
    }
    checksForked();
    check(`the child's memory has changed, ${changed} times of 10`, changed == 0);
    endChild();
  }
  check("fork", pid > 1);
  let ended = 0;
  for (let i: u32 = 0; ended == 0; i++) {
    scribble(SEED + i, 500);
    usleep(1000);
    ended = waitpid(pid, 0, WNOHANG);
  }
  check("the child ends", ended == pid);
}

function zeroFrom(page: i32): bool {
  const end = (<usize>memory.size()) << 16;
  for (let at = (<usize>page) << 16; at < end; at += 8) if (load<u64>(at) != 0) return false;
  return true;
}

function grow(pages: i32, value: u64): void {
  const before = memory.size();
  check(`memory.grow(${pages})`, memory.grow(pages) == before && memory.size() == before + pages);
  check("new memory is zero", zeroFrom(before));
  const end = (<usize>memory.size()) << 16;
  for (let at = (<usize>before) << 16; at < end; at += 8) store<u64>(at, value ^ at);
}

function holds(fromPage: i32, pages: i32, value: u64): bool {
  const end = (<usize>(fromPage + pages)) << 16;
  for (let at = (<usize>fromPage) << 16; at < end; at += 8) if (load<u64>(at) != (value ^ at)) return false;
  return true;
}

/** memory.grow in parent and child, before and after fork, at the same addresses with other contents. */
export function growth(_count: i32): void {
  const start = memory.size();
  grow(2, 1);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    check("the child has what grew before the fork", memory.size() == start + 2 && holds(start, 2, 1));
    grow(3, 2);
    const grandchild = fork();
    if (grandchild == 0) {
      checksForked();
      check("a grandchild has both", holds(start, 2, 1) && holds(start + 2, 3, 2));
      grow(1, 3);
      check("and its own", holds(start + 5, 1, 3));
      endChild();
    }
    grow(1, 4);
    awaitExit(grandchild);
    usleep(20_000);
    check("the child's pages are its own", holds(start, 2, 1) && holds(start + 2, 3, 2) && holds(start + 5, 1, 4));
    endChild();
  }
  check("fork", pid > 1);
  grow(1, 5);
  awaitExit(pid);
  check("the parent's pages are its own", holds(start, 2, 1) && holds(start + 2, 1, 5));
}
