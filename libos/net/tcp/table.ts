// Demultiplexing: from a segment's addresses and ports to the connection (one hash lookup), else to the listener.
// The hash is keyed with random numbers, so that nobody outside can fill one chain. Bound ports stand in a list of
// their own: they are few, and looked at only by bind, connect and SYNs.
import { EADDRINUSE } from "../../../kernel/errno";
import { orderFor, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { randomU64 } from "../../../kernel/random";
import { IpAddress, addressCovers, addressesOverlap } from "../ip/address";
import { ephemeralPort } from "../ports";
import { ENDPOINT_SOCKET, ENDPOINT_TIME_WAIT, TcpEndpoint } from "./endpoint";
import { BOUND, REUSEADDR } from "./flags";
import { NO_SOCKET, TcpSocket } from "./socket";
import { CLOSE_WAIT, CLOSING, ESTABLISHED, FIN_WAIT_1, LAST_ACK, LISTEN } from "./state";

const INITIAL_BUCKETS: u32 = 1024;
const MAX_BUCKETS: u32 = 65536;

let buckets: usize = 0;
let bucketCount: u32 = 0;
let entries: u32 = 0;
let boundHead: usize = 0;

/** The secret of the hash: KEYS random u64. */
const keys = memory.data(40, 8);
const KEYS: u32 = 5;

/** No entry. */
export const NO_ENDPOINT: TcpEndpoint = changetype<TcpEndpoint>(0);

/** Allocates the table; false without memory. */
export function tableInit(): bool {
  for (let i: u32 = 0; i < KEYS; i++) store<u64>(keys + ((<usize>i) << 3), randomU64());
  entries = 0;
  boundHead = 0;
  buckets = bucketsAlloc(INITIAL_BUCKETS);
  bucketCount = INITIAL_BUCKETS;
  return buckets != 0;
}

function bucketsAlloc(count: u32): usize {
  const block = pagesAlloc(orderFor(count * 4));
  if (block != 0) memory.fill(block, 0, count * 4);
  return block;
}

/** Entries in the table. */
export function tableCount(): u32 {
  return entries;
}

/**
 * Multilinear hashing (Thorup, "High speed hashing for integers and strings", section 3.4): whatever ends a peer takes,
 * two of them share a bucket with the probability of chance. Our own address he cannot choose: it is left out.
 */
function hashOf(localPort: u16, remote: IpAddress, remotePort: u16): u32 {
  const high = remote.high;
  const low = remote.low;
  const ports = ((<u64>remotePort) << 16) | localPort;
  let sum = (load<u64>(keys) + (high >> 32)) * (load<u64>(keys, 8) + (high & 0xffffffff));
  sum += (load<u64>(keys, 16) + (low >> 32)) * (load<u64>(keys, 24) + (low & 0xffffffff));
  sum += load<u64>(keys, 32) * ports;
  return <u32>(sum >> 32);
}

function bucketOf(hash: u32): usize {
  return buckets + ((<usize>(hash & (bucketCount - 1))) << 2);
}

/** The connection between the two ends, or NO_ENDPOINT. */
export function tableFind(local: IpAddress, localPort: u16, remote: IpAddress, remotePort: u16): TcpEndpoint {
  const hash = hashOf(localPort, remote, remotePort);
  let e = changetype<TcpEndpoint>(load<usize>(bucketOf(hash)));
  while (changetype<usize>(e) != 0) {
    if (
      e.hash == hash &&
      e.remotePort == remotePort &&
      e.localPort == localPort &&
      e.remote.equals(remote) &&
      e.local.equals(local)
    ) {
      return e;
    }
    e = changetype<TcpEndpoint>(e.hashNext);
  }
  return NO_ENDPOINT;
}

/** Adds an entry whose ends are filled in and not in the table yet. */
export function tableInsert(e: TcpEndpoint): void {
  if (entries >= bucketCount * 2 && bucketCount < MAX_BUCKETS) grow();
  e.hash = hashOf(e.localPort, e.remote, e.remotePort);
  const bucket = bucketOf(e.hash);
  e.hashNext = load<usize>(bucket);
  store<usize>(bucket, changetype<usize>(e));
  entries += 1;
}

/** Takes an entry out; it must be in. */
export function tableRemove(e: TcpEndpoint): void {
  let link = bucketOf(e.hash);
  while (load<usize>(link) != changetype<usize>(e)) link = load<usize>(link) + offsetof<TcpEndpoint>("hashNext");
  store<usize>(link, e.hashNext);
  entries -= 1;
}

/** Doubles the table; without memory the chains get longer instead. */
function grow(): void {
  const oldBuckets = buckets;
  const oldCount = bucketCount;
  const block = bucketsAlloc(oldCount * 2);
  if (block == 0) return;
  buckets = block;
  bucketCount = oldCount * 2;
  for (let i: u32 = 0; i < oldCount; i++) {
    let e = load<usize>(oldBuckets + ((<usize>i) << 2));
    while (e != 0) {
      const endpoint = changetype<TcpEndpoint>(e);
      e = endpoint.hashNext;
      const bucket = bucketOf(endpoint.hash);
      endpoint.hashNext = load<usize>(bucket);
      store<usize>(bucket, changetype<usize>(endpoint));
    }
  }
  pagesFree(oldBuckets, orderFor(oldCount * 4));
}

/** True while a connection that nobody holds waits for the acknowledgment of what it has sent, its FIN included. */
export function tableUnfinished(): bool {
  for (let bucket: u32 = 0; bucket < bucketCount; bucket++) {
    let e = changetype<TcpEndpoint>(load<usize>(buckets + ((<usize>bucket) << 2)));
    for (; changetype<usize>(e) != 0; e = changetype<TcpEndpoint>(e.hashNext)) {
      if (e.kind != ENDPOINT_SOCKET) continue;
      const state = changetype<TcpSocket>(e).state;
      if (state == FIN_WAIT_1 || state == CLOSING || state == LAST_ACK) return true;
    }
  }
  return false;
}

/** Connections in ESTABLISHED and CLOSE_WAIT. Walks the whole table. */
export function tableEstablished(): u32 {
  let found: u32 = 0;
  for (let bucket: u32 = 0; bucket < bucketCount; bucket++) {
    let e = changetype<TcpEndpoint>(load<usize>(buckets + ((<usize>bucket) << 2)));
    for (; changetype<usize>(e) != 0; e = changetype<TcpEndpoint>(e.hashNext)) {
      if (e.state == ESTABLISHED || e.state == CLOSE_WAIT) found += 1;
    }
  }
  return found;
}

/** The listener for a SYN to this end: one bound to the address itself goes before one bound to any address. */
export function listenerFind(local: IpAddress, localPort: u16): TcpSocket {
  let wild = NO_SOCKET;
  for (let s = changetype<TcpSocket>(boundHead); s != NO_SOCKET; s = changetype<TcpSocket>(s.portNext)) {
    if (s.localPort != localPort || s.state != LISTEN) continue;
    if (s.local.equals(local)) return s;
    if (addressCovers(s.local, s.only6, local)) wild = s;
  }
  return wild;
}

/** Registers `s` for its local port. */
export function boundInsert(s: TcpSocket): void {
  s.portNext = boundHead;
  boundHead = changetype<usize>(s);
  s.set(BOUND);
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
 * it, and one that another socket with SO_REUSEADDR is bound to while none of them listens.
 */
export function bindCheck(s: TcpSocket, local: IpAddress, localPort: u16): i32 {
  for (
    let other = changetype<TcpSocket>(boundHead);
    other != NO_SOCKET;
    other = changetype<TcpSocket>(other.portNext)
  ) {
    if (other.localPort != localPort || !addressesOverlap(other.local, other.only6, local, s.only6)) continue;
    if (!s.has(REUSEADDR) || !other.has(REUSEADDR) || other.state == LISTEN) return -EADDRINUSE;
  }
  return !s.has(REUSEADDR) && connectionOnPort(local, s.only6, localPort) ? -EADDRINUSE : 0;
}

/** True when another listener than `s` has the end already. */
export function listenerConflict(s: TcpSocket): bool {
  for (
    let other = changetype<TcpSocket>(boundHead);
    other != NO_SOCKET;
    other = changetype<TcpSocket>(other.portNext)
  ) {
    if (other == s || other.state != LISTEN || other.localPort != s.localPort) continue;
    if (addressesOverlap(other.local, other.only6, s.local, s.only6)) return true;
  }
  return false;
}

/** Walks the whole table; only bind without SO_REUSEADDR does this. */
function connectionOnPort(local: IpAddress, only6: bool, localPort: u16): bool {
  for (let i: u32 = 0; i < bucketCount; i++) {
    let e = changetype<TcpEndpoint>(load<usize>(buckets + ((<usize>i) << 2)));
    while (changetype<usize>(e) != 0) {
      if (e.localPort == localPort && addressCovers(local, only6, e.local)) return true;
      e = changetype<TcpEndpoint>(e.hashNext);
    }
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
  return boundPort(port) || connectionOnPort(s.local, s.only6, port);
}

/** A free local port for the connection that `s` is about to open, or -EADDRINUSE. */
export function portForConnect(s: TcpSocket): i32 {
  return ephemeralPort(connectPortInUse.index, changetype<usize>(s));
}

/** A free local port for bind, or -EADDRINUSE. */
export function portForBind(s: TcpSocket): i32 {
  return ephemeralPort(bindPortInUse.index, changetype<usize>(s));
}

/** True for an entry of TIME_WAIT, which a new connection may replace. */
export function isTimeWait(e: TcpEndpoint): bool {
  return e.kind == ENDPOINT_TIME_WAIT;
}
