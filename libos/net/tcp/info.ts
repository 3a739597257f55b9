// TCP_INFO: what a connection knows of itself, in Linux's struct tcp_info (include/uapi/linux/tcp.h) up to tcpi_min_rtt. Times
// are µs where nothing else is said, windows and what is on its way are segments of snd_mss.
import { ipPathPayload } from "../ip/output";
import { IPV4_HEADER } from "../wire/ipv4";
import { IPV6_HEADER } from "../wire/ipv6";
import { TCP_HEADER_SIZE } from "../wire/tcp";
import { DELAYED_ACK, DUPLICATE_ACK_THRESHOLD } from "./constants";
import { ECN_AGREED } from "./ecn";
import { WINDOW_MAX } from "./congestion_window";
import { scoreboardBytes, scoreboardMissing } from "./scoreboard";
import { sendNotSent } from "./send_queue";
import { sequenceMax, sequenceMin } from "./sequence";
import { PERSIST, RECOVERY, SACK_PERMITTED, TIMESTAMPS, WINDOW_SCALED } from "./flags";
import { TcpSocket } from "./socket";
import { LISTEN } from "./state";
import { ticksDuration } from "./transmit_times";

@unmanaged
@final
class TcpInfo {
  state: u8;
  congestionState: u8;
  retransmits: u8;
  probes: u8;
  backoff: u8;
  options: u8;
  /** Of the windows we receive (low half) and send. */
  scales: u8;
  private flags: u8;
  retransmissionTimeout: u32;
  /** The time after which an acknowledgment goes. */
  acknowledgmentTimeout: u32;
  sendMss: u32;
  receiveMss: u32;
  /** Of a listener these two are the connections that wait to be accepted, and how many may. */
  unacknowledged: u32;
  reported: u32;
  lost: u32;
  retransmitted: u32;
  private forward: u32; // counted by no Linux since 4.15
  /** ms ago. */
  lastDataSent: u32;
  private lastAckSent: u32; // nor does Linux remember it
  lastDataReceived: u32;
  lastAckReceived: u32;
  pathMtu: u32;
  receiveThreshold: u32;
  roundTrip: u32;
  roundTripVariation: u32;
  sendThreshold: u32;
  congestionWindow: u32;
  announcedMss: u32;
  reordering: u32;
  receiveRoundTrip: u32;
  receiveSpace: u32;
  totalRetransmissions: u32;
  pacingRate: u64;
  pacingRateMaximum: u64;
  octetsAcknowledged: u64;
  octetsReceived: u64;
  segmentsSent: u32;
  segmentsReceived: u32;
  octetsNotSent: u32;
  minimumRoundTrip: u32;
}

const info = changetype<TcpInfo>(memory.data(152, 8));

/** Linux's numbers (include/net/tcp_states.h) for the states of state.ts; a connection of another process is taken for established. */
const STATES = memory.data<u8>([7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6, 1]);

// enum tcp_ca_state.
const OPEN: u8 = 0;
const DISORDER: u8 = 1;
const IN_RECOVERY: u8 = 3;
const LOSS: u8 = 4;

// TCPI_OPT_…
const OPTION_TIMESTAMPS: u32 = 1;
const OPTION_SACK: u32 = 2;
const OPTION_WINDOW_SCALE: u32 = 4;
const OPTION_ECN: u32 = 8;

const UNLIMITED: u64 = u64.MAX_VALUE;
/** TCP_INFINITE_SSTHRESH. */
const NO_THRESHOLD: u32 = 0x7fffffff;

/** Writes up to `length` bytes of the struct to `target`; how many. */
export function tcpInfoWrite(s: TcpSocket, target: usize, length: u32, now: u64): i32 {
  memory.fill(changetype<usize>(info), 0, offsetof<TcpInfo>());
  info.state = load<u8>(STATES + s.state);
  info.pacingRate = UNLIMITED; // sending is not paced
  info.pacingRateMaximum = UNLIMITED;
  if (s.state == LISTEN) {
    info.unacknowledged = s.acceptCount;
    info.reported = s.backlog;
  } else {
    fillSender(s, now);
    fillReceiver(s, now);
  }
  const size = min<u32>(length, <u32>offsetof<TcpInfo>());
  memory.copy(target, changetype<usize>(info), size);
  return <i32>size;
}

