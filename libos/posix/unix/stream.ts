// The bytes of SOCK_STREAM through connected sockets of AF_UNIX. Try, and while the answer is "not
// now", wait for the pipe's end and try again. Pointers are kernel addresses, already checked; the caller holds a reference.
// As on Linux, who reads behind the end of what a peer sent that has closed without reading all that it was sent, is told ECONNRESET, once.
import { EAGAIN, ECONNRESET, EINVAL, ENOTCONN, EPIPE } from "../../../kernel/errno";
import { POLLHUP, POLLIN } from "../../net/poll_events";
import { NO_FILE, OpenFile, openFileHold, openFileRelease } from "../../process/open_file";
import { rightsArrive, rightsBound, rightsPass } from "../../optional/with_unix_rights";
import { MSG_PEEK, MSG_WAITALL } from "../constants";
import { timeoutDeadline } from "../deadline";
import { pipeEvents, pipeQueue } from "../pipe";
import { fileWait } from "../stream";
import { endIsUnread, endPeek, endPut, endTake, endTaken, endsIntroduce } from "./ends";
import { rightsSend, rightsSent } from "./rights_sent";
import { CONNECTED, UnixSocket, unixOf } from "./socket";

/** Waits until a pipe's end is ready, as a call with `flags` may: 0, -EAGAIN, -EINTR. */
function waitFor(file: OpenFile, end: OpenFile, flags: i32, deadline: u64): i32 {
  endsIntroduce();
  // To ask is what lets another process know that somebody waits (pipe/shared/shared_pipe.ts).
  return pipeEvents(end) != 0 ? 0 : fileWait(file, flags, pipeQueue(end), deadline);
}

/** Whether the peer has closed and left unread what it was sent. */
export function isReset(s: UnixSocket): bool {
  return !s.resetTold && s.writer != 0 && endIsUnread(changetype<OpenFile>(s.writer));
}

/** Behind the last byte: 0 or, once, -ECONNRESET. */
export function streamEnd(s: UnixSocket): i32 {
  if (!isReset(s)) return 0;
  s.resetTold = true;
  return -ECONNRESET;
}

/** Receives bytes: how many, 0 at the end of the stream, -errno. */
export function streamTake(file: OpenFile, target: usize, count: u32, flags: i32): i32 {
  const s = unixOf(file);
  if (s.state != CONNECTED) return -EINVAL;
  const deadline = timeoutDeadline(file.receiveTimeout);
  const all = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0;
  let done: u32 = 0;
  while (true) {
    const reader = changetype<OpenFile>(s.reader);
    if (reader == NO_FILE) return <i32>done;
    openFileHold(reader);
    const begin = endTaken(reader);
    const bound = rightsBound(changetype<usize>(s), begin);
    const wanted = bound == 0 ? count - done : min(bound, count - done);
    const result = takeSome(reader, target + done, wanted, flags);
    const waited = result == -EAGAIN ? waitFor(file, reader, flags, deadline) : 0;
    openFileRelease(reader);
    if (result > 0) {
      done += <u32>result;
      // What comes with descriptors is not run together with what comes behind it.
      if ((flags & MSG_PEEK) == 0 && (rightsPass(changetype<usize>(s), begin + <u64>result) || rightsArrive()))
        return <i32>done;
    }
    if (result == 0 && done == 0 && count != 0) return streamEnd(s);
    if (done == count || result == 0 || (done != 0 && !all)) return <i32>done;
    const error = waited != 0 ? waited : result;
    if (error < 0 && (waited != 0 || error != -EAGAIN)) return done != 0 ? <i32>done : error;
  }
}

function takeSome(reader: OpenFile, target: usize, count: u32, flags: i32): i32 {
  if ((flags & MSG_PEEK) == 0) return endTake(reader, target, count);
  const held = endPeek(reader, target, count);
  if (held != 0 || count == 0) return <i32>held;
  return (pipeEvents(reader) & (POLLIN | POLLHUP)) == POLLHUP ? 0 : -EAGAIN;
}

/** Sends bytes, with the Rights `rights` (0: none) that the first of them take along: how many, -errno when none went. */
export function streamPut(file: OpenFile, source: usize, count: u32, flags: i32, rights: usize): i32 {
  const s = unixOf(file);
  if (s.state != CONNECTED) return -ENOTCONN;
  let deadline: u64 = 0;
  let done: u32 = 0;
  while (true) {
    const writer = changetype<OpenFile>(s.writer);
    if (writer == NO_FILE) return done != 0 ? <i32>done : -EPIPE;
    if (done == count) return <i32>done;
    const first = done == 0 ? rights : 0;
    const peer = changetype<UnixSocket>(s.peer);
    const way = rightsSend(first, peer, writer);
    if (way < 0) return way;
    openFileHold(writer);
    const result = endPut(writer, source + done, count - done);
    rightsSent(way, first, peer, writer, result > 0 ? <u64>result : 0);
    if (deadline == 0) deadline = timeoutDeadline(file.sendTimeout);
    const waited = result == -EAGAIN ? waitFor(file, writer, flags, deadline) : 0;
    openFileRelease(writer);
    if (result > 0) done += <u32>result;
    const error = waited != 0 ? waited : result;
    if (error < 0 && (waited != 0 || error != -EAGAIN)) return done != 0 ? <i32>done : error;
  }
}
