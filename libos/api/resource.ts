// sys/resource.h: limits. What a process has used, getrusage(), is in wait.ts.
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** struct rlimit: what holds, and up to what the process may raise that; RLIM_INFINITY = no limit. */
@final
export class rlimit {
  constructor(
    public rlim_cur: u64 = 0,
    public rlim_max: u64 = 0,
  ) {}
}

/** The limits of `resource` (RLIMIT_…): of RLIMIT_NOFILE that of the descriptors; nothing else has one but the domain. Returns 0, or -1. */
export function getrlimit(resource: i32, limits: rlimit): i32 {
  return conclude(errno, posix.getrlimit(resource, changetype<usize>(limits)));
}

/** Sets the limits of RLIMIT_NOFILE, up to OPEN_MAX; what is open stays open. Returns 0, or -1: EPERM for all else that would be a limit. */
export function setrlimit(resource: i32, limits: rlimit): i32 {
  return conclude(errno, posix.setrlimit(resource, changetype<usize>(limits)));
}
