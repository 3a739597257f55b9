// Waiting for children, and what they have used.
import { EFAULT, EINVAL } from "../../kernel/errno";
import { vcpuRunningTime } from "../../kernel/xen/hypercall";
import { startInfo } from "../../kernel/xen/start_info";
import { statusCode, statusValue } from "../process/child_status";
import { processGroup } from "../process/identity";
import { userBuffer } from "../process/user_memory";
import { ANY_CHILD, CHILD_OF_GROUP, Waited, waitChild, waitedFrames, waitedTime } from "../process/wait";
import {
  P_ALL,
  P_PGID,
  P_PID,
  RUSAGE_CHILDREN,
  RUSAGE_SELF,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WUNTRACED,
} from "./constants";
import { SIGCHLD } from "./signal_constants";
import { RESOURCE_USAGE_SIZE, ResourceUsage, SIGNAL_INFORMATION_SIZE, SignalInformation } from "./layout";

const NANOSECONDS: u64 = 1_000_000_000;
const FRAME_SHIFT: u64 = 2; // frames to kibibytes

const waited = changetype<Waited>(memory.data(24, 8));

function writeUsage(at: usize, time: u64, frames: u64): void {
  if (at == 0) return;
  memory.fill(at, 0, RESOURCE_USAGE_SIZE);
  const usage = changetype<ResourceUsage>(at);
  usage.userSeconds = <i64>(time / NANOSECONDS);
  usage.userMicroseconds = <i64>((time % NANOSECONDS) / 1000);
  usage.maximumResident = <i64>(frames << FRAME_SHIFT);
}

/** The kernel address of an optional struct; 0 when it is not wanted, 1 when it is not in the app's memory. */
function optional(offset: u32, size: u32): usize {
  if (offset == 0) return 0;
  const address = userBuffer(offset, size);
  return address == 0 ? 1 : address;
}

/** A process group as waitChild() wants it. */
function given(group: i32): i32 {
  return group == processGroup() ? 0 : group;
}

export function posix_wait4(pid: i32, status: u32, options: i32, usage: u32): i32 {
  const word = optional(status, 4);
  const usageAt = optional(usage, RESOURCE_USAGE_SIZE);
  if (word == 1 || usageAt == 1) return -EFAULT;
  if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED)) != 0) return -EINVAL;
  const isGroup = pid < ANY_CHILD;
  const result = waitChild(isGroup ? CHILD_OF_GROUP : pid, isGroup ? given(-pid) : 0, options | WEXITED, waited);
  if (result != 1) return result;
  if (word != 0) store<i32>(word, waited.status);
  writeUsage(usageAt, waited.cpuTime, waited.frames);
  return waited.pid;
}

export function posix_waitid(kind: i32, id: i32, information: u32, options: i32, usage: u32): i32 {
  const informationAt = optional(information, SIGNAL_INFORMATION_SIZE);
  const usageAt = optional(usage, RESOURCE_USAGE_SIZE);
  if (informationAt == 1 || usageAt == 1) return -EFAULT;
  const wanted = options & (WEXITED | WUNTRACED | WCONTINUED);
  if (wanted == 0 || (options & ~(wanted | WNOHANG | WNOWAIT)) != 0) return -EINVAL;
  if (kind != P_ALL && kind != P_PID && kind != P_PGID) return -EINVAL;
  if (kind == P_PID && id <= 0) return -EINVAL;
  if (kind == P_PGID && id < 0) return -EINVAL;
  const child = kind == P_PID ? id : kind == P_PGID ? CHILD_OF_GROUP : ANY_CHILD;
  const result = waitChild(child, given(id), options, waited);
  if (result < 0) return result;
  if (informationAt != 0) writeInformation(changetype<SignalInformation>(informationAt), result == 1);
  if (result == 1) writeUsage(usageAt, waited.cpuTime, waited.frames);
  return 0;
}

/** What `waited` says as a siginfo_t; all zero when nobody was found. */
function writeInformation(information: SignalInformation, found: bool): void {
  memory.fill(changetype<usize>(information), 0, SIGNAL_INFORMATION_SIZE);
  if (!found) return;
  information.signal = SIGCHLD;
  information.origin = <u32>waited.pid;
  information.code = statusCode(waited.status);
  information.status = statusValue(waited.status);
}

export function posix_getrusage(who: i32, usage: u32): i32 {
  const usageAt = userBuffer(usage, RESOURCE_USAGE_SIZE);
  if (usageAt == 0) return -EFAULT;
  if (who == RUSAGE_CHILDREN) writeUsage(usageAt, waitedTime(), waitedFrames());
  else if (who == RUSAGE_SELF) writeUsage(usageAt, vcpuRunningTime(), startInfo().nr_pages);
  else return -EINVAL;
  return 0;
}
