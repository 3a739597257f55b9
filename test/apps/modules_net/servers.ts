// The servers: lines on port 7, of which the answer is the reverse; all that is sent on port 9, told by its length; datagrams on port 7;
// requests on port 80, and on 88 those of raw.ts.
import { pthread_create, puts, usleep } from "karyon";
import { Request, Response, html, json, redirect, serve as serveHttp, status, text } from "karyon/http";
import { Connection, serve, udp } from "karyon/net";
import { answerRaw } from "./raw";

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

function answer(request: Request): Response {
  if (request.path == "/") return html("<p>hello");
  if (request.path == "/echo")
    return text(request.text, request.method == "POST" ? 201 : 200).set("x-method", request.method);
  if (request.path == "/json") return json(`{"name":"${request.parameter("name")!}"}`);
  if (request.path == "/field") return text(request.field("X-Told")!).set("x-answer", "a\r\nb: c");
  if (request.path == "/away") return redirect("/");
  if (request.path == "/form") return text(request.formField("a b")!);
  if (request.path == "/client") return text(request.client);
  if (request.path == "/nothing") return new Response(204);
  return status(404);
}

function serveRequests(port: i32): i32 {
  return serveHttp(<u16>port, answer) ? 0 : 1;
}

function serveRaw(port: i32): i32 {
  return serve(<u16>port, answerRaw) ? 0 : 1;
}

/** Serves; returns only on error. */
export function serveAll(): i32 {
  pthread_create(serveDatagrams, 7);
  pthread_create(serveLengths, 9);
  pthread_create(serveRequests, 80);
  pthread_create(serveRaw, 88);
  puts("serving");
  serve(7, answerLines, 4);
  return 1;
}
