// A web server of one page: takes a connection, reads the request's head, answers, and takes the next.
import {
  AF_INET,
  INADDR_ANY,
  SIGPIPE,
  SIG_IGN,
  SOCK_STREAM,
  SOMAXCONN,
  SO_RCVTIMEO,
  accept,
  bind,
  close,
  listen,
  perror,
  puts,
  readBytes,
  setSocketTimeout,
  signal,
  sockaddr_in,
  socket,
  writeText,
} from "karyon";

const PORT: u16 = 80;
const PATIENCE: u32 = 5000; // ms for a client to send its request

export function main(_args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // a client that has gone must not end the server
  const listener = socket(AF_INET, SOCK_STREAM);
  if (bind(listener, new sockaddr_in(INADDR_ANY, PORT)) < 0 || listen(listener, SOMAXCONN) < 0) {
    perror("cannot listen");
    return 1;
  }
  puts(`listening on port ${PORT}`);
  let requests = 0;
  while (true) {
    const client = accept(listener);
    if (client < 0) {
      perror("accept");
      continue;
    }
    setSocketTimeout(client, SO_RCVTIMEO, PATIENCE);
    if (readHead(client)) {
      requests += 1;
      answer(client, `Hello from TypeScript. You are visitor ${requests}.\n`);
    }
    close(client);
  }
}

/** Reads up to the empty line that ends the head of a request; false if none comes. */
function readHead(client: i32): bool {
  const head = new Uint8Array(4096);
  let length = 0;
  while (length < head.length) {
    const count = readBytes(client, head, length);
    if (count <= 0) return false;
    length += count;
    if (String.UTF8.decode(head.buffer.slice(0, length)).includes("\r\n\r\n")) return true;
  }
  return false;
}

function answer(client: i32, page: string): void {
  const length = String.UTF8.byteLength(page);
  writeText(
    client,
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${page}`,
  );
}
