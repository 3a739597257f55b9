// Taking signals of a child's instead of having handlers run, and waiting under a mask of one's own.
import {
  CLD_EXITED,
  EINTR,
  POLLIN,
  PollSet,
  SIGCHLD,
  SIGUSR1,
  SIG_BLOCK,
  SIG_DFL,
  SIG_SETMASK,
  SI_QUEUE,
  _exit,
  close,
  errno,
  fork,
  getpgrp,
  getpid,
  getppid,
  kill,
  killpg,
  ppoll,
  read,
  sigaddset,
  siginfo_t,
  signal,
  signalfd,
  signalfd_siginfo,
  sigprocmask,
  sigqueue,
  sigset_t,
  sigtimedwait,
  sigwait,
  sigwaitinfo,
  timespec,
  usleep,
  waitpid,
} from "karyon";
import { check } from "./check";

const TICK = 20_000;
const number = memory.data(4, 4);
const record = changetype<signalfd_siginfo>(memory.data(128, 8));
let caught = 0;

/** A child that sends its parent SIGUSR1 and ends with status 7. */
function sender(): i32 {
  const pid = fork();
  if (pid != 0) return pid;
  usleep(10 * TICK);
  kill(getppid(), SIGUSR1);
  _exit(7);
  return 0;
}

export function waits(): void {
  const set = new sigset_t();
  const none = new sigset_t();
  sigaddset(set, SIGUSR1);
  sigaddset(set, SIGCHLD);
  sigprocmask(SIG_BLOCK, set);

  let pid = sender();
  const usr1 = new sigset_t();
  sigaddset(usr1, SIGUSR1);
  check("sigwait", sigwait(usr1, number) == 0 && load<i32>(number) == SIGUSR1);
  const told = new siginfo_t();
  check("sigtimedwait", sigtimedwait(set, told, new timespec(60)) == SIGCHLD);
  check("tells of the child", told.si_pid == pid && told.si_code == CLD_EXITED && told.si_status == 7);
  check("which is waited for", waitpid(pid) == pid);

  pid = sender();
  const fd = signalfd(-1, set);
  const poll = new PollSet(1);
  poll.add(fd, POLLIN);
  check("a signalfd becomes readable", poll.wait(60_000) == 1);
  check("of SIGUSR1", read(fd, changetype<usize>(record), 128) == 128 && record.ssi_signo == SIGUSR1);
  check("and who has sent it", <i32>record.ssi_pid == pid);
  check("then of SIGCHLD", read(fd, changetype<usize>(record), 128) == 128 && record.ssi_signo == SIGCHLD);
  check("with its status", record.ssi_status == 7 && waitpid(pid) == pid && close(fd) == 0);

  check("a signal with a value", sigqueue(getpid(), SIGUSR1, -7) == 0 && sigwaitinfo(usr1, told) == SIGUSR1);
  check("which is told", told.si_code == SI_QUEUE && told.si_value == -7 && told.si_pid == getpid());
  pid = fork();
  if (pid == 0) _exit(sigqueue(getppid(), SIGUSR1, 78) == 0 ? 0 : 1);
  check("a child's with a value", sigwaitinfo(usr1, told) == SIGUSR1 && told.si_code == SI_QUEUE);
  check("which is told, too", told.si_value == 78 && told.si_pid == pid && waitpid(pid) == pid);

  signal(SIGUSR1, (_: i32) => {
    caught++;
  });
  pid = sender();
  const result = ppoll(0, 0, new timespec(60), none);
  check("ppoll lets a signal through", result == -1 && errno == EINTR && caught == 1);
  check("the group", killpg(getpgrp(), 0) == 0 && killpg(0, 0) == 0 && killpg(2, 0) == -1);
  while (waitpid(pid) != pid);
  signal(SIGUSR1, SIG_DFL);
  while (sigtimedwait(set, null, new timespec()) > 0);
  sigprocmask(SIG_SETMASK, none);
}
