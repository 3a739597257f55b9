// Faults with handlers: each child does something wrong, and its handler tells what it knows by the exit status.
import {
  FPE_INTDIV,
  FPE_INTOVF,
  ILL_ILLOPN,
  SA_SIGINFO,
  SEGV_MAPERR,
  SIGABRT,
  SIGFPE,
  SIGILL,
  SIGSEGV,
  SIGUSR1,
  SIG_BLOCK,
  WEXITSTATUS,
  WIFEXITED,
  WIFSIGNALED,
  WTERMSIG,
  _exit,
  abort,
  fork,
  getpid,
  kill,
  pthread_create,
  pthread_join,
  sigaction,
  sigaction_t,
  sigaddset,
  siginfo_t,
  sigprocmask,
  sigset_t,
  waitpid,
} from "karyon";
import { check } from "./check";

const statusWord = memory.data(4, 4);
const NOWHERE: usize = 0xf000_0000;
const FOUND = 40;
const MENDED = 41;
let expected: i32 = 0;
let inner = 0;
let times = 0;
export let sink = 0;

type Wrong = () => void;

function handle(signal: i32, handler: (signal: i32, information: siginfo_t) => void): void {
  const action = new sigaction_t();
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  sigaction(signal, action);
}

/** A system call within it, whose signal has a handler of its own. */
function tell(signal: i32, information: siginfo_t): void {
  kill(getpid(), SIGUSR1);
  const isWhere = signal != SIGSEGV || information.si_addr == NOWHERE;
  _exit(information.si_code == expected && isWhere && inner == 1 ? FOUND : information.si_code);
}

/** What has become of a child that does `wrong`. */
function status(wrong: Wrong): i32 {
  const pid = fork();
  if (pid == 0) {
    wrong();
    _exit(99);
  }
  waitpid(pid, statusWord);
  return load<i32>(statusWord);
}

function found(what: string, signal: i32, code: i32, wrong: Wrong): void {
  expected = code;
  handle(signal, tell);
  const result = status(wrong);
  check(`${what} has its handler run`, WIFEXITED(result) && WEXITSTATUS(result) == FOUND);
  sigaction(signal, new sigaction_t());
  const ended = status(wrong);
  check(`${what} ends the process without one`, WIFSIGNALED(ended) && WTERMSIG(ended) == signal);
}

function overflow(depth: i32): i32 {
  return depth == -1 ? 0 : overflow(depth + 1) + overflow(depth + 2);
}

function badPointer(): void {
  store<u32>(NOWHERE, 1);
}

/** The handler makes the memory larger; what was tried goes on. */
function mend(_signal: i32, _information: siginfo_t): void {
  times++;
  if (memory.grow(1) < 0) _exit(98);
}

function endOfMemory(): void {
  const end = (<usize>memory.size()) << 16;
  store<u32>(end, 4711);
  getpid(); // a variable that a handler has changed is seen so behind a call, as in C
  _exit(load<u32>(end) == 4711 && times == 1 ? MENDED : 97);
}

function mendedOnThread(_argument: i32): i32 {
  endOfMemory();
  return 0;
}

function heldUp(): void {
  const set = new sigset_t();
  sigaddset(set, SIGSEGV);
  sigprocmask(SIG_BLOCK, set);
  badPointer();
}

export function faults(): void {
  handle(SIGUSR1, (_: i32, __: siginfo_t) => {
    inner++;
  });
  found("a bad address", SIGSEGV, SEGV_MAPERR, badPointer);
  found("a division by zero", SIGFPE, FPE_INTDIV, () => {
    sink = 1 / inner;
  });
  found("an overflow", SIGFPE, FPE_INTOVF, () => {
    sink = i32.MIN_VALUE / (inner - 1);
  });
  found("an indirect call of nothing", SIGILL, ILL_ILLOPN, () => {
    call_indirect(100_000 + inner);
  });
  handle(SIGABRT, (_: i32, __: siginfo_t) => {
    times++;
  });
  const aborted = status(() => abort());
  check("abort ends the process behind its handler", WIFSIGNALED(aborted) && WTERMSIG(aborted) == SIGABRT);
  sigaction(SIGABRT, new sigaction_t());
  handle(SIGSEGV, mend);
  times = 0;
  check("a handler that mends what is wrong returns to it", WEXITSTATUS(status(endOfMemory)) == MENDED);
  times = 0;
  const onThread = status(() => {
    pthread_join(pthread_create(mendedOnThread, 0));
  });
  check("on any thread", WEXITSTATUS(onThread) == MENDED);
  check("held up, it is the end", WTERMSIG(status(heldUp)) == SIGSEGV);
  const overflown = status(() => {
    sink = overflow(0);
  });
  check("a stack that is full has no room for one", WTERMSIG(overflown) == SIGSEGV);
  handle(SIGSEGV, (_: i32, __: siginfo_t) => badPointer());
  check("a fault in its own handler is the end", WTERMSIG(status(badPointer)) == SIGSEGV);
  sigaction(SIGSEGV, new sigaction_t());
  sigaction(SIGUSR1, new sigaction_t());
}
