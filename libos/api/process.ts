// The part of unistd.h that makes processes, and sys/wait.h. A process is a domain of its own: fork duplicates the domain
// (docs/fork.md). It needs forkd in dom0 and `"fork"` in the app's manifest.
import { conclude, errno } from "./errno";
import * as posix from "./posix";
import { forgetOtherThreads } from "./thread";

/**
 * Makes a copy of the process that goes on here, too. Returns the child's process id in the parent, 0 in the child, -1 on
 * error: ENOSYS (nobody serves fork here), EAGAIN (as many children as the manifest allows, or not now), ENOMEM.
 * Only the calling thread is there in the child; open descriptors are copies, connections stay with the parent.
 */
export function fork(): i32 {
  const pid = conclude(errno, posix.fork());
  if (pid == 0) forgetOtherThreads();
  return pid;
}

/** The same as fork: the child has memory of its own, and the parent goes on at once. */
export function vfork(): i32 {
  return fork();
}

/**
 * Waits until the child `pid` (-1 or 0: any) has ended, and stores how at `status` (i32*, 0 = not wanted). Returns its id;
 * 0 with WNOHANG when none has ended; -1 with ECHILD when there is no such child. Each child is waited for once.
 */
export function waitpid(pid: i32, status: usize = 0, options: i32 = 0): i32 {
  return conclude(errno, posix.waitpid(pid, status, options));
}

/** Waits until any child has ended; otherwise like `waitpid`. */
export function wait(status: usize = 0): i32 {
  return waitpid(-1, status, 0);
}

/** Ends the process with `status` (its low eight bits): the same as `exit`, since nothing is buffered or registered. */
export function _exit(status: i32): void {
  posix.exit(status);
}

/** The process id; 1 for a process that was not forked. */
export function getpid(): i32 {
  return posix.getpid();
}

/** The parent's process id; 0 for a process that was not forked. 1 when the parent has ended. */
export function getppid(): i32 {
  return posix.getppid();
}

/** Of a status from wait: the child called exit or returned from main. */
export function WIFEXITED(status: i32): bool {
  return (status & 0x7f) == 0;
}

/** Of a status with WIFEXITED: the low eight bits of what the child gave to exit. */
export function WEXITSTATUS(status: i32): i32 {
  return (status >> 8) & 0xff;
}

/** Of a status from wait: the child crashed or was killed. */
export function WIFSIGNALED(status: i32): bool {
  return (((status & 0x7f) + 1) << 24) >> 25 > 0;
}

/** Of a status with WIFSIGNALED: which signal POSIX has for that end (SIGSEGV, SIGFPE, SIGILL, SIGABRT, SIGKILL …). */
export function WTERMSIG(status: i32): i32 {
  return status & 0x7f;
}
