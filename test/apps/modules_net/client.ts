// The client: what each call makes of the servers, and what it says when it cannot.
import { EADDRINUSE, EAGAIN, ECONNREFUSED, EINVAL, errno, setErrno, strerror } from "karyon";
import { Connection, connect, listen, lookup, udp } from "karyon/net";
import { check } from "./check";

/** Reports whether a call failed with errno `number`. */
function refused(what: string, failed: bool, number: i32): void {
  check(`${what}: ${strerror(number)}`, failed && errno == number);
}

function lineChecks(host: string): void {
  const connection = connect(host, 7);
  check("connect", connection !== null);
  if (connection === null) return;
  check("host and port", connection.host == host && connection.port == 7);
  check("toString", connection.toString() == (host.includes(":") ? `[${host}]:7` : `${host}:7`));
  check("writeText", connection.writeText("abc\r\ndef\nß\n"));
  check(
    "readLine",
    connection.readLine()! == "cba" && connection.readLine()! == "fed" && connection.readLine()! == "ß",
  );
  connection.writeText("last");
  check("end", connection.end());
  const rest = new Uint8Array(2);
  check("a line without an end", connection.readLine()! == "tsal");
  setErrno(7);
  check("readLine at the end", connection.readLine() === null && errno == 0);
  check("read at the end", connection.read(rest) == 0);
  check("close", connection.close() && !connection.close());
}

function readChecks(host: string): void {
  const connection = connect(host, 7)!;
  connection.writeText("one\ntwo-and-more\n");
  check("a line", connection.readLine()! == "eno");
  const bytes = new Uint8Array(6);
  let got = 0;
  while (got < 6) {
    const count = connection.read(bytes, got);
    if (count <= 0) break;
    got += count;
  }
  check("read behind a line", String.UTF8.decode(bytes.buffer) == "erom-d");
  check("and the rest of it as a line", connection.readLine()! == "na-owt");
  check("setTimeout", connection.setTimeout(50));
  connection.writeText("wait\n");
  refused("readLine with a time-out", connection.readLine() === null, EAGAIN);
  connection.setTimeout(0);
  check("and later", connection.readLine()! == "tiaw");
  connection.writeText("x".repeat(101) + "\n");
  check("a line that is too long for the server", connection.readLine() === null);
  connection.close();
}

function lengthChecks(host: string): void {
  const connection = connect(host, 9)!;
  const bytes = new Uint8Array(200_000);
  check("write of 200 000 bytes and of a part", connection.write(bytes) && connection.write(bytes, 199_990));
  connection.end();
  const all = connection.readAll();
  check("readAll", all !== null && String.UTF8.decode(all.buffer) == "200010");
  connection.close();
}

/** More connections than are served at a time: the others are when one of those ends. */
function manyChecks(host: string): void {
  const connections: Connection[] = [];
  for (let i = 0; i < 6; i++) {
    const connection = connect(host, 7);
    if (connection === null) break;
    connection.writeText(`${i}\n`);
    connections.push(connection);
  }
  check("six connections", connections.length == 6);
  for (let i = 0; i < 4; i++) check(`answer ${i}`, connections[i].readLine()! == `${i}`);
  connections[5].setTimeout(200);
  refused("the sixth has to wait", connections[5].readLine() === null, EAGAIN);
  for (let i = 0; i < 4; i++) connections[i].close();
  connections[5].setTimeout(0);
  check("its turn comes", connections[5].readLine()! == "5" && connections[4].readLine()! == "4");
  connections[4].close();
  connections[5].close();
}

function datagramChecks(host: string): void {
  const socket = udp();
  check("udp", socket !== null && socket.port != 0);
  if (socket === null) return;
  socket.setTimeout(5_000);
  check("sendText", socket.sendText(host, 7, "hello"));
  const answer = socket.receive();
  check("receive", answer !== null && answer.text.startsWith("hello from ") && answer.host == host && answer.port == 7);
  socket.setTimeout(50);
  refused("receive with a time-out", socket.receive() === null, EAGAIN);
  check("close of a socket", socket.close());
}

function errorChecks(host: string): void {
  refused("connect where nobody listens", connect(host, 8) === null, ECONNREFUSED);
  refused("connect to no name", connect("", 7) === null, EINVAL);
  check("lookup of an address", lookup("192.0.2.1")!.join() == "192.0.2.1" && lookup("fd00::1")!.join() == "fd00::1");
  const server = listen(0);
  check("listen where it is free", server !== null && server.port != 0);
  refused("listen where it is not", listen(server!.port) === null, EADDRINUSE);
  server!.setNonBlocking();
  refused("accept of nothing", server!.accept() === null, EAGAIN);
  check("close of a listener", server!.close());
}

export function tryNetwork(host: string): void {
  lineChecks(host);
  readChecks(host);
  lengthChecks(host);
  manyChecks(host);
  datagramChecks(host);
  errorChecks(host);
}
