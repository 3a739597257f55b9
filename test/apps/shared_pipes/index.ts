// Pipes between the members of a family, from inside, for test/lab/fork_pipes.test.ts: each case by its name on the command line.
import {
  EPIPE,
  SIGKILL,
  SIGPIPE,
  SIG_IGN,
  WTERMSIG,
  _exit,
  close,
  errno,
  fork,
  puts,
  read,
  signal,
  usleep,
  waitpid,
  write,
} from "karyon";
import { awaitGood, check, checksForked, failureCount, newPipe } from "./check";
import { receiveRecord, receiveStream, recordNumber, recordWriter, sendRecord, sendStream } from "./data";
import { disorder } from "./disorder";
import { pairs } from "./pair";
import { pingPong } from "./ping_pong";
import { polling } from "./polling";
import { unixSockets } from "./unix";

const statusWord = memory.data(4, 4);
const byte = memory.data(8, 8);
const LONG: u32 = 200_000;

/** Parent to child and child to parent, to the end of file. */
function directions(): void {
  const down = newPipe();
  const up = newPipe();
  const pid = fork();
  if (pid == 0) {
    checksForked();
    close(down[1]);
    close(up[0]);
    check("the child reads it all", receiveStream(down[0], 1, 5000) == LONG);
    check("the child writes it all", sendStream(up[1], 2, LONG, 3000));
    _exit(failureCount()); // without a close
  }
  close(down[0]);
  close(up[1]);
  check("the parent writes it all", sendStream(down[1], 1, LONG, 10_000));
  close(down[1]);
  check("the parent reads it all, and the end", receiveStream(up[0], 2, 7000) == LONG);
  close(up[0]);
  awaitGood(pid);
}

/** What was written before the fork is there for who reads first; what one has taken the other does not find. */
function before(): void {
  const ends = newPipe();
  store<u64>(byte, 0x0807060504030201);
  write(ends[1], byte, 8);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    store<u64>(byte, 0);
    check("the child takes four bytes", read(ends[0], byte, 4) == 4 && load<u32>(byte) == 0x04030201);
    _exit(failureCount());
  }
  awaitGood(pid);
  store<u64>(byte, 0);
  check("the parent finds the other four", read(ends[0], byte, 8) == 4 && load<u32>(byte) == 0x08070605);
  close(ends[1]);
  check("no writer is left", read(ends[0], byte, 1) == 0);
  close(ends[0]);
}

const WRITERS: u32 = 4;
const RECORDS: u32 = 150;

/** Several writers in several domains: up to PIPE_BUF bytes are never mixed, and each writer's come in their order. */
function writers(): void {
  const ends = newPipe();
  const pids = new StaticArray<i32>(<i32>WRITERS);
  for (let i: u32 = 0; i < WRITERS; i++) {
    const pid = fork();
    if (pid == 0) {
      checksForked();
      close(ends[0]);
      let sent: u32 = 0;
      for (let n: u32 = 0; n < RECORDS; n++) {
        const length: u32 = n % 10 == 0 ? 4096 : 8 + ((n * 37 + i * 1009) % 2500);
        if (sendRecord(ends[1], i, n, length) == length) sent += 1;
      }
      check("all records went whole", sent == RECORDS);
      _exit(failureCount());
    }
    pids[<i32>i] = pid;
  }
  close(ends[1]);
  const next = new StaticArray<u32>(<i32>WRITERS);
  let inOrder = true;
  let result = receiveRecord(ends[0]);
  while (result == 1) {
    inOrder = inOrder && recordWriter < WRITERS && next[recordWriter] == recordNumber;
    if (recordWriter < WRITERS) next[recordWriter] += 1;
    result = receiveRecord(ends[0]);
  }
  check("no record is mixed with another", result == 0);
  check("each writer's are in order", inOrder);
  for (let i: u32 = 0; i < WRITERS; i++) check(`all of writer ${i}`, next[i] == RECORDS);
  close(ends[0]);
  for (let i: u32 = 0; i < WRITERS; i++) awaitGood(pids[<i32>i]);
}

