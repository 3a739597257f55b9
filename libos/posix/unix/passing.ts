// Descriptors through a socket of AF_UNIX whose other end another process has, or may read: TCP connections pass, nothing else does. The sender marks the
// bytes that they go along with (libos/pipe/shared/marks.ts) and keeps a reference of each (in_flight.ts); who reads the bytes makes a socket for each
// connection (libos/net/handover/passed.ts), and tells the sender, after it has told forkd of the page where the socket is listed. So at any moment one
// of the two is known to hold it, and the connection lives on.
import { ENOBUFS, EOPNOTSUPP, ETOOMANYREFS } from "../../../kernel/errno";
import { MESSAGE_TAKEN } from "../../../kernel/fork/mailbox";
import { noteSendValue } from "../../net/handover/notes";
import {
  connectionComes,
  connectionIsOver,
  connectionLost,
  connectionPassed,
  connectionPasses,
} from "../../net/handover/passed";
import { tcpClose } from "../../net/tcp/api";
import { NO_SOCKET, TcpSocket } from "../../net/tcp/socket";
import { IPPROTO_TCP } from "../../net/wire/ipv4";
import { hasDied } from "../../pipe/shared/deaths";
import { ownPid } from "../../pipe/shared/lock";
import {
  MARKS,
  MARK_ENDS,
  MARK_IPV6,
  MARK_NONBLOCK,
  MARK_OVER,
  Mark,
  markCaught,
  markStage,
  marksCaught,
  marksForget,
  marksUnstage,
} from "../../pipe/shared/marks";
import { SharedPipe } from "../../pipe/shared/shared_pipe";
import { descriptorsFind } from "../../process/descriptors";
import { KIND_SHARED_PIPE, KIND_TCP, NO_FILE, OpenFile, openFileCreate, openFileHold } from "../../process/open_file";
import { monotonicNow } from "../../../kernel/time/clock";
import { O_NONBLOCK, O_RDWR } from "../constants";
import { inFlightAdd, inFlightFile, inFlightNumbers, inFlightOf, passingTaken } from "./in_flight";
import { rightsAdd, rightsCount, rightsCreate, rightsFile, rightsFree, rightsLose } from "./rights";

const flow = memory.data(40, 8);
/** The number of the first of those that passingBegin() has had. */
let serial: u16 = 0;

/** Export, by libos/optional/with_fork_unix_rights.ts. */
export function passingBegin(rights: usize, writer: usize): i32 {
  const count = rightsCount(rights);
  if (changetype<OpenFile>(writer).kind != KIND_SHARED_PIPE) return -EOPNOTSUPP;
  for (let i: u32 = 0; i < count; i++) {
    const file = rightsFile(rights, i);
    if (file.kind != KIND_TCP || file.object == 0 || !connectionPasses(file.tcp)) return -EOPNOTSUPP;
  }
  if (count > MARKS) return -ETOOMANYREFS;
  const number = inFlightNumbers(count);
  if (number < 0) return -ENOBUFS;
  serial = <u16>number;
  for (let i: u32 = 0; i < count; i++) stage(rightsFile(rights, i), i);
  return 1;
}

function stage(file: OpenFile, index: u32): void {
  const s = file.tcp;
  const mark = markStage(index);
  mark.serial = serial + <u16>index;
  mark.length =
    (file.nonBlocking ? MARK_NONBLOCK : 0) | (s.ipv6 ? MARK_IPV6 : 0) | (connectionIsOver(s) ? MARK_OVER : 0);
  const ends = mark.ends;
  memory.copy(ends, changetype<usize>(s.remote), 16);
  memory.copy(ends + 16, changetype<usize>(s.local), 16);
  store<u16>(ends, s.remotePort, 32);
  store<u16>(ends, s.localPort, 34);
}

/** Export, by libos/optional/with_fork_unix_rights.ts. */
export function passingEnd(rights: usize, writer: usize, gone: bool): void {
  marksUnstage();
  if (!gone) return;
  const count = rightsCount(rights);
  for (let i: u32 = 0; i < count; i++) {
    const file = rightsFile(rights, i);
    connectionPassed(file.tcp);
    inFlightAdd(file, changetype<SharedPipe>(changetype<OpenFile>(writer).object), serial + <u16>i);
  }
  rightsFree(rights);
}

/** Export, by libos/optional/with_fork_unix_rights.ts. */
export function passingArrive(): usize {
  const count = marksCaught();
  if (count == 0) return 0;
  const rights = rightsCreate();
  for (let i: u32 = 0; i < count; i++) {
    const mark = markCaught(i);
    const file = rights == 0 ? NO_FILE : fileOf(mark);
    if (file != NO_FILE) rightsAdd(rights, file);
    else rightsLose();
    answer(mark);
  }
  marksForget();
  return rights;
}

/** Export, by libos/optional/with_fork_unix_rights.ts. */
export function passingUnread(): void {
  const count = marksCaught();
  for (let i: u32 = 0; i < count; i++) answer(markCaught(i));
  marksForget();
}

/** The sender may let go. */
function answer(mark: Mark): void {
  if (mark.sender == ownPid()) return passingTaken(mark.serial);
  nameFlow(mark);
  noteSendValue(MESSAGE_TAKEN, mark.sender, flow, mark.serial);
}

function nameFlow(mark: Mark): void {
  memory.copy(flow, mark.ends, MARK_ENDS);
  store<u32>(flow + <usize>MARK_ENDS, IPPROTO_TCP);
}

/** An open file for a connection that has come, with a reference; NO_FILE without memory. */
function fileOf(mark: Mark): OpenFile {
  if (mark.sender == ownPid()) {
    const own = inFlightFile(mark.serial);
    if (own != NO_FILE) openFileHold(own);
    return own;
  }
  nameFlow(mark);
  const isOver = (mark.length & MARK_OVER) != 0 || hasDied(mark.sender);
  const ipv6 = (mark.length & MARK_IPV6) != 0;
  const s = isOver ? connectionLost(flow, ipv6) : connectionComes(flow, ipv6);
  return s == NO_SOCKET ? NO_FILE : describe(s, (mark.length & MARK_NONBLOCK) != 0);
}

/** The open file that is there for a socket, or a new one. */
function describe(s: TcpSocket, nonBlocking: bool): OpenFile {
  let file = descriptorsFind(KIND_TCP, changetype<usize>(s));
  if (file == NO_FILE) file = inFlightOf(KIND_TCP, changetype<usize>(s));
  if (file != NO_FILE) {
    openFileHold(file);
    return file;
  }
  file = openFileCreate(KIND_TCP, changetype<usize>(s), O_RDWR | (nonBlocking ? O_NONBLOCK : 0));
  if (file == NO_FILE) tcpClose(s, monotonicNow());
  return file;
}