function microseconds(nanoseconds: u64): u32 {
  return <u32>(nanoseconds / 1000);
}

function segments(s: TcpSocket, octets: u32): u32 {
  return (octets + s.segmentSize - 1) / s.segmentSize;
}

function ago(time: u64, now: u64): u32 {
  return time == 0 ? 0 : <u32>((now - time) / 1000000);
}

function fillSender(s: TcpSocket, now: u64): void {
  const again = s.sendNext != s.sendMax; // a time-out has put us back
  const probing = s.has(PERSIST);
  info.congestionState = s.has(RECOVERY) ? IN_RECOVERY : again ? LOSS : s.scoreboard != 0 ? DISORDER : OPEN;
  info.retransmits = <u8>(probing ? 0 : min(s.retransmissions, 255));
  info.probes = <u8>max(probing ? min(s.retransmissions, 255) : 0, s.keepAliveProbes);
  info.backoff = <u8>min(s.retransmissions, 255);
  info.retransmissionTimeout = microseconds(s.retransmissionTimeout);
  info.sendMss = s.segmentSize;
  info.unacknowledged = segments(s, s.sendMax - s.sendUnacknowledged);
  info.reported = segments(s, scoreboardBytes(s));
  const lostEnd = again ? s.sendMax : sequenceMin(sequenceMax(s.lostBelow, s.sendUnacknowledged), s.sendMax);
  const resent = again ? s.sendNext : sequenceMin(sequenceMax(s.retransmitNext, s.sendUnacknowledged), lostEnd);
  const recovering = again || s.has(RECOVERY);
  info.lost = recovering ? segments(s, scoreboardMissing(s, s.sendUnacknowledged, lostEnd)) : 0;
  info.retransmitted = recovering ? segments(s, scoreboardMissing(s, s.sendUnacknowledged, resent)) : 0;
  info.lastDataSent = ago(s.lastSent, now);
  info.lastAckReceived = ago(s.lastReceived, now);
  info.pathMtu = ipPathPayload(s.remote) + (s.remote.isIpv4() ? IPV4_HEADER : IPV6_HEADER);
  info.roundTrip = microseconds(s.smoothedRoundTrip);
  info.roundTripVariation = microseconds(s.roundTripVariation);
  const unlimited = s.slowStartThreshold >= WINDOW_MAX;
  info.sendThreshold = unlimited ? NO_THRESHOLD : segments(s, s.slowStartThreshold);
  info.congestionWindow = segments(s, s.congestionWindow);
  info.reordering = DUPLICATE_ACK_THRESHOLD;
  info.totalRetransmissions = s.segmentsRetransmitted;
  info.octetsAcknowledged = s.octetsAcknowledged;
  info.segmentsSent = s.segmentsSent;
  info.octetsNotSent = sendNotSent(s);
  const unknown = s.minimumRoundTrip == u32.MAX_VALUE;
  info.minimumRoundTrip = unknown ? u32.MAX_VALUE : microseconds(ticksDuration(s.minimumRoundTrip));
}

function fillReceiver(s: TcpSocket, now: u64): void {
  let options = s.has(TIMESTAMPS) ? OPTION_TIMESTAMPS : 0;
  if (s.has(SACK_PERMITTED)) options |= OPTION_SACK;
  if (s.has(WINDOW_SCALED)) options |= OPTION_WINDOW_SCALE;
  if ((s.ecn & ECN_AGREED) != 0) options |= OPTION_ECN;
  info.options = <u8>options;
  info.scales = s.sendScale | (s.receiveScale << 4);
  info.acknowledgmentTimeout = microseconds(DELAYED_ACK);
  info.receiveMss = s.receiveSegmentSize;
  info.lastDataReceived = ago(s.lastText, now);
  info.receiveThreshold = s.receiveLimit;
  info.announcedMss = ipPathPayload(s.remote) - TCP_HEADER_SIZE;
  info.receiveRoundTrip = microseconds(ticksDuration(s.receiveRoundTrip));
  info.receiveSpace = s.receiveLimit;
  info.octetsReceived = s.octetsReceived;
  info.segmentsReceived = s.segmentsReceived;
}
