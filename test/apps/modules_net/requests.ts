// The client of karyon/http, and what the server says to requests that are written by hand.
import { ECONNREFUSED, EINVAL, EMSGSIZE, EPROTO, EPROTONOSUPPORT, errno, strerror } from "karyon";
import { Fields, decodeText, fetch, get, post } from "karyon/http";
import { Connection, connect } from "karyon/net";
import { check } from "./check";
import { tryRaw } from "./raw";

/** Reports whether a call failed with errno `number`. */
function refused(what: string, failed: bool, number: i32): void {
  check(`${what}: ${strerror(number)}`, failed && errno == number);
}

function fetchChecks(base: string): void {
  const page = get(`${base}/`);
  check("get", page !== null && page.status == 200 && page.text == "<p>hello");
  if (page === null) return;
  check(
    "its fields",
    page.field("Content-Type")! == "text/html; charset=utf-8" && page.field("content-length")! == "8",
  );
  check("Date and Server", page.field("date")!.endsWith(" GMT") && page.field("server")! == "Karyon");
  const made = post(`${base}/echo`, "grüße")!;
  check("post", made.status == 201 && made.text == "grüße" && made.field("x-method")! == "POST");
  const large = new Uint8Array(300_000).fill(0x61);
  const echoed = fetch(`${base}/echo`, "PUT", large);
  check(
    "300 000 bytes there and back",
    echoed !== null && echoed.body.length == 300_000 && echoed.body[299_999] == 0x61,
  );
  refused("more than the limit", fetch(`${base}/echo`, "PUT", large, null, 299_999) === null, EMSGSIZE);
  check("1 MiB and more is refused", fetch(`${base}/echo`, "PUT", new Uint8Array((1 << 20) + 1))!.status == 413);
  check("parameter", get(`${base}/json?x=1&name=a%20b+c`)!.text == '{"name":"a b c"}');
  check("formField", post(`${base}/form`, "x=1&a+b=%C3%9F%zz&a+b=2")!.text == "ß%zz");
  const fields = new Fields();
  fields.add("X-Told", "one");
  fields.add("x-told", "two");
  const told = fetch(`${base}/field`, "GET", null, fields)!;
  check("field", told.text == "one, two");
  check("a field of two lines is not sent", told.field("x-answer") === null && told.field("b") === null);
  check("redirect", get(`${base}/away`)!.status == 302 && get(`${base}/away`)!.field("location")! == "/");
  check("404", get(`${base}/none`)!.text == "404 Not Found\n");
  check("204", get(`${base}/nothing`)!.status == 204 && get(`${base}/nothing`)!.field("content-length") === null);
  const head = fetch(`${base}/`, "HEAD")!;
  check("HEAD", head.status == 200 && head.body.length == 0 && head.field("content-length")! == "8");
  check("a path is normalised", get(`${base}/x/../%65cho`)!.status == 200);
}

function errorChecks(base: string): void {
  refused("no URL", get("here") === null, EINVAL);
  refused("https", get("https://example.org/") === null, EPROTONOSUPPORT);
  refused("a port that is none", get("http://example.org:0/") === null, EINVAL);
  refused("a space in it", get(`${base}/a b`) === null, EINVAL);
  refused("no method", fetch(base, "A B") === null, EINVAL);
  refused("nobody listens", get(`${base}:81/`) === null, ECONNREFUSED);
  refused("no answer of HTTP", get(`${base}:7/`) === null, EPROTO);
  check("decodeText", decodeText("a+b%2b%2") == "a b+%2");
}

/** What comes for `text` up to the end. */
function said(host: string, text: string): string {
  const connection = connect(host, 80);
  if (connection === null) return "";
  connection.writeText(text);
  connection.end();
  const all = connection.readAll();
  connection.close();
  return all === null ? "" : String.UTF8.decode(all.buffer);
}

/** An answer's head, and its content of `length` bytes. */
function nextAnswer(connection: Connection, length: i32): string {
  let head = "";
  for (let line = connection.readLine(); line !== null && line.length != 0; line = connection.readLine())
    head += line + "|";
  const content = new Uint8Array(length);
  let got = 0;
  while (got < length) {
    const count = connection.read(content, got);
    if (count <= 0) break;
    got += count;
  }
  return head + String.UTF8.decode(content.buffer);
}

function connectionChecks(host: string): void {
  const connection = connect(host, 80)!;
  const echo =
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: x\r\n\r\n";
  connection.writeText(
    echo + "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  check("chunks", nextAnswer(connection, 5).endsWith("abcde"));
  check("the next on the connection", nextAnswer(connection, 8).endsWith("<p>hello"));
  check("and the last", nextAnswer(connection, 14).includes("|Connection: close|") && connection.readLine() === null);
  connection.close();

  const waiting = connect(host, 80)!;
  waiting.writeText("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  check("100 Continue", nextAnswer(waiting, 0) == "HTTP/1.1 100 Continue|");
  waiting.writeText("xyz");
  check("and then the answer", nextAnswer(waiting, 3).endsWith("xyz"));
  waiting.close();

  check("HTTP/1.0", said(host, "GET / HTTP/1.0\r\n\r\n").includes("Connection: close\r\n"));
  check("a request without Host", said(host, "GET / HTTP/1.1\r\n\r\n").startsWith("HTTP/1.1 400 Bad Request\r\n"));
  check(
    "two lengths",
    said(host, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n").includes(
      " 400 ",
    ),
  );
  check("a path above the root", said(host, "GET /../x HTTP/1.1\r\nHost: a\r\n\r\n").includes(" 400 "));
  check("a head that does not end", said(host, "GET / HTTP/1.1\r\nX: " + "y".repeat(20_000)).includes(" 431 "));
  check("what is no request", said(host, "\x16\x03\x01").includes(" 400 "));
  check("a request that is cut", said(host, "GET / HT").length == 0);
  check("OPTIONS *", said(host, "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").includes(" 404 "));
}

export function tryRequests(host: string): void {
  const base = host.includes(":") ? `http://[${host}]` : `http://${host}`;
  fetchChecks(base);
  errorChecks(base);
  connectionChecks(host);
  tryRaw(base);
}
