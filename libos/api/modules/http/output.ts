// An answer on its way out: head and content in one piece, so that a short one is one segment.
import { CLOCK_REALTIME } from "../../../posix/constants";
import { clockNanoseconds } from "../../time";
import { Connection } from "../net/connection";
import { IMF_FIXDATE_LENGTH, formatDate } from "./message/date";
import { writeHeadStart } from "./message/head";
import { writer } from "./message/writer";
import { Response, reasonOf } from "./response";

/** Room for what is not the handler's: the status line and five fields. */
const FIXED_ROOM: i32 = 512;

/** Whether an answer with `status` can have content (RFC 9110 section 6.4.1). */
function hasContent(status: i32): bool {
  return status >= 200 && status != 204 && status != 304;
}

/**
 * Sends `response`.
 *
 * @param withContent false: it answers HEAD
 * @param connectionField "close", "keep-alive" or "": none
 * @returns false when the client has gone
 */
export function sendResponse(
  connection: Connection,
  response: Response,
  withContent: bool,
  connectionField: string,
): bool {
  const fields = response.fields;
  const status = response.status >= 200 && response.status <= 999 ? response.status : 500;
  const framing = ["content-length", "transfer-encoding", "connection", "date", "server"];
  for (let i = fields.names.length - 1; i >= 0; i--) {
    if (!framing.includes(fields.names[i])) continue;
    fields.names.splice(i, 1);
    fields.values.splice(i, 1);
  }
  const lines = fields.toString();
  const length = withContent && hasContent(status) ? response.body.length : 0;
  const all = new Uint8Array(FIXED_ROOM + lines.length + length);
  const date = new StaticArray<u8>(<i32>IMF_FIXDATE_LENGTH);
  formatDate(changetype<usize>(date), clockNanoseconds(CLOCK_REALTIME) / 1_000_000_000);

  writer.open(all.dataStart, all.dataStart + all.length);
  writeHeadStart(status, reasonOf(status), changetype<usize>(date));
  writer.text(lines);
  if (hasContent(status)) writer.text("Content-Length: ").decimal(response.body.length).text("\r\n");
  if (connectionField.length != 0) writer.text("Connection: ").text(connectionField).text("\r\n");
  writer.text("\r\n").bytes(response.body.dataStart, length);
  return connection.write(all, 0, <i32>(writer.at - all.dataStart));
}
