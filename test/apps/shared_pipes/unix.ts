// Sockets of AF_UNIX in a family: a connection by name and a pair of datagram sockets go on between parent and child; a listener is each
// process's own; descriptors go through sockets whose other end is in the same process.
import {
  AF_UNIX,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EOPNOTSUPP,
  EPIPE,
  MSG_DONTWAIT,
  POLLIN,
  PollSet,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  _exit,
  accept,
  bind,
  close,
  connect,
  errno,
  fork,
  getpeername,
  listen,
  pipe,
  read,
  receiveDescriptors,
  recv,
  recvfrom,
  send,
  sendDescriptors,
  sendto,
  shutdown,
  sockaddr_un,
  socket,
  socketpair,
  write,
} from "karyon";
import { awaitGood, check, checksForked, failureCount } from "./check";
import { receiveStream, sendStream } from "./data";

const LONG: u32 = 150_000;
const DATAGRAMS: u32 = 200;
const buffer = memory.data(8192, 8);

/** How long datagram `index` is. */
function lengthOf(index: u32): u32 {
  return 4 + ((index * 997) % 5000);
}

function sendDatagrams(fd: i32): bool {
  for (let i: u32 = 0; i < DATAGRAMS; i++) {
    memory.fill(buffer, <u8>i, lengthOf(i));
    if (send(fd, buffer, lengthOf(i)) != <i32>lengthOf(i)) return false;
  }
  return true;
}

function receiveDatagrams(fd: i32): bool {
  for (let i: u32 = 0; i < DATAGRAMS; i++) {
    if (recv(fd, buffer, 8192) != <i32>lengthOf(i)) return false;
    if (load<u8>(buffer) != <u8>i || load<u8>(buffer + lengthOf(i) - 1) != <u8>i) return false;
  }
  return true;
}

/** Both ways at once would need threads: there and back. */
function datagrams(type: i32): void {
  const fds = new StaticArray<i32>(2);
  check("a pair for messages", socketpair(AF_UNIX, type, 0, fds) == 0);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    close(fds[0]);
    check("the child gets each, whole and in order", receiveDatagrams(fds[1]));
    check("and sends as many", sendDatagrams(fds[1]));
    _exit(failureCount());
  }
  close(fds[1]);
  check("the parent sends", sendDatagrams(fds[0]));
  check("and gets as many", receiveDatagrams(fds[0]));
  awaitGood(pid);
  if (type == SOCK_DGRAM) {
    check("of datagrams there is no end", recv(fds[0], buffer, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    check("but nobody takes them", send(fds[0], buffer, 1) == -1 && errno == ECONNREFUSED);
  } else {
    check("of records there is", recv(fds[0], buffer, 1) == 0);
    check("and nobody takes them", send(fds[0], buffer, 1) == -1 && errno == EPIPE);
  }
  close(fds[0]);
}

/** A server's connection and its listener across a fork. */
function connections(): void {
  const name = new sockaddr_un("/run/server");
  const listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  check("a listener", bind(listener, name) == 0 && listen(listener, 5) == 0);
  const client = socket(AF_UNIX, SOCK_STREAM);
  check("a connection", connect(client, name) == 0);
  const server = accept(listener);
  const peer = new sockaddr_un();
  check("with a name", server >= 0 && getpeername(client, peer) == 0 && peer.sun_path == "/run/server");
  const waiting = socket(AF_UNIX, SOCK_STREAM);
  check("another waits", connect(waiting, name) == 0);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    close(client);
    close(waiting);
    check("it is not the child's to accept", accept(listener) == -1 && errno == EAGAIN);
    check("whose connections are its own", connect(socket(AF_UNIX, SOCK_STREAM), name) == 0 && accept(listener) >= 0);
    check("the stream, to its end", receiveStream(server, 11, 5000) == LONG);
    check("and one back", sendStream(server, 12, LONG, 3000));
    check("something is not read", read(server, buffer, 1) == 0);
    _exit(failureCount());
  }
  close(server);
  check("the stream goes", sendStream(client, 11, LONG, 7000) && shutdown(client, SHUT_WR) == 0);
  check("one comes back, and its end", receiveStream(client, 12, 5000) == LONG);
  awaitGood(pid);
  const accepted = accept(listener);
  check("the parent accepts what waits", accepted >= 0);
  check("it works", write(waiting, buffer, 3) == 3 && read(accepted, buffer, 8) == 3);
  const breaker = fork();
  if (breaker == 0) {
    close(waiting);
    _exit(0); // with something unread
  }
  check("a byte that nobody reads", write(waiting, buffer, 1) == 1);
  close(accepted);
  awaitGood(breaker);
  check("is told of", read(waiting, buffer, 1) == -1 && errno == ECONNRESET && read(waiting, buffer, 1) == 0);
  close(waiting);
  close(client);
  close(listener);
}

/** Descriptors within a process that has children, and not to them. */
function descriptors(): void {
  const fds = new StaticArray<i32>(2);
  const ends = new StaticArray<i32>(2);
  const got = new StaticArray<i32>(2);
  check("a pair and a pipe", socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 && pipe(ends) == 0);
  check("both ends go", sendDescriptors(fds[0], ends) == 0);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    close(fds[0]);
    check("the child reads the byte, and has them", receiveDescriptors(fds[1], got) == 2);
    close(ends[0]);
    close(ends[1]);
    check("it waits", read(fds[1], buffer, 1) == 1);
    check("they write to the parent", write(got[1], buffer, 5) == 5);
    _exit(failureCount());
  }
  close(fds[1]);
  check("none go to a child", sendDescriptors(fds[0], ends) == -1 && errno == EOPNOTSUPP);
  check("but a byte does", write(fds[0], buffer, 1) == 1);
  check("what it writes comes", read(ends[0], buffer, 8) == 5);
  awaitGood(pid);
  close(fds[0]);
  check("another pair", socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
  check("one end goes", sendDescriptors(fds[0], StaticArray.fromArray([ends[1]])) == 0 && close(ends[1]) == 0);
  check("and comes", receiveDescriptors(fds[1], got) == 1 && write(got[0], buffer, 7) == 7);
  check("as it was", read(ends[0], buffer, 8) == 7);
  check("on its way once more", sendDescriptors(fds[0], StaticArray.fromArray([got[0]])) == 0 && close(got[0]) == 0);
  const set = new PollSet();
  set.add(ends[0], POLLIN);
  check("it is open", set.wait(0) == 0);
  close(fds[0]);
  close(fds[1]);
  check("nobody has received it", read(ends[0], buffer, 1) == 0);
  close(ends[0]);
}

/** Datagrams to names, in one process. */
function names(): void {
  const server = socket(AF_UNIX, SOCK_DGRAM);
  const client = socket(AF_UNIX, SOCK_DGRAM);
  const address = new sockaddr_un("\0server");
  check("names", bind(server, address) == 0 && bind(client, new sockaddr_un()) == 0);
  check("a datagram goes", sendto(client, buffer, 9, 0, address) == 9);
  const from = new sockaddr_un();
  check("and says from whom", recvfrom(server, buffer, 99, 0, from) == 9 && from.toString() == "@00001");
  check("so that it is answered", sendto(server, buffer, 2, 0, from) == 2 && recv(client, buffer, 9) == 2);
  close(server);
  check("nobody has the name", sendto(client, buffer, 9, 0, address) == -1 && errno == ECONNREFUSED);
  close(client);
}

export function unixSockets(): void {
  datagrams(SOCK_DGRAM);
  datagrams(SOCK_SEQPACKET);
  connections();
  descriptors();
  names();
}
