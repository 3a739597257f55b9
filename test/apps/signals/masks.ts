// sigaction, the mask of signals and the interval timer, between a parent and a child.
import {
  CLD_EXITED,
  EINTR,
  EPIPE,
  ITIMER_REAL,
  SA_RESTART,
  SA_SIGINFO,
  SIGALRM,
  SIGCHLD,
  SIGPIPE,
  SIGTERM,
  SIGUSR1,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_SETMASK,
  SI_USER,
  _exit,
  alarm,
  close,
  errno,
  fork,
  getitimer,
  getpid,
  getppid,
  itimerval,
  kill,
  pause,
  pipe,
  read,
  setitimer,
  sigaction,
  sigaction_t,
  sigaddset,
  siginfo_t,
  sigismember,
  signal,
  sigpending,
  sigprocmask,
  sigset_t,
  sigsuspend,
  usleep,
  waitpid,
  write,
} from "karyon";
import { check } from "./check";

const TICK = 20_000;
const PATIENCE = 3000; // ticks, a minute
const ends: StaticArray<i32> = [-1, -1];
/** A byte for each SIGUSR1 that was handled: who has sent it need not guess when that is. */
const handled: StaticArray<i32> = [-1, -1];
const bytes = memory.data(8, 8);
let caught = 0;
let code = -1;
let sender = 0;
let value = -1;

function count(number: i32): void {
  caught++;
  if (number == SIGUSR1) write(handled[1], bytes, 1);
}

function tell(number: i32, information: siginfo_t): void {
  if (information.si_signo != number) return;
  code = information.si_code;
  sender = information.si_pid;
  value = information.si_status;
  count(number);
}

function act(number: i32, flags: u32): void {
  const action = new sigaction_t();
  action.sa_handler = count;
  action.sa_sigaction = tell;
  action.sa_flags = flags;
  check(`sigaction for ${number}`, sigaction(number, action) == 0);
  caught = 0;
}

/** Waits for child `pid`, whatever interrupts that. */
function reap(pid: i32): void {
  while (waitpid(pid) == -1 && errno == EINTR);
}

/** A child that sends its parent SIGUSR1 `times` times, waits until it was `handles` times handled, writes a byte to the pipe and ends. */
function sendingChild(times: i32, handles: i32): i32 {
  const pid = fork();
  if (pid != 0) return pid;
  usleep(10 * TICK);
  for (let i = 0; i < times; i++) kill(getppid(), SIGUSR1);
  for (let i = 0; i < handles; i++) read(handled[0], bytes, 1);
  usleep(10 * TICK);
  write(ends[1], bytes, 1);
  _exit(7);
  return 0;
}

function blocked(): void {
  act(SIGUSR1, 0);
  const set = new sigset_t();
  const before = new sigset_t();
  sigaddset(set, SIGUSR1);
  check("sigprocmask", sigprocmask(SIG_BLOCK, set, before) == 0 && before.bits == 0);
  check("a read is not interrupted by what is held up", readWhile(2, 0) == 1 && caught == 0);
  const pending = new sigset_t();
  check("sigpending has it", sigpending(pending) == 0 && sigismember(pending, SIGUSR1) == 1);
  check("sigsuspend lets it through", sigsuspend(before) == -1 && errno == EINTR && caught == 1);
  check("and nothing is left", sigpending(pending) == 0 && pending.bits == 0);
  kill(getpid(), SIGUSR1);
  check("it is held up again", caught == 1);
  check("until the mask is as before", sigprocmask(SIG_SETMASK, before) == 0 && caught == 2);
  for (let i = 0; i < 2; i++) read(handled[0], bytes, 1);
}

/** What a read of an empty pipe returns while sendingChild() does its work. */
function readWhile(times: i32, handles: i32): i32 {
  const pid = sendingChild(times, handles);
  const result = read(ends[0], bytes, 1);
  const error = errno;
  if (result < 0) while (read(ends[0], bytes, 1) != 1);
  reap(pid);
  return result < 0 ? -error : result;
}

