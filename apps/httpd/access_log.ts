// The access log on the console, in the Common Log Format. A line is composed in a borrowed buffer, since writing to the
// console may switch threads.
import { AF_INET6, inet_ntop, stdout, write } from "karyon";
import { spanLength, spanStart, writer } from "karyon/http/message";
import { dateText } from "./clock";
import { Connection } from "./connection";
import { giveBuffer, SMALL_BUFFER, takeSmallBuffer } from "./memory_pool";
import { options } from "./options";

/** Most bytes of a request line that a log line shows. */
const SHOWN_LIMIT: u32 = 1024;

/** Logs the answer `status` with `bytes` of content to the request under way. Nothing without --log. */
export function logAnswer(connection: Connection, status: i32, bytes: u64): void {
  if (!options.log) return;
  const buffer = takeSmallBuffer();
  if (buffer == 0) return;
  writer.open(buffer, buffer + SMALL_BUFFER);
  writer.text(peerText(connection.peer)).text(" - - [");
  writeMoment(dateText());
  writer.text('] "');
  writeRequestLine(connection);
  writer
    .text('" ')
    .decimal(<u64>status)
    .text(" ")
    .decimal(bytes)
    .text("\n");
  write(stdout, buffer, writer.at - buffer);
  giveBuffer(buffer, SMALL_BUFFER);
}

const MAPPED: string = "::ffff:";

/** The peer's address, an IPv4 one as such. */
function peerText(address: usize): string {
  const text = inet_ntop(AF_INET6, address)!;
  return text.startsWith(MAPPED) ? text.substring(MAPPED.length) : text;
}

/** "06/Nov/1994:08:49:37 +0000" out of "Sun, 06 Nov 1994 08:49:37 GMT". */
function writeMoment(date: usize): void {
  writer
    .bytes(date + 5, 2)
    .text("/")
    .bytes(date + 8, 3)
    .text("/")
    .bytes(date + 12, 4);
  writer
    .text(":")
    .bytes(date + 17, 8)
    .text(" +0000");
}

/** The request line; bytes that could be mistaken for something else, or that a terminal obeys, as \xHH. */
function writeRequestLine(connection: Connection): void {
  const line = connection.request.requestLine;
  if (spanLength(line) == 0) {
    writer.text("-");
    return;
  }
  const start = spanStart(connection.message, line);
  const end = start + min(spanLength(line), SHOWN_LIMIT / 4);
  for (let at = start; at < end; at++) {
    const byte = load<u8>(at);
    if (byte < 0x20 || byte >= 0x7f || byte == 0x22 || byte == 0x5c) writer.text("\\x").hex(at, 1);
    else writer.byte(byte);
  }
  if (spanLength(line) > SHOWN_LIMIT / 4) writer.text("...");
}
