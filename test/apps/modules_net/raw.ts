// A server of answers that are written by hand, and what the client makes of each.
import { EMSGSIZE, EPROTO, errno, strerror } from "karyon";
import { get } from "karyon/http";
import { Connection } from "karyon/net";
import { check } from "./check";

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = OK + "Transfer-Encoding: chunked\r\n\r\n";

/** The content, or "!" and the error. */
const EXPECTED: string[] = [
  "up to the end",
  "abc",
  "abcdef",
  "late",
  "x",
  "",
  `!${EPROTO}`,
  `!${EPROTO}`,
  `!${EPROTO}`,
  `!${EPROTO}`,
  `!${EPROTO}`,
  `!${EPROTO}`,
  `!${EPROTO}`,
  `!${EPROTO}`,
  `!${EPROTO}`,
  `!${EMSGSIZE}`,
  `!${EMSGSIZE}`,
];

function answerOf(number: i32): string {
  switch (number) {
    case 0:
      return OK + "\r\nup to the end";
    case 1:
      return OK + "Content-Length: 3\r\n\r\nabcdef";
    case 2:
      return CHUNKED + "3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\nTrailer: x\r\n\r\n";
    case 3:
      return "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + "Content-Length: 4\r\n\r\nlate";
    case 4:
      return "HTTP/1.0 200\r\ncontent-length: 1, 1\r\n\r\nx";
    case 5:
      return "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n";
    case 6:
      return "";
    case 7:
      return "HTTP/2 200 OK\r\n\r\n";
    case 8:
      return OK + "Content-Length: 5\r\n\r\nabc";
    case 9:
      return OK + "Content-Length: 1, 2\r\n\r\nab";
    case 10:
      return OK + "Content-Length: -1\r\n\r\nab";
    case 11:
      return CHUNKED + "3\r\nabc";
    case 12:
      return CHUNKED + "x\r\nabc\r\n";
    case 13:
      return OK + "Transfer-Encoding: gzip\r\n\r\nab";
    case 14:
      return OK + "no field\r\n\r\n";
    case 15:
      return OK + "X: " + "y".repeat(9_000) + "\r\n\r\n";
    default:
      return OK + "X: y\r\n".repeat(200) + "\r\n";
  }
}

/** For each request the answer that its path has the number of. */
export function answerRaw(connection: Connection): void {
  const line = connection.readLine();
  if (line === null) return;
  connection.writeText(answerOf(I32.parseInt(line.substring("GET /".length))));
  connection.end();
  connection.readAll();
}

export function tryRaw(base: string): void {
  for (let i = 0; i < EXPECTED.length; i++) {
    const response = get(`${base}:88/${i}`);
    const found = response === null ? `!${errno}` : response.text;
    check(`answer ${i}: ${response === null ? strerror(errno) : found}`, found == EXPECTED[i]);
  }
}
