// The TCP connection block. Read this first: every other file of the folder works on a TcpSocket.
//
//   TcpEndpoint        what the demultiplexing table needs of an entry (endpoint.ts); common to
//     TcpSocket        a socket of the application or a child waiting in an accept queue,
//     HalfOpen         a SYN that a listener has answered (half_open.ts),
//     TimeWait         a connection that is over and only remembered (time_wait.ts).
//
// Names follow RFC 9293, 3.3.1: SND.UNA is sendUnacknowledged, RCV.NXT receiveNext, and so on.
// Invariants of a TcpSocket:
//   - sendUnacknowledged <= sendNext <= sendMax; the send ring's first byte has sequence number sendUnacknowledged
//     (initialSend + 1 while our SYN is not acknowledged); our FIN follows the ring's last byte;
//   - receiveNext <= receiveEdge, the right edge of the window we advertised, which never moves left (RFC 9293 SHLD-14);
//   - it is freed when it is DETACHED (no descriptor, no accept queue holds it) and its state is CLOSED or TIME_WAIT.
import { ListNode } from "../../../kernel/list";
import { Slab, slabInit } from "../../../kernel/memory/slab";
import { WaitQueue } from "../../../kernel/thread/wait_queue";
import { Timer, TIMER_SIZE } from "../../../kernel/time/timer";
import { TcpEndpoint } from "./endpoint";
import { RingBuffer, RING_BUFFER_SIZE } from "./ring_buffer";

/** Marks of transmit_times.ts in a connection block. */
export const TRANSMIT_MARKS: u32 = 16;

@unmanaged
@final
export class TcpSocket extends TcpEndpoint {
  flags: u32;
  /** Pending error, a positive errno; reported once (tcpTakeError). */
  error: i32;
  /** What ICMP said last; reported when the connection gives up. */
  softError: i32;

  initialSend: u32;
  sendUnacknowledged: u32;
  sendNext: u32;
  /** One past the highest sequence number ever sent. */
  sendMax: u32;
  /** RFC 9293 REC-1: 32 bits, though the field has 16. */
  sendWindow: u32;
  sendWindowMax: u32;
  /** SND.WL1 and SND.WL2: the segment of the last window update. */
  windowSequence: u32;
  windowAcknowledgment: u32;

  receiveNext: u32;
  /** Right edge of the advertised window. */
  receiveEdge: u32;
  /** RCV.NXT as last sent: Last.ACK.sent of RFC 7323. */
  acknowledged: u32;
  finSequence: u32;
  urgentSequence: u32;
  /** The largest text received in one segment: what "full-sized" means for the peer. */
  receiveSegmentSize: u32;

  /** What the peer takes (its MSS option). */
  peerMss: u32;
  /** What TCP_MAXSEG allows; peerMss is no larger. */
  segmentMaximum: u32;
  /** Text that fits one segment now: MSS, path MTU and options considered. */
  segmentSize: u32;

  timestampOffset: u32;
  timestampRecent: u32;
  timestampRecentTime: u64;

  /** Smoothed round-trip time and its variation, ns; 0 = no measurement yet. */
  smoothedRoundTrip: u64;
  roundTripVariation: u64;
  retransmissionTimeout: u64;
  roundTripStart: u64;
  roundTripSequence: u32;
  /** Expiries of the retransmission timer in a row. */
  retransmissions: u32;
  /** When the first of them went out. */
  firstRetransmission: u64;
  /** R2 in ns, as the application set it; 0 = R2_DATA (RFC 9293 MUST-21). */
  userTimeout: u64;

