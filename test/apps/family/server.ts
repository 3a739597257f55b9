// A small HTTP server in a thread of the process that forks: for traffic while it does.
import {
  AF_INET,
  INADDR_ANY,
  SOCK_STREAM,
  accept,
  bind,
  close,
  fork,
  listen,
  pthread_attr_t,
  pthread_create,
  puts,
  read,
  sockaddr_in,
  socket,
  stdin,
  usleep,
  writeText,
} from "karyon";
import { awaitExit, check, checksForked, endChild } from "./check";

const PORT: u16 = 80;
const REQUEST: usize = 2048;
const BODY_LINES = 200;
const ENDLESS = 1_000_000_000;
const request = memory.data(2048);

function answer(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

function serve(server: i32): i32 {
  let body = "";
  for (let i = 0; i < BODY_LINES; i++) body += `line ${i} of the answer\n`;
  const text = answer(body);
  while (true) {
    const client = accept(server);
    if (client < 0) return 1;
    if (read(client, request, REQUEST) > 0) writeText(client, text);
    close(client);
  }
}

/** Serves, and forks `count` times when the traffic has begun; then serves on until a line comes on the console. */
export function traffic(count: i32): void {
  const server = socket(AF_INET, SOCK_STREAM);
  check("listen", bind(server, new sockaddr_in(INADDR_ANY, PORT)) == 0 && listen(server, 16) == 0);
  const attributes = new pthread_attr_t();
  attributes.stackSize = 64 * 1024;
  check("a thread that serves", pthread_create<i32>(serve, server, attributes) > 1);
  puts("serving");
  usleep(2_000_000);
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid == 0) {
      checksForked();
      close(server);
      usleep(20_000);
      endChild();
    }
    check("fork", pid > 1);
    awaitExit(pid);
    usleep(50_000);
  }
  puts("forked with traffic");
  read(stdin, request, REQUEST);
}

/** Lets the server go on until the domain is destroyed. */
export function stay(_count: i32): void {
  puts("staying");
  while (true) usleep(ENDLESS);
}

/** Wakes up often, for as long as the domain lives. */
export function wake(_count: i32): void {
  puts("waking");
  while (true) usleep(20_000);
}
