// poll and select.
import {
  CLOCK_MONOTONIC,
  EBADF,
  EINVAL,
  FD_ISSET,
  FD_SET,
  FD_ZERO,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  PollSet,
  accept,
  clockNanoseconds,
  close,
  fd_set,
  open,
  poll,
  pthread_create,
  pthread_join,
  read,
  select,
  shutdown,
  SHUT_WR,
  stdout,
  timeval,
  usleep,
  write,
} from "karyon";
import { check, checkError } from "./check";
import { connected, listener } from "./sockets";

function writeSoon(fd: i32): i32 {
  usleep(5000);
  return write(fd, changetype<usize>("x"), 1);
}

function closeSoon(fd: i32): i32 {
  usleep(5000);
  return close(fd);
}

function pollChecks(near: i32, far: i32, server: i32): void {
  const set = new PollSet(1);
  set.add(near, POLLIN);
  check("nothing is ready", set.wait(0) == 0 && set.at(0).revents == 0);
  const before = clockNanoseconds(CLOCK_MONOTONIC);
  check("poll waits", set.wait(15) == 0 && clockNanoseconds(CLOCK_MONOTONIC) - before >= 15_000_000);
  check("poll without descriptors waits too", poll(0, 0, 5) == 0);
  const thread = pthread_create<i32>(writeSoon, far);
  check("poll wakes for data", set.wait(-1) == 1 && set.at(0).revents == POLLIN && pthread_join(thread) == 0);
  set.add(77, POLLIN);
  set.add(-1, POLLIN);
  set.add(stdout, POLLOUT);
  set.add(server, POLLIN);
  const file = open("/hello.txt");
  set.add(file, POLLIN);
  check("poll counts", set.wait(0) == 4);
  check("POLLNVAL", set.at(1).revents == POLLNVAL && set.at(2).revents == 0);
  check(
    "console, listener, file",
    set.at(3).revents == POLLOUT && set.at(4).revents == 0 && set.at(5).revents == POLLIN,
  );
  close(file);
  checkError("poll of too many", poll(4096, 5000, 0), EINVAL);
  const buffer = new ArrayBuffer(8);
  check("what woke it is there", read(near, changetype<usize>(buffer), 8) == 1);
}

function selectChecks(near: i32, far: i32): void {
  const reads = new fd_set();
  const writes = new fd_set();
  FD_SET(near, reads);
  FD_SET(near, writes);
  FD_SET(far, writes);
  check("select counts bits", select(far + 1, reads, writes, null, new timeval(0, 0)) == 2);
  check("select answers in the sets", !FD_ISSET(near, reads) && FD_ISSET(near, writes) && FD_ISSET(far, writes));
  FD_SET(near, reads);
  check("select waits", select(near + 1, reads, null, null, new timeval(0, 8000)) == 0 && !FD_ISSET(near, reads));
  FD_SET(near, reads);
  const thread = pthread_create<i32>(writeSoon, far);
  check("select wakes for data", select(near + 1, reads, null, null) == 1 && FD_ISSET(near, reads));
  pthread_join(thread);
  FD_SET(77, reads);
  checkError("select of what is not open", select(78, reads, null, null, null), EBADF);
  check("an error leaves the sets", FD_ISSET(77, reads) && FD_ISSET(near, reads));
  checkError("select of too many", select(1025, reads, null, null, null), EINVAL);
  FD_ZERO(reads);
  check("FD_ZERO", !FD_ISSET(77, reads));
}

export function waitingChecks(): void {
  const server = listener();
  const near = connected(server);
  const far = accept(server);
  pollChecks(near, far, server);
  selectChecks(near, far);

  const buffer = new ArrayBuffer(8);
  check("one byte is left", read(near, changetype<usize>(buffer), 8) == 1);
  const set = new PollSet();
  set.add(near, POLLIN);
  const thread = pthread_create<i32>(closeSoon, far);
  check("the peer's close wakes poll", set.wait(5000) == 1 && (set.at(0).revents & POLLIN) != 0);
  pthread_join(thread);
  check("the end of the stream", read(near, changetype<usize>(buffer), 8) == 0);
  shutdown(near, SHUT_WR);
  check("POLLHUP when both ways are over", set.wait(1000) >= 1 && (set.at(0).revents & POLLHUP) != 0);
  close(near);
  close(server);
}
