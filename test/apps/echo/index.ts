// Sends back what it receives until the peer has finished: "listen <port>" takes connections one after the other,
// "connect <address> <port>" opens one and ends with it.
import {
  AF_INET,
  INADDR_ANY,
  MSG_NOSIGNAL,
  SOCK_STREAM,
  accept,
  bind,
  close,
  connect,
  listen,
  perror,
  recv,
  send,
  sockaddr_in,
  socket,
} from "karyon";

const BUFFER_SIZE: usize = 32768;
const buffer = memory.data(32768);

/** Echoes until the end of the stream; false when the connection broke. */
function echo(fd: i32): bool {
  while (true) {
    const received = recv(fd, buffer, BUFFER_SIZE);
    if (received <= 0) return received == 0;
    for (let sent = 0; sent < received;) {
      const taken = send(fd, buffer + sent, received - sent, MSG_NOSIGNAL);
      if (taken <= 0) return false;
      sent += taken;
    }
  }
}

function serve(port: u16): i32 {
  const server = socket(AF_INET, SOCK_STREAM);
  if (bind(server, new sockaddr_in(INADDR_ANY, port)) != 0 || listen(server, 16) != 0) {
    perror("echo");
    return 1;
  }
  console.log("echo: listening");
  while (true) {
    const client = accept(server);
    if (client < 0) continue;
    if (!echo(client)) perror("echo");
    close(client);
  }
  return 0;
}

function call(host: string, port: u16): i32 {
  const client = socket(AF_INET, SOCK_STREAM);
  const address = sockaddr_in.from(host, port);
  if (address === null || connect(client, address) != 0 || !echo(client)) {
    perror("echo");
    return 1;
  }
  close(client);
  console.log("echo: done");
  return 0;
}

export function main(args: string[]): i32 {
  if (args.length == 2 && args[0] == "listen") return serve(<u16>parseInt(args[1]));
  if (args.length == 3 && args[0] == "connect") return call(args[1], <u16>parseInt(args[2]));
  console.log("usage: echo listen <port> | echo connect <address> <port>");
  return 2;
}
