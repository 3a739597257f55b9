// What is known of the system as a whole.
import { EFAULT } from "../../kernel/errno";
import { memoryFreePages } from "../../kernel/memory/frames";
import { PAGE_SHIFT } from "../../kernel/memory/pages";
import { monotonicNow } from "../../kernel/time/clock";
import { startInfo } from "../../kernel/xen/start_info";
import { userBuffer } from "../process/user_memory";
import { SYSTEM_INFORMATION_SIZE, SystemInformation } from "./layout";

const NANOSECONDS: u64 = 1_000_000_000;

export function posix_sysinfo(target: u32): i32 {
  const bytes = userBuffer(target, SYSTEM_INFORMATION_SIZE);
  if (bytes == 0) return -EFAULT;
  const information = changetype<SystemInformation>(bytes);
  information.uptime = <i64>(monotonicNow() / NANOSECONDS);
  information.totalMemory = startInfo().nr_pages << PAGE_SHIFT;
  information.freeMemory = (<u64>memoryFreePages()) << PAGE_SHIFT;
  return 0;
}
