// Moves bytes over TCP, for `npm run bench -- net`: the least that curl takes for an HTTP server.
//   GET /<n>    n bytes are sent
//   PUT /…      the body is received, and its length told as the answer's body
// One connection after the other, each for one request. tools/peers/bulk/bulk.c does the same in C.
import {
  AF_INET6,
  MSG_NOSIGNAL,
  SOCK_STREAM,
  accept,
  bind,
  close,
  listen,
  perror,
  recv,
  send,
  in6addr_any,
  sockaddr_in6,
  socket,
} from "karyon";

const PORT: u16 = 80;
const BUFFER_SIZE: usize = 65536;
const buffer = memory.data(65536);
/** A request's head has no more; where one is longer the connection is closed. */
const HEAD_SIZE: usize = 2048;

/** Sends the first `length` bytes of the buffer, over and over until there were `count`; false when the peer is gone. */
function sendAll(fd: i32, count: u64, length: usize): bool {
  while (count > 0) {
    const sent = send(fd, buffer, <usize>min<u64>(count, length), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    count -= sent;
  }
  return true;
}

function answer(fd: i32, head: string): bool {
  const length = <usize>String.UTF8.encodeUnsafe(changetype<usize>(head), head.length, buffer);
  return sendAll(fd, length, length);
}

function receiveAll(fd: i32, count: u64): bool {
  while (count > 0) {
    const received = recv(fd, buffer, BUFFER_SIZE);
    if (received <= 0) return false;
    count -= min<u64>(count, received);
  }
  return true;
}

function serve(fd: i32): void {
  let length: usize = 0;
  let end: i32 = -1;
  let head = "";
  while (end < 0) {
    const received = length < HEAD_SIZE ? recv(fd, buffer + length, HEAD_SIZE - length) : 0;
    if (received <= 0) return;
    length += received;
    head = String.UTF8.decodeUnsafe(buffer, length);
    end = head.indexOf("\r\n\r\n");
  }
  const surplus = <u64>length - <u64>(end + 4);
  if (head.startsWith("GET /")) {
    const count = <u64>parseInt(head.slice(5));
    if (answer(fd, `HTTP/1.1 200 OK\r\nContent-Length: ${count}\r\nConnection: close\r\n\r\n`))
      sendAll(fd, count, BUFFER_SIZE);
  } else {
    const field = "content-length:";
    const count = <u64>parseInt(head.slice(head.toLowerCase().indexOf(field) + field.length));
    if (!receiveAll(fd, count - surplus)) return;
    const body = count.toString();
    answer(fd, `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  }
}

export function main(_args: string[]): i32 {
  const server = socket(AF_INET6, SOCK_STREAM);
  if (bind(server, new sockaddr_in6(in6addr_any, PORT)) != 0 || listen(server, 16) != 0) {
    perror("bulk");
    return 1;
  }
  while (true) {
    const client = accept(server);
    if (client < 0) continue;
    serve(client);
    close(client);
  }
  return 0;
}