/** Between two children, and from a grandchild whose parent has gone. */
function relatives(): void {
  const ends = newPipe();
  const reader = fork();
  if (reader == 0) {
    checksForked();
    close(ends[1]);
    check("a child reads what its sibling writes", receiveStream(ends[0], 3, 4000) == LONG);
    _exit(failureCount());
  }
  close(ends[0]);
  const writer = fork();
  if (writer == 0) {
    checksForked();
    check("a child writes to its sibling", sendStream(ends[1], 3, LONG, 4096));
    _exit(failureCount());
  }
  close(ends[1]);
  awaitGood(writer);
  awaitGood(reader);

  const up = newPipe();
  const child = fork();
  if (child == 0) {
    checksForked();
    if (fork() == 0) {
      close(up[0]);
      usleep(300_000); // the child has gone
      _exit(sendStream(up[1], 4, LONG, 6000) ? 0 : 1);
    }
    _exit(failureCount());
  }
  close(up[1]);
  awaitGood(child);
  check("an orphaned grandchild's bytes, and its end", receiveStream(up[0], 4, 6000) == LONG);
  close(up[0]);
  waitpid(-1, statusWord);
}

/** EPIPE for who writes when nobody can read any more, also for who waits for room. */
function noReader(): void {
  const ends = newPipe();
  const pid = fork();
  if (pid == 0) {
    checksForked();
    close(ends[0]);
    check("the full pipe breaks", !sendStream(ends[1], 5, LONG, 1000) && errno == EPIPE);
    check("and stays so", write(ends[1], byte, 1) == -1 && errno == EPIPE);
    _exit(failureCount());
  }
  close(ends[1]);
  usleep(200_000);
  check("something came", read(ends[0], byte, 1) == 1);
  close(ends[0]);
  awaitGood(pid);
}

/** Who crashes has closed its ends; `who` is destroyed from outside. */
function deaths(outside: bool): void {
  const ends = newPipe();
  const pid = fork();
  if (pid == 0) {
    close(ends[0]);
    write(ends[1], byte, 1);
    if (!outside) unreachable();
    while (true) usleep(1_000_000);
  }
  close(ends[1]);
  check("the child writes", read(ends[0], byte, 1) == 1);
  if (outside) puts(`destroy ${pid}`);
  check("its end is the end of file", read(ends[0], byte, 1) == 0);
  close(ends[0]);
  check("it has crashed", waitpid(pid, statusWord) == pid && WTERMSIG(load<i32>(statusWord)) != 0);
  check("the signal", !outside || WTERMSIG(load<i32>(statusWord)) == SIGKILL);
}

/** Where all memory is copied, each side has a pipe of its own with its own ends. */
function cut(): void {
  const ends = newPipe();
  check("a byte before the fork", write(ends[1], byte, 1) == 1);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    check("what was in the pipe", read(ends[0], byte, 8) == 1);
    check("the child's own pipe works", write(ends[1], byte, 5) == 5 && read(ends[0], byte, 8) == 5);
    close(ends[0]);
    check("it has no reader elsewhere", write(ends[1], byte, 1) == -1 && errno == EPIPE);
    _exit(failureCount());
  }
  awaitGood(pid);
  check("what the child has read is still here", read(ends[0], byte, 8) == 1);
  close(ends[1]);
  check("the pipe has no writer elsewhere", read(ends[0], byte, 1) == 0);
  close(ends[0]);
}

/** Many pipes, made and closed with children in between: places are used again. */
function many(): void {
  let ends = newPipe();
  for (let round: u32 = 0; round < 6; round++) {
    const next = newPipe();
    const pid = fork();
    if (pid == 0) {
      checksForked();
      close(ends[1]);
      check("what the older pipe has", receiveStream(ends[0], round, 512) == 9000);
      for (let i = 0; i < 50; i++) {
        const own = newPipe();
        check("a pipe of its own works", write(own[1], byte, 5) == 5 && read(own[0], byte, 8) == 5);
        close(own[0]);
        close(own[1]);
      }
      _exit(failureCount());
    }
    close(ends[0]);
    check("the older pipe takes it", sendStream(ends[1], round, 9000, 1234));
    close(ends[1]);
    awaitGood(pid);
    ends = next;
  }
  close(ends[0]);
  close(ends[1]);
}

export function main(args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // who has gone is told by EPIPE
  check("there are cases", args.length > 0);
  for (let i = 0; i < args.length; i++) {
    const name = args[i];
    if (name == "directions") directions();
    else if (name == "before") before();
    else if (name == "writers") writers();
    else if (name == "relatives") relatives();
    else if (name == "no-reader") noReader();
    else if (name == "polling") polling();
    else if (name == "pair") pairs();
    else if (name == "unix") unixSockets();
    else if (name == "crash") deaths(false);
    else if (name == "destroyed") deaths(true);
    else if (name == "many") many();
    else if (name == "cut") cut();
    else if (name == "disorder") disorder();
    else if (name == "ping-pong") pingPong();
    else check(`there is a case ${name}`, false);
  }
  const failures = failureCount();
  puts(failures == 0 ? "family: all passed" : `family: ${failures} failed`);
  return failures == 0 ? 0 : 1;
}
