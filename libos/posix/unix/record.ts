// The datagrams of SOCK_DGRAM and the records of SOCK_SEQPACKET through sockets of AF_UNIX: each a message in the receiver's pipe, sent and
// received as a whole, in order and without loss; a sender waits while the receiver's pipe is full. Errors are Linux's. Pointers are kernel
// addresses, already checked; the caller holds a reference.
import { EAGAIN, ECONNREFUSED, ENOTCONN, EPERM, EPIPE } from "../../../kernel/errno";
import { MESSAGE_HEAD, Message } from "../../pipe/message";
import { NO_FILE, OpenFile, openFileHold, openFileRelease } from "../../process/open_file";
import { rightsArrive, rightsPass } from "../../optional/with_unix_rights";
import { unixFind } from "../../optional/with_unix_names";
import { MSG_PEEK, MSG_TRUNC } from "../constants";
import { timeoutDeadline } from "../deadline";
import { pipeQueue } from "../pipe";
import { fileWait } from "../stream";
import { endPutMessage, endTakeMessage, endTaken, endsIntroduce } from "./ends";
import { rightsSend, rightsSent } from "./rights_sent";
import { CONNECTED, NO_UNIX, UnixSocket, messageFrom, unixDisconnect, unixOf, unixScratch } from "./socket";
import { streamEnd } from "./stream";

/** The message that was last received, for who has just received it. */
export function recordReceived(): Message {
  return unixScratch();
}

/** Receives a message: the bytes copied, with MSG_TRUNC its length; 0 also behind the last one, -errno. */
export function recordTake(file: OpenFile, target: usize, count: u32, flags: i32): i32 {
  const s = unixOf(file);
  if (!s.isDatagram && s.state != CONNECTED) return -ENOTCONN;
  const peek = (flags & MSG_PEEK) != 0;
  const deadline = timeoutDeadline(file.receiveTimeout);
  while (true) {
    const received = unixScratch();
    received.length = 0;
    received.nameLength = 0;
    const reader = changetype<OpenFile>(s.reader);
    if (reader == NO_FILE) return 0;
    const result = endTakeMessage(reader, target, count, received, peek);
    if (result >= 0) {
      if (!peek) {
        rightsPass(changetype<usize>(s), endTaken(reader));
        rightsArrive();
      }
      return (flags & MSG_TRUNC) != 0 ? <i32>received.length : result;
    }
    if (result == -EPIPE && !s.isDatagram) return streamEnd(s);
    if (s.readShut) return 0;
    if (endsIntroduce()) continue; // that took time
    openFileHold(reader);
    const waited = fileWait(file, flags, pipeQueue(reader), deadline);
    openFileRelease(reader);
    if (waited != 0) return waited;
  }
}

/** Where a message goes: the socket, NO_UNIX when it is another process's, and the end of the pipe. For who has just sought it. */
const goal = memory.data(4, 4);
let goalWriter: usize = 0;

/** Finds where a message to `address` of app memory, or to the peer, goes: 0 or -errno. */
function findGoal(s: UnixSocket, address: u32): i32 {
  if (s.writeShut) return -EPIPE;
  store<usize>(goal, s.peer);
  goalWriter = s.writer;
  const isNamed = s.isDatagram && address != 0;
  const error = isNamed ? unixFind(address, s.type, goal) : 0;
  if (error != 0) return error;
  const other = changetype<UnixSocket>(load<usize>(goal));
  if (isNamed) goalWriter = other.inbox;
  if (goalWriter == 0) return s.isDatagram || s.state != CONNECTED ? -ENOTCONN : -EPIPE;
  if (!s.isDatagram || other == NO_UNIX) return 0;
  if (other.readShut) return -EPIPE;
  return isPeerOf(other, s) ? 0 : -EPERM;
}

/** Whether datagram socket `s` may be sent to by `other`: who is connected hears its peer only. */
export function isPeerOf(s: UnixSocket, other: UnixSocket): bool {
  if (s.writer == 0) return true;
  return changetype<OpenFile>(s.writer).object == changetype<OpenFile>(other.reader).object;
}

/** Sends a message, which takes along the Rights `rights` (0: none), to `address` of app memory or to the peer: its length, or -errno. */
export function recordPut(file: OpenFile, source: usize, count: u32, flags: i32, address: u32, rights: usize): i32 {
  const s = unixOf(file);
  const deadline = timeoutDeadline(file.sendTimeout);
  while (true) {
    const error = findGoal(s, address);
    if (error != 0) return error;
    const writer = changetype<OpenFile>(goalWriter);
    const to = changetype<UnixSocket>(load<usize>(goal));
    const way = rightsSend(rights, to, writer);
    if (way < 0) return way;
    const message = messageFrom(s);
    const result = endPutMessage(writer, message, source, count);
    rightsSent(way, rights, to, writer, result == 0 ? <u64>(MESSAGE_HEAD + message.nameLength + count) : 0);
    if (result == 0) return <i32>count;
    if (result == -EPIPE) return s.isDatagram ? gone(s, address) : -EPIPE;
    if (result != -EAGAIN) return result;
    if (endsIntroduce()) continue;
    openFileHold(writer);
    const waited = fileWait(file, flags, pipeQueue(writer), deadline);
    openFileRelease(writer);
    if (waited != 0) return waited;
  }
}

/** Whom a datagram was for has closed. */
function gone(s: UnixSocket, address: u32): i32 {
  if (address == 0) unixDisconnect(s);
  return -ECONNREFUSED;
}
