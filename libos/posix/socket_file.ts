// Sockets as files: what read, write, poll and close do with descriptions of KIND_TCP, KIND_UDP and KIND_UNIX (libos/optional/with_network.ts).
import { monotonicNow } from "../../kernel/time/clock";
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { tcpClose, tcpPollEvents } from "../net/tcp/api";
import { UDP_PEER_SIZE, UdpPeer } from "../net/udp/input";
import { udpClose, udpPollEvents } from "../net/udp/socket";
import { KIND_TCP, KIND_UNIX, OpenFile } from "../process/open_file";
import { unixClose, unixEvents, unixReceive, unixSend } from "../optional/with_unix";
import { closeLingering } from "./linger";
import { datagramReceive, datagramSend, streamReceive, streamSend } from "./stream";

const sender = changetype<UdpPeer>(memory.data(UDP_PEER_SIZE, 8));

export function socketRead(file: OpenFile, target: usize, count: u32): i32 {
  if (file.kind == KIND_TCP) return streamReceive(file, target, count, 0);
  if (file.kind == KIND_UNIX) return unixReceive(file, target, count, 0, 0);
  return datagramReceive(file, target, count, 0, sender);
}

export function socketWrite(file: OpenFile, source: usize, count: u32): i32 {
  if (file.kind == KIND_TCP) return streamSend(file, source, count, 0);
  if (file.kind == KIND_UNIX) return unixSend(file, source, count, 0, 0);
  return datagramSend(file, source, count, 0, 0);
}

export function socketEvents(file: OpenFile): u32 {
  if (file.kind == KIND_UNIX) return unixEvents(file);
  return file.kind == KIND_TCP ? tcpPollEvents(file.tcp) : udpPollEvents(file.udp);
}

export function socketQueue(file: OpenFile): WaitQueue {
  return file.kind == KIND_TCP ? file.tcp.waitQueue : file.udp.waitQueue();
}

export function socketLinger(fd: i32, file: OpenFile): void {
  if (file.kind == KIND_TCP) closeLingering(fd, file);
}

export function socketClose(file: OpenFile): void {
  if (file.object == 0) return;
  if (file.kind == KIND_TCP) tcpClose(file.tcp, monotonicNow());
  else if (file.kind == KIND_UNIX) unixClose(file);
  else udpClose(file.udp);
}
