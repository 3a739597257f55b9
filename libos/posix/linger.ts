// SO_LINGER with a time: the last close of a connection waits until its data is delivered.
import { monotonicNow } from "../../kernel/time/clock";
import { waitOn } from "../../kernel/thread/wait_queue";
import { tcpConnected, tcpShared, tcpShutdown, tcpUnsent } from "../net/tcp/api";
import { tcpLinger } from "../net/tcp/socket_options";
import { descriptorFile } from "../process/descriptors";
import { OpenFile, openFileHold, openFileRelease } from "../process/open_file";
import { SHUT_WR } from "./constants";

const NANOSECONDS: u64 = 1_000_000_000;

/** Waits, before the last descriptor `fd` of a TCP socket is closed, as SO_LINGER asks; not when other processes may hold the connection. */
export function closeLingering(fd: i32, file: OpenFile): void {
  const socket = file.tcp;
  const seconds = tcpLinger(socket);
  if (seconds <= 0 || file.nonBlocking || !tcpConnected(socket) || tcpShared(socket)) return;
  openFileHold(file);
  const deadline = monotonicNow() + <u64>seconds * NANOSECONDS;
  tcpShutdown(socket, SHUT_WR, monotonicNow());
  while (tcpUnsent(socket) != 0 && tcpConnected(socket) && descriptorFile(fd) == file) {
    if (waitOn(socket.waitQueue, deadline) != 0) break;
  }
  openFileRelease(file);
}
