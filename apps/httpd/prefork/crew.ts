// Process 1's side of its children: forks them, hears their reports, waits for their ends, sends them signals. What a child needs
// of the family afterwards – its reports, its answers – is in member.ts.
import {
  EAGAIN,
  ENOMEM,
  ENOSYS,
  O_NONBLOCK,
  SIGTERM,
  WEXITSTATUS,
  WIFEXITED,
  WNOHANG,
  WTERMSIG,
  close,
  errno,
  fork,
  fputs,
  kill,
  pipe2,
  poll,
  pollfd,
  POLLIN,
  puts,
  read,
  stderr,
  strerror,
  waitpid,
  write,
} from "karyon";
import { monotonicTime, updateClock } from "../clock";
import { memberStart } from "./member";
import { REPORT_SIZE, Scoreboard, SNAPSHOT_CAPACITY, Worker } from "./scoreboard";

/** Reports read in one go. */
const REPORTS: u32 = 32;
/** Milliseconds that children get to end after SIGTERM. */
const END_TIMEOUT: u64 = 5000;

export const board = new Scoreboard();
const reports = new StaticArray<u8>(<i32>(REPORT_SIZE * REPORTS));
const snapshot = new StaticArray<u8>(<i32>SNAPSHOT_CAPACITY);
const statusWord = new StaticArray<i32>(1);
/** The pipe of reports: its ends. */
const reporting = new StaticArray<i32>(2);
/** Two entries: the reports and, for who wants it, a listener. */
const entries = memory.data(16, 8);
let start: u64 = 0;
/** The errno of the last fork that failed, so that the same is not said time and again. */
let saidError: i32 = 0;

/** Makes the pipe of reports. Returns 0, or -1 with errno. */
export function crewOpen(): i32 {
  start = updateClock();
  return pipe2(reporting, O_NONBLOCK);
}

/**
 * Forks a child. Returns its pid, in the child 0 – which has none of its siblings' descriptors then –, -1 when there is none.
 */
export function crewFork(): i32 {
  const answers = new StaticArray<i32>(2);
  if (pipe2(answers, O_NONBLOCK) < 0) return failed("pipe");
  const pid = fork();
  if (pid < 0) {
    const error = errno;
    close(answers[0]);
    close(answers[1]);
    return failed("fork", error);
  }
  if (pid == 0) {
    for (let i = 0; i < board.workers.length; i++) close(board.workers[i].answers);
    close(reporting[0]);
    close(answers[1]);
    memberStart(reporting[1], answers[0]);
    return 0;
  }
  saidError = 0;
  close(answers[0]);
  board.add(new Worker(pid, board.generation, updateClock(), answers[1]));
  return pid;
}

function failed(what: string, error: i32 = errno): i32 {
  if (error != saidError) fputs(`httpd: ${what}: ${strerror(error)}${reasonOf(error)}\n`, stderr);
  saidError = error;
  return -1;
}

function reasonOf(error: i32): string {
  if (error == ENOSYS) return " (no forkd serves this domain: npm run forkd -- run in domain 0)";
  if (error == EAGAIN) return ' (more children than "fork" in the manifest allows, or than the host does)';
  return error == ENOMEM ? " (the host has no memory for another process)" : "";
}

/** Takes the reports that have come, and answers those that ask. */
export function crewHear(): void {
  const buffer = changetype<usize>(reports);
  while (true) {
    const count = read(reporting[0], buffer, REPORT_SIZE * REPORTS);
    if (count <= 0) return;
    for (let at: i32 = 0; at + <i32>REPORT_SIZE <= count; at += REPORT_SIZE) {
      const asker = board.take(buffer + at);
      if (asker !== null) answer(asker);
    }
  }
}

/** One that does not read its answers gets no more of them. */
function answer(asker: Worker): void {
  const target = changetype<usize>(snapshot);
  write(asker.answers, target, board.snapshot(target, updateClock(), start));
}

/** The next child that has ended, forgotten by now; null when none has. `crewEndedWell` tells how. */
export function crewReap(): Worker | null {
  while (true) {
    const pid = waitpid(-1, changetype<usize>(statusWord), WNOHANG);
    if (pid <= 0) return null;
    crewHear(); // its last report
    const worker = board.remove(pid);
    if (worker === null) continue;
    close(worker.answers);
    return worker;
  }
}

/** Whether the child that crewReap() has told of last exited with 0. */
export function crewEndedWell(): bool {
  return WIFEXITED(statusWord[0]) && WEXITSTATUS(statusWord[0]) == 0;
}

/** How it ended, in words. */
export function crewEnd(): string {
  const status = statusWord[0];
  return WIFEXITED(status) ? `ended with status ${WEXITSTATUS(status)}` : `was ended by signal ${WTERMSIG(status)}`;
}

/** Sends `signal` to all children. */
export function crewSignal(signal: i32): void {
  for (let i = 0; i < board.workers.length; i++) kill(board.workers[i].pid, signal);
}

/** Ends all children at once, and waits until they have gone, END_TIMEOUT at most. */
export function crewDismiss(): void {
  crewSay("SIGTERM: all processes end");
  crewSignal(SIGTERM);
  const until = updateClock() + END_TIMEOUT;
  while (board.workers.length > 0 && monotonicTime() < until) {
    while (crewReap() !== null);
    if (board.workers.length > 0) crewWait(<i32>(until - monotonicTime()));
    crewHear();
    updateClock();
  }
}

/**
 * Waits for a report, for a connection of `listener` (-1: not for that), for a signal, or for `timeout` ms. Returns whether there is a
 * connection.
 */
export function crewWait(timeout: i32, listener: i32 = -1): bool {
  const hears = changetype<pollfd>(entries);
  const comes = changetype<pollfd>(entries + offsetof<pollfd>());
  hears.fd = reporting[0];
  hears.events = POLLIN;
  comes.fd = listener;
  comes.events = POLLIN;
  return poll(entries, 2, timeout) > 0 && comes.revents != 0;
}

/** Says something on the console. */
export function crewSay(text: string): void {
  puts(`httpd: ${text}`);
}
