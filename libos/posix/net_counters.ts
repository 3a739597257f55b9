// What the network has counted (libos/net/counters.ts).
import { EFAULT, ENODEV } from "../../kernel/errno";
import { COUNTERS_TCP, countersOf, countersSize } from "../net/counters";
import { tcpCounters } from "../net/tcp/counters";
import { tableEstablished } from "../net/tcp/table";
import { userBuffer } from "../process/user_memory";

/** Copies the counters of `group` to `target`; -ENODEV when there is no such group. */
export function posix_net_counters(group: u32, target: u32): i32 {
  const counters = countersOf(group);
  if (counters == 0) return -ENODEV;
  if (group == COUNTERS_TCP) tcpCounters.currEstab = tableEstablished();
  const size = countersSize(group);
  const bytes = userBuffer(target, size);
  if (bytes == 0) return -EFAULT;
  memory.copy(bytes, counters, size);
  return 0;
}
