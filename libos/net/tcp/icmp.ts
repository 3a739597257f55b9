// ICMP errors about our segments (RFC 9293 MUST-54, 3.9.2.2). Anyone can send one: it counts only when it quotes a sequence
// number that is in flight (RFC 5927, 4.1), and it never ends a connection that stands (RFC 5927, 5.2).
import { ECONNREFUSED, EMSGSIZE, ENOPROTOOPT } from "../../../kernel/errno";
import { IpAddress } from "../ip/address";
import { pathMtuLower } from "../ip/path_mtu";
import { connectionFail, connectionRelease } from "./connection";
import { outputMark } from "./output";
import { roundTripForget } from "./rtt";
import { sequenceLess, sequenceWithin } from "./sequence";
import { ENDPOINT_SOCKET } from "./endpoint";
import { TcpSocket } from "./socket";
import { SYN_RECEIVED, SYN_SENT, isSynchronized } from "./state";
import { NO_ENDPOINT, tableFind } from "./table";

/** Registered as transport error handler (transport.ts describes the parameters); 8 bytes at `quoted` are there. */
export function tcpError(
  local: IpAddress,
  remote: IpAddress,
  quoted: usize,
  length: u32,
  error: i32,
  mtu: u32,
  now: u64,
): void {
  if (length < 8) return;
  const localPort = bswap<u16>(load<u16>(quoted));
  const remotePort = bswap<u16>(load<u16>(quoted, 2));
  const sequence = bswap<u32>(load<u32>(quoted, 4));
  const entry = tableFind(local, localPort, remote, remotePort);
  if (entry == NO_ENDPOINT || entry.kind != ENDPOINT_SOCKET) return;
  const s = changetype<TcpSocket>(entry);
  if (!sequenceWithin(sequence, s.sendUnacknowledged, s.sendMax)) return;
  if (error == EMSGSIZE) pathShrinks(s, mtu, now);
  else if (isHard(error) && !isSynchronized(s.state))
    connectionFail(s, error); // RFC 9293 SHLD-26
  else s.softError = error; // RFC 9293 MUST-56, SHLD-25
  connectionRelease(s);
}

function isHard(error: i32): bool {
  return error == ECONNREFUSED || error == ENOPROTOOPT;
}

/** RFC 1191, 6.5: what was too large goes again at once in smaller segments; the path is not congested. */
function pathShrinks(s: TcpSocket, mtu: u32, now: u64): void {
  if (!pathMtuLower(s.remote, mtu, now)) return;
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED || sequenceLess(s.sendNext, s.sendMax)) return;
  roundTripForget(s);
  s.sendNext = s.sendUnacknowledged;
  outputMark(s);
}
