// What xv6's usertests try of fork, exit and wait, under their names there. Each may be given how often.
import {
  CLOCK_MONOTONIC,
  EAGAIN,
  ECHILD,
  EFAULT,
  ENOMEM,
  WEXITSTATUS,
  WIFSIGNALED,
  WNOHANG,
  WTERMSIG,
  SIGSEGV,
  _exit,
  clockNanoseconds,
  errno,
  fork,
  getpid,
  getppid,
  puts,
  usleep,
  wait,
  waitpid,
} from "karyon";
import { awaitExit, check, checksForked, endChild, inChild, reap, status } from "./check";

const MANY = 1000;
const PATIENCE: i64 = 30_000_000_000;
const OUTSIDE: usize = 0xffff_f000;

function now(): i64 {
  return clockNanoseconds(CLOCK_MONOTONIC);
}

/** Forks children that end at once until it fails; how many there were. */
function forkUntilItFails(): i32 {
  for (let count = 0; count < MANY; count++) {
    const pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0) continue;
    check("fork fails for want of children or memory", errno == EAGAIN || errno == ENOMEM);
    return count;
  }
  return MANY;
}

/** fork until it fails, wait for all, and fork again. */
export function forktest(count: i32): void {
  for (let round = 0; round < count; round++) {
    const children = forkUntilItFails();
    puts(`${children} children, then none`);
    check("fork works, and not for ever", children > 0 && children < MANY);
    for (let i = 0; i < children; i++) check("wait for each", reap(-1) > 1 && status() == 0);
    check("then there are none", wait() == -1 && errno == ECHILD);
  }
  awaitExit(inChild(() => {}));
}

/** Exit statuses arrive as they were given. */
export function exitwait(count: i32): void {
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid == 0) _exit(i * 7);
    awaitExit(pid, (i * 7) & 0xff);
  }
}

/** Two children at the same time, ending as they like. */
export function twochildren(count: i32): void {
  for (let i = 0; i < count; i++) {
    const first = fork();
    if (first == 0) _exit(1);
    const second = fork();
    if (second == 0) _exit(2);
    let sum = 0;
    for (let n = 0; n < 2; n++) {
      const pid = reap(-1);
      check("one of the two", pid == first || pid == second);
      sum += WEXITSTATUS(status());
    }
    check("each of them once", sum == 3);
  }
}

/** Two children that fork and wait at the same time. */
export function forkfork(count: i32): void {
  for (let i = 0; i < 2; i++) {
    const pid = fork();
    if (pid == 0) {
      checksForked();
      for (let n = 0; n < count; n++) awaitExit(inChild(() => {}));
      endChild();
    }
  }
  for (let i = 0; i < 2; i++) check("a child that forks", reap(-1) > 1 && status() == 0);
}

/** A child and its descendants fork as much as they can for `count` tenths of a second: the limit must hold. */
export function forkforkfork(count: i32): void {
  const deadline = now() + <i64>count * 100_000_000;
  const pid = fork();
  if (pid == 0) {
    while (now() < deadline) {
      if (fork() < 0) usleep(10_000);
    }
    _exit(0);
  }
  awaitExit(pid);
  settle();
}

/** Waits until the family has room for a child again: orphans may live a little longer. */
function settle(): void {
  const deadline = now() + PATIENCE;
  while (now() < deadline) {
    const pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0) return awaitExit(pid);
    usleep(50_000);
  }
  check("the family gets room again", false);
}

/** Waits for all children, adopted ones too; how many there were. */
function drain(): i32 {
  let count = 0;
  for (; reap(-1) > 0; count++) check("an orphan passes", status() == 0);
  return count;
}

function orphan(): void {
  const deadline = now() + PATIENCE;
  while (getppid() != 1 && now() < deadline) usleep(5000);
  check("an orphan's parent is process 1", getppid() == 1);
}

/** A child that ends while it has a child: wait gives the child, once, and never the grandchild, which process 1 gets. */
export function reparent(count: i32): void {
  for (let i = 0; i < count; i++) {
    awaitExit(
      inChild(() => {
        const pid = inChild(() => {
          inChild(orphan);
        });
        check("wait gives the child", reap(-1) == pid && status() == 0);
        check("and never a grandchild", wait() == -1 && errno == ECHILD);
      }),
    );
    settle();
  }
  check("process 1 waits for the orphans", drain() == count);
}

/** Children, grandchildren and theirs, none of which waits for another. */
export function reparent2(count: i32): void {
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid == 0) {
      fork();
      fork();
      _exit(0);
    }
    awaitExit(pid);
    settle();
  }
  drain();
}

/** A child takes all the memory there is, finds an end to it, and uses every page. */
export function mem(_count: i32): void {
  const pages = memory.size();
  awaitExit(
    inChild(() => {
      const start = memory.size();
      while (memory.grow(1) != -1) continue;
      check("there is memory to have", memory.size() > start);
      const end = (<usize>memory.size()) << 16;
      for (let at = (<usize>start) << 16; at < end; at += 4096) store<usize>(at, at ^ 0x5a5a);
      let wrong = 0;
      for (let at = (<usize>start) << 16; at < end; at += 4096) if (load<usize>(at) != (at ^ 0x5a5a)) wrong++;
      check(`${wrong} pages are wrong`, wrong == 0);
    }),
  );
  check("the parent has not grown", memory.size() == pages);
}

/** An address that is none fails with EFAULT, and the child is still there to wait for. */
export function copyout(_count: i32): void {
  const pid = fork();
  if (pid == 0) _exit(3);
  check("EFAULT", waitpid(pid, OUTSIDE) == -1 && errno == EFAULT);
  awaitExit(pid, 3);
}

function recurse(depth: i32): i32 {
  return depth == 0 ? 0 : recurse(depth - 1) + recurse(depth - 2 < 0 ? 0 : depth - 2) + depth;
}

/** A child that overflows its stack dies of SIGSEGV, and nobody else does. */
export function stacktest(_count: i32): void {
  const pid = fork();
  if (pid == 0) _exit(recurse(i32.MAX_VALUE));
  check("wait", reap(pid) == pid);
  check(`SIGSEGV, not ${status()}`, WIFSIGNALED(status()) && WTERMSIG(status()) == SIGSEGV);
}

/** Children that end while their parent looks for them without waiting: each is found, once. */
export function exitrace(count: i32): void {
  let found = 0;
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid == 0) {
      usleep((i % 3) * 3000);
      _exit(0);
    }
    while (reap(-1, WNOHANG) > 0) found++;
  }
  const deadline = now() + PATIENCE;
  while (found < count && now() < deadline) {
    const pid = reap(-1, WNOHANG);
    if (pid > 0) found++;
    else usleep(1000);
  }
  check(`${found} of ${count} children found by process ${getpid()}`, found == count);
  check("and no more", waitpid(-1, 0, WNOHANG) == -1 && errno == ECHILD);
}
