// Sockets of AF_UNIX (unix(7)): what one is, and its life. Bytes and datagrams go through pipes: each socket reads from one, and one that is
// connected writes to its peer's. So what holds for pipes holds for them: threads of one process use them, and so do parent and child of a
// fork. Datagrams lie in a pipe as messages (libos/pipe/message.ts); so do the records of SOCK_SEQPACKET.
// Invariants: the descriptions of the pipes' ends never block, since a call waits here, with its own flags and times; a pipe's end is closed
// when the description is that stands for it, so who waits for one holds that. All sockets of the process are in one list.
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { WaitQueue, wakeAll } from "../../../kernel/thread/wait_queue";
import { MESSAGE_NAME_MAX, Message } from "../../pipe/message";
import { NO_FILE, OpenFile, openFileHold, openFileRelease } from "../../process/open_file";
import { processId } from "../../process/identity";
import { rightsDrop } from "../../optional/with_unix_rights";
import { O_NONBLOCK, SOCK_DGRAM } from "../constants";
import { pipeEnds, pipeQueue } from "../pipe";
import { endPut } from "./ends";

export const UNCONNECTED: u32 = 0;
export const LISTENING: u32 = 1;
export const CONNECTED: u32 = 2;

/** A name, which is the address of the socket that is bound to it; others refer to it. */
@unmanaged
@final
export class UnixName {
  references: u32;
  // From here on as a Message.
  messageLength: u32;
  /** Bytes. The first is 0 in an abstract name. */
  length: u32;

  get bytes(): usize {
    return changetype<usize>(this) + offsetof<UnixName>();
  }
}

/** No name. */
export const NO_NAME: UnixName = changetype<UnixName>(0);

@unmanaged
@final
export class UnixSocket {
  /** The next of the process. */
  next: usize;
  /** SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET. */
  type: i32;
  state: u32;
  /** Descriptions of the pipes' ends, 0 for none or shut down: read from; written to. */
  reader: usize;
  writer: usize;
  /** Of a datagram socket: by which others write to it. */
  inbox: usize;
  /** The UnixSocket of this process with which it is connected; 0 when it is closed, or another process's. */
  peer: usize;
  /** UnixName, its own and its peer's. */
  name: usize;
  peerName: usize;
  /** Whether the name is its own, and not the listener's that made it. */
  isBound: bool;
  /** shutdown() of a datagram socket, or of a listener. */
  readShut: bool;
  writeShut: bool;
  /** The application knows that the peer has gone without reading all. */
  resetTold: bool;
  /** Who it was that connected, listened, or made the pair. */
  peerPid: i32;
  /** Of a listener: connections that wait, at most one more than the backlog. */
  backlog: u32;
  waiting: u32;
  waitingFirst: usize;
  /** Of a connection that waits: the next. */
  waitingNext: usize;
  queueFirst: usize;
  queueLast: usize;
  /** Descriptors on their way to it: the first and the last Rights (rights.ts). */
  rightsFirst: usize;
  rightsLast: usize;

  /** Threads that wait for a connection, or for the socket to be connected. */
  get queue(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + offsetof<UnixSocket>("queueFirst"));
  }

  get isDatagram(): bool {
    return this.type == SOCK_DGRAM;
  }
}

/** No socket. */
export const NO_UNIX: UnixSocket = changetype<UnixSocket>(0);

const sockets = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const names = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;
let first: usize = 0;
let scratch: usize = 0;
const unnamed = memory.data(8, 4);

/** Who waits for a listener to have room: its memory may go meanwhile. */
const connectors = changetype<WaitQueue>(memory.data(8, 4));
/** Reader and writer of a pipe, and of another. */
const ends = memory.data(16, 4);

/** The first socket of the process; `next` leads to the others. */
export function unixSockets(): UnixSocket {
  return changetype<UnixSocket>(first);
}

/** A message, or a name, of the running call, to be used before the thread changes; there is one as soon as there is a socket. */
export function unixScratch(): Message {
  return changetype<Message>(scratch + offsetof<UnixName>("messageLength"));
}

/** Threads that wait for room in the queue of whatever listener. */
export function unixConnectors(): WaitQueue {
  return connectors;
}

/** The socket behind a description of KIND_UNIX. */
export function unixOf(file: OpenFile): UnixSocket {
  return changetype<UnixSocket>(file.object);
}

/** A socket that is not connected, or NO_UNIX without memory. */
export function unixCreate(type: i32): UnixSocket {
  if (!initialised) {
    slabInit(sockets, offsetof<UnixSocket>());
    slabInit(names, <u32>offsetof<UnixName>() + MESSAGE_NAME_MAX);
    initialised = true;
  }
  if (scratch == 0) scratch = names.alloc();
  if (scratch == 0) return NO_UNIX;
  const s = changetype<UnixSocket>(sockets.alloc());
  if (s == NO_UNIX) return NO_UNIX;
  s.type = type;
  s.next = first;
  first = changetype<usize>(s);
  if (type != SOCK_DGRAM) return s;
  if (pipeEnds(ends, O_NONBLOCK) != 0) {
    unixDestroy(s);
    return NO_UNIX;
  }
  s.reader = load<usize>(ends);
  s.inbox = load<usize>(ends, 4);
  return s;
}

