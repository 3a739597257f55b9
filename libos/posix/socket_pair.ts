// socketpair: two sockets that are connected with each other (AF_UNIX, SOCK_STREAM; unix(7)), of two pipes, one each way. What holds for
// pipes holds for them: threads of one process use a pair, and so do parent and child of a fork.
// Invariants: the descriptions of the pipes' ends never block, since a call waits here, with its own flags and times; a pipe's end is
// closed when the description is that stands for it, so who waits for one holds that.
import {
  EAFNOSUPPORT,
  EAGAIN,
  EFAULT,
  EINVAL,
  ENFILE,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPIPE,
  EPROTONOSUPPORT,
} from "../../kernel/errno";
import { SLAB_SIZE, Slab, slabInit } from "../../kernel/memory/slab";
import { wakeAll } from "../../kernel/thread/wait_queue";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from "../net/poll_events";
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from "../net/tcp/api";
import {
  KIND_SOCKET_PAIR,
  NO_FILE,
  OpenFile,
  openFileCreate,
  openFileHold,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  MSG_PEEK,
  MSG_WAITALL,
  O_NONBLOCK,
  O_RDWR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_ERROR,
  SO_PROTOCOL,
  SO_TYPE,
} from "./constants";
import { timeoutDeadline } from "./deadline";
import { descriptorsPut, pipeEnds, pipeEvents, pipeQueue, pipeRead, pipeWrite } from "./pipe";
import { fileWait } from "./stream";

/** One of the two sockets: descriptions of the pipes' ends, 0 when they have been shut down. */
@unmanaged
@final
class PairEnd {
  reader: usize;
  writer: usize;
}

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;

/** Reader and writer of the one pipe, and of the other. */
const pipes = memory.data(16, 4);
const sockets = memory.data(8, 4);

function endOf(file: OpenFile): PairEnd {
  return changetype<PairEnd>(file.object);
}

export function posix_socketpair(domain: i32, type: i32, protocol: i32, descriptors: u32): i32 {
  if (domain == AF_INET || domain == AF_INET6) return -EOPNOTSUPP;
  if (domain != AF_UNIX) return -EAFNOSUPPORT;
  if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM) return -EINVAL;
  if (protocol != 0 && protocol != AF_UNIX) return -EPROTONOSUPPORT;
  const both = userBuffer(descriptors, 8);
  if (both == 0) return -EFAULT;
  const error = create(type & SOCK_NONBLOCK);
  return error != 0 ? error : descriptorsPut(sockets, both, (type & SOCK_CLOEXEC) != 0);
}

/** Makes the two descriptions of `sockets`: 0 or -ENFILE. */
function create(mode: i32): i32 {
  if (!initialised) {
    slabInit(slab, offsetof<PairEnd>());
    initialised = true;
  }
  let error = pipeEnds(pipes, O_NONBLOCK);
  if (error != 0) return error;
  error = pipeEnds(pipes + 8, O_NONBLOCK);
  if (error != 0) {
    releaseEnds(load<usize>(pipes), load<usize>(pipes, 4));
    return error;
  }
  // Each reads from one pipe and writes to the other.
  const one = endCreate(load<usize>(pipes), load<usize>(pipes, 12), mode);
  const other = endCreate(load<usize>(pipes, 8), load<usize>(pipes, 4), mode);
  if (one != NO_FILE && other != NO_FILE) {
    store<usize>(sockets, changetype<usize>(one));
    store<usize>(sockets, changetype<usize>(other), 4);
    return 0;
  }
  // The socket that was made takes its pipes' ends along.
  if (one != NO_FILE) openFileRelease(one);
  else releaseEnds(load<usize>(pipes), load<usize>(pipes, 12));
  if (other != NO_FILE) openFileRelease(other);
  else releaseEnds(load<usize>(pipes, 8), load<usize>(pipes, 4));
  return -ENFILE;
}

function endCreate(reader: usize, writer: usize, mode: i32): OpenFile {
  const end = changetype<PairEnd>(slab.alloc());
  if (changetype<usize>(end) == 0) return NO_FILE;
  const file = openFileCreate(KIND_SOCKET_PAIR, changetype<usize>(end), O_RDWR | mode);
  if (file == NO_FILE) {
    slab.free(changetype<usize>(end));
    return NO_FILE;
  }
  end.reader = reader;
  end.writer = writer;
  return file;
}

function releaseEnds(reader: usize, writer: usize): void {
  openFileRelease(changetype<OpenFile>(reader));
  openFileRelease(changetype<OpenFile>(writer));
}

