// The head of an answer (RFC 9112 section 4): what all have in common.
import { IMF_FIXDATE_LENGTH } from "./date";
import { writer } from "./writer";

/** Writes the status line, Date and Server with the writer. `date`: where the text of the date is, as formatDate has made it. */
export function writeHeadStart(status: i32, reason: string, date: usize): void {
  writer
    .text("HTTP/1.1 ")
    .decimal(<u64>status)
    .text(" ")
    .text(reason)
    .text("\r\nDate: ");
  writer.bytes(date, IMF_FIXDATE_LENGTH).text("\r\nServer: Karyon\r\n");
}
