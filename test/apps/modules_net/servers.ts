// The servers: lines on port 7, of which the answer is the reverse; all that is sent on port 9, told by its length; datagrams on port 7.
import { pthread_create, puts, usleep } from "karyon";
import { Connection, serve, udp } from "karyon/net";

function answerLines(connection: Connection): void {
  for (let line = connection.readLine(100); line !== null; line = connection.readLine(100)) {
    if (line == "wait") usleep(300_000);
    if (!connection.writeText(line.split("").reverse().join("") + "\n")) break;
  }
}

function answerLength(connection: Connection): void {
  const all = connection.readAll();
  connection.writeText(all === null ? "too long" : `${all.length}`);
}

function serveDatagrams(port: i32): i32 {
  const socket = udp(<u16>port);
  if (socket === null) return 1;
  while (true) {
    const datagram = socket.receive();
    if (datagram === null) return 1;
    socket.sendTextTo(datagram.from, `${datagram.text} from ${datagram.host}`);
  }
}

function serveLengths(port: i32): i32 {
  return serve(<u16>port, answerLength) ? 0 : 1;
}

/** Serves; returns only on error. */
export function serveAll(): i32 {
  pthread_create(serveDatagrams, 7);
  pthread_create(serveLengths, 9);
  puts("serving");
  serve(7, answerLines, 4);
  return 1;
}
