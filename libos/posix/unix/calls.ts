// System calls on sockets of AF_UNIX that need no names (libos/optional/with_unix.ts): socket, socketpair, transfer, shutdown, readiness, options.
import {
  EAFNOSUPPORT,
  EFAULT,
  EINVAL,
  EISCONN,
  ENFILE,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from "../../../kernel/errno";
import { WaitQueue, wakeAll } from "../../../kernel/thread/wait_queue";
import { POLLERR, POLLHUP, POLLOUT, POLLRDHUP, READABLE, WRITABLE } from "../../net/poll_events";
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from "../../net/tcp/api";
import { brokenPipe } from "../../process/broken_pipe";
import { descriptorFree, descriptorSet } from "../../process/descriptors";
import { KIND_UNIX, NO_FILE, OpenFile, openFileCreate, openFileRelease } from "../../process/open_file";
import { userBuffer } from "../../process/user_memory";
import { NO_UNIX_SOCKETS } from "../../optional/with_unix";
import { rightsDiscard } from "../../optional/with_unix_rights";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  MSG_NOSIGNAL,
  O_RDWR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SOL_SOCKET,
  SO_ERROR,
  SO_PEERCRED,
  SO_PROTOCOL,
  SO_TYPE,
} from "../constants";
import { CREDENTIALS_SIZE } from "../layout";
import { numberWrite, structValue } from "../socket_options";
import { descriptorsPut, pipeEvents, pipeQueue } from "../pipe";
import { unixAddressWritable, unixAddressWrite } from "./address";
import { endEmpty, endHeld, endTakeMessage, endsIntroduce } from "./ends";
import { recordPut, recordReceived, recordTake } from "./record";
import {
  CONNECTED,
  LISTENING,
  NO_UNIX,
  UnixName,
  UnixSocket,
  letGo,
  unixConnectors,
  unixCreate,
  unixDestroy,
  unixJoin,
  unixOf,
  unixScratch,
  unixSockets,
} from "./socket";
import { isReset, streamEnd, streamPut, streamTake } from "./stream";

/** The two descriptions of a pair that is being made. */
const pair = memory.data(8, 4);

