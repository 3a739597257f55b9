// With --status, GET /.status tells how the server is doing: one "name value" a line, for monitoring.
import { Sysinfo, sysinfo, tcpExtendedCounters, TcpExtendedCounters } from "karyon";
import { METHOD_HEAD, OK, equalsText, writer } from "karyon/http/message";
import { commitAnswer, openAnswer, writeHeadEnd, writeStatus } from "./answer";
import { Connection, openConnectionCount } from "./connection";
import { logAnswer } from "./access_log";
import { options } from "./options";

/** Room for the lines. */
const PAGE_CAPACITY: usize = 512;

const information = new Sysinfo();
const counters = new TcpExtendedCounters();
const page = memory.data(512, 8);
let requests: u64 = 0;

/** Counts a request that is being answered. */
export function countRequest(): void {
  requests++;
}

/** Requests that this process has answered. */
export function requestCount(): u64 {
  return requests;
}

/** True when the normalised path of `length` bytes at `path` is the status page's and that is switched on. */
export function isStatusPage(path: usize, length: u32): bool {
  return options.status && equalsText(path, path + length, "/.status");
}

/** Answers with the figures of this moment. */
export function answerStatusPage(connection: Connection): void {
  const length = writePage();
  openAnswer(connection);
  writeStatus(OK);
  writer.text("Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: ");
  writer.decimal(<u64>length).text("\r\n");
  writeHeadEnd(connection);
  const withContent = connection.request.method != METHOD_HEAD;
  if (withContent) writer.bytes(page, length);
  commitAnswer(connection);
  logAnswer(connection, OK, withContent ? <u64>length : 0);
}

function writePage(): usize {
  sysinfo(information);
  tcpExtendedCounters(counters);
  writer.open(page, page + PAGE_CAPACITY);
  writer.text("uptime_seconds ").decimal(<u64>information.uptime);
  writer.text("\nrequests ").decimal(requests);
  writer.text("\nconnections ").decimal(<u64>openConnectionCount());
  writer.text("\napp_memory_bytes ").decimal((<u64>memory.size()) << 16);
  writer.text("\nmemory_bytes ").decimal(information.totalram);
  writer.text("\nmemory_free_bytes ").decimal(information.freeram);
  writer.text("\nsyn_cookies_sent ").decimal(counters.SyncookiesSent);
  writer.text("\nsyn_cookies_received ").decimal(counters.SyncookiesRecv);
  writer.text("\nchallenge_acks ").decimal(counters.TCPChallengeACK);
  writer.text("\n");
  return writer.at - page;
}
