// Signals between the members of a family from inside, for test/lab/signals.test.ts.
import {
  CLD_KILLED,
  ECHILD,
  EINVAL,
  ESRCH,
  P_PID,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  SIGTSTP,
  SIGUSR1,
  SIGUSR2,
  SIG_DFL,
  SIG_IGN,
  WCONTINUED,
  WEXITED,
  WEXITSTATUS,
  WIFCONTINUED,
  WIFEXITED,
  WIFSIGNALED,
  WIFSTOPPED,
  WNOHANG,
  WNOWAIT,
  WSTOPSIG,
  WTERMSIG,
  WUNTRACED,
  _exit,
  errno,
  fork,
  getpid,
  getppid,
  kill,
  pause,
  puts,
  raise,
  rusage,
  siginfo_t,
  signal,
  sleep,
  usleep,
  wait,
  wait4,
  waitid,
  waitpid,
} from "karyon";
import { check, checksForked, failureCount } from "./check";
import { faults } from "./faults";
import { groups } from "./groups";
import { masks } from "./masks";
import { STATES, enter } from "./states";
import { threads } from "./threads";
import { waits } from "./waits";

const statusWord = memory.data(4, 4);
const TICK = 20_000;
const PATIENCE = 3000; // ticks, a minute
let answers = 0;
let caught = 0;
let reaped = 0;
export let spins: u32 = 0;
let forkedInHandler = 0;

function status(): i32 {
  return load<i32>(statusWord);
}

function onAnswer(_signal: i32): void {
  answers++;
}

function onSignal(number: i32): void {
  caught = number;
}

/** Signals `pid` until it answers: it may not have got to where it can, or between two of its calls. */
function signalUntilAnswered(pid: i32, number: i32): bool {
  const before = answers;
  for (let i = 0; i < PATIENCE / 10 && answers == before; i++) {
    if (kill(pid, number) != 0) return false;
    for (let j = 0; j < 10 && answers == before; j++) usleep(TICK);
  }
  return answers > before;
}

function childInState(name: string): void {
  checksForked();
  const interrupted = enter(name);
  check(`${name} is interrupted by a signal`, interrupted && caught == SIGUSR1);
  signal(SIGUSR1, SIG_IGN); // one more may be on its way
  kill(getppid(), SIGUSR2);
  enter(name);
  _exit(99);
}

/** A child in each state handles a signal, and is ended by another: SIGTERM and SIGKILL in turn. */
function everyState(): void {
  for (let i = 0; i < STATES.length; i++) {
    const name = STATES[i];
    signal(SIGUSR1, onSignal); // before there is a child that it could end
    const pid = fork();
    if (pid == 0) childInState(name);
    if (name == "computing") usleep(10 * TICK);
    else check(`${name}: its handler runs`, signalUntilAnswered(pid, SIGUSR1));
    const number = (i & 1) == 0 ? SIGTERM : SIGKILL;
    check(`${name}: signal ${number}`, kill(pid, number) == 0);
    check(`${name}: ends it`, waitForChange(pid, 0) && WIFSIGNALED(status()) && WTERMSIG(status()) == number);
    if (name == "wait") {
      // Its children are process 1's now.
      check("an orphan is waited for", wait(statusWord) > pid && WEXITSTATUS(status()) == 17);
      while (wait() > 0);
    }
  }
}

function endedChildren(): void {
  const pid = fork();
  if (pid == 0) _exit(1);
  const information = new siginfo_t();
  check("waitid sees it end", waitid(P_PID, pid, information, WEXITED | WNOWAIT) == 0 && information.si_pid == pid);
  check("a zombie can be sent signals", kill(pid, SIGKILL) == 0 && kill(pid, 0) == 0);
  check("which change nothing", waitpid(pid, statusWord) == pid && WIFEXITED(status()) && WEXITSTATUS(status()) == 1);
  check("then there is no such process", kill(pid, SIGTERM) == -1 && errno == ESRCH);
  check("nor any other", kill(4711, 0) == -1 && errno == ESRCH);
  check("nor any other signal", kill(getpid(), 32) == -1 && errno == EINVAL);
}

function onChild(_signal: i32): void {
  while (waitpid(-1, 0, WNOHANG) > 0) reaped++;
}

function childSignals(): void {
  signal(SIGCHLD, onChild);
  for (let i = 0; i < 3; i++) {
    if (fork() == 0) {
      usleep(i * TICK);
      _exit(0);
    }
  }
  for (let i = 0; i < PATIENCE && reaped < 3; i++) usleep(TICK);
  check("SIGCHLD comes for each child that ends", reaped == 3);
  signal(SIGCHLD, SIG_IGN);
  const pid = fork();
  if (pid == 0) _exit(0);
  check("ignored, it leaves no zombie", waitpid(pid) == -1 && errno == ECHILD);
  signal(SIGCHLD, SIG_DFL);
}

