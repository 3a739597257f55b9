// A family behind one address, for test/lab/one_address.test.ts. Each process answers "process <pid>" to a connection or a datagram: the
// first on port 7, each child on ports that the kernel chooses, which it prints. "<children> [<address> <port>]": each child also says so
// to a TCP server there, and prints what that answers.
import {
  AF_INET,
  INADDR_ANY,
  POLLIN,
  PollSet,
  SIGPIPE,
  SIG_IGN,
  SOCK_DGRAM,
  SOCK_STREAM,
  accept,
  bind,
  close,
  connect,
  errno,
  fork,
  getpid,
  getsockname,
  listen,
  puts,
  recv,
  recvfrom,
  send,
  sendto,
  signal,
  sockaddr_in,
  socket,
} from "karyon";

const PORT: u16 = 7;
const BUFFER_SIZE: u32 = 256;
const buffer = memory.data(256);
const peer = new sockaddr_in(INADDR_ANY, 0);

function name(): ArrayBuffer {
  return String.UTF8.encode(`process ${getpid()}\n`);
}

/** Binds to `port`, 0 = any; the port. */
function bound(fd: i32, port: u16): u16 {
  const own = new sockaddr_in(INADDR_ANY, port);
  if (bind(fd, own) != 0) puts(`bind failed: ${errno}`);
  getsockname(fd, own);
  return own.port;
}

/** Serves for ever. */
function serve(port: u16): void {
  const streams = socket(AF_INET, SOCK_STREAM);
  const datagrams = socket(AF_INET, SOCK_DGRAM);
  const streamPort = bound(streams, port);
  listen(streams, 16);
  puts(`process ${getpid()} serves tcp ${streamPort} udp ${bound(datagrams, port)}`);
  const waiting = new PollSet();
  waiting.add(streams, POLLIN);
  waiting.add(datagrams, POLLIN);
  const text = name();
  while (true) {
    waiting.wait(-1);
    if (waiting.at(0).revents != 0) {
      const client = accept(streams);
      send(client, changetype<usize>(text), <u32>text.byteLength);
      close(client);
    }
    if (waiting.at(1).revents != 0) {
      recvfrom(datagrams, buffer, BUFFER_SIZE, 0, peer);
      sendto(datagrams, changetype<usize>(text), <u32>text.byteLength, 0, peer);
    }
  }
}

function call(host: string, port: u16): void {
  const server = sockaddr_in.from(host, port);
  const fd = socket(AF_INET, SOCK_STREAM);
  if (server === null || connect(fd, server) != 0) {
    puts(`process ${getpid()} cannot connect: ${errno}`);
    return;
  }
  const text = name();
  send(fd, changetype<usize>(text), <u32>text.byteLength);
  const received = recv(fd, buffer, BUFFER_SIZE);
  puts(`process ${getpid()} was answered: ${received > 0 ? String.UTF8.decodeUnsafe(buffer, received) : "nothing"}`);
  close(fd);
}

export function main(args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // who has gone is told by EPIPE
  for (let left = args.length > 0 ? <i32>parseInt(args[0]) : 0; left > 0; left--) {
    const pid = fork();
    if (pid < 0) puts(`fork failed: ${errno}`);
    if (pid != 0) continue;
    if (args.length > 2) call(args[1], <u16>parseInt(args[2]));
    serve(0);
  }
  serve(PORT);
  return 0;
}
