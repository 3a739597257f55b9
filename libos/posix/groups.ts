// System calls of process groups and sessions.
import { groupJoin, groupOf, sessionBegin, sessionOf } from "../process/groups";

export function posix_setpgid(pid: i32, group: i32): i32 {
  return groupJoin(pid, group);
}

export function posix_getpgid(pid: i32): i32 {
  return groupOf(pid);
}

export function posix_setsid(): i32 {
  return sessionBegin();
}

export function posix_getsid(pid: i32): i32 {
  return sessionOf(pid);
}
