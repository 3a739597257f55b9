// A socketpair between parent and child: streams both ways at the same time, readiness, shutdown, and the end of the other side.
import {
  AF_UNIX,
  EPIPE,
  POLLHUP,
  POLLIN,
  POLLOUT,
  SHUT_WR,
  SOCK_STREAM,
  _exit,
  close,
  errno,
  fork,
  PollSet,
  pthread_create,
  pthread_join,
  read,
  shutdown,
  socketpair,
  write,
} from "karyon";
import { awaitGood, check, checksForked, failureCount } from "./check";
import { receiveStream, sendStream } from "./data";

const LONG: u32 = 150_000;
const byte = memory.data(8, 8);
const statusWord = memory.data(4, 4);

/** Sends so many bytes, and shuts down. The buffer is everybody's: the receiver counts only. */
function sendMany(fd: i32): i32 {
  let sent: u32 = 0;
  while (sent < LONG) {
    const result = write(fd, byte, 8);
    if (result <= 0) return 0;
    sent += result;
  }
  shutdown(fd, SHUT_WR);
  return 1;
}

/** Reads to the end of the stream: how many bytes. */
function countAll(fd: i32): u32 {
  const buffer = new StaticArray<u8>(4096);
  let count: u32 = 0;
  let result = read(fd, changetype<usize>(buffer), 4096);
  for (; result > 0; result = read(fd, changetype<usize>(buffer), 4096)) count += result;
  return count;
}

/** Waits for one of `events`: what there is. */
function readiness(fd: i32, events: i32): i32 {
  const set = new PollSet();
  set.add(fd, <i16>events);
  return set.wait(-1) == 1 ? <i32>set.at(0).revents : -1;
}

function bothWays(fd: i32, what: string): void {
  const thread = pthread_create<i32>(sendMany, fd);
  check(`${what} sends in a thread`, thread > 0);
  check(`${what} reads it all meanwhile`, countAll(fd) == ((LONG + 7) / 8) * 8);
  check(`${what} has sent it all`, pthread_join(thread, statusWord) == 0 && load<i32>(statusWord) == 1);
}

export function pairs(): void {
  const fds = new StaticArray<i32>(2);
  check("a pair", socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    close(fds[0]);
    check("the child answers", read(fds[1], byte, 1) == 1 && write(fds[1], byte, 1) == 1);
    bothWays(fds[1], "the child");
    _exit(failureCount());
  }
  close(fds[1]);
  check("it can be written", readiness(fds[0], POLLIN | POLLOUT) == POLLOUT);
  check("a byte goes", write(fds[0], byte, 1) == 1);
  check("an answer comes", readiness(fds[0], POLLIN) == POLLIN && read(fds[0], byte, 1) == 1);
  bothWays(fds[0], "the parent");
  awaitGood(pid);
  check("the child has gone", (readiness(fds[0], POLLIN) & POLLHUP) != 0);
  close(fds[0]);

  check("another pair", socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  const reader = fork();
  if (reader == 0) {
    checksForked();
    close(fds[0]);
    check("the stream, to its end", receiveStream(fds[1], 9, 5000) == LONG);
    _exit(failureCount());
  }
  close(fds[1]);
  check("the stream goes", sendStream(fds[0], 9, LONG, 7000));
  check("and its end", shutdown(fds[0], SHUT_WR) == 0);
  awaitGood(reader);
  check("nobody is there", read(fds[0], byte, 1) == 0 && write(fds[0], byte, 1) == -1 && errno == EPIPE);
  close(fds[0]);
}
