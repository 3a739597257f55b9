// GET /server-status, with --status: the processes of the family, as process 1 knows them. Plain text, for people and programs. A
// process is the domain <name of the first>-<pid>.
import { getpid } from "karyon";
import { METHOD_HEAD, OK, SERVICE_UNAVAILABLE, equalsText, writer } from "karyon/http/message";
import { logAnswer } from "../access_log";
import { answerStatus, commitAnswer, openAnswer, writeHeadEnd, writeStatus } from "../answer";
import { Connection } from "../connection";
import { options } from "../options";
import { memberAsk } from "./member";
import { MOST_WORKERS } from "./options";
import {
  SNAPSHOT_CAPACITY,
  SNAPSHOT_HEADER,
  SNAPSHOT_ROW,
  STATE_ENDING,
  STATE_IDLE,
  STATE_SERVING,
  STATE_STARTING,
  STATE_STREAMING,
} from "./scoreboard";

// With the head of the answer, no more than ANSWER_ROOM (../answer.ts).
const LINE: u32 = 56;
const HEAD: u32 = 256;
const snapshot = new StaticArray<u8>(<i32>SNAPSHOT_CAPACITY);
const page = new StaticArray<u8>(<i32>(HEAD + LINE * <u32>MOST_WORKERS));

/** Answers when the path of `length` bytes at `path` is the page's and that is switched on. */
export function serverStatus(connection: Connection, path: usize, length: u32): bool {
  if (!options.status || !equalsText(path, path + length, "/server-status")) return false;
  const count = memberAsk(changetype<usize>(snapshot));
  if (count < <i32>SNAPSHOT_HEADER) {
    answerStatus(connection, SERVICE_UNAVAILABLE);
    return true;
  }
  const bytes = writePage(changetype<usize>(snapshot), <u32>count);
  openAnswer(connection);
  writeStatus(OK);
  writer.text("Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: ");
  writer.decimal(<u64>bytes).text("\r\n");
  writeHeadEnd(connection);
  const withContent = connection.request.method != METHOD_HEAD;
  if (withContent) writer.bytes(changetype<usize>(page), bytes);
  commitAnswer(connection);
  logAnswer(connection, OK, withContent ? <u64>bytes : 0);
  return true;
}

function writePage(from: usize, count: u32): usize {
  const start = changetype<usize>(page);
  const rows = min(load<u32>(from), (count - SNAPSHOT_HEADER) / SNAPSHOT_ROW);
  writer.open(start, start + <usize>page.length);
  writer.text("answered by process ").decimal(<u64>getpid());
  writer.text("\nuptime_seconds ").decimal(load<u64>(from, 8) / 1000);
  writer.text("\ngeneration ").decimal(load<u32>(from, 4));
  writer.text("\nrequests ").decimal(load<u64>(from, 16));
  writer.text("\nconnections ").decimal(load<u64>(from, 24));
  writer.text("\nprocesses ").decimal(rows);
  writer.text("\n\n   PID  GEN STATE       REQUESTS CONNECTIONS     AGE\n");
  for (let i: u32 = 0; i < rows; i++) {
    const row = from + SNAPSHOT_HEADER + i * SNAPSHOT_ROW;
    column(load<u32>(row), 6);
    column(load<u32>(row, 4), 5);
    writer.text(stateName(<u8>load<u32>(row, 8)));
    column(load<u32>(row, 12), 10);
    column(load<u32>(row, 16), 12);
    column(load<u32>(row, 20), 7);
    writer.text("s\n");
  }
  return writer.at - start;
}

/** `value`, right-aligned in `width`. */
function column(value: u32, width: i32): void {
  writer.text(value.toString().padStart(width));
}

function stateName(state: u8): string {
  if (state == STATE_STARTING) return " starting ";
  if (state == STATE_IDLE) return " idle     ";
  if (state == STATE_SERVING) return " serving  ";
  if (state == STATE_STREAMING) return " streaming";
  return state == STATE_ENDING ? " ending   " : " ?        ";
}
