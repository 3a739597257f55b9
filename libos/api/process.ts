// The part of unistd.h that makes processes. A process is a domain of its own: fork duplicates the domain (docs/fork.md). It
// needs forkd in dom0 and `"fork"` in the app's manifest. Waiting for children is in wait.ts.
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

/** Ends the process with `status` (its low eight bits) at once, without what `atexit` was told. */
export function _exit(status: i32): void {
  posix.exit_group(status);
}

/** The process id; 1 for a process that was not forked. */
export function getpid(): i32 {
  return posix.getpid();
}

/** The parent's process id; 0 for a process that was not forked. 1 when the parent has ended. */
export function getppid(): i32 {
  return posix.getppid();
}
