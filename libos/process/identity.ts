// Who the process is: the numbers that forkd gave it.
import { forkDescriptor } from "../../kernel/fork/descriptor";

/** The first of a family; it adopts orphans. */
export const FIRST_PID: i32 = 1;

/** The process id: forkd's number; 1 for the first of a family and where nobody forks. */
export function processId(): i32 {
  const descriptor = forkDescriptor();
  const pid = changetype<usize>(descriptor) == 0 ? 0 : <i32>descriptor.pid;
  return pid == 0 ? FIRST_PID : pid;
}

/** The process group that the process belongs to: 1, unless forkd has been asked for another. */
export function processGroup(): i32 {
  const descriptor = forkDescriptor();
  const group = changetype<usize>(descriptor) == 0 ? 0 : <i32>descriptor.group;
  return group == 0 ? FIRST_PID : group;
}

/** Its session, likewise. */
export function processSession(): i32 {
  const descriptor = forkDescriptor();
  const session = changetype<usize>(descriptor) == 0 ? 0 : <i32>descriptor.session;
  return session == 0 ? FIRST_PID : session;
}

/** The parent's process id; 0 when there is none. forkd makes it 1 when the parent has ended. */
export function parentProcessId(): i32 {
  const descriptor = forkDescriptor();
  return changetype<usize>(descriptor) == 0 ? 0 : <i32>descriptor.parentPid;
}