/** A child that answers all the time, but not while it is stopped. */
function stopAndContinue(): void {
  const pid = fork();
  if (pid == 0) {
    while (true) {
      kill(getppid(), SIGUSR2);
      usleep(TICK);
    }
  }
  check("WNOHANG: it has not stopped", waitpid(pid, statusWord, WUNTRACED | WNOHANG) == 0);
  check("SIGSTOP", kill(pid, SIGSTOP) == 0);
  check("stops it", waitForChange(pid, WUNTRACED) && WIFSTOPPED(status()) && WSTOPSIG(status()) == SIGSTOP);
  usleep(2 * TICK);
  const before = answers;
  for (let i = 0; i < 20; i++) usleep(TICK);
  check("it does nothing", answers == before);
  check("SIGSTOP again changes nothing", kill(pid, SIGSTOP) == 0 && waitpid(pid, 0, WUNTRACED | WNOHANG) == 0);
  check("SIGCONT", kill(pid, SIGCONT) == 0);
  check("continues it", waitForChange(pid, WCONTINUED) && WIFCONTINUED(status()));
  for (let i = 0; i < PATIENCE && answers == before; i++) usleep(TICK);
  check("it goes on", answers > before);
  check("SIGTSTP", kill(pid, SIGTSTP) == 0);
  check("stops it by default", waitForChange(pid, WUNTRACED) && WSTOPSIG(status()) == SIGTSTP);
  check("a stopped one gets SIGTERM later", kill(pid, SIGTERM) == 0 && waitpid(pid, 0, WNOHANG) == 0);
  const information = new siginfo_t();
  check("SIGKILL at once", kill(pid, SIGKILL) == 0 && waitidAgain(pid, information));
  check("and it says so", information.si_code == CLD_KILLED && information.si_status == SIGKILL);
}

/** Waits; answers may interrupt that. */
function waitForChange(pid: i32, options: i32): bool {
  for (let i = 0; i < PATIENCE; i++) if (waitpid(pid, statusWord, options) == pid) return true;
  return false;
}

function waitidAgain(pid: i32, information: siginfo_t): bool {
  for (let i = 0; i < PATIENCE; i++) if (waitid(P_PID, pid, information, WEXITED) == 0) return true;
  return false;
}

function stopItself(): void {
  const pid = fork();
  if (pid == 0) _exit(raise(SIGSTOP) == 0 ? 4 : 5);
  check("a process can stop itself", waitForChange(pid, WUNTRACED) && WSTOPSIG(status()) == SIGSTOP);
  check("and is continued", kill(pid, SIGCONT) == 0 && waitForChange(pid, 0) && WEXITSTATUS(status()) == 4);
}

function handlerThatForks(number: i32): void {
  forkedInHandler = fork();
  if (forkedInHandler == 0) _exit(number);
}

function handlers(): void {
  signal(SIGUSR1, handlerThatForks);
  check("raise returns when the handler has run", raise(SIGUSR1) == 0 && forkedInHandler > 0);
  check("which has forked", waitpid(forkedInHandler, statusWord) == forkedInHandler);
  check("a child that knows its signal", WEXITSTATUS(status()) == SIGUSR1);
  signal(SIGUSR1, onSignal);
  caught = 0;
  const pid = fork();
  if (pid == 0) {
    while (caught != SIGUSR1) pause();
    _exit(6); // the disposition was inherited
  }
  usleep(10 * TICK);
  check("a signal for the whole family", kill(0, SIGUSR1) == 0 && caught == SIGUSR1);
  for (let i = 0; i < 100 && waitpid(pid, statusWord, WNOHANG) == 0; i++) {
    usleep(5 * TICK);
    kill(pid, SIGUSR1); // the first may have come just before pause
  }
  check("reaches the others", WIFEXITED(status()) && WEXITSTATUS(status()) == 6);
  check("SIGKILL cannot be caught", signal(SIGKILL, onSignal) === null && errno == EINVAL);
  check("signal returns what was", signal(SIGUSR1, SIG_IGN) == onSignal && signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

function usage(): void {
  const pid = fork();
  if (pid == 0) {
    for (let i = 0; i < 30_000_000; i++) spins += i;
    _exit(0);
  }
  const used = new rusage();
  check("wait4", wait4(pid, statusWord, 0, used) == pid);
  check("tells the time", used.ru_utime.tv_sec * 1_000_000 + used.ru_utime.tv_usec > 1000);
  check("and the memory", used.ru_maxrss > 100);
}

/** A child kills its parent, the first of the family. */
function parricide(): void {
  puts("ready for the child");
  if (fork() == 0) {
    kill(getppid(), SIGKILL);
    _exit(0);
  }
  while (true) sleep(1000);
}

function waitForTermination(): i32 {
  signal(SIGTERM, onSignal);
  puts("ready for SIGTERM");
  while (caught != SIGTERM) pause();
  puts("caught SIGTERM");
  return 3;
}

function summary(): i32 {
  puts(failureCount() == 0 ? "signals: all passed" : `signals: ${failureCount()} failed`);
  return failureCount() == 0 ? 0 : 1;
}

export function main(args: string[]): i32 {
  if (args.length > 0 && args[0] == "faults") {
    faults();
    return summary();
  }
  if (args.length > 0 && args[0] == "terminate") return waitForTermination();
  if (args.length > 0 && args[0] == "parricide") parricide();
  signal(SIGUSR2, onAnswer);
  endedChildren();
  everyState();
  childSignals();
  stopAndContinue();
  stopItself();
  handlers();
  masks();
  waits();
  threads();
  groups();
  usage();
  return summary();
}
