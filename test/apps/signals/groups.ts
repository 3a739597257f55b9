// Process groups and sessions of a family: who is in one is signalled and waited for with it.
import {
  ECHILD,
  EPERM,
  ESRCH,
  SIGTERM,
  SIGUSR1,
  SIG_DFL,
  WNOHANG,
  WTERMSIG,
  _exit,
  errno,
  fork,
  getpgid,
  getpgrp,
  getpid,
  getsid,
  kill,
  killpg,
  setpgid,
  setsid,
  signal,
  sleep,
  usleep,
  waitpid,
} from "karyon";
import { check } from "./check";

const statusWord = memory.data(4, 4);
const TICK = 20_000;
let caught = 0;

/** A child that sleeps until a signal ends it. */
function sleeper(): i32 {
  const pid = fork();
  if (pid == 0) while (true) sleep(600);
  return pid;
}

/** A child that begins a session and has a child in it: its exit status is 0 when all is as it should be. */
function session(): void {
  const pid = fork();
  if (pid == 0) {
    const own = getpid();
    let holds = setsid() == own && getpgrp() == own && getsid(0) == own && getpgid(1) == 1;
    holds = holds && setsid() == -1 && errno == EPERM;
    const child = sleeper();
    holds = holds && getpgid(child) == own && getsid(child) == own;
    signal(SIGUSR1, (_: i32) => {
      caught++;
    });
    holds = holds && kill(0, SIGUSR1) == 0 && caught == 1;
    holds = holds && waitpid(0, statusWord) == child && WTERMSIG(load<i32>(statusWord)) == SIGUSR1;
    _exit(holds ? 0 : 1);
  }
  check("a session", waitpid(pid, statusWord) == pid && load<i32>(statusWord) == 0);
}

export function groups(): void {
  check("the first process leads", getpgrp() == 1 && getsid(0) == 1 && setpgid(0, 0) == -1 && errno == EPERM);
  const one = sleeper();
  const two = sleeper();
  check("a child is in its parent's group", getpgid(one) == 1);
  check("a group begins", setpgid(one, 0) == 0 && getpgid(one) == one);
  check("another joins it", setpgid(two, one) == 0 && getpgid(two) == one);
  check("one that is not there cannot be joined", setpgid(two, 9999) == -1 && errno == EPERM);
  check("they are waited for", waitpid(-one, 0, WNOHANG) == 0 && waitpid(0, 0, WNOHANG) == -1 && errno == ECHILD);
  signal(SIGTERM, (_: i32) => {
    caught++;
  });
  check("a signal for the group", killpg(one, SIGTERM) == 0);
  const first = waitpid(-one, statusWord);
  const second = waitpid(-one);
  check("ends both", first + second == one + two && WTERMSIG(load<i32>(statusWord)) == SIGTERM && caught == 0);
  while (kill(-one, 0) == 0) usleep(TICK); // forkd may not have heard of both ends
  check("and there is none any more", errno == ESRCH && waitpid(-one) == -1 && errno == ECHILD);
  signal(SIGTERM, SIG_DFL);
  session();
}
