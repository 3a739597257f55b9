// sendmsg and recvmsg, on all sockets: buffers in pieces, and descriptors through sockets of AF_UNIX (unix/rights.ts). What is a whole – a
// datagram, a record – is put together in pages of its own where it lies in more than one piece.
import { EBADF, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, ENOTSOCK, EOPNOTSUPP } from "../../kernel/errno";
import { PAGE_SIZE, orderFor, pagesAlloc, pagesFree } from "../../kernel/memory/pages";
import { tcpRemoteAddress, tcpRemotePort } from "../net/tcp/api";
import { UDP_PEER_SIZE, UdpPeer } from "../net/udp/input";
import { descriptorFile } from "../process/descriptors";
import {
  KIND_TCP,
  KIND_UDP,
  KIND_UNIX,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsSocket,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { addressWritable, addressWrite } from "./address";
import {
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_MORE,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SOCK_STREAM,
  TRANSFER_MAX,
  UIO_MAXIOV,
} from "./constants";
import { MESSAGE_HEADER_SIZE, MessageHeader } from "./layout";
import { pieceAddress, pieceAt, piecesError, piecesGather, piecesLength, piecesScatter } from "./pieces";
import { RECEIVE_FLAGS, SEND_FLAGS } from "./sockets";
import { datagramReceive, datagramSend, streamReceive, streamSend } from "./stream";
import { unixPut, unixTake } from "./unix/calls";
import { endsIntroduce } from "./unix/ends";
import { recordReceived } from "./unix/record";
import { rightsAreTaken, rightsClose, rightsCollect, rightsDiscard, rightsReceive } from "./unix/rights";
import { unixOf } from "./unix/socket";

/** The most bytes of a message in pieces: more fits no datagram. */
const WHOLE_MAX: u32 = 65536;

const peer = changetype<UdpPeer>(memory.data(UDP_PEER_SIZE, 8));

/** The error for a call with the header at offset `message` on `file`; 0 when it can be tried. */
function messageError(file: OpenFile, message: u32): i32 {
  if (file == NO_FILE) return -EBADF;
  if (!openFileIsSocket(file)) return -ENOTSOCK;
  const at = userBuffer(message, MESSAGE_HEADER_SIZE);
  if (at == 0) return -EFAULT;
  const header = changetype<MessageHeader>(at);
  if (header.vectorCount > UIO_MAXIOV) return -EMSGSIZE;
  const error = piecesError(header.vectors, header.vectorCount);
  if (error != 0) return error;
  return userBuffer(header.control, header.controlLength) == 0 && header.controlLength != 0 ? -EFAULT : 0;
}

function isStream(file: OpenFile): bool {
  return file.kind == KIND_TCP || (file.kind == KIND_UNIX && unixOf(file).type == SOCK_STREAM);
}

/** Bytes of all pieces, WHOLE_MAX + 1 when they are more than a message has. */
function wholeLength(vectors: u32, count: u32): u32 {
  return piecesLength(vectors, count, WHOLE_MAX + 1);
}

export function posix_sendmsg(fd: i32, message: u32, flags: i32): i32 {
  const file = descriptorFile(fd);
  const error = messageError(file, message);
  if (error != 0) return error;
  if ((flags & ~SEND_FLAGS) != 0) return -EOPNOTSUPP;
  const header = changetype<MessageHeader>(userBuffer(message, MESSAGE_HEADER_SIZE));
  let rights: i64 = 0;
  if (header.controlLength != 0) {
    const length = header.controlLength;
    const control = userBuffer(header.control, length);
    rights = file.kind != KIND_UNIX ? -EINVAL : control == 0 ? -EFAULT : rightsCollect(control, length);
    if (rights < 0) return <i32>rights;
  }
  openFileHold(file);
  const whole = !isStream(file);
  const result = messageSend(file, header.vectors, header.vectorCount, flags, header.name, <usize>rights);
  if (file.kind == KIND_UNIX) endsIntroduce();
  openFileRelease(file);
  // With nothing that has gone they have not, either: a stream takes them along with its first byte.
  if (rights != 0 && (result < 0 || (result == 0 && !whole))) rightsClose(<usize>rights);
  return result;
}

/** Sends what lies in pieces that have been checked, on a socket that is held; `rights` of AF_UNIX. */
export function messageSend(file: OpenFile, vectors: u32, count: u32, flags: i32, name: u32, rights: usize): i32 {
  return isStream(file)
    ? sendPieces(file, vectors, count, flags, name, rights)
    : sendWhole(file, vectors, count, flags, name, rights);
}

function sendPieces(file: OpenFile, vectors: u32, count: u32, flags: i32, name: u32, rights: usize): i32 {
  let done: u32 = 0;
  let result = 0;
  let last = count;
  while (last > 1 && pieceAt(vectors, last - 1) == 0) last -= 1;
  for (let i: u32 = 0; i < last; i++) {
    const length = min(pieceAt(vectors, i), TRANSFER_MAX - done);
    const more = i + 1 < last ? MSG_MORE : 0;
    result =
      file.kind == KIND_TCP
        ? streamSend(file, pieceAddress(), length, flags | more)
        : unixPut(file, pieceAddress(), length, flags, name, done == 0 ? rights : 0);
    if (result > 0) done += <u32>result;
    if (result < 0 || <u32>result != length) break;
  }
  return done != 0 ? <i32>done : result;
}

function sendWhole(file: OpenFile, vectors: u32, count: u32, flags: i32, name: u32, rights: usize): i32 {
  if (count == 1) {
    const length = pieceAt(vectors, 0);
    return sendRecord(file, pieceAddress(), length, flags, name, rights);
  }
  const length = wholeLength(vectors, count);
  if (length > WHOLE_MAX) return -EMSGSIZE;
  const order = orderFor(max(length, PAGE_SIZE));
  const whole = pagesAlloc(order);
  if (whole == 0) return -ENOBUFS;
  piecesGather(vectors, count, 0, whole, length);
  const result = sendRecord(file, whole, length, flags, name, rights);
  pagesFree(whole, order);
  return result;
}

function sendRecord(file: OpenFile, source: usize, length: u32, flags: i32, name: u32, rights: usize): i32 {
  return file.kind == KIND_UDP
    ? datagramSend(file, source, length, flags, name)
    : unixPut(file, source, length, flags, name, rights);
}

export function posix_recvmsg(fd: i32, message: u32, flags: i32): i32 {
  const file = descriptorFile(fd);
  const error = messageError(file, message);
  if (error != 0) return error;
  if ((flags & ~(RECEIVE_FLAGS | MSG_CMSG_CLOEXEC)) != 0) return -EOPNOTSUPP;
  const header = changetype<MessageHeader>(userBuffer(message, MESSAGE_HEADER_SIZE));
  const name = header.name;
  if (!addressWritable(name)) return -EFAULT;
  openFileHold(file);
  told = 0;
  const result = messageReceive(file, header.vectors, header.vectorCount, flags, name);
  if (result >= 0) tell(header, flags);
  rightsDiscard();
  if (file.kind == KIND_UNIX) endsIntroduce();
  openFileRelease(file);
  return result;
}

/** Flags of the message that was last received, for who has just received it. */
let told: i32 = 0;

export function messageTold(): i32 {
  return told;
}

/** Whom the datagram is from that was last received, for who has just received it. */
export function messagePeer(): UdpPeer {
  return peer;
}

/** Receives to pieces that have been checked, from a socket that is held. */
export function messageReceive(file: OpenFile, vectors: u32, count: u32, flags: i32, name: u32): i32 {
  return isStream(file)
    ? receivePieces(file, vectors, count, flags, name)
    : receiveWhole(file, vectors, count, flags, name);
}

/** Writes what is to be known of the message to its header, with the descriptors that came. */
function tell(header: MessageHeader, flags: i32): void {
  let length: u32 = 0;
  if (rightsAreTaken()) {
    const room = header.controlLength;
    const control = room == 0 ? 0 : userBuffer(header.control, room);
    length = rightsReceive(control, control == 0 ? 0 : room, (flags & MSG_CMSG_CLOEXEC) != 0);
    if (rightsAreTaken()) told |= MSG_CTRUNC;
  }
  header.controlLength = length;
  header.flags = told;
}

function receivePieces(file: OpenFile, vectors: u32, count: u32, flags: i32, name: u32): i32 {
  let done: u32 = 0;
  let result = 0;
  for (let i: u32 = 0; i < count; i++) {
    const length = min(pieceAt(vectors, i), TRANSFER_MAX - done);
    if (length == 0 && i + 1 < count) continue;
    const now = done != 0 && (flags & MSG_WAITALL) == 0 ? flags | MSG_DONTWAIT : flags;
    result = receiveStream(file, pieceAddress(), length, now, name);
    if (result > 0) done += <u32>result;
    // What was only looked at would be seen twice.
    if (result <= 0 || <u32>result != length || (flags & MSG_PEEK) != 0 || rightsAreTaken()) break;
  }
  told = 0;
  return done != 0 ? <i32>done : result;
}

function receiveStream(file: OpenFile, target: usize, length: u32, flags: i32, name: u32): i32 {
  if (file.kind == KIND_UNIX) return unixTake(file, target, length, flags, name);
  const result = streamReceive(file, target, length, flags);
  if (result >= 0) addressWrite(name, tcpRemoteAddress(file.tcp), tcpRemotePort(file.tcp));
  return result;
}

function receiveWhole(file: OpenFile, vectors: u32, count: u32, flags: i32, name: u32): i32 {
  if (count == 1) {
    const length = pieceAt(vectors, 0);
    return receiveRecord(file, pieceAddress(), length, flags, name);
  }
  const length = min(wholeLength(vectors, count), WHOLE_MAX);
  const order = orderFor(max(length, PAGE_SIZE));
  const whole = pagesAlloc(order);
  if (whole == 0) return -ENOBUFS;
  const result = receiveRecord(file, whole, length, flags, name);
  if (result > 0) piecesScatter(vectors, count, whole, min(<u32>result, length));
  pagesFree(whole, order);
  return result;
}

function receiveRecord(file: OpenFile, target: usize, length: u32, flags: i32, name: u32): i32 {
  const isUdp = file.kind == KIND_UDP;
  const result = isUdp
    ? datagramReceive(file, target, length, flags, peer)
    : unixTake(file, target, length, flags, name);
  told = 0;
  if (result < 0) return result;
  if (isUdp) addressWrite(name, peer.address, peer.port);
  const whole = isUdp ? peer.length : recordReceived().length;
  if (whole > length) told = MSG_TRUNC;
  return result;
}
