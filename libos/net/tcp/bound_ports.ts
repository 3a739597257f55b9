// Which socket is bound to which port: who may bind, and who is asked when a SYN comes. They stand in a list, since they are few
// and looked at only by bind, connect and SYNs.
import { EADDRINUSE } from "../../../kernel/errno";
import { IpAddress, addressCovers, addressesOverlap } from "../ip/address";
import { sharedPortLot } from "../port_sharing";
import { ephemeralPort } from "../ports";
import { BOUND, DETACHED, REUSEADDR } from "./flags";
import { NO_SOCKET, TcpSocket } from "./socket";
import { LISTEN } from "./state";
import { NO_ENDPOINT, tableFind, tableHasPort } from "./table";

let boundHead: usize = 0;

/** Begins with no port bound; called once by tcpInit. */
export function boundInit(): void {
  boundHead = 0;
}

/**
 * The listener for a SYN between these ends: one bound to the address itself goes before one bound to any address. Of
 * several, which SO_REUSEPORT allows, each gets its share of the peers' ends, a peer's end always the same listener.
 */
export function listenerFind(local: IpAddress, localPort: u16, remote: IpAddress, remotePort: u16): TcpSocket {
  let found = NO_SOCKET;
  for (let s = changetype<TcpSocket>(boundHead); s != NO_SOCKET; s = changetype<TcpSocket>(s.portNext)) {
    if (s.localPort != localPort || s.state != LISTEN || !addressCovers(s.local, s.only6, local)) continue;
    if (found == NO_SOCKET || goesBefore(s, found, local, remote, remotePort)) found = s;
  }
  return found;
}

function goesBefore(s: TcpSocket, other: TcpSocket, local: IpAddress, remote: IpAddress, remotePort: u16): bool {
  if (s.has(DETACHED) != other.has(DETACHED)) return other.has(DETACHED); // closed, and only there for those who do not know
  const exact = s.local.equals(local);
  if (exact != other.local.equals(local)) return exact;
  const lot = sharedPortLot(changetype<usize>(other), remote, remotePort);
  return sharedPortLot(changetype<usize>(s), remote, remotePort) > lot;
}

/** Registers `s` for its local port. */
export function boundInsert(s: TcpSocket): void {
  s.portNext = boundHead;
  boundHead = changetype<usize>(s);
  s.set(BOUND);
}

/** The first of all bound sockets, or NO_SOCKET. */
export function boundFirst(): TcpSocket {
  return changetype<TcpSocket>(boundHead);
}

/** The one after `s`. */
export function boundNext(s: TcpSocket): TcpSocket {
  return changetype<TcpSocket>(s.portNext);
}

/** Takes `s` out of the port list, if it is in. */
export function boundRemove(s: TcpSocket): void {
  if (!s.has(BOUND)) return;
  s.clear(BOUND);
  if (boundHead == changetype<usize>(s)) {
    boundHead = s.portNext;
    return;
  }
  let previous = changetype<TcpSocket>(boundHead);
  while (previous.portNext != changetype<usize>(s)) previous = changetype<TcpSocket>(previous.portNext);
  previous.portNext = s.portNext;
}

/**
 * 0 when `s` may bind to the end, else -EADDRINUSE. A connection on the port is no hindrance to a listener with
 * SO_REUSEADDR, nor the other way round (RFC 9293 MUST-41, MUST-42). SO_REUSEADDR allows a port with connections of earlier sockets on
 * it, and one that another socket with SO_REUSEADDR is bound to while none of them listens. Sockets that all have SO_REUSEPORT share
 * a port in any state.
 */
export function bindCheck(s: TcpSocket, local: IpAddress, localPort: u16): i32 {
  for (
    let other = changetype<TcpSocket>(boundHead);
    other != NO_SOCKET;
    other = changetype<TcpSocket>(other.portNext)
  ) {
    if (other.localPort != localPort || !addressesOverlap(other.local, other.only6, local, s.only6)) continue;
    if (other.state == LISTEN && other.has(DETACHED)) continue;
    if (s.reusePort && other.reusePort) continue;
    if (!s.has(REUSEADDR) || !other.has(REUSEADDR) || other.state == LISTEN) return -EADDRINUSE;
  }
  return !s.has(REUSEADDR) && !s.reusePort && tableHasPort(local, s.only6, localPort) ? -EADDRINUSE : 0;
}

/** True when another listener than `s` has the end already and does not share it. */
export function listenerConflict(s: TcpSocket): bool {
  for (
    let other = changetype<TcpSocket>(boundHead);
    other != NO_SOCKET;
    other = changetype<TcpSocket>(other.portNext)
  ) {
    if (other == s || other.state != LISTEN || other.localPort != s.localPort || other.has(DETACHED)) continue;
    if (s.reusePort && other.reusePort) continue;
    if (addressesOverlap(other.local, other.only6, s.local, s.only6)) return true;
  }
  return false;
}

function boundPort(localPort: u16): bool {
  for (let s = changetype<TcpSocket>(boundHead); s != NO_SOCKET; s = changetype<TcpSocket>(s.portNext)) {
    if (s.localPort == localPort) return true;
  }
  return false;
}

/** ephemeralPort's question for a socket whose remote end is known: a port is free if the connection would be new. */
function connectPortInUse(port: u16, context: usize): bool {
  const s = changetype<TcpSocket>(context);
  if (boundPort(port)) return true;
  return tableFind(s.local, port, s.remote, s.remotePort) != NO_ENDPOINT;
}

/** ephemeralPort's question for bind to port 0. */
function bindPortInUse(port: u16, context: usize): bool {
  const s = changetype<TcpSocket>(context);
  return boundPort(port) || tableHasPort(s.local, s.only6, port);
}

/** A free local port for the connection that `s` is about to open, or -EADDRINUSE. */
export function portForConnect(s: TcpSocket): i32 {
  return ephemeralPort(connectPortInUse.index, changetype<usize>(s));
}

/** A free local port for bind, or -EADDRINUSE. */
export function portForBind(s: TcpSocket): i32 {
  return ephemeralPort(bindPortInUse.index, changetype<usize>(s));
}