/** Why there is no socket of this type and protocol; 0 when there is. */
function typeError(type: i32, protocol: i32): i32 {
  const kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (protocol != 0 && protocol != AF_UNIX) return -EPROTONOSUPPORT;
  return kind == SOCK_STREAM || kind == SOCK_DGRAM || kind == SOCK_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

/** A socket with its description; NO_FILE without memory. */
function create(type: i32): OpenFile {
  const s = unixCreate(type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (s == NO_UNIX) return NO_FILE;
  const file = openFileCreate(KIND_UNIX, changetype<usize>(s), O_RDWR | (type & SOCK_NONBLOCK));
  if (file == NO_FILE) unixDestroy(s);
  return file;
}

/** Export, by libos/optional/with_unix.ts. */
export function unixOpen(type: i32, protocol: i32): i32 {
  const error = typeError(type, protocol);
  return (error != 0 ? error : open(type)) ^ NO_UNIX_SOCKETS;
}

function open(type: i32): i32 {
  const fd = descriptorFree(0);
  if (fd < 0) return fd;
  const file = create(type);
  if (file == NO_FILE) return -ENFILE;
  descriptorSet(fd, file, (type & SOCK_CLOEXEC) != 0);
  return fd;
}

export function posix_socketpair(domain: i32, type: i32, protocol: i32, descriptors: u32): i32 {
  if (domain == AF_INET || domain == AF_INET6) return -EOPNOTSUPP;
  if (domain != AF_UNIX) return -EAFNOSUPPORT;
  const error = typeError(type, protocol);
  if (error != 0) return error;
  const both = userBuffer(descriptors, 8);
  if (both == 0) return -EFAULT;
  const one = create(type);
  const other = one == NO_FILE ? NO_FILE : create(type);
  if (other == NO_FILE || unixJoin(unixOf(one), unixOf(other)) != 0) {
    if (other != NO_FILE) openFileRelease(other);
    if (one != NO_FILE) openFileRelease(one);
    return -ENFILE;
  }
  store<usize>(pair, changetype<usize>(one));
  store<usize>(pair, changetype<usize>(other), 4);
  return descriptorsPut(pair, both, (type & SOCK_CLOEXEC) != 0);
}

/** Export, by libos/optional/with_unix.ts. */
export function unixSend(file: OpenFile, source: usize, count: u32, flags: i32, address: u32): i32 {
  const result = unixPut(file, source, count, flags, address, 0);
  endsIntroduce();
  return result;
}

/** unixSend() without endsIntroduce(), of what takes along the Rights `rights`, 0 for none. They are the receiver's when it returns no error. */
export function unixPut(file: OpenFile, source: usize, count: u32, flags: i32, address: u32, rights: usize): i32 {
  const s = unixOf(file);
  const isStream = s.type == SOCK_STREAM;
  if (isStream && address != 0) return s.state == CONNECTED ? -EISCONN : -EOPNOTSUPP;
  const result = isStream
    ? streamPut(file, source, count, flags, rights)
    : recordPut(file, source, count, flags, address, rights);
  return result == -EPIPE && !s.isDatagram && (flags & MSG_NOSIGNAL) == 0 ? brokenPipe() : result;
}

/** Export, by libos/optional/with_unix.ts. */
export function unixReceive(file: OpenFile, target: usize, count: u32, flags: i32, address: u32): i32 {
  const result = unixTake(file, target, count, flags, address);
  rightsDiscard();
  endsIntroduce();
  return result;
}

/** unixReceive() without endsIntroduce(), which leaves what came along for rightsTaken(). */
export function unixTake(file: OpenFile, target: usize, count: u32, flags: i32, address: u32): i32 {
  const s = unixOf(file);
  if (!unixAddressWritable(address)) return -EFAULT;
  const isStream = s.type == SOCK_STREAM;
  const result = isStream ? streamTake(file, target, count, flags) : recordTake(file, target, count, flags);
  if (result < 0 || address == 0) return result;
  if (s.isDatagram) unixAddressWrite(address, recordReceived().name, recordReceived().nameLength);
  else writeName(address, result == 0 ? 0 : s.peerName);
  return result;
}

function writeName(address: u32, name: usize): void {
  if (name == 0) unixAddressWrite(address, 0, 0);
  else unixAddressWrite(address, changetype<UnixName>(name).bytes, changetype<UnixName>(name).length);
}

/** Export, by libos/optional/with_unix.ts. */
export function unixName(file: OpenFile, address: u32, ofPeer: bool): i32 {
  const s = unixOf(file);
  if (!unixAddressWritable(address)) return -EFAULT;
  if (ofPeer && s.state != CONNECTED) return -ENOTCONN;
  writeName(address, ofPeer ? s.peerName : s.name);
  return 0;
}

/** Export, by libos/optional/with_unix.ts. Who waits for what is shut down finds out. */
export function unixShutdown(file: OpenFile, how: i32): i32 {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  const s = unixOf(file);
  if (s.isDatagram || s.state == LISTENING) {
    if (how != SHUT_WR) s.readShut = true;
    if (how != SHUT_RD) s.writeShut = true;
    wakeAll(s.queue);
    wakeAll(unixConnectors());
    if (s.reader != 0) wakeAll(pipeQueue(changetype<OpenFile>(s.reader)));
    return 0;
  }
  const reader = how == SHUT_WR ? 0 : s.reader;
  const writer = how == SHUT_RD ? 0 : s.writer;
  if (reader != 0) {
    s.reader = 0;
    endEmpty(changetype<OpenFile>(reader)); // it was not closed with what it has not read: the peer hears of no reset
  }
  if (writer != 0) s.writer = 0;
  letGo(reader);
  letGo(writer);
  return 0;
}

/** Export, by libos/optional/with_unix.ts. */
export function unixClose(file: OpenFile): void {
  unixDestroy(unixOf(file));
}

/** Export, by libos/optional/with_unix.ts. */
export function unixPipe(file: OpenFile, isReader: bool): OpenFile {
  const s = unixOf(file);
  return changetype<OpenFile>(isReader ? s.reader : s.writer);
}

/** Export, by libos/optional/with_unix.ts. */
export function unixQueue(file: OpenFile): WaitQueue {
  return unixOf(file).queue;
}

/** Export, by libos/optional/with_unix.ts: two ends of pipes and the socket itself. */
export function unixPlaces(): u32 {
  return unixSockets() == NO_UNIX ? 0 : 2;
}

/** Export, by libos/optional/with_unix.ts. As of a TCP socket: the end of a stream is readable, a broken one writable. */
export function unixEvents(file: OpenFile): u32 {
  const s = unixOf(file);
  if (s.isDatagram) return datagramEvents(s);
  if (s.state == LISTENING) return s.waitingFirst != 0 || s.readShut ? READABLE : 0;
  if (s.state != CONNECTED) return WRITABLE | POLLHUP;
  const toRead = s.reader == 0 ? POLLHUP : pipeEvents(changetype<OpenFile>(s.reader));
  const toWrite = s.writer == 0 ? POLLERR : pipeEvents(changetype<OpenFile>(s.writer));
  const ended = (toRead & POLLHUP) != 0;
  const broken = (toWrite & POLLERR) != 0;
  let events = (toRead & READABLE) | (toWrite & WRITABLE);
  if (ended) events |= READABLE | POLLRDHUP;
  if (broken) events |= WRITABLE;
  if (!ended || !broken) return events;
  return isReset(s) ? events | POLLHUP | POLLERR : events | POLLHUP;
}

/** A datagram socket hears of no end: it can be written, unless its peer's pipe is full. */
function datagramEvents(s: UnixSocket): u32 {
  let events = pipeEvents(changetype<OpenFile>(s.reader)) & READABLE;
  const toWrite = s.writer == 0 ? WRITABLE : pipeEvents(changetype<OpenFile>(s.writer));
  if ((toWrite & (POLLOUT | POLLERR)) != 0) events |= WRITABLE;
  if (s.readShut) events |= READABLE | POLLRDHUP;
  return s.readShut && s.writeShut ? events | POLLHUP : events;
}

/** Export, by libos/optional/with_unix.ts. */
export function unixAvailable(file: OpenFile): i32 {
  const s = unixOf(file);
  if (s.state == LISTENING) return -EINVAL;
  const reader = changetype<OpenFile>(s.reader);
  if (reader == NO_FILE) return 0;
  if (s.type == SOCK_STREAM) return <i32>endHeld(reader);
  const next = unixScratch();
  next.length = 0;
  endTakeMessage(reader, 0, 0, next, true);
  return <i32>next.length;
}

/** Export, by libos/optional/with_unix.ts. */
export function unixOption(file: OpenFile, level: i32, name: i32, value: usize, length: u32): i32 {
  if (level != SOL_SOCKET) return -ENOPROTOOPT;
  if (name == SO_PEERCRED) return credentials(unixOf(file), value, length);
  const written = structValue(file, name, value, length);
  if (written != 0) return written;
  const number = length < 4 && name == SO_ERROR ? 0 : optionOf(unixOf(file), name);
  return number < 0 ? number : numberWrite(value, min<u32>(length, 4), number);
}

function optionOf(s: UnixSocket, name: i32): i32 {
  if (name == SO_TYPE) return s.type;
  if (name == SO_DOMAIN) return AF_UNIX;
  if (name == SO_ACCEPTCONN) return s.state == LISTENING ? 1 : 0;
  if (name == SO_ERROR) return takeError(s);
  return name == SO_PROTOCOL ? 0 : -ENOPROTOOPT;
}

function takeError(s: UnixSocket): i32 {
  if (s.isDatagram || s.state != CONNECTED) return 0;
  return -streamEnd(s);
}

/** As on Linux, of a socket without a peer nobody's. */
function credentials(s: UnixSocket, target: usize, length: u32): i32 {
  if (length < CREDENTIALS_SIZE) return -EINVAL;
  const pid = s.peerPid;
  store<i32>(target, pid);
  store<i32>(target, pid == 0 ? -1 : 0, 4);
  store<i32>(target, pid == 0 ? -1 : 0, 8);
  return CREDENTIALS_SIZE;
}