  congestionWindow: u32;
  slowStartThreshold: u32;
  recoverSequence: u32;
  duplicateAcks: u32;
  /** HyStart++ (slow_start.ts): where this round ends, the shortest round trips in this one and the one before, in ticks. */
  roundEnd: u32;
  roundShortest: u32;
  roundBefore: u32;
  /** What conservative slow start began with; 0 = this is slow start proper. */
  roundBaseline: u32;
  roundSamples: u8;
  roundsConservative: u8;
  /** One past the last segment sent that was not full-sized (Nagle). */
  smallSequence: u32;
  /** Acknowledged bytes counted towards growth (RFC 3465). */
  windowCredit: u32;
  /** CUBIC (cubic.ts): W_max, the window before the last loss, W_est, in bytes; K in ms. */
  cubicMaximum: u32;
  cubicPrior: u32;
  cubicEstimate: u32;
  cubicOffset: u32;
  /** When this stage of congestion avoidance began; 0 = none has. */
  cubicEpoch: u64;
  lastSent: u64;
  lastReceived: u64;
  /** When text came last. */
  lastText: u64;
  /** For TCP_INFO: octets acknowledged by the peer and received in order; segments, and of those sent the ones sent again. */
  octetsAcknowledged: u64;
  octetsReceived: u64;
  segmentsReceived: u32;
  segmentsSent: u32;
  segmentsRetransmitted: u32;

  /** Deadlines in monotonic ns; NEVER = not set. */
  retransmitDeadline: u64;
  delayedAckDeadline: u64;
  /** Keep-alive, or the end of FIN_WAIT_2 of a detached socket. */
  lifeDeadline: u64;

  /** What the kernel timer is set to; it may be earlier than any deadline, never later. */
  armedDeadline: u64;

  keepAliveIdle: u64;
  keepAliveInterval: u64;
  keepAliveCount: u32;
  keepAliveProbes: u32;

  /** SO_SNDBUF and SO_RCVBUF; unless the application has set them they grow (auto_tuning.ts). */
  sendLimit: u32;
  receiveLimit: u32;
  /** Half a window has arrived when receiveNext gets here; since when we wait for that, in ticks of transmit_times.ts. */
  tuneSequence: u32;
  tuneStart: u32;
  /** The round trip as a receiver sees it, in ticks; 0 = not measured yet. */
  receiveRoundTrip: u32;
  /** SO_LINGER seconds, -1 = off. */
  linger: i32;
  /** TCP_CONGESTION: CUBIC or NEW_RENO (congestion.ts). */
  congestionControl: u8;

  /** A socket of AF_INET6, or a child of one. */
  ipv6: bool;
  /** IPV6_V6ONLY. */
  only6: bool;
  /** SO_REUSEPORT. */
  reusePort: bool;
  /** Of a listener: whether the application waits on it, and forkd knows (family/listeners.ts); 0 = it never has. */
  accepts: u8;
  /** The application has chosen sendLimit, receiveLimit. */
  sendLimitSet: bool;
  receiveLimitSet: bool;
  /** TCP_CORK, TCP_QUICKACK. */
  corked: bool;
  quickAck: bool;
  /** SO_DEBUG, or tcp-trace= on the command line (trace.ts). */
  traced: bool;
  /** A writer found no room: it is woken when there is (send_queue.ts). */
  wantsRoom: bool;
  /** SHARED … LEFT (flags.ts). */
  sharing: u8;
  /** ECN_… (ecn.ts). */
  ecn: u8;
  /** sendMax when ECN last reduced the window. */
  ecnReduced: u32;

  /** Range list of text received ahead of receiveNext, or 0 (reassembly.ts). */
  outOfOrder: usize;
  /** Range list of what the peer holds beyond a gap, or 0 (scoreboard.ts). */
  scoreboard: usize;
  /** What fast recovery has sent again, or 0 (retransmission_log.ts). */
  retransmissionLog: usize;
  /** Reordering and loss by time (rack.ts); ticks of transmit_times.ts. */
  rackTime: u32;
  rackEnd: u32;
  /** u32.MAX_VALUE = nothing has arrived yet. */
  rackRoundTrip: u32;
  /** The shortest round trip, u32.MAX_VALUE = none measured. */
  minimumRoundTrip: u32;
  lostBelow: u32;
  tailProbeEnd: u32;
  /** Quarters of the shortest round trip that segments may come late by, and recoveries for which that stays. */
  reorderSteps: u32;
  reorderPersists: u8;
  /** Ring of the times of sending (transmit_times.ts). */
  markFirst: u8;
  markCount: u8;
  reorderDeadline: u64;
  /** Proportional rate reduction (RFC 6937): flight when recovery began, bytes delivered and sent since. */
  recoverFlight: u32;
  recoverDelivered: u32;
  recoverSent: u32;
  /** To undo a loss that was none (undo.ts): the windows before it, the clock of the first retransmission. */
  undoWindow: u32;
  undoThreshold: u32;
  undoStamp: u32;
  /** The duplicate to be reported. */
  duplicateStart: u32;
  duplicateEnd: u32;
  /** HighRxt of RFC 6675: in fast recovery, gaps below it have been sent again. */
  retransmitNext: u32;
  /** Next in the list of bound ports (table.ts). */
  portNext: usize;
  /** Number of its entry among the flows that forkd reads (family/flow_list.ts), and 1; 0 = none. */
  flowEntry: u32;
  /** Where it is being handed to, or 0 (handover/handing.ts). */
  handing: usize;