/** Connects two sockets of the same type that are not connected: 0 or -ENFILE. */
export function unixJoin(one: UnixSocket, other: UnixSocket): i32 {
  if (one.isDatagram) {
    writeTo(one, other);
    writeTo(other, one);
  } else {
    let error = pipeEnds(ends, O_NONBLOCK);
    if (error != 0) return error;
    error = pipeEnds(ends + 8, O_NONBLOCK);
    if (error != 0) {
      openFileRelease(changetype<OpenFile>(load<usize>(ends)));
      openFileRelease(changetype<OpenFile>(load<usize>(ends, 4)));
      return error;
    }
    // Each reads from one pipe and writes to the other.
    one.reader = load<usize>(ends);
    other.writer = load<usize>(ends, 4);
    other.reader = load<usize>(ends, 8);
    one.writer = load<usize>(ends, 12);
    one.peer = changetype<usize>(other);
    other.peer = changetype<usize>(one);
  }
  one.state = CONNECTED;
  other.state = CONNECTED;
  one.peerPid = other.peerPid = processId();
  return 0;
}

/** Has datagram socket `one` write to `other`. */
export function writeTo(one: UnixSocket, other: UnixSocket): void {
  openFileHold(changetype<OpenFile>(other.inbox));
  one.writer = other.inbox;
  one.peer = changetype<usize>(other);
}

/** Has a datagram socket write to nobody. */
export function unixDisconnect(s: UnixSocket): void {
  const writer = s.writer;
  s.writer = 0;
  s.peer = 0;
  s.state = UNCONNECTED;
  setName(s, NO_NAME, true);
  letGo(writer);
}

/** Wakes who waits for a pipe's end, unless it is 0, and closes it. */
export function letGo(end: usize): void {
  const file = changetype<OpenFile>(end);
  if (file == NO_FILE) return;
  wakeAll(pipeQueue(file));
  openFileRelease(file);
}

/** Takes a socket out of all that knows it, and frees it. */
export function unixDestroy(s: UnixSocket): void {
  const address = changetype<usize>(s);
  rightsDrop(address);
  if (first == address) first = s.next;
  for (let other = unixSockets(); other != NO_UNIX; other = changetype<UnixSocket>(other.next)) {
    if (other.next == address) other.next = s.next;
    if (other.peer == address) other.peer = 0;
  }
  const writer = s.writer;
  const inbox = s.inbox;
  letGo(s.reader);
  letGo(writer);
  letGo(inbox);
  for (let next = s.waitingFirst; next != 0;) {
    const waiting = changetype<UnixSocket>(next);
    next = waiting.waitingNext;
    refuse(waiting);
  }
  if (s.state == LISTENING) wakeAll(connectors);
  setName(s, NO_NAME, false);
  setName(s, NO_NAME, true);
  sockets.free(address);
}

/** Nobody will accept the connection. Its peer hears ECONNRESET, which a byte that nobody reads tells it. */
function refuse(s: UnixSocket): void {
  const client = changetype<UnixSocket>(s.peer);
  if (client != NO_UNIX && client.writer != 0) endPut(changetype<OpenFile>(client.writer), changetype<usize>(ends), 1);
  unixDestroy(s);
}

/** In the child of a fork: what waits to be accepted is the parent's. */
export function unixForget(listener: UnixSocket): void {
  let next = listener.waitingFirst;
  listener.waitingFirst = 0;
  listener.waiting = 0;
  for (; next != 0;) {
    const waiting = changetype<UnixSocket>(next);
    next = waiting.waitingNext;
    unixDestroy(waiting);
  }
}

/** A name of `length` bytes at `bytes`, with one reference; NO_NAME without memory. */
export function nameCreate(bytes: usize, length: u32): UnixName {
  const name = changetype<UnixName>(names.alloc());
  if (name == NO_NAME) return name;
  name.references = 1;
  name.length = length;
  memory.copy(name.bytes, bytes, length);
  return name;
}

/** Has a socket's name, or with `ofPeer` its peer's, be `name`, which gets a reference more. */
export function setName(s: UnixSocket, name: UnixName, ofPeer: bool): void {
  if (name != NO_NAME) name.references += 1;
  const before = changetype<UnixName>(ofPeer ? s.peerName : s.name);
  if (ofPeer) s.peerName = changetype<usize>(name);
  else s.name = changetype<usize>(name);
  if (before == NO_NAME) return;
  before.references -= 1;
  if (before.references == 0) names.free(changetype<usize>(before));
}

/** The head of messages that `s` sends: its name, to be used before the thread changes. */
export function messageFrom(s: UnixSocket): Message {
  return s.name != 0 ? changetype<Message>(s.name + offsetof<UnixName>("messageLength")) : changetype<Message>(unnamed);
}
