// How descriptors go along with bytes that are written (SCM_RIGHTS): to a socket of this process as they are, to another process of the family as
// what it needs to have the connection, which an image must have the code for. Begun before the bytes are written, ended after.
import { EOPNOTSUPP } from "../../../kernel/errno";
import { POLLERR } from "../../net/poll_events";
import { OpenFile } from "../../process/open_file";
import { passingBegin, passingEnd } from "../../optional/with_fork_unix_rights";
import { rightsAttach } from "../../optional/with_unix_rights";
import { pipeEvents } from "../pipe";
import { endIsReadHere, endWritten } from "./ends";
import { NO_UNIX, UnixSocket } from "./socket";

/** The ways: no Rights, within this process, to another. */
const WAY_NONE: i32 = 0;
const WAY_WITHIN: i32 = 1;
const WAY_BETWEEN: i32 = 2;

/**
 * The Rights `rights` (0: none) are to go along with the bytes that are next written to the pipe's end `writer`, which `peer` reads: a way, for
 * rightsSent(), or -EOPNOTSUPP when one of them cannot, -ETOOMANYREFS, -ENOBUFS.
 */
export function rightsSend(rights: usize, peer: UnixSocket, writer: OpenFile): i32 {
  if (rights == 0) return WAY_NONE;
  // Descriptors of all kinds can be sent to a socket that no other process has, and to nobody.
  if ((pipeEvents(writer) & POLLERR) != 0 || (peer != NO_UNIX && endIsReadHere(writer))) return WAY_WITHIN;
  const begun = passingBegin(rights, changetype<usize>(writer));
  if (begun < 0) return begun;
  return begun == 0 ? -EOPNOTSUPP : WAY_BETWEEN;
}

/** `length` bytes, 0 for none, have been written since rightsSend() has given `way`. */
export function rightsSent(way: i32, rights: usize, peer: UnixSocket, writer: OpenFile, length: u64): void {
  if (way == WAY_BETWEEN) passingEnd(rights, changetype<usize>(writer), length != 0);
  if (way != WAY_WITHIN || length == 0) return;
  const end = endWritten(writer);
  rightsAttach(changetype<usize>(peer), rights, end - length, end);
}
