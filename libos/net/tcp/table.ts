// Demultiplexing: from a segment's addresses and ports to the connection, by one hash lookup. Who listens is in bound_ports.ts.
// The hash is keyed with random numbers, so that nobody outside can fill one chain.
import { orderFor, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { randomU64 } from "../../../kernel/random";
import { flowAdded, flowRemoved } from "../../optional/with_fork_network";
import { IpAddress, addressCovers } from "../ip/address";
import { ENDPOINT_SOCKET, ENDPOINT_TIME_WAIT, TcpEndpoint } from "./endpoint";
import { TcpSocket } from "./socket";
import { CLOSE_WAIT, CLOSING, ESTABLISHED, FIN_WAIT_1, LAST_ACK } from "./state";

const INITIAL_BUCKETS: u32 = 1024;
const MAX_BUCKETS: u32 = 65536;

let buckets: usize = 0;
let bucketCount: u32 = 0;
let entries: u32 = 0;

/** The secret of the hash: KEYS random u64. */
const keys = memory.data(40, 8);
const KEYS: u32 = 5;

/** No entry. */
export const NO_ENDPOINT: TcpEndpoint = changetype<TcpEndpoint>(0);

/** Allocates the table; false without memory. */
export function tableInit(): bool {
  for (let i: u32 = 0; i < KEYS; i++) store<u64>(keys + ((<usize>i) << 3), randomU64());
  entries = 0;
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

/** The entry with the same ends behind `e`, or NO_ENDPOINT. */
export function tableFindBehind(e: TcpEndpoint): TcpEndpoint {
  let next = changetype<TcpEndpoint>(e.hashNext);
  while (next != NO_ENDPOINT && !haveSameEnds(e, next)) next = changetype<TcpEndpoint>(next.hashNext);
  return next;
}

function haveSameEnds(e: TcpEndpoint, other: TcpEndpoint): bool {
  if (e.remotePort != other.remotePort || e.localPort != other.localPort) return false;
  return e.remote.equals(other.remote) && e.local.equals(other.local);
}

/** Adds an entry whose ends are filled in and not in the table yet. */
export function tableInsert(e: TcpEndpoint): void {
  if (entries >= bucketCount * 2 && bucketCount < MAX_BUCKETS) grow();
  e.hash = hashOf(e.localPort, e.remote, e.remotePort);
  const bucket = bucketOf(e.hash);
  e.hashNext = load<usize>(bucket);
  store<usize>(bucket, changetype<usize>(e));
  entries += 1;
  if (e.kind == ENDPOINT_SOCKET) flowAdded(changetype<TcpSocket>(e));
}

/** Takes an entry out; it must be in. */
export function tableRemove(e: TcpEndpoint): void {
  let link = bucketOf(e.hash);
  while (load<usize>(link) != changetype<usize>(e)) link = load<usize>(link) + offsetof<TcpEndpoint>("hashNext");
  store<usize>(link, e.hashNext);
  entries -= 1;
  if (e.kind == ENDPOINT_SOCKET) flowRemoved(changetype<TcpSocket>(e));
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

/** Chains of the table. */
export function tableChains(): u32 {
  return bucketCount;
}

/** The first entry of chain `index`, or NO_ENDPOINT. */
export function tableChain(index: u32): TcpEndpoint {
  return changetype<TcpEndpoint>(load<usize>(bucketOf(index)));
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

/** True when a connection, whatever its state, has the port at this address of ours. Walks the whole table. */
export function tableHasPort(local: IpAddress, only6: bool, localPort: u16): bool {
  for (let i: u32 = 0; i < bucketCount; i++) {
    let e = changetype<TcpEndpoint>(load<usize>(buckets + ((<usize>i) << 2)));
    while (changetype<usize>(e) != 0) {
      if (e.localPort == localPort && addressCovers(local, only6, e.local)) return true;
      e = changetype<TcpEndpoint>(e.hashNext);
    }
  }
  return false;
}

/** True for an entry of TIME_WAIT, which a new connection may replace. */
export function isTimeWait(e: TcpEndpoint): bool {
  return e.kind == ENDPOINT_TIME_WAIT;
}
