// Process groups and sessions (setpgid(2), setsid(2)). forkd keeps who belongs to which, in the descriptors of the processes, and judges what is
// allowed; a parent keeps a copy for its children, for wait. There are no terminals: a session is but a set of process groups.
import { EINVAL, EPERM, ESRCH } from "../../kernel/errno";
import {
  EVENT_ADOPTED,
  EVENT_GROUP,
  REQUEST_GROUP_OF,
  REQUEST_JOIN,
  REQUEST_SESSION,
  REQUEST_SESSION_OF,
} from "../../kernel/fork/descriptor";
import { forkAsk } from "../../kernel/fork/request";
import { Child, NO_CHILD, childOf } from "./children";
import { processGroup, processId, processSession } from "./identity";

/** Export, by libos/optional/with_fork_group.ts. */
export function childJoins(child: usize): void {
  changetype<Child>(child).group = processGroup();
}

/** Export, by libos/optional/with_fork_group.ts. */
export function childGroupTold(child: usize, kind: u32, group: i32): bool {
  if (kind == EVENT_GROUP || kind == EVENT_ADOPTED) changetype<Child>(child).group = group;
  return kind == EVENT_GROUP;
}

/** Export, by libos/optional/with_fork_group.ts. */
export function childIsOutside(child: usize): bool {
  return !childIsOf(child, processGroup());
}

/** Export, by libos/optional/with_fork_group.ts. */
export function childIsOf(child: usize, group: i32): bool {
  return changetype<Child>(child).group == group;
}

/** Has process `pid`, the caller or a child, join process group `group`, or begin one of its own number: 0, -EINVAL, -ESRCH, -EPERM, -ENOSYS (no forkd now). */
export function groupJoin(pid: i32, group: i32): i32 {
  if (group < 0 || pid < 0) return -EINVAL;
  const target = pid == 0 ? processId() : pid;
  const joined = group == 0 ? target : group;
  if (target == processSession()) return -EPERM; // also without a forkd
  const result = forkAsk(REQUEST_JOIN, target, joined);
  const child = childOf(target);
  if (result == 0 && child != NO_CHILD) child.group = joined; // before forkd's word of it comes
  return result;
}

/** Begins a session, and a process group in it: their number, -EPERM when the caller leads a group already, or -ENOSYS. */
export function sessionBegin(): i32 {
  return processGroup() == processId() ? -EPERM : forkAsk(REQUEST_SESSION, processId(), 0);
}

/** The process group of process `pid` (0: the caller): that, or -ESRCH, or -ENOSYS. */
export function groupOf(pid: i32): i32 {
  if (pid == 0 || pid == processId()) return processGroup();
  const child = pid < 0 ? NO_CHILD : childOf(pid);
  if (child != NO_CHILD && child.ended) return child.group;
  return pid < 0 ? -ESRCH : forkAsk(REQUEST_GROUP_OF, pid, 0);
}

/** The session of process `pid`, likewise. */
export function sessionOf(pid: i32): i32 {
  if (pid == 0 || pid == processId()) return processSession();
  return pid < 0 ? -ESRCH : forkAsk(REQUEST_SESSION_OF, pid, 0);
}
