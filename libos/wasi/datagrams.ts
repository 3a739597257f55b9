// sock_recv_from and sock_send_to of WasmEdge's extension, in its second version: what sock_recv and sock_send do, with the other end's address.
import { EAGAIN, EMSGSIZE, ENOBUFS } from "../../kernel/errno";
import { PAGE_SIZE, orderFor, pagesAlloc, pagesFree } from "../../kernel/memory/pages";
import { monotonicNow } from "../../kernel/time/clock";
import { tcpRemoteAddress, tcpRemotePort } from "../net/tcp/api";
import { udpSendTo } from "../net/udp/output";
import { endpointResolveAny } from "../posix/address";
import { MSG_TRUNC, UIO_MAXIOV } from "../posix/constants";
import { timeoutDeadline } from "../posix/deadline";
import { messagePeer, messageReceive, messageSend, messageTold } from "../posix/messages";
import { piecesError, piecesGather, piecesLength } from "../posix/pieces";
import { fileWait } from "../posix/stream";
import { descriptorFile } from "../process/descriptors";
import { KIND_TCP, OpenFile, openFileHold, openFileRelease } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { answerWord, isWord, tellWord } from "./answer";
import { WASI_FAULT, WASI_INVAL, wasiError } from "./errno";
import { givenEndpoint, readEndpoint, roomError, socketError, tellAddress } from "./socket_address";
import { RECV_DATA_TRUNCATED, receiveFlags, receiveFlagsAreWrong } from "./sockets";

/** The most bytes of a datagram. */
const LONGEST: u32 = 65536;

export function wasi_sock_recv_from(
  fd: i32,
  pieces: u32,
  count: u32,
  address: u32,
  flags: u32,
  port: u32,
  done: u32,
  told: u32,
): u32 {
  const file = descriptorFile(fd);
  let error = socketError(file);
  if (error != 0) return wasiError(error);
  if (receiveFlagsAreWrong(flags) || count > UIO_MAXIOV) return WASI_INVAL;
  error = piecesError(pieces, count);
  if (error == 0) error = roomError(file, address);
  if (error != 0) return wasiError(error);
  const portAt = userBuffer(port, sizeof<u16>());
  const truncated = userBuffer(told, sizeof<u16>());
  if (portAt == 0 || truncated == 0 || !isWord(done)) return WASI_FAULT;
  openFileHold(file);
  const result = messageReceive(file, pieces, count, receiveFlags(flags), 0);
  if (result >= 0) {
    const isStream = file.kind == KIND_TCP;
    tellAddress(file, isStream ? tcpRemoteAddress(file.tcp) : messagePeer().address, address);
    store<u16>(portAt, isStream ? tcpRemotePort(file.tcp) : messagePeer().port);
  }
  openFileRelease(file);
  if (result < 0) return wasiError(result);
  store<u16>(truncated, (messageTold() & MSG_TRUNC) != 0 ? RECV_DATA_TRUNCATED : 0);
  return tellWord(done, result);
}

/** Sends the `length` bytes at `source` to the address, which is read anew whenever the thread has waited: how many, or -errno. */
function send(file: OpenFile, source: usize, length: u32, address: u32, port: u32): i32 {
  const deadline = timeoutDeadline(file.sendTimeout);
  while (true) {
    const error = readEndpoint(file, address, port);
    if (error != 0) return error;
    const goal = givenEndpoint();
    endpointResolveAny(goal);
    const result = udpSendTo(file.udp, source, length, goal.address, goal.port, monotonicNow());
    if (result != -EAGAIN) return result;
    const waited = fileWait(file, 0, file.udp.waitQueue(), deadline);
    if (waited != 0) return waited;
  }
}

/** The same of what lies in pieces. */
function sendPieces(file: OpenFile, pieces: u32, count: u32, address: u32, port: u32): i32 {
  const length = piecesLength(pieces, count, LONGEST + 1);
  if (length > LONGEST) return -EMSGSIZE;
  const order = orderFor(max(length, PAGE_SIZE));
  const whole = pagesAlloc(order);
  if (whole == 0) return -ENOBUFS;
  piecesGather(pieces, count, 0, whole, length);
  const result = send(file, whole, length, address, port);
  pagesFree(whole, order);
  return result;
}

/** A connected stream ignores the address. */
export function wasi_sock_send_to(
  fd: i32,
  pieces: u32,
  count: u32,
  address: u32,
  port: u32,
  flags: u32,
  done: u32,
): u32 {
  const file = descriptorFile(fd);
  let error = readEndpoint(file, address, port);
  if (error != 0) return wasiError(error);
  if (flags != 0 || count > UIO_MAXIOV) return WASI_INVAL;
  error = piecesError(pieces, count);
  if (error != 0) return wasiError(error);
  if (!isWord(done)) return WASI_FAULT;
  openFileHold(file);
  const isStream = file.kind == KIND_TCP;
  const result = isStream ? messageSend(file, pieces, count, 0, 0, 0) : sendPieces(file, pieces, count, address, port);
  openFileRelease(file);
  return answerWord(result, done);
}
