// Asking the servers: a datagram to one after the other, each from a port and with a number of its own (RFC 5452), and over
// TCP what does not fit into one (RFC 7766). Blocks the calling thread.
import {
  EAGAIN,
  ECONNREFUSED,
  EINPROGRESS,
  EINTR,
  EMSGSIZE,
  ENODATA,
  ENOENT,
  ENOMEM,
  EPROTO,
  ETIMEDOUT,
} from "../../../kernel/errno";
import { orderFor, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { randomU32 } from "../../../kernel/random";
import { waitInterruptibly } from "../../../kernel/thread/wait_queue";
import { monotonicNow } from "../../../kernel/time/clock";
import { tcpClose, tcpConnect, tcpConnected, tcpPollEvents, tcpReceive, tcpSend, tcpSocketCreate } from "../tcp/api";
import { IpAddress } from "../ip/address";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { UdpPeer, udpReceiveFrom } from "../udp/input";
import { udpSendTo } from "../udp/output";
import { UdpSocket, udpClose, udpConnect, udpSocketCreate } from "../udp/socket";
import { DNS_HEADER, DNS_PORT, dnsQueryWrite } from "../wire/dns";
import { DNS_NO_ANSWER, MESSAGE_CAPACITY, Question, answerRead } from "./answer";
import { nameMixCase } from "./name";
import { serverAt, serverCount } from "./servers";

const SECOND: u64 = 1_000_000_000;
/** How often all servers are asked, and how long each is waited for: the first time, and doubled each time after. */
const ROUNDS: u32 = 2;
const PATIENCE: u64 = 2 * SECOND;
/** How long an exchange over TCP may take. */
const STREAM_PATIENCE: u64 = 5 * SECOND;

/** RFC 5452 section 9.3: so many wrong answers to one question are an attack, and TCP is harder to forge. */
const WRONG_ANSWERS_MAXIMUM: u32 = 16;

/** Who has sent a datagram, which the socket has checked; where one goes, which connect has said. */
const NO_PEER = changetype<UdpPeer>(0);
const NO_ADDRESS = changetype<IpAddress>(0);

/** The server that answered last is asked first. */
let preferred: u32 = 0;

/**
 * Asks until a server has answered. The question gets id, sentName() and the answer.
 * @returns what answerRead() says: 0, -ENOENT or -ENODATA; -EAGAIN when no server has an answer, -ETIMEDOUT when none replies,
 * -EINTR after a signal, -ENOMEM
 */
export function exchange(question: Question): i32 {
  const count = serverCount();
  let outcome = -EAGAIN;
  for (let round: u32 = 0; round < ROUNDS; round++) {
    for (let i: u32 = 0; i < count; i++) {
      const server = preferred % count;
      if (!serverAt(server, question.server())) break; // its time has ended meanwhile
      // Some servers do not give a name back letter for letter: the last time it is sent as it is.
      outcome = askServer(question, PATIENCE << round, round + 1 < ROUNDS);
      if (outcome == 0 || outcome == -ENOENT || outcome == -ENODATA) return outcome;
      if (outcome == -EINTR || outcome == -ENOMEM) return outcome;
      preferred = (server + 1) % count;
    }
  }
  return outcome == -ETIMEDOUT ? outcome : -EAGAIN;
}

/** Asks one server: over UDP, without EDNS when it does not understand that, over TCP when the answer does not fit. */
function askServer(question: Question, patience: u64, mixCase: bool): i32 {
  if (mixCase) nameMixCase(question.name(), question.nameLength, question.sentName());
  else memory.copy(question.sentName(), question.name(), question.nameLength);
  let outcome = askByDatagram(question, patience, true);
  // RFC 6891 section 6.2.2: a server that does not know EDNS may answer so.
  if (outcome == -EPROTO) outcome = askByDatagram(question, patience, false);
  return outcome == -EMSGSIZE ? askByStream(question) : outcome;
}

/** Writes a query with a new number; its bytes. */
function writeQuery(question: Question, extended: bool): u32 {
  question.id = <u16>randomU32();
  return dnsQueryWrite(
    question.message(),
    question.id,
    question.sentName(),
    question.nameLength,
    question.type,
    extended,
  );
}

function askByDatagram(question: Question, patience: u64, extended: bool): i32 {
  const socket = udpSocketCreate(!question.server().isIpv4());
  if (changetype<usize>(socket) == 0) return -ENOMEM;
  // Connected: what comes from elsewhere is not for this socket, and an ICMP error about the query is.
  let outcome = udpConnect(socket, question.server(), DNS_PORT);
  if (outcome == 0) {
    const now = monotonicNow();
    const length = writeQuery(question, extended);
    outcome = udpSendTo(socket, question.message(), length, NO_ADDRESS, 0, now);
    // No buffer: as if it had been lost.
    if (outcome >= 0 || outcome == -EAGAIN) outcome = awaitDatagram(socket, question, now + patience);
  }
  udpClose(socket);
  return outcome;
}

function awaitDatagram(socket: UdpSocket, question: Question, deadline: u64): i32 {
  let wrong: u32 = 0;
  while (true) {
    const length = udpReceiveFrom(socket, question.message(), MESSAGE_CAPACITY, NO_PEER);
    if (length == -EAGAIN) {
      const waited = waitInterruptibly(socket.waitQueue(), deadline);
      if (waited != 0) return waited;
    } else if (length < 0) {
      return length;
    } else {
      const outcome = answerRead(question.message(), length, question);
      if (outcome != DNS_NO_ANSWER) return outcome;
      wrong += 1;
      if (wrong == WRONG_ANSWERS_MAXIMUM) return -EMSGSIZE;
    }
  }
}

function askByStream(question: Question): i32 {
  const socket = tcpSocketCreate(!question.server().isIpv4());
  if (socket == NO_SOCKET) return -ENOMEM;
  const deadline = monotonicNow() + STREAM_PATIENCE;
  let outcome = streamOpen(socket, question, deadline);
  if (outcome == 0) outcome = streamSendQuery(socket, question, deadline);
  if (outcome == 0) outcome = streamReceiveAnswer(socket, question, deadline);
  tcpClose(socket, monotonicNow());
  return outcome;
}

function streamOpen(socket: TcpSocket, question: Question, deadline: u64): i32 {
  const started = tcpConnect(socket, question.server(), DNS_PORT, monotonicNow());
  if (started != -EINPROGRESS) return started;
  while (tcpPollEvents(socket) == 0) {
    const waited = waitInterruptibly(socket.waitQueue, deadline);
    if (waited != 0) return waited;
  }
  return tcpConnected(socket) ? 0 : -ECONNREFUSED;
}

/** The new connection's send buffer is empty: the query goes into it as a whole, its length before it in the same segment. */
function streamSendQuery(socket: TcpSocket, question: Question, deadline: u64): i32 {
  const length = writeQuery(question, true);
  const start = question.message() - 2;
  store<u16>(start, bswap<u16>(<u16>length));
  while (true) {
    const sent = tcpSend(socket, start, length + 2, monotonicNow(), false);
    if (sent >= 0) return <u32>sent == length + 2 ? 0 : -EAGAIN;
    if (sent != -EAGAIN) return sent;
    const waited = waitInterruptibly(socket.waitQueue, deadline);
    if (waited != 0) return waited;
  }
}

function streamReceiveAnswer(socket: TcpSocket, question: Question, deadline: u64): i32 {
  const prefixed = streamReceive(socket, question.message(), 2, deadline);
  if (prefixed != 0) return prefixed;
  const length: u32 = bswap<u16>(load<u16>(question.message()));
  if (length < DNS_HEADER) return -EAGAIN;
  const order = orderFor(length);
  const message = pagesAlloc(order);
  if (message == 0) return -ENOMEM;
  let outcome = streamReceive(socket, message, length, deadline);
  if (outcome == 0) {
    outcome = answerRead(message, length, question);
    if (outcome == DNS_NO_ANSWER || outcome == -EMSGSIZE || outcome == -EPROTO) outcome = -EAGAIN;
  }
  pagesFree(message, order);
  return outcome;
}

/** Receives exactly `count` bytes: 0, -EAGAIN when the server ends the connection before, -errno. */
function streamReceive(socket: TcpSocket, target: usize, count: u32, deadline: u64): i32 {
  for (let done: u32 = 0; done < count;) {
    const received = tcpReceive(socket, target + done, count - done, monotonicNow());
    if (received > 0) {
      done += received;
    } else if (received == -EAGAIN) {
      const waited = waitInterruptibly(socket.waitQueue, deadline);
      if (waited != 0) return waited;
    } else {
      return received == 0 ? -EAGAIN : received;
    }
  }
  return 0;
}
