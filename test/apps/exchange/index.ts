// Answers small messages, for `npm run bench -- net`; tools/peers/exchange/server.c does the same in C.
//   TCP port 7    what is received is sent back, until the peer has finished; one connection after the other
//   UDP port 7    a datagram is sent back
//   TCP port 19   four bytes, the low one first, say how many messages of 64 bytes are wanted; each is a send() of its own
import {
  AF_INET,
  INADDR_ANY,
  MSG_NOSIGNAL,
  SOCK_DGRAM,
  SOCK_STREAM,
  accept,
  bind,
  close,
  listen,
  perror,
  pthread_create,
  recv,
  recvfrom,
  send,
  sendto,
  sockaddr_in,
  socket,
} from "karyon";

const ECHO: u16 = 7;
const SOURCE: u16 = 19;
const BUFFER_SIZE: usize = 2048;
const MESSAGE: usize = 64;

const echoed = memory.data(2048);
const datagram = memory.data(2048);
const message = memory.data(64);
const wanted = memory.data(4, 4);

function bound(type: i32, port: u16): i32 {
  const fd = socket(AF_INET, type);
  if (fd < 0 || bind(fd, new sockaddr_in(INADDR_ANY, port)) != 0) return -1;
  return type == SOCK_DGRAM || listen(fd, 16) == 0 ? fd : -1;
}

function sendMessages(client: i32): void {
  for (let have: usize = 0; have < 4;) {
    const received = recv(client, wanted + have, 4 - have);
    if (received <= 0) return;
    have += received;
  }
  for (let left = load<u32>(wanted); left != 0; left--) {
    if (send(client, message, MESSAGE, MSG_NOSIGNAL) != MESSAGE) return;
  }
}

function source(server: i32): i32 {
  while (true) {
    const client = accept(server);
    if (client < 0) continue;
    sendMessages(client);
    close(client);
  }
  return 0;
}

function datagrams(fd: i32): i32 {
  const from = new sockaddr_in(0, 0);
  while (true) {
    const length = recvfrom(fd, datagram, BUFFER_SIZE, 0, from);
    if (length >= 0) sendto(fd, datagram, length, 0, from);
  }
  return 0;
}

function echo(client: i32): void {
  while (true) {
    const length = recv(client, echoed, BUFFER_SIZE);
    if (length <= 0 || send(client, echoed, length, MSG_NOSIGNAL) != length) return;
  }
}

export function main(_args: string[]): i32 {
  const stream = bound(SOCK_STREAM, ECHO);
  const packets = bound(SOCK_DGRAM, ECHO);
  const messages = bound(SOCK_STREAM, SOURCE);
  if (stream < 0 || packets < 0 || messages < 0) {
    perror("exchange");
    return 1;
  }
  pthread_create(datagrams, packets);
  pthread_create(source, messages);
  while (true) {
    const client = accept(stream);
    if (client < 0) continue;
    echo(client);
    close(client);
  }
  return 0;
}
