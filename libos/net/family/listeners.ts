// On which ports this process accepts connections, and waits for datagrams of anybody (MESSAGE_LISTENING): forkd shares new ones among those
// processes of the family that have said so. A process says it when it first waits there, not when it inherits a socket.
//   u16 port, u8 protocol, u8 0, u32 weight: 1, or 0 when it accepts no more, which forkd says again when nobody new is sent here;
//   port 0: that is all that forkd has asked for, its connections included
// A child says nothing of it before its own network device is connected: what came to it earlier would be lost on the way, and what it sent itself
// would not leave it, so that either side would wait for a retransmission time-out. Until then connections stay with who has them.
import { FORKD, MESSAGE_LISTENING, mailboxSend } from "../../../kernel/fork/mailbox";
import { monotonicNow } from "../../../kernel/time/clock";
import { TIMER_SIZE, Timer, timerInit, timerSet } from "../../../kernel/time/timer";
import { deviceCarrier, devicePresent } from "../device";
import { handoverTold } from "../handover/messages";
import { boundFirst, boundNext } from "../tcp/bound_ports";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { LISTEN } from "../tcp/state";
import { UdpSocket, udpDiscard, udpFirst, udpNext } from "../udp/socket";
import { IPPROTO_TCP, IPPROTO_UDP } from "../wire/ipv4";
import { flowPagesTold } from "./flow_list";

/** Bytes of such a message. */
export const LISTENING_BYTES: u32 = 8;

/** Values of `accepts` of a socket. */
const NOT: u8 = 0;
/** The application waits on it, but forkd does not know. */
const UNTOLD: u8 = 1;
const TOLD: u8 = 2;

const message = memory.data(8, 8);

/** Ports that are accepted on no more, of which forkd does not know: u32 each, the protocol in its upper half. */
const ended = memory.data(64, 8);
const ENDED: u32 = 16;
let endedCount: u32 = 0;
/** forkd waits to hear that it has heard all. */
let asked = false;

/** How long a child waits for its device, ns: perhaps it has none. */
const DEVICE_PATIENCE: u64 = 2_000_000_000;
const deviceTimer = changetype<Timer>(memory.data(TIMER_SIZE, 8));
/** Until when the device is waited for; 0 = it is not. */
let deviceDeadline: u64 = 0;

function isSocket(socket: UdpSocket): bool {
  return changetype<usize>(socket) != 0;
}

/** In the child of a fork, who has not waited on anything that it inherits. Datagrams that have come are its parent's. */
export function listenersForked(): void {
  endedCount = 0;
  asked = false;
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) s.accepts = NOT;
  for (let socket = udpFirst(); isSocket(socket); socket = udpNext(socket)) {
    socket.accepts = NOT;
    udpDiscard(socket);
  }
  if (!devicePresent()) return;
  deviceDeadline = monotonicNow() + DEVICE_PATIENCE;
  if (deviceTimer.callback == 0) timerInit(deviceTimer, onPatienceOver.index, 0);
  timerSet(deviceTimer, deviceDeadline);
}

function onPatienceOver(_argument: usize): void {
  listenersTell();
}

/** Whether our device is still to be connected. */
function deviceAwaited(): bool {
  if (deviceDeadline != 0 && (deviceCarrier() || monotonicNow() >= deviceDeadline)) deviceDeadline = 0;
  return deviceDeadline != 0;
}

/** Export, by libos/optional/with_fork_network.ts. */
export function networkListens(s: TcpSocket, accepts: bool): void {
  if (accepts) {
    s.accepts = UNTOLD;
    listenersTell();
  } else {
    s.accepts = NOT;
    endTell(s.localPort, IPPROTO_TCP);
  }
}

/** Export, by libos/optional/with_fork_network.ts. A socket that is closed is not in the table of ports any more. */
export function networkServes(socket: UdpSocket, port: u16, serves: bool): void {
  if (serves) {
    socket.accepts = UNTOLD;
    listenersTell();
  } else {
    endTell(port, IPPROTO_UDP);
  }
}

function endTell(port: u16, protocol: u8): void {
  if (acceptsOn(port, protocol) || say(port, protocol, 0) || endedCount == ENDED) return;
  store<u32>(ended + ((<usize>endedCount) << 2), port | ((<u32>protocol) << 16));
  endedCount += 1;
}

/** Whether a socket waits for what comes to the port. */
function acceptsOn(port: u16, protocol: u8): bool {
  if (protocol == IPPROTO_TCP) {
    for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
      if (s.localPort == port && s.state == LISTEN && s.accepts != NOT) return true;
    }
    return false;
  }
  for (let socket = udpFirst(); isSocket(socket); socket = udpNext(socket)) {
    if (socket.localPort == port && socket.accepts != NOT) return true;
  }
  return false;
}

/** Tells forkd what it does not know; without room, or before our device is connected, later. */
export function listenersTell(): void {
  if (deviceAwaited()) return;
  while (endedCount != 0) {
    const end = load<u32>(ended + ((<usize>(endedCount - 1)) << 2));
    const protocol = <u8>(end >> 16);
    if (!acceptsOn(<u16>end, protocol) && !say(<u16>end, protocol, 0)) return;
    endedCount -= 1;
  }
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (s.state != LISTEN || s.accepts != UNTOLD) continue;
    if (!say(s.localPort, IPPROTO_TCP, 1)) return;
    s.accepts = TOLD;
  }
  for (let socket = udpFirst(); isSocket(socket); socket = udpNext(socket)) {
    if (socket.accepts != UNTOLD) continue;
    if (!say(socket.localPort, IPPROTO_UDP, 1)) return;
    socket.accepts = TOLD;
  }
  if (asked && flowPagesTold() && handoverTold() && say(0, 0, 0)) asked = false;
}

/** A forkd that has begun anew asks. */
export function listenersTellAgain(): void {
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (s.accepts == TOLD) s.accepts = UNTOLD;
  }
  for (let socket = udpFirst(); isSocket(socket); socket = udpNext(socket)) {
    if (socket.accepts == TOLD) socket.accepts = UNTOLD;
  }
  asked = true;
  listenersTell();
}

function say(port: u16, protocol: u8, weight: u32): bool {
  store<u16>(message, port);
  store<u16>(message, protocol, 2);
  store<u32>(message, weight, 4);
  return mailboxSend(MESSAGE_LISTENING, 0, FORKD, message, LISTENING_BYTES);
}
