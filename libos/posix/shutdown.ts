// shutdown() of a connection that another process of the family has: it waits until the connection is ours, as reading does.
import { EAGAIN } from "../../kernel/errno";
import { NEVER, monotonicNow } from "../../kernel/time/clock";
import { tcpShutdown } from "../net/tcp/api";
import { OpenFile, openFileHold, openFileRelease } from "../process/open_file";
import { fileWait } from "./stream";

/** Export, by libos/optional/with_fork_network.ts: 0, -EAGAIN when it must not wait, -EINTR, or why the connection cannot be ours. */
export function streamShutdownLater(file: OpenFile, how: i32): i32 {
  openFileHold(file);
  let result = -EAGAIN;
  while (result == -EAGAIN) {
    const waited = fileWait(file, 0, file.tcp.waitQueue, NEVER);
    if (waited != 0) {
      result = waited;
      break;
    }
    result = tcpShutdown(file.tcp, how, monotonicNow());
  }
  openFileRelease(file);
  return result;
}
