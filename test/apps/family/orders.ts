// Forks when a line arrives on the console, for tests that do something to forkd or to the host at each fork.
import { errno, fork, puts, read } from "karyon";
import { check, checksForked, endChild, failureCount, reap, status } from "./check";
import { memoryHash } from "./memory_hash";

const line = memory.data(64);

/** At each line: "order <n> forked <pid>" or "order <n> failed <errno>", then "order <n> ended <status>". */
export function orders(_count: i32): void {
  for (let n = 1; ; n++) {
    puts(`waiting for order ${n}`);
    if (read(0, line, 64) <= 0) return check("the console", false);
    const before = memoryHash();
    const pid = fork();
    const after = memoryHash();
    if (pid == 0) {
      checksForked();
      check("the child's memory is the parent's", before == after);
      if (failureCount() == 0) puts("child well");
      endChild();
    }
    puts(pid > 0 ? `order ${n} forked ${pid}` : `order ${n} failed ${errno}`);
    check("the parent's memory is as it was", before == after);
    if (pid > 0 && reap(pid) == pid) puts(`order ${n} ended ${status()}`);
  }
}
