// The listening socket and what the architectures share in accepting from it.
import {
  accept4,
  ECONNABORTED,
  ENOMEM,
  errno,
  setErrno,
  usleep,
  bind,
  close,
  AF_INET6,
  IPPROTO_TCP,
  listen,
  SO_REUSEADDR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  sockaddr_in6,
  in6addr_any,
  socket,
  SOL_SOCKET,
  setSocketOption,
  TCP_NODELAY,
} from "karyon";
import { Connection, openConnection } from "./connection";
import { startConnection } from "./exchange";

const BACKLOG: i32 = 128;

/** Microseconds to wait when accept fails for want of descriptors or memory. */
const FAILURE_PAUSE: u32 = 100_000;

/** Connections beyond the limit that are accepted in order to be told so. */
export const TURN_AWAY_LIMIT: i32 = 16;

const peer = new sockaddr_in6();

/**
 * A socket that listens on `port` of every address of both families. What it accepts sends without waiting for more to send: an answer is
 * complete when it is handed over.
 * @param flags SOCK_NONBLOCK, or 0 for one whose accept waits
 * @returns its descriptor, or -1 with errno
 */
export function openListener(port: u16, flags: i32): i32 {
  const descriptor = socket(AF_INET6, SOCK_STREAM | flags);
  if (descriptor < 0) return -1;
  setSocketOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  setSocketOption(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  if (bind(descriptor, new sockaddr_in6(in6addr_any, port)) < 0 || listen(descriptor, BACKLOG) < 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

/**
 * Takes the next client. Its socket does not block.
 * @returns null with errno: EAGAIN when nobody waits, ENOMEM, or what accept says
 */
export function acceptConnection(listener: i32, now: u64): Connection | null {
  const descriptor = accept4(listener, peer, SOCK_NONBLOCK);
  if (descriptor < 0) return null;
  const connection = openConnection(descriptor, peer);
  if (connection === null) {
    close(descriptor);
    setErrno(ENOMEM);
    return null;
  }
  startConnection(connection, now);
  return connection;
}

/** For a thread whose accept waits: what to do when it has failed. A client that gave up (ECONNABORTED) is no reason to rest. */
export function pauseAfterFailure(): void {
  if (errno != ECONNABORTED) usleep(FAILURE_PAUSE);
}
