// A state that has come and is sound becomes a connection: of the socket that has been waiting for it, or a new one in a listener's queue. Options
// that an application has set are a socket's own and stay, for both processes had them at the fork and may have set them since; all else is the sender's.
import { ECONNREFUSED, ENOMEM } from "../../../kernel/errno";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { flowHold } from "../family/flow_list";
import { connectionTimeWait, socketCreate, socketLink } from "../tcp/connection";
import { CUBIC } from "../tcp/congestion";
import { KEEP_ALIVE_COUNT, KEEP_ALIVE_IDLE, KEEP_ALIVE_INTERVAL, SEGMENT_SIZE_MAX } from "../tcp/constants";
import {
  BOUND,
  DETACHED,
  FRESH,
  HASHED,
  KEEPALIVE,
  MORE_FOLLOWS,
  NODELAY,
  REUSEADDR,
  SHARED,
  STARVED,
} from "../tcp/flags";
import { acceptQueueAdd, acceptQueueFull } from "../tcp/listen";
import { outputMark } from "../tcp/output";
import { RingBuffer } from "../tcp/ring_buffer";
import { MARKS_SIZE, NO_SOCKET, TcpSocket } from "../tcp/socket";
import { tcpSetCongestionControl } from "../tcp/socket_options";
import { TIME_WAIT } from "../tcp/state";
import { lifeTimerStart } from "../tcp/timers";
import { stateEnter, traceBegin } from "../tcp/trace";
import { handingEnd } from "./handing";
import { FIELDS, OWN_FIELDS } from "./state_layout";

/** Flags that are a socket's own, of which the first four are options. */
const OPTIONS: u32 = NODELAY | KEEPALIVE | REUSEADDR | MORE_FOLLOWS;
const OWN_FLAGS: u32 = OPTIONS | BOUND | HASHED | DETACHED | STARVED;

/**
 * Makes the connection that `draft` has the state of: in `s`, an INHERITED socket, or when that is NO_SOCKET a new one that waits in the queue of
 * `listener`. 0 or an errno; then `draft` is as it was.
 */
export function stateInstall(draft: TcpSocket, s: TcpSocket, listener: TcpSocket, now: u64): u32 {
  if (s != NO_SOCKET) {
    handingEnd(s);
    keepOptions(draft, s);
    fill(s, draft, now);
    flowHold(s, 0);
    return 0;
  }
  if (listener == NO_SOCKET || acceptQueueFull(listener)) return ECONNREFUSED;
  const child = socketCreate();
  if (child == NO_SOCKET) return ENOMEM;
  child.settings.copy(draft.settings);
  child.local.copy(draft.local);
  child.remote.copy(draft.remote);
  child.localPort = draft.localPort;
  child.remotePort = draft.remotePort;
  socketLink(child);
  draft.flowEntry = child.flowEntry;
  draft.flags = (draft.flags & ~(OWN_FLAGS & ~OPTIONS)) | (child.flags & (OWN_FLAGS & ~OPTIONS));
  draft.sharing = 0;
  fill(child, draft, now);
  acceptQueueAdd(listener, child);
  return 0;
}

/** The draft gets what `s` keeps. */
function keepOptions(draft: TcpSocket, s: TcpSocket): void {
  if (s.has(FRESH)) adoptOptions(draft, s);
  s.clear(FRESH);
  draft.flags = (draft.flags & ~OWN_FLAGS) | (s.flags & OWN_FLAGS);
  draft.sharing = SHARED;
  draft.error = s.error;
  draft.keepAliveIdle = s.keepAliveIdle;
  draft.keepAliveInterval = s.keepAliveInterval;
  draft.keepAliveCount = s.keepAliveCount;
  draft.userTimeout = s.userTimeout;
  draft.linger = s.linger;
  draft.ipv6 = s.ipv6;
  draft.only6 = s.only6;
  draft.reusePort = s.reusePort;
  draft.corked = s.corked;
  draft.quickAck = s.quickAck;
  draft.traced = s.traced;
  draft.portNext = s.portNext;
  draft.flowEntry = s.flowEntry;
  draft.segmentMaximum = s.segmentMaximum;
  draft.peerMss = min(draft.peerMss, s.segmentMaximum);
  if (s.sendLimitSet) draft.sendLimit = s.sendLimit;
  if (s.receiveLimitSet) draft.receiveLimit = s.receiveLimit;
  draft.sendLimitSet = s.sendLimitSet;
  draft.receiveLimitSet = s.receiveLimitSet;
  tcpSetCongestionControl(draft, s.congestionControl);
}

/** `s` gets the options of the draft, but for those that are not as they are in a new socket: its application has set them. */
function adoptOptions(draft: TcpSocket, s: TcpSocket): void {
  s.flags |= draft.flags & OPTIONS;
  if (s.keepAliveIdle == KEEP_ALIVE_IDLE) s.keepAliveIdle = draft.keepAliveIdle;
  if (s.keepAliveInterval == KEEP_ALIVE_INTERVAL) s.keepAliveInterval = draft.keepAliveInterval;
  if (s.keepAliveCount == KEEP_ALIVE_COUNT) s.keepAliveCount = draft.keepAliveCount;
  if (s.userTimeout == 0) s.userTimeout = draft.userTimeout;
  if (s.linger < 0) s.linger = draft.linger;
  if (s.segmentMaximum == SEGMENT_SIZE_MAX) s.segmentMaximum = draft.segmentMaximum;
  if (s.congestionControl == CUBIC) s.congestionControl = draft.congestionControl;
  s.only6 = draft.only6;
  s.corked = s.corked || draft.corked;
  s.quickAck = s.quickAck || draft.quickAck;
  s.traced = s.traced || draft.traced;
  if (load<u64>(changetype<usize>(s.settings)) == 0) s.settings.copy(draft.settings);
  if (!s.sendLimitSet) s.sendLimit = draft.sendLimit;
  if (!s.receiveLimitSet) s.receiveLimit = draft.receiveLimit;
  s.sendLimitSet = s.sendLimitSet || draft.sendLimitSet;
  s.receiveLimitSet = s.receiveLimitSet || draft.receiveLimitSet;
}

/** Moves the state into `s`, which then goes on: its timers run, what is due is sent, who waits for it looks. */
function fill(s: TcpSocket, draft: TcpSocket, now: u64): void {
  draft.armedDeadline = s.armedDeadline;
  draft.wantsRoom = false;
  memory.copy(changetype<usize>(s) + OWN_FIELDS, changetype<usize>(draft) + OWN_FIELDS, FIELDS - OWN_FIELDS);
  memory.copy(s.transmitMarks, draft.transmitMarks, MARKS_SIZE);
  s.receiveScale = draft.receiveScale;
  s.sendScale = draft.sendScale;
  draft.outOfOrder = 0;
  draft.scoreboard = 0;
  draft.retransmissionLog = 0;
  ringTake(s.sendBuffer, draft.sendBuffer);
  ringTake(s.receiveBuffer, draft.receiveBuffer);
  traceBegin(s);
  if (draft.state == TIME_WAIT)
    connectionTimeWait(s, now); // segments may still come
  else stateEnter(s, draft.state);
  lifeTimerStart(s, now);
  outputMark(s);
  wakeAll(s.waitQueue);
}

function ringTake(to: RingBuffer, from: RingBuffer): void {
  memory.copy(changetype<usize>(to), changetype<usize>(from), offsetof<RingBuffer>());
  memory.fill(changetype<usize>(from), 0, offsetof<RingBuffer>());
}
