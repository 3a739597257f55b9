// TCP and UDP sockets over the loopback interface.
import {
  AF_INET,
  EADDRINUSE,
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  ECONNREFUSED,
  EDESTADDRREQ,
  EINPROGRESS,
  EINVAL,
  ENOPROTOOPT,
  ENOTCONN,
  ENOTSOCK,
  EPIPE,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  INADDR_ANY,
  INADDR_LOOPBACK,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  POLLOUT,
  PollSet,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ACCEPTCONN,
  SO_ERROR,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_TYPE,
  TCP_KEEPIDLE,
  TCP_NODELAY,
  accept,
  accept4,
  bind,
  close,
  connect,
  getSocketOption,
  getpeername,
  getsockname,
  listen,
  open,
  pthread_create,
  pthread_join,
  pthread_t,
  read,
  recv,
  recvfrom,
  send,
  sendfile,
  sendto,
  setNonBlocking,
  setSocketOption,
  setSocketTimeout,
  shutdown,
  sockaddr_in,
  socket,
  write,
} from "karyon";
import { check, checkError } from "./check";

function argumentChecks(): void {
  checkError("socket of another family", socket(99, SOCK_STREAM), EAFNOSUPPORT);
  checkError("socket of a type that IP has not", socket(AF_INET, 9), ESOCKTNOSUPPORT);
  checkError("socket of no type", socket(AF_INET, 11), EINVAL);
  checkError("socket of another protocol", socket(AF_INET, SOCK_STREAM, 132), EPROTONOSUPPORT);
  checkError("bind the console", bind(1, new sockaddr_in()), ENOTSOCK);
  checkError("bind nothing", bind(99, new sockaddr_in()), EBADF);
  const fd = socket(AF_INET, SOCK_STREAM);
  checkError("accept without listen", accept(fd), EINVAL);
  checkError("getpeername without a peer", getpeername(fd, new sockaddr_in()), ENOTCONN);
  checkError("send without a peer", send(fd, 4096, 1), ENOTCONN);
  checkError("an option there is not", setSocketOption(fd, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
  checkError("a keep-alive time out of range", setSocketOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0), EINVAL);
  check("SO_TYPE", getSocketOption(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
  check("TCP_NODELAY", setSocketOption(fd, IPPROTO_TCP, TCP_NODELAY, 1) == 0);
  check("TCP_NODELAY is kept", getSocketOption(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
  close(fd);
}

/** A listening socket on a port of the system's choice. */
export function listener(): i32 {
  const fd = socket(AF_INET, SOCK_STREAM);
  setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  return bind(fd, new sockaddr_in(INADDR_LOOPBACK, 0)) == 0 && listen(fd, 16) == 0 ? fd : -1;
}

/** A connection to `server`, or -1. */
export function connected(server: i32): i32 {
  const address = new sockaddr_in();
  getsockname(server, address);
  const fd = socket(AF_INET, SOCK_STREAM);
  return connect(fd, address) == 0 ? fd : -1;
}

/** Sends back what it gets until the stream ends. */
function echo(server: i32): i32 {
  const fd = accept(server);
  const buffer = new ArrayBuffer(4096);
  const start = changetype<usize>(buffer);
  let total = 0;
  while (true) {
    const length = read(fd, start, 4096);
    if (length <= 0) break;
    if (write(fd, start, length) != length) break;
    total += length;
  }
  close(fd);
  return total;
}

function joinStatus(thread: pthread_t): i32 {
  const status = new StaticArray<i32>(1);
  return pthread_join(thread, changetype<usize>(status)) == 0 ? status[0] : -1;
}

function streamChecks(): void {
  const server = listener();
  check("listen", server >= 0 && getSocketOption(server, SOL_SOCKET, SO_ACCEPTCONN) == 1);
  const taken = new sockaddr_in();
  getsockname(server, taken);
  const other = socket(AF_INET, SOCK_STREAM);
  checkError("bind a port in use", bind(other, taken), EADDRINUSE);
  close(other);
  const thread = pthread_create<i32>(echo, server);
  const fd = connected(server);
  check("connect", fd >= 0);
  const peer = new sockaddr_in();
  check("getpeername", getpeername(fd, peer) == 0 && peer.port == taken.port && peer.host == "127.0.0.1");

  const data = new Uint8Array(100_000);
  for (let i = 0; i < data.length; i++) data[i] = <u8>(i * 7 + (i >> 8));
  const back = new Uint8Array(data.length);
  let good = true;
  for (let at = 0; at < data.length && good; at += 5000) {
    good = send(fd, data.dataStart + at, 5000) == 5000;
    good = good && recv(fd, back.dataStart + at, 5000, MSG_WAITALL) == 5000;
  }
  check("100 kB there and back", good && memory.compare(data.dataStart, back.dataStart, data.length) == 0);
  check("send, peek, receive", send(fd, data.dataStart, 3) == 3 && recv(fd, back.dataStart, 9, MSG_PEEK) == 3);
  check("the peeked are still there", recv(fd, back.dataStart, 9) == 3);
  checkError("recv that does not wait", recv(fd, back.dataStart, 9, MSG_DONTWAIT), EAGAIN);
  setSocketTimeout(fd, SO_RCVTIMEO, 10);
  checkError("recv with a time-out", recv(fd, back.dataStart, 9), EAGAIN);
  check("shutdown", shutdown(fd, SHUT_WR) == 0);
  checkError("send after it", send(fd, data.dataStart, 1), EPIPE);
  setSocketTimeout(fd, SO_RCVTIMEO, 5000);
  check("the peer's end of stream", recv(fd, back.dataStart, 9) == 0);
  check("the echo got all", joinStatus(thread) == data.length + 3);
  close(fd);
  close(server);
}

function sendFileChecks(): void {
  const server = listener();
  const fd = connected(server);
  const far = accept(server);
  const file = open("/hello.txt");
  const buffer = new ArrayBuffer(64);
  const start = changetype<usize>(buffer);
  check("sendfile from an offset", sendfile(fd, file, 7, 100) == 6 && recv(far, start, 64) == 6);
  check("sendfile sends the file", String.UTF8.decodeUnsafe(start, 5) == "file.");
  check("sendfile from the position", sendfile(fd, file, -1, 5) == 5 && sendfile(fd, file, -1, 100) == 8);
  check("sendfile at the end", sendfile(fd, file, -1, 100) == 0 && sendfile(fd, file, 1000, 1) == 0);
  check("all of it arrives", recv(far, start, 13, MSG_WAITALL) == 13);
  checkError("sendfile of no file", sendfile(fd, far, 0, 1), EINVAL);
  close(file);
  close(fd);
  close(far);
  close(server);
}

function nonBlockingChecks(): void {
  const server = listener();
  setNonBlocking(server);
  checkError("accept that does not wait", accept(server), EAGAIN);
  const address = new sockaddr_in();
  getsockname(server, address);
  const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  checkError("connect that does not wait", connect(fd, address), EINPROGRESS);
  const set = new PollSet();
  set.add(fd, POLLOUT);
  check("the connection stands", set.wait(5000) == 1 && getSocketOption(fd, SOL_SOCKET, SO_ERROR) == 0);
  const far = accept4(server, address, SOCK_NONBLOCK);
  check("accept4", far >= 0);
  const buffer = new ArrayBuffer(65536);
  let sent = 0;
  while (true) {
    const length = write(fd, changetype<usize>(buffer), buffer.byteLength);
    if (length < 0) break;
    sent += length;
  }
  checkError("write when the buffers are full", write(fd, changetype<usize>(buffer), 65536), EAGAIN);
  let received = 0;
  while (received < sent) {
    const length = read(far, changetype<usize>(buffer), buffer.byteLength);
    if (length > 0) received += length;
    else if (set.wait(5000) < 0) break;
  }
  check("all that was taken arrives", received == sent && sent > 65536);
  close(fd);
  close(far);
  close(server);

  const refused = socket(AF_INET, SOCK_STREAM);
  checkError("connect where nobody listens", connect(refused, address), ECONNREFUSED);
  close(refused);
}

function datagramChecks(): void {
  const one = socket(AF_INET, SOCK_DGRAM);
  const two = socket(AF_INET, SOCK_DGRAM);
  const address = new sockaddr_in(INADDR_ANY, 4000);
  const from = new sockaddr_in();
  check("bind a datagram socket", bind(one, address) == 0);
  const buffer = new ArrayBuffer(2048);
  const start = changetype<usize>(buffer);
  checkError("send without a destination", send(two, start, 5), EDESTADDRREQ);
  const target = new sockaddr_in(INADDR_LOOPBACK, 4000);
  check("sendto", sendto(two, start, 1000, 0, target) == 1000);
  check("recvfrom cuts", recvfrom(one, start, 10, MSG_TRUNC, from) == 1000 && from.host == "127.0.0.1");
  checkError("one datagram at a time", recv(one, start, 10, MSG_DONTWAIT), EAGAIN);
  check("answer to the sender", sendto(one, start, 7, 0, from) == 7 && recv(two, start, 100) == 7);
  check("connect and send", connect(two, target) == 0 && send(two, start, 0) == 0 && recv(one, start, 9) == 0);
  close(one);
  setSocketTimeout(two, SO_RCVTIMEO, 1000);
  send(two, start, 1);
  checkError("nobody there", recv(two, start, 1), ECONNREFUSED);
  close(two);
}

export function socketChecks(): void {
  argumentChecks();
  streamChecks();
  sendFileChecks();
  nonBlockingChecks();
  datagramChecks();
}
