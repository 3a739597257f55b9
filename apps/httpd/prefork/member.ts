// A child's side of the family: its reports to process 1, and the scoreboard when it is asked for it. A child outlives process 1:
// then it serves on, without a scoreboard and without an end of its own accord, since nobody would replace it.
import { EPIPE, POLLIN, errno, getpid, poll, pollfd, read, write } from "karyon";
import { monotonicTime } from "../clock";
import { requestCount } from "../status_page";
import { REPORT_ASK, REPORT_SIZE, REPORT_STATE, SNAPSHOT_CAPACITY, STATE_STARTING, writeReport } from "./scoreboard";

/** Milliseconds between two reports of a connection that goes on. */
const REPORT_INTERVAL: u64 = 500;
/** Milliseconds that process 1, which may be forking, gets to answer. */
const ANSWER_TIMEOUT: i32 = 5000;

const report = memory.data(16, 8);
const entry = changetype<pollfd>(memory.data(8, 8));
let reports: i32 = -1;
let answers: i32 = -1;
let state: u8 = STATE_STARTING;
let connections: u32 = 0;
let reportedAt: u64 = 0;
let orphaned: bool = false;

/** A child begins: where it reports to, and where answers come from. */
export function memberStart(reporting: i32, answering: i32): void {
  reports = reporting;
  answers = answering;
}

/** Whether process 1 has gone. */
export function memberOrphaned(): bool {
  return orphaned;
}

/** Counts a connection. */
export function memberConnection(): void {
  connections++;
}

/** The child is in STATE_* `now`. */
export function memberIs(now: u8): void {
  state = now;
  tell(REPORT_STATE);
}

/** Reports again what has changed within a state, when the last report is old. */
export function memberGoesOn(): void {
  if (monotonicTime() - reportedAt >= REPORT_INTERVAL) tell(REPORT_STATE);
}

// A report for which there is no room is not missed: the next one tells it all.
function tell(kind: u8): bool {
  reportedAt = monotonicTime();
  writeReport(report, getpid(), kind, state, <u32>requestCount(), connections);
  const told = write(reports, report, REPORT_SIZE) == <i32>REPORT_SIZE;
  if (!told && errno == EPIPE) orphaned = true;
  return told;
}

/** Asks for a snapshot of the scoreboard, to `target`. Returns its length, or -1 when process 1 does not answer. */
export function memberAsk(target: usize): i32 {
  while (read(answers, target, SNAPSHOT_CAPACITY) > 0); // one that came too late
  if (!tell(REPORT_ASK)) return -1;
  entry.fd = answers;
  entry.events = POLLIN;
  if (poll(changetype<usize>(entry), 1, ANSWER_TIMEOUT) <= 0) return -1;
  const count = read(answers, target, SNAPSHOT_CAPACITY);
  return count > 0 ? count : -1;
}
