// Process groups and sessions (unistd.h), and signals to groups. There are no terminals: nothing else depends on a session.
import { EINVAL } from "../../kernel/errno";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** The process group of the process; of a family that has no others it is 1. */
export function getpgrp(): i32 {
  return posix.getpgid(0);
}

/** The process group of process `pid` of the family (0: the caller). Returns -1 on error: ESRCH, ENOSYS (forkd is not there now). */
export function getpgid(pid: i32): i32 {
  return conclude(errno, posix.getpgid(pid));
}

/**
 * Has process `pid` (0: the caller), which is the caller or a child of its, join process group `group` of its session; one of its own number (0: too) begins with
 * it. Returns 0, or -1: ESRCH (neither), EPERM (it has begun a session; there is no such group in the session), EINVAL (a negative number), ENOSYS.
 */
export function setpgid(pid: i32, group: i32): i32 {
  return conclude(errno, posix.setpgid(pid, group));
}

/** setpgid(0, 0). */
export function setpgrp(): i32 {
  return setpgid(0, 0);
}

/** Begins a session and a process group in it, both of the caller's number, which it returns; -1: EPERM (it leads a process group), ENOSYS. */
export function setsid(): i32 {
  return conclude(errno, posix.setsid());
}

/** The session of process `pid` of the family (0: the caller). Returns -1 on error: ESRCH, ENOSYS. */
export function getsid(pid: i32): i32 {
  return conclude(errno, posix.getsid(pid));
}

/** Sends `signal` to process group `group` (0: the caller's), the caller included. Returns 0, or -1: ESRCH (nobody is in it), EINVAL (a negative group, no such signal), ENOSYS. */
export function killpg(group: i32, signal: i32): i32 {
  return conclude(errno, group < 0 ? -EINVAL : posix.killpg(group, signal));
}