/** Export, by libos/with_socketpair.ts. */
export function pairPipe(file: OpenFile, isReader: bool): OpenFile {
  return changetype<OpenFile>(isReader ? endOf(file).reader : endOf(file).writer);
}

/** Export, by libos/with_socketpair.ts. */
export function pairClose(file: OpenFile): void {
  pairShutdown(file, SHUT_RDWR);
  slab.free(file.object);
}

/** Export, by libos/with_socketpair.ts. Who waits for what is shut down finds out. */
export function pairShutdown(file: OpenFile, how: i32): i32 {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  const end = endOf(file);
  const reader = how == SHUT_WR ? 0 : end.reader;
  const writer = how == SHUT_RD ? 0 : end.writer;
  if (reader != 0) end.reader = 0;
  if (writer != 0) end.writer = 0;
  letGo(changetype<OpenFile>(reader));
  letGo(changetype<OpenFile>(writer));
  return 0;
}

function letGo(pipeEnd: OpenFile): void {
  if (pipeEnd == NO_FILE) return;
  wakeAll(pipeQueue(pipeEnd));
  openFileRelease(pipeEnd);
}

/** Export, by libos/with_socketpair.ts. */
export function pairReceive(file: OpenFile, target: usize, count: u32, flags: i32): i32 {
  if ((flags & MSG_PEEK) != 0) return -EOPNOTSUPP;
  const deadline = timeoutDeadline(file.receiveTimeout);
  let done: u32 = 0;
  while (true) {
    const reader = pairPipe(file, true);
    if (reader == NO_FILE) return <i32>done;
    openFileHold(reader);
    const result = pipeRead(reader, target + done, count - done);
    const waited = result == -EAGAIN ? waitFor(file, reader, flags, deadline) : 0;
    openFileRelease(reader);
    if (result > 0) done += <u32>result;
    if (done == count || result == 0 || (done != 0 && (flags & MSG_WAITALL) == 0)) return <i32>done;
    const error = waited != 0 ? waited : result;
    if (error < 0 && (waited != 0 || error != -EAGAIN)) return done != 0 ? <i32>done : error;
  }
}

/** Export, by libos/with_socketpair.ts. */
export function pairSend(file: OpenFile, source: usize, count: u32, flags: i32): i32 {
  let deadline: u64 = 0;
  let done: u32 = 0;
  while (true) {
    const writer = pairPipe(file, false);
    if (writer == NO_FILE) return done != 0 ? <i32>done : -EPIPE;
    if (done == count) return <i32>done;
    openFileHold(writer);
    const result = pipeWrite(writer, source + done, count - done);
    if (deadline == 0) deadline = timeoutDeadline(file.sendTimeout);
    const waited = result == -EAGAIN ? waitFor(file, writer, flags, deadline) : 0;
    openFileRelease(writer);
    if (result > 0) done += <u32>result;
    const error = waited != 0 ? waited : result;
    if (error < 0 && (waited != 0 || error != -EAGAIN)) return done != 0 ? <i32>done : error;
  }
}

/** Waits until a pipe's end is ready, as a call with `flags` on the pair may: 0, -EAGAIN, -EINTR. */
function waitFor(file: OpenFile, pipeEnd: OpenFile, flags: i32, deadline: u64): i32 {
  // To ask is what lets another process know that somebody waits (pipe/shared/shared_pipe.ts).
  return pipeEvents(pipeEnd) != 0 ? 0 : fileWait(file, flags, pipeQueue(pipeEnd), deadline);
}

/** Export, by libos/with_socketpair.ts. As of a TCP socket: the end of the stream is readable, a broken one writable. */
export function pairEvents(file: OpenFile): u32 {
  const reader = pairPipe(file, true);
  const writer = pairPipe(file, false);
  const toRead = reader == NO_FILE ? POLLHUP : pipeEvents(reader);
  const toWrite = writer == NO_FILE ? POLLERR : pipeEvents(writer);
  const ended = (toRead & POLLHUP) != 0;
  const broken = (toWrite & POLLERR) != 0;
  let events = (toRead & POLLIN) | (toWrite & POLLOUT);
  if (ended) events |= POLLIN | POLLRDHUP;
  if (broken) events |= POLLOUT;
  return ended && broken ? events | POLLHUP : events;
}

/** Export, by libos/with_socketpair.ts. */
export function pairOption(name: i32): i32 {
  if (name == SO_TYPE) return SOCK_STREAM;
  if (name == SO_DOMAIN) return AF_UNIX;
  return name == SO_ERROR || name == SO_PROTOCOL || name == SO_ACCEPTCONN ? 0 : -ENOPROTOOPT;
}
