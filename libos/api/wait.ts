// sys/wait.h and the part of sys/resource.h that goes with it: waiting for children.
import { conclude, errno } from "./errno";
import * as posix from "./posix";
import { timeval } from "./time";

/** struct rusage. Only ru_utime and ru_maxrss are known; the rest is 0. */
@final
export class rusage {
  private userSeconds: i64 = 0;
  private userMicroseconds: i64 = 0;
  private systemSeconds: i64 = 0;
  private systemMicroseconds: i64 = 0;
  /** KiB; of a child, the memory it had for itself at its end, what it shared with relatives not counted. */
  ru_maxrss: i64 = 0;
  ru_ixrss: i64 = 0;
  ru_idrss: i64 = 0;
  ru_isrss: i64 = 0;
  ru_minflt: i64 = 0;
  ru_majflt: i64 = 0;
  ru_nswap: i64 = 0;
  ru_inblock: i64 = 0;
  ru_oublock: i64 = 0;
  ru_msgsnd: i64 = 0;
  ru_msgrcv: i64 = 0;
  ru_nsignals: i64 = 0;
  ru_nvcsw: i64 = 0;
  ru_nivcsw: i64 = 0;

  /** Processor time, the kernel's part included. */
  get ru_utime(): timeval {
    return new timeval(this.userSeconds, this.userMicroseconds);
  }

  /** Always 0. */
  get ru_stime(): timeval {
    return new timeval(this.systemSeconds, this.systemMicroseconds);
  }
}

/** siginfo_t as waitid and SA_SIGINFO fill it, laid out as Linux has it. */
@final
export class siginfo_t {
  /** The signal; for waitid SIGCHLD, 0 when no child was found. */
  si_signo: i32 = 0;
  si_errno: i32 = 0;
  /** CLD_EXITED, CLD_KILLED, CLD_STOPPED or CLD_CONTINUED; SI_USER, SI_QUEUE, SI_KERNEL; of faults SEGV_MAPERR and the like. */
  si_code: i32 = 0;
  private padding: i32 = 0;
  si_pid: i32 = 0;
  si_uid: u32 = 0;
  /** The exit status, or the signal. */
  si_status: i32 = 0;
  private padding2: i32 = 0;
  private rest0: u64 = 0;
  private rest1: u64 = 0;
  private rest2: u64 = 0;
  private rest3: u64 = 0;
  private rest4: u64 = 0;
  private rest5: u64 = 0;
  private rest6: u64 = 0;
  private rest7: u64 = 0;
  private rest8: u64 = 0;
  private rest9: u64 = 0;
  private rest10: u64 = 0;
  private rest11: u64 = 0;

  /** With SI_QUEUE: what sigqueue() was given, a number or an address. */
  get si_value(): i32 {
    return this.si_status;
  }

  /** Of SIGSEGV: what was accessed, an offset in the app's memory, or beyond it. Of other faults where the code is. */
  get si_addr(): u64 {
    return load<u64>(changetype<usize>(this), offsetof<siginfo_t>("si_pid"));
  }
}

/**
 * Waits until the child `pid` (-1: any, 0: one of the caller's process group, below that of group `-pid`) has ended, or with WUNTRACED stopped, with WCONTINUED gone on, and stores what it
 * did at `status` (i32*, 0 = not wanted) and what it used in `usage`. Returns its id; 0 with WNOHANG when there is nothing to
 * tell; -1: ECHILD (no such child), EINTR (a signal's handler has run). An end is told once.
 */
export function wait4(pid: i32, status: usize = 0, options: i32 = 0, usage: rusage | null = null): i32 {
  const target: usize = usage === null ? 0 : changetype<usize>(usage);
  return conclude(errno, posix.wait4(pid, status, options, target));
}

/** wait4 without the usage. */
export function waitpid(pid: i32, status: usize = 0, options: i32 = 0): i32 {
  return conclude(errno, posix.wait4(pid, status, options, 0));
}

/** Waits until any child has ended; otherwise like `waitpid`. */
export function wait(status: usize = 0): i32 {
  return waitpid(-1, status, 0);
}

/** Waits until any child has ended; otherwise like `wait4`. */
export function wait3(status: usize = 0, options: i32 = 0, usage: rusage | null = null): i32 {
  return wait4(-1, status, options, usage);
}

/**
 * Waits for child `id` (P_PID) any (P_ALL) or one of process group `id` (P_PGID; 0: the caller's) to do one of WEXITED, WSTOPPED, WCONTINUED, and stores what in `information`;
 * WNOWAIT leaves it to be told again. Returns 0, with WNOHANG also when there is nothing (si_pid is 0 then), or -1: ECHILD,
 * EINVAL, EINTR.
 */
export function waitid(
  kind: i32,
  id: i32,
  information: siginfo_t | null,
  options: i32,
  usage: rusage | null = null,
): i32 {
  const target: usize = information === null ? 0 : changetype<usize>(information);
  const usageTarget: usize = usage === null ? 0 : changetype<usize>(usage);
  return conclude(errno, posix.waitid(kind, id, target, options, usageTarget));
}

/** What the process (RUSAGE_SELF) or the children it has waited for (RUSAGE_CHILDREN) have used. Returns 0, or -1 (EINVAL). */
export function getrusage(who: i32, usage: rusage): i32 {
  return conclude(errno, posix.getrusage(who, changetype<usize>(usage)));
}

/** Of a status from wait: the child called exit or returned from main. */
export function WIFEXITED(status: i32): bool {
  return (status & 0x7f) == 0;
}

/** Of a status with WIFEXITED: the low eight bits of what the child gave to exit. */
export function WEXITSTATUS(status: i32): i32 {
  return (status >> 8) & 0xff;
}

/** Of a status from wait: the child crashed or a signal ended it. */
export function WIFSIGNALED(status: i32): bool {
  return (status & 0x7f) != 0 && (status & 0x7f) != 0x7f;
}

/** Of a status with WIFSIGNALED: the signal, also the one that POSIX has for the kind of crash (SIGSEGV, SIGFPE, SIGABRT …). */
export function WTERMSIG(status: i32): i32 {
  return status & 0x7f;
}

/** Of a status with WIFSIGNALED: false, since nobody keeps a core image here. */
export function WCOREDUMP(status: i32): bool {
  return (status & 0x80) != 0;
}

/** Of a status from wait with WUNTRACED: the child has stopped. */
export function WIFSTOPPED(status: i32): bool {
  return (status & 0xff) == 0x7f;
}

/** Of a status with WIFSTOPPED: the signal that stopped it. */
export function WSTOPSIG(status: i32): i32 {
  return (status >> 8) & 0xff;
}

/** Of a status from wait with WCONTINUED: the child goes on. */
export function WIFCONTINUED(status: i32): bool {
  return status == 0xffff;
}
