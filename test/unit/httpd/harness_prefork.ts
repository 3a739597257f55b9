// What decides about workers in apps/httpd/prefork, for the tests: the scoreboard, the policy and the command line, without processes.
import { forkOptions, parseForkOptions } from "../../../apps/httpd/prefork/options";
import { options } from "../../../apps/httpd/options";
import { Policy } from "../../../apps/httpd/prefork/policy";
import { REPORT_SIZE, Scoreboard, Worker, writeReport } from "../../../apps/httpd/prefork/scoreboard"; // prettier-ignore

const report = new StaticArray<u8>(<i32>REPORT_SIZE);
let board = new Scoreboard();
let policy = new Policy(board);

const input = memory.data(1024, 8);
const output = memory.data(2048, 8);

/** Where the test puts text. */
export function inputBuffer(): usize {
  return input;
}

/** Where results are. */
export function outputBuffer(): usize {
  return output;
}

/** Takes the command line, words separated by single spaces, and forgets all workers; the length of the complaint. */
export function configure(length: i32): i32 {
  const line = String.UTF8.decodeUnsafe(input, length);
  board = new Scoreboard();
  policy = new Policy(board);
  const complaint = parseForkOptions(line.length == 0 ? [] : line.split(" "));
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(complaint), complaint.length, output);
}

export function option(index: i32): i32 {
  if (index == 0) return forkOptions.architecture;
  if (index == 1) return forkOptions.workers;
  if (index == 2) return forkOptions.minSpare;
  if (index == 3) return forkOptions.maxSpare;
  if (index == 4) return forkOptions.maxWorkers;
  if (index == 5) return forkOptions.maxRequests;
  return options.port;
}

export function add(pid: i32, now: u64): void {
  board.add(new Worker(pid, board.generation, now, 100 + pid));
}

/** A report of `pid`; whether it was answered. */
export function reports(pid: i32, kind: u8, state: u8, requests: u32, connections: u32): bool {
  writeReport(changetype<usize>(report), pid, kind, state, requests, connections);
  return board.take(changetype<usize>(report)) !== null;
}

export function toStart(now: u64, looks: bool): i32 {
  return policy.toStart(now, looks);
}

/** The pid of who is told to end, 0 for nobody. */
export function dismiss(looks: bool): i32 {
  const worker = policy.toDismiss(looks);
  if (worker === null) return 0;
  worker.dismissed = true;
  return worker.pid;
}

export function ended(pid: i32, well: bool, now: u64): void {
  const worker = board.remove(pid);
  if (worker !== null) policy.ended(worker, well, now);
}

export function failed(now: u64): void {
  policy.failed(now);
}

export function delay(now: u64): u64 {
  return policy.delay(now);
}

export function restart(): void {
  policy.restart();
}

export function count(): i32 {
  return board.workers.length;
}

/** Writes a snapshot; its length. */
export function snapshot(now: u64, start: u64): u32 {
  return board.snapshot(output, now, start);
}
