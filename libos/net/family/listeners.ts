// On which ports this process accepts connections (MESSAGE_LISTENING): forkd shares new ones among those processes of the family that have said
// so. A process says it when it first waits on a listener, not when it inherits one.
//   u16 port, u8 protocol, u8 0, u32 weight: 1, or 0 when it accepts no more, which forkd says again when nobody new is sent here;
//   port 0: that is all that forkd has asked for, its connections included
import { FORKD, MESSAGE_LISTENING, mailboxSend } from "../../../kernel/fork/mailbox";
import { handoverTold } from "../handover/messages";
import { boundFirst, boundNext } from "../tcp/bound_ports";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { LISTEN } from "../tcp/state";
import { IPPROTO_TCP } from "../wire/ipv4";
import { flowPagesTold } from "./flow_list";

/** Bytes of such a message. */
export const LISTENING_BYTES: u32 = 8;

/** Values of TcpSocket.accepts. */
const NOT: u8 = 0;
/** The application waits on it, but forkd does not know. */
const UNTOLD: u8 = 1;
const TOLD: u8 = 2;

const message = memory.data(8, 8);

/** Ports that are accepted on no more, of which forkd does not know: u32 each. */
const ended = memory.data(64, 8);
const ENDED: u32 = 16;
let endedCount: u32 = 0;
/** forkd waits to hear that it has heard all. */
let asked = false;

/** In the child of a fork, who has not waited on any of its listeners. */
export function listenersForked(): void {
  endedCount = 0;
  asked = false;
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) s.accepts = NOT;
}

/** Export, by libos/with_fork_network.ts. */
export function networkListens(s: TcpSocket, accepts: bool): void {
  if (accepts) {
    s.accepts = UNTOLD;
    listenersTell();
    return;
  }
  s.accepts = NOT;
  if (acceptsOn(s.localPort)) return;
  if (!say(s.localPort, 0) && endedCount < ENDED) {
    store<u32>(ended + ((<usize>endedCount) << 2), s.localPort);
    endedCount += 1;
  }
}

/** Whether another listener accepts on the port. */
function acceptsOn(port: u16): bool {
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (s.localPort == port && s.state == LISTEN && s.accepts != NOT) return true;
  }
  return false;
}

/** Tells forkd what it does not know; without room later. */
export function listenersTell(): void {
  while (endedCount != 0) {
    const port = <u16>load<u32>(ended + ((<usize>(endedCount - 1)) << 2));
    if (!acceptsOn(port) && !say(port, 0)) return;
    endedCount -= 1;
  }
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (s.state != LISTEN || s.accepts != UNTOLD) continue;
    if (!say(s.localPort, 1)) return;
    s.accepts = TOLD;
  }
  if (asked && flowPagesTold() && handoverTold() && say(0, 0)) asked = false;
}

/** A forkd that has begun anew asks. */
export function listenersTellAgain(): void {
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (s.accepts == TOLD) s.accepts = UNTOLD;
  }
  asked = true;
  listenersTell();
}

function say(port: u16, weight: u32): bool {
  store<u16>(message, port);
  store<u16>(message, IPPROTO_TCP, 2);
  store<u32>(message, weight, 4);
  return mailboxSend(MESSAGE_LISTENING, 0, FORKD, message, LISTENING_BYTES);
}
