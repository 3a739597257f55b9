// Segments without text that do not go through a socket's output: resets, SYN-ACKs of half-open connections, ACKs out
// of TIME_WAIT. They are not retransmitted here; without a free frame they are simply lost.
import { IpAddress } from "../ip/address";
import { ipAllocate, ipPathPayload, ipSend } from "../ip/output";
import { transportChecksumFill } from "../transport";
import { IPPROTO_TCP } from "../wire/ipv4";
import {
  TCP_ACK,
  TCP_CHECKSUM,
  TCP_HEADER_SIZE,
  TCP_RST,
  TIMESTAMPS_SIZE,
  TcpSegment,
  tcpEmitHeader,
  tcpEmitTimestamps,
} from "../wire/tcp";
import { tcpCounters } from "./counters";
import { TCP_ENDPOINT_SIZE, TcpEndpoint } from "./endpoint";
import { TIMESTAMPS } from "./flags";
import { synOptionsEmit, synOptionsSize } from "./segment_options";

/** The MSS we announce to `remote`: what one packet holds (RFC 9293 MUST-67). */
function announcedMss(remote: IpAddress): u32 {
  return ipPathPayload(remote) - TCP_HEADER_SIZE;
}

/** Sends <SEQ=sequence><ACK=acknowledgment><CTL=flags> to the peer of `e`; with timestamps when `options` has TIMESTAMPS. */
export function controlSend(
  e: TcpEndpoint,
  sequence: u32,
  acknowledgment: u32,
  flags: u32,
  window: u32,
  options: u32,
  timestamp: u32,
  echo: u32,
  now: u64,
): void {
  const size = TCP_HEADER_SIZE + ((options & TIMESTAMPS) != 0 ? TIMESTAMPS_SIZE : 0);
  const frame = ipAllocate(e.remote, size);
  if (changetype<usize>(frame) == 0) return;
  const at = frame.data;
  tcpEmitHeader(at, e.localPort, e.remotePort, sequence, acknowledgment, size, flags, window);
  tcpCounters.outSegs += 1;
  if (size != TCP_HEADER_SIZE) tcpEmitTimestamps(at + TCP_HEADER_SIZE, timestamp, echo);
  transportChecksumFill(frame, TCP_CHECKSUM, e.local, e.remote, IPPROTO_TCP, size);
  e.settings.apply(frame, e.remote);
  ipSend(frame, IPPROTO_TCP, e.local, e.remote, size, now);
}

/** Sends a SYN with `offered` options; `flags` is TCP_SYN, or TCP_SYN | TCP_ACK. */
export function synSend(
  e: TcpEndpoint,
  sequence: u32,
  acknowledgment: u32,
  flags: u32,
  window: u32,
  offered: u32,
  timestamp: u32,
  echo: u32,
  now: u64,
): bool {
  const size = TCP_HEADER_SIZE + synOptionsSize(offered);
  const frame = ipAllocate(e.remote, size);
  if (changetype<usize>(frame) == 0) return false;
  const at = frame.data;
  tcpEmitHeader(at, e.localPort, e.remotePort, sequence, acknowledgment, size, flags, window);
  tcpCounters.outSegs += 1;
  synOptionsEmit(at + TCP_HEADER_SIZE, offered, announcedMss(e.remote), timestamp, echo);
  transportChecksumFill(frame, TCP_CHECKSUM, e.local, e.remote, IPPROTO_TCP, size);
  e.settings.apply(frame, e.remote);
  ipSend(frame, IPPROTO_TCP, e.local, e.remote, size, now);
  return true;
}

/** Sends <SEQ=sequence><CTL=RST>, with an ACK when `flags` has it, to the peer of `e`. */
export function resetSend(e: TcpEndpoint, sequence: u32, acknowledgment: u32, flags: u32, now: u64): void {
  tcpCounters.outRsts += 1;
  controlSend(e, sequence, acknowledgment, TCP_RST | flags, 0, 0, 0, 0, now);
}

const replyEndpoint = changetype<TcpEndpoint>(memory.data(TCP_ENDPOINT_SIZE, 8));

/** Answers a segment that belongs to no connection (RFC 9293, 3.10.7.1); a reset is never answered. */
export function resetReply(segment: TcpSegment, now: u64): void {
  if ((segment.flags & TCP_RST) != 0) return;
  const e = replyEndpoint;
  e.local.copy(segment.destination);
  e.remote.copy(segment.source);
  e.localPort = segment.destinationPort;
  e.remotePort = segment.sourcePort;
  if ((segment.flags & TCP_ACK) != 0) resetSend(e, segment.acknowledgment, 0, 0, now);
  else resetSend(e, 0, segment.sequence + segment.sequenceLength(), TCP_ACK, now);
}