  /** Of a child: its listener while it waits in the accept queue. */
  listener: usize;
  /** Of a listener: length limit of the accept queue, children in it, half-open connections. */
  backlog: u32;
  acceptCount: u32;
  halfOpenCount: u32;

  /** Woken on every change of readiness. */
  get waitQueue(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + WAIT_QUEUE);
  }

  /** Link in the list of sockets with output due (output.ts). */
  get pendingNode(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + PENDING_NODE);
  }

  /** Of a listener: head of the accept queue. Of a child: link in it. */
  get acceptNode(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + ACCEPT_NODE);
  }

  /** Link in the list of sockets that wait for memory (memory.ts). */
  get starvedNode(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + STARVED_NODE);
  }

  get sendBuffer(): RingBuffer {
    return changetype<RingBuffer>(changetype<usize>(this) + SEND_BUFFER);
  }

  get receiveBuffer(): RingBuffer {
    return changetype<RingBuffer>(changetype<usize>(this) + RECEIVE_BUFFER);
  }

  /** Address of the ring of marks. */
  get transmitMarks(): usize {
    return changetype<usize>(this) + MARKS;
  }

  get timer(): Timer {
    return changetype<Timer>(changetype<usize>(this) + TIMER);
  }

  /** True when all bits of `mask` are set. */
  has(mask: u32): bool {
    return (this.flags & mask) == mask;
  }

  set(mask: u32): void {
    this.flags |= mask;
  }

  clear(mask: u32): void {
    this.flags &= ~mask;
  }
}

// Structures of other modules, laid behind the fields. All are multiples of 8 bytes.
const WAIT_QUEUE: usize = offsetof<TcpSocket>();
const PENDING_NODE: usize = WAIT_QUEUE + 8;
const ACCEPT_NODE: usize = PENDING_NODE + 8;
const STARVED_NODE: usize = ACCEPT_NODE + 8;
const SEND_BUFFER: usize = STARVED_NODE + 8;
const RECEIVE_BUFFER: usize = SEND_BUFFER + RING_BUFFER_SIZE;
const TIMER: usize = RECEIVE_BUFFER + RING_BUFFER_SIZE;
const MARKS: usize = TIMER + TIMER_SIZE;
/** Bytes of the ring of marks. */
export const MARKS_SIZE: usize = TRANSMIT_MARKS * 8;
/** Bytes of a connection block. */
export const SOCKET_SIZE: usize = MARKS + MARKS_SIZE;

/** No socket. */
export const NO_SOCKET: TcpSocket = changetype<TcpSocket>(0);

const slab = changetype<Slab>(memory.data(24, 8));

/** Prepares the allocator; called once by tcpInit. */
export function socketsInit(): void {
  slabInit(slab, <u32>SOCKET_SIZE);
}

/** A zeroed socket, or NO_SOCKET when memory is exhausted. */
export function socketAlloc(): TcpSocket {
  return changetype<TcpSocket>(slab.alloc());
}

/** Gives the block back; the caller has released everything it refers to. */
export function socketFree(s: TcpSocket): void {
  slab.free(changetype<usize>(s));
}

/** Sockets in existence. */
export function socketCount(): u32 {
  return slab.used;
}

/** The socket whose pendingNode, acceptNode or starvedNode is at `node`. */
export function socketOfPending(node: usize): TcpSocket {
  return changetype<TcpSocket>(node - PENDING_NODE);
}

export function socketOfAccept(node: usize): TcpSocket {
  return changetype<TcpSocket>(node - ACCEPT_NODE);
}

export function socketOfStarved(node: usize): TcpSocket {
  return changetype<TcpSocket>(node - STARVED_NODE);
}