function restarts(): void {
  act(SIGUSR1, SA_RESTART);
  check("SA_RESTART: a read goes on behind the handler", readWhile(1, 1) == 1 && caught == 1);
  act(SIGUSR1, 0);
  check("without it the read ends", readWhile(1, 1) == -EINTR && caught == 1);
}

function information(): void {
  act(SIGUSR1, SA_SIGINFO | SA_RESTART);
  const pid = sendingChild(1, 1);
  check("SA_SIGINFO: a read", read(ends[0], bytes, 1) == 1 && caught == 1);
  check("and who has sent the signal", code == SI_USER && sender == pid);
  reap(pid);
  act(SIGCHLD, SA_SIGINFO | SA_RESTART);
  const child = fork();
  if (child == 0) _exit(9);
  reap(child);
  for (let i = 0; i < 100 && caught == 0; i++) usleep(TICK);
  check("what a child has done", code == CLD_EXITED && sender == child && value == 9);
  signal(SIGCHLD, SIG_DFL);
}

function timers(): void {
  act(SIGALRM, 0);
  check("no alarm was set", alarm(1) == 0);
  check("alarm ends a pause", pause() == -1 && errno == EINTR && caught == 1);
  check("setitimer", setitimer(ITIMER_REAL, new itimerval(0, 50_000, 0, 50_000)) == 0);
  while (caught < 5) pause();
  check("a timer comes again and again", caught >= 5);
  const pid = fork();
  if (pid == 0) {
    const times = new itimerval();
    getitimer(ITIMER_REAL, times);
    _exit(times.it_value_sec == 0 && times.it_value_usec == 0 ? 0 : 1);
  }
  const status = memory.data(4, 4);
  while (waitpid(pid, status) == -1 && errno == EINTR);
  check("a child has no timer", load<i32>(status) == 0);
  check("until it is stopped", setitimer(ITIMER_REAL, new itimerval()) == 0);
  const before = caught;
  usleep(10 * TICK);
  check("then no more", caught == before);
  signal(SIGALRM, SIG_DFL);
}

/** A child holds up SIGTERM; the mask goes on to its own child. */
function inherited(): void {
  const set = new sigset_t();
  sigaddset(set, SIGTERM);
  sigprocmask(SIG_BLOCK, set);
  const pid = fork();
  if (pid == 0) {
    const pending = new sigset_t();
    for (let i = 0; i < PATIENCE && sigismember(pending, SIGTERM) == 0; i++) {
      usleep(TICK);
      sigpending(pending);
    }
    _exit(sigismember(pending, SIGTERM) == 1 ? 5 : 6);
  }
  usleep(5 * TICK);
  kill(pid, SIGTERM);
  const status = memory.data(4, 4);
  check("a child inherits the mask", waitpid(pid, status) == pid && load<i32>(status) == 5 << 8);
  sigprocmask(SIG_SETMASK, new sigset_t());
}

/** A pipe that nobody reads any more ends the child that writes to it, and not its parent, which ignores SIGPIPE. */
function brokenPipe(): void {
  const pid = fork();
  const own: StaticArray<i32> = [-1, -1];
  if (pid == 0) {
    pipe(own);
    close(own[0]);
    write(own[1], bytes, 1);
    _exit(8);
  }
  const status = memory.data(4, 4);
  check("SIGPIPE ends a child", waitpid(pid, status) == pid && load<i32>(status) == SIGPIPE);
  signal(SIGPIPE, SIG_IGN);
  pipe(own);
  close(own[0]);
  check("ignored, EPIPE remains", write(own[1], bytes, 1) == -1 && errno == EPIPE);
  close(own[1]);
  signal(SIGPIPE, SIG_DFL);
}

/** Signals that are not to interrupt a check are not sent meanwhile. */
export function masks(): void {
  check("two pipes", pipe(ends) == 0 && pipe(handled) == 0);
  blocked();
  restarts();
  information();
  timers();
  inherited();
  brokenPipe();
  signal(SIGUSR1, SIG_DFL);
  close(ends[0]);
  close(ends[1]);
  close(handled[0]);
  close(handled[1]);
}
