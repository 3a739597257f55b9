// Waiting for children: what wait4 and waitid have in common.
import { ECHILD } from "../../kernel/errno";
import { NEVER } from "../../kernel/time/clock";
import { waitInterruptibly } from "../../kernel/thread/wait_queue";
import { WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WUNTRACED } from "../posix/constants";
import { childIsOf, childIsOutside } from "../optional/with_fork_group";
import { CHANGE_CONTINUED, CHANGE_NONE, CHANGE_STOPPED, Child, NO_CHILD, childAt, childChanges } from "./children";

/** Any child; one of a process group. */
export const ANY_CHILD: i32 = -1;
export const CHILD_OF_GROUP: i32 = 0;

// Times and sizes of the children that were waited for.
let reapedTime: u64 = 0;
let reapedFrames: u64 = 0;

/** What a child was found to have done. */
@unmanaged
@final
export class Waited {
  pid: i32;
  /** As wait(2) encodes it. */
  status: i32;
  /** Of an ended child: ns, and frames. */
  cpuTime: u64;
  frames: u64;
}

/**
 * Waits until child `pid`, or any (ANY_CHILD), or one of process group `group` (CHILD_OF_GROUP; 0: the caller's), has done what `options` (W*) asks for, and writes it to `found`, which nobody else
 * may use before the next call that may block.
 * @returns 1; 0 with WNOHANG when there is nothing; -ECHILD without such a child; -EINTR
 */
export function waitChild(pid: i32, group: i32, options: i32, found: Waited): i32 {
  let interrupted = 0; // the signal may well be the child's SIGCHLD: first look what there is
  while (true) {
    const child = findChild(pid, group, options);
    if (child == NO_CHILD) return -ECHILD;
    if (reportable(child, options)) {
      report(child, options, found);
      return 1;
    }
    if ((options & WNOHANG) != 0) return 0;
    if (interrupted != 0) return interrupted;
    interrupted = waitInterruptibly(childChanges(), NEVER);
  }
}

/** A child that `pid` and `group` mean, one with something to tell if there is any; NO_CHILD when there is none. */
function findChild(pid: i32, group: i32, options: i32): Child {
  let found = NO_CHILD;
  let child = childAt(0);
  for (let i: u32 = 1; child != NO_CHILD; i++) {
    if (child.pid != 0 && isMeant(child, pid, group)) {
      if (reportable(child, options)) return child;
      found = child;
    }
    child = childAt(i);
  }
  return found;
}

function isMeant(child: Child, pid: i32, group: i32): bool {
  if (pid != CHILD_OF_GROUP) return pid == ANY_CHILD || child.pid == pid;
  const at = changetype<usize>(child);
  return group == 0 ? !childIsOutside(at) : childIsOf(at, group);
}

function reportable(child: Child, options: i32): bool {
  if (child.ended) return (options & WEXITED) != 0;
  if (child.change == CHANGE_STOPPED) return (options & WUNTRACED) != 0;
  return child.change == CHANGE_CONTINUED && (options & WCONTINUED) != 0;
}

function report(child: Child, options: i32, found: Waited): void {
  found.pid = child.pid;
  found.status = child.status;
  found.cpuTime = child.cpuTime;
  found.frames = child.frames;
  if (!child.ended) found.status = child.change == CHANGE_STOPPED ? (child.status << 8) | 0x7f : 0xffff;
  if ((options & WNOWAIT) != 0) return;
  if (child.ended) {
    reapedTime += child.cpuTime;
    reapedFrames = max(reapedFrames, child.frames);
    child.pid = 0;
  }
  child.change = CHANGE_NONE;
}

/** The time (ns) of all children that were waited for. */
export function waitedTime(): u64 {
  return reapedTime;
}

/** The frames of the largest child that was waited for. */
export function waitedFrames(): u64 {
  return reapedFrames;
}

/** In the child of a fork: it has waited for nobody. */
export function waitForked(): void {
  reapedTime = 0;
  reapedFrames = 0;
}
