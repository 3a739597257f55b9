// The subject of conformance tests: does what the tester says with sockets (tools/conformance/subject/protocol.ts);
// tools/conformance/subject/subject.c does the same on Linux.
import {
  AF_INET,
  INADDR_ANY,
  SIGPIPE,
  SIG_IGN,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  accept,
  accept4,
  bind,
  close,
  connect,
  errno,
  getsockopt,
  listen,
  ntohl,
  perror,
  poll,
  pollfd,
  recv,
  send,
  setsockopt,
  shutdown,
  signal,
  sockaddr_in,
  socket,
} from "karyon";

const PORT: u16 = 7000;
const DATA_MAX: u32 = 65536;
const OPTION_MAX: usize = 256;

/** The order is that of OPERATIONS in protocol.ts. */
enum Operation {
  SOCKET,
  BIND,
  LISTEN,
  ACCEPT,
  CONNECT,
  SEND,
  RECEIVE,
  SHUTDOWN,
  CLOSE,
  GET_OPTION,
  SET_OPTION,
  POLL,
}

@unmanaged
class Request {
  operation: i32;
  fd: i32;
  a: u32;
  b: u32;
  length: u32;
}

@unmanaged
class Answer {
  result: i32;
  length: u32;
}

const request = changetype<Request>(memory.data(20, 8));
const answer = changetype<Answer>(memory.data(8, 8));
const entry = changetype<pollfd>(memory.data(8, 8));
const data = memory.data(65536, 8);

function receiveAll(fd: i32, target: usize, length: usize): bool {
  while (length > 0) {
    const received = recv(fd, target, length);
    if (received <= 0) return false;
    target += received;
    length -= received;
  }
  return true;
}

function sendAll(fd: i32, source: usize, length: usize): bool {
  while (length > 0) {
    const sent = send(fd, source, length);
    if (sent <= 0) return false;
    source += sent;
    length -= sent;
  }
  return true;
}

/** The end that a request names. */
function end(): sockaddr_in {
  return new sockaddr_in(ntohl(request.a), <u16>request.b);
}

/** Carries the request out: the call's result; answer.length gets how many bytes of data belong to the answer. */
function perform(): i32 {
  const fd = request.fd;
  switch (request.operation) {
    case Operation.SOCKET:
      return socket(AF_INET, request.a | SOCK_NONBLOCK);
    case Operation.BIND:
      return bind(fd, end());
    case Operation.LISTEN:
      return listen(fd, request.a);
    case Operation.ACCEPT:
      return accept4(fd, null, SOCK_NONBLOCK);
    case Operation.CONNECT:
      return connect(fd, end());
    case Operation.SEND:
      return send(fd, data, request.length, request.a);
    case Operation.SHUTDOWN:
      return shutdown(fd, request.a);
    case Operation.CLOSE:
      return close(fd);
    case Operation.SET_OPTION:
      return setsockopt(fd, request.a, request.b, data, request.length);
    case Operation.RECEIVE: {
      const received = recv(fd, data, min(request.b, DATA_MAX), request.a);
      answer.length = max(received, 0);
      return received;
    }
    case Operation.GET_OPTION: {
      const length = getsockopt(fd, request.a, request.b, data, OPTION_MAX);
      if (length < 0) return length;
      answer.length = length;
      return 0;
    }
    default: {
      entry.fd = fd;
      entry.events = <i16>request.a;
      const ready = poll(changetype<usize>(entry), 1, <i32>request.b);
      return ready < 0 ? ready : <i32>entry.revents;
    }
  }
}

function serve(control: i32): void {
  while (receiveAll(control, changetype<usize>(request), offsetof<Request>())) {
    if (request.length > DATA_MAX || !receiveAll(control, data, request.length)) return;
    answer.length = 0;
    const result = perform();
    answer.result = result < 0 ? -errno : result;
    if (!sendAll(control, changetype<usize>(answer), offsetof<Answer>())) return;
    if (!sendAll(control, data, answer.length)) return;
  }
}

export function main(_args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // who has gone is told by EPIPE
  const server = socket(AF_INET, SOCK_STREAM);
  if (bind(server, new sockaddr_in(INADDR_ANY, PORT)) != 0 || listen(server, 1) != 0) {
    perror("subject");
    return 1;
  }
  while (true) {
    const control = accept(server);
    if (control < 0) continue;
    serve(control);
    close(control);
  }
  return 0;
}
