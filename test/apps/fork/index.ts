// fork and wait from inside, for test/lab/fork.test.ts: run with nobody to serve fork ("alone"), or for all there is.
import {
  CLOCK_MONOTONIC,
  ECHILD,
  ENOSYS,
  SIGABRT,
  SIGFPE,
  SIGSEGV,
  WEXITSTATUS,
  WIFEXITED,
  WIFSIGNALED,
  WNOHANG,
  WTERMSIG,
  _exit,
  clock_gettime,
  errno,
  fork,
  getpid,
  getppid,
  getrandom,
  pthread_create,
  pthread_self,
  puts,
  sched_yield,
  time,
  timespec,
  usleep,
  vfork,
  wait,
  waitpid,
} from "karyon";
import { check, checksForked, failureCount } from "./check";
import { pipes } from "./pipes";

const WORDS = 64 * 1024;
const words = new StaticArray<u32>(WORDS);
const statusWord = memory.data(4, 4);
let global = 1;

function status(): i32 {
  return load<i32>(statusWord);
}

function fill(seed: u32): void {
  for (let i = 0; i < WORDS; i++) words[i] = seed ^ (<u32>i * 0x9e3779b1);
}

function holds(seed: u32): bool {
  for (let i = 0; i < WORDS; i++) if (words[i] != (seed ^ (<u32>i * 0x9e3779b1))) return false;
  return true;
}

function nanoseconds(): i64 {
  const now = new timespec();
  clock_gettime(CLOCK_MONOTONIC, now);
  return now.tv_sec * 1_000_000_000 + now.tv_nsec;
}

/** Waits for `pid` and checks that it has exited with 0: all its checks passed. */
function awaitGood(pid: i32): void {
  check(`waitpid(${pid})`, waitpid(pid, statusWord) == pid);
  check(`${pid} exited with 0`, WIFEXITED(status()) && WEXITSTATUS(status()) == 0);
}

function memoryAndTime(): void {
  fill(1);
  global = 2;
  const before = nanoseconds();
  const wallBefore = time();
  const parent = getpid();
  const pid = fork();
  if (pid == 0) {
    checksForked();
    check("the child has the parent's memory", global == 2 && holds(1));
    check("its parent is its parent", getppid() == parent);
    check("it has a pid of its own", getpid() != parent && getpid() > 1);
    check("monotonic time has not gone back", nanoseconds() >= before);
    check("wall-clock time has not gone back", time() >= wallBefore);
    const slept = nanoseconds();
    usleep(20_000);
    check("it can sleep", nanoseconds() - slept >= 20_000_000);
    global = 3;
    fill(2);
    usleep(200_000); // the parent writes meanwhile
    check("the child's writes are its own", global == 3 && holds(2));
    check("it has no children", waitpid(-1, 0, WNOHANG) == -1 && errno == ECHILD);
    _exit(failureCount());
  }
  check("fork returns the child's pid", pid > 1);
  check("WNOHANG: the child runs", waitpid(pid, statusWord, WNOHANG) == 0);
  global = 4;
  fill(3);
  awaitGood(pid);
  check("the parent's memory is its own", global == 4 && holds(3));
  check("a child is waited for once", waitpid(pid) == -1 && errno == ECHILD);
}

function exitStatuses(): void {
  const pid = vfork();
  if (pid == 0) _exit(0x1ff);
  check("an exit status has eight bits", wait(statusWord) == pid && status() == 0xff00);
  check("ECHILD when there are no more", wait() == -1 && errno == ECHILD);
}

function several(): void {
  const pids = new StaticArray<i32>(3);
  for (let i = 0; i < 3; i++) {
    const pid = fork();
    if (pid == 0) _exit(10 + i);
    pids[i] = pid;
  }
  check("three children", pids[0] > 1 && pids[1] > pids[0] && pids[2] > pids[1]);
  check("the last one first", waitpid(pids[2], statusWord) == pids[2] && WEXITSTATUS(status()) == 12);
  let sum = 0;
  for (let i = 0; i < 2; i++) {
    const pid = wait(statusWord);
    if (pid == pids[0] || pid == pids[1]) sum += WEXITSTATUS(status());
  }
  check("then the others", sum == 21);
}

function generations(): void {
  const pid = fork();
  if (pid == 0) {
    checksForked();
    const child = getpid();
    const grandchild = fork();
    if (grandchild == 0) {
      checksForked();
      check("a grandchild's parent is the child", getppid() == child);
      _exit(failureCount() == 0 ? 5 : 6);
    }
    check("a child can fork", grandchild > child);
    check("and wait", waitpid(grandchild, statusWord) == grandchild && WEXITSTATUS(status()) == 5);
    _exit(failureCount());
  }
  awaitGood(pid);
  check("grandchildren are nobody else's children", wait() == -1 && errno == ECHILD);
}

function divide(by: i32): i32 {
  return 7 / by;
}

function crash(kind: i32): void {
  if (kind == SIGSEGV) store<u32>(0x7fff_0000, 1);
  else if (kind == SIGFPE) global = divide(global - 4);
  else abort();
}

function crashes(): void {
  const signals: StaticArray<i32> = [SIGSEGV, SIGFPE, SIGABRT];
  for (let i = 0; i < signals.length; i++) {
    const pid = fork();
    if (pid == 0) {
      crash(signals[i]);
      _exit(0);
    }
    check(`the child that gets signal ${signals[i]} ends`, waitpid(pid, statusWord) == pid);
    check("and is WIFSIGNALED", WIFSIGNALED(status()) && !WIFEXITED(status()) && WTERMSIG(status()) == signals[i]);
  }
}

function turn(_argument: i32): i32 {
  while (global != 0) {
    global++;
    sched_yield();
    usleep(1000);
  }
  return 0;
}

function threads(): void {
  const thread = pthread_create<i32>(turn, 0);
  check("a second thread", thread > 1);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    const seen = global;
    usleep(50_000);
    check("only the thread that forked is in the child", global == seen && pthread_self() == 1);
    _exit(failureCount());
  }
  awaitGood(pid);
  const seen = global;
  usleep(50_000);
  check("the parent's threads go on", global > seen);
}

function randomness(): void {
  const own = memory.data(4, 4);
  const pid = fork();
  getrandom(own, 4);
  if (pid == 0) _exit(load<u8>(own) == 0 ? 1 : load<u8>(own));
  const mine = load<u8>(own) == 0 ? 1 : load<u8>(own);
  check("a child for random numbers", waitpid(pid, statusWord) == pid && WIFEXITED(status()));
  // One byte may be the same by chance: the parent's next ones are printed for a reader only.
  puts(`random: ${mine} and ${WEXITSTATUS(status())}`);
}

export function main(args: string[]): i32 {
  if (args.length > 0 && args[0] == "alone") {
    check("fork fails with ENOSYS", fork() == -1 && errno == ENOSYS);
    check("wait fails with ECHILD", wait() == -1 && errno == ECHILD);
  } else {
    memoryAndTime();
    exitStatuses();
    pipes();
    several();
    generations();
    crashes();
    randomness();
    threads();
  }
  puts(failureCount() == 0 ? "fork: all passed" : `fork: ${failureCount()} failed`);
  return failureCount() == 0 ? 0 : 1;
}
