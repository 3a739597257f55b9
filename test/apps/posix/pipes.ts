// Pipes between threads: every error, the ends, readiness, and a stream whose checksum both sides make.
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EPIPE,
  ESPIPE,
  O_CLOEXEC,
  O_NONBLOCK,
  O_WRONLY,
  F_GETFL,
  PIPE_BUF,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  PollSet,
  SEEK_CUR,
  S_ISFIFO,
  Stat,
  close,
  dup,
  fcntl,
  fstat,
  lseek,
  pipe,
  pipe2,
  pthread_create,
  pthread_join,
  read,
  readBytes,
  setNonBlocking,
  usleep,
  write,
  writeBytes,
  writeText,
} from "karyon";
import { check, checkError } from "./check";

const CAPACITY: i32 = 65536;
const STREAM: i32 = 3_000_000;

/** revents of `fd`, now. */
function readiness(fd: i32): i32 {
  const set = new PollSet(1);
  set.add(fd, POLLIN | POLLOUT);
  set.wait(0);
  return set.at(0).revents;
}

function errorChecks(): void {
  const ends = new StaticArray<i32>(2);
  checkError("pipe2 with other flags", pipe2(ends, O_WRONLY), EINVAL);
  checkError("pipe without room for two descriptors", pipe(new StaticArray<i32>(1)), EFAULT);
  check("pipe2", pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 && fcntl(ends[1], F_GETFL) == (O_WRONLY | O_NONBLOCK));
  const status = new Stat();
  check("fstat of a pipe", fstat(ends[0], status) == 0 && S_ISFIFO(status.st_mode));
  const bytes = new Uint8Array(PIPE_BUF);
  checkError("read of the end that is written", readBytes(ends[1], bytes), EBADF);
  checkError("write to the end that is read", writeBytes(ends[0], bytes), EBADF);
  checkError("read at a bad address", read(ends[0], 0, 1), EFAULT);
  checkError("write from a bad address", write(ends[1], usize.MAX_VALUE, 1), EFAULT);
  checkError("lseek", lseek(ends[0], 0, SEEK_CUR), ESPIPE);
  checkError("read of an empty pipe", readBytes(ends[0], bytes), EAGAIN);
  let held = 0;
  while (writeBytes(ends[1], bytes) == <i32>PIPE_BUF) held += <i32>PIPE_BUF;
  check("a pipe holds 64 KiB", held == CAPACITY);
  checkError("write to a full pipe", writeText(ends[1], "x"), EAGAIN);
  check("a full pipe is ready to be read only", readiness(ends[0]) == POLLIN && readiness(ends[1]) == 0);
  close(ends[0]);
  checkError("write without a reader", writeText(ends[1], "x"), EPIPE);
  check("POLLERR without a reader", (readiness(ends[1]) & POLLERR) != 0);
  close(ends[1]);
}

function endChecks(): void {
  const ends = new StaticArray<i32>(2);
  const bytes = new Uint8Array(10);
  pipe(ends);
  const second = dup(ends[1]);
  check("what was written", writeText(ends[1], "last words") == 10 && close(ends[1]) == 0);
  setNonBlocking(ends[0]);
  check("is read", readBytes(ends[0], bytes) == 10 && bytes[9] == 0x73);
  checkError("a duplicate keeps it open", readBytes(ends[0], bytes), EAGAIN);
  close(second);
  check("the end of the stream", readBytes(ends[0], bytes) == 0 && readiness(ends[0]) == POLLHUP);
  close(ends[0]);
}

/** The descriptors of one thread, and what it has found. */
class Side {
  checksum: u32 = 1;
  bytes: i32 = 0;
  constructor(
    readonly input: i32,
    readonly output: i32,
  ) {}

  /** Takes in bytes. */
  add(bytes: Uint8Array, count: i32): void {
    for (let i = 0; i < count; i++) this.checksum = (this.checksum * 31 + bytes[i]) & 0xffffff;
    this.bytes += count;
  }
}

function send(side: Side): i32 {
  let seed: u32 = 12345;
  while (side.bytes < STREAM) {
    seed = seed * 1664525 + 1013904223;
    const data = new Uint8Array((seed >> 8) % (seed % 5 == 0 ? 100_000 : 5000));
    for (let i = 0; i < data.length; i++) data[i] = <u8>((seed >> 16) + i * 7);
    if (writeBytes(side.output, data) != data.length) return 1;
    side.add(data, data.length);
  }
  close(side.output);
  return 0;
}

function forward(side: Side): i32 {
  const data = new Uint8Array(7000);
  while (true) {
    const length = readBytes(side.input, data);
    if (length <= 0) break;
    if (writeBytes(side.output, data, 0, length) != length) return 1;
  }
  return close(side.output);
}

function streamChecks(): void {
  const first = new StaticArray<i32>(2);
  const second = new StaticArray<i32>(2);
  pipe(first);
  pipe(second);
  const sender = new Side(0, first[1]);
  const receiver = new Side(second[0], 0);
  const threads = [pthread_create<Side>(send, sender), pthread_create<Side>(forward, new Side(first[0], second[1]))];
  const data = new Uint8Array(20_000);
  for (let length = readBytes(receiver.input, data); length > 0; length = readBytes(receiver.input, data)) {
    receiver.add(data, length);
  }
  for (let i = 0; i < threads.length; i++) pthread_join(threads[i]);
  check("a stream through three threads", receiver.bytes == sender.bytes && receiver.checksum == sender.checksum);
  close(first[0]);
  close(second[0]);
}

function writeLate(fd: i32): i32 {
  usleep(2000);
  return writeText(fd, "now");
}

function pollChecks(): void {
  const ends = new StaticArray<i32>(2);
  pipe(ends);
  const set = new PollSet(1);
  set.add(ends[0], POLLIN);
  check("poll ends in time", set.wait(1) == 0);
  const writer = pthread_create<i32>(writeLate, ends[1]);
  check("poll wakes for data", set.wait(10_000) == 1 && set.at(0).revents == POLLIN);
  pthread_join(writer);
  close(ends[0]);
  close(ends[1]);
}

export function pipeChecks(): void {
  errorChecks();
  endChecks();
  streamChecks();
  pollChecks();
}
