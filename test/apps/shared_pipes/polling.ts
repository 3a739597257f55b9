// Readiness of pipes whose other end is another process's.
import {
  EAGAIN,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  PollSet,
  _exit,
  close,
  errno,
  fork,
  read,
  setNonBlocking,
  usleep,
  write,
} from "karyon";
import { awaitGood, check, checksForked, failureCount, newPipe } from "./check";

const byte = memory.data(8, 8);

function readiness(fd: i32, events: i32, timeout: i32): i32 {
  const set = new PollSet();
  set.add(fd, <i16>events);
  return set.wait(timeout) > 0 ? <i32>set.at(0).revents : 0;
}

/** poll hears what another process does; ends that do not wait. */
export function polling(): void {
  const down = newPipe();
  const up = newPipe();
  const pid = fork();
  if (pid == 0) {
    checksForked();
    close(up[0]);
    close(down[1]);
    usleep(100_000);
    write(up[1], byte, 1);
    usleep(100_000);
    check("the parent has filled the pipe", read(down[0], byte, 8) == 8);
    let length = 1;
    while (length > 0) length = read(down[0], byte, 8);
    check("and the pipe ends", length == 0);
    _exit(failureCount());
  }
  close(up[1]);
  close(down[0]);
  setNonBlocking(up[0]);
  setNonBlocking(down[1]);
  check("nothing to read yet", read(up[0], byte, 1) == -1 && errno == EAGAIN);
  check("poll times out", readiness(up[0], POLLIN, 10) == 0);
  check("poll hears of a byte", readiness(up[0], POLLIN, 20_000) == POLLIN && read(up[0], byte, 1) == 1);
  const zeros = new StaticArray<u8>(4096);
  let filled = 0;
  while (filled < 100_000) {
    const result = write(down[1], changetype<usize>(zeros), filled == 0 ? 8 : 4096);
    if (result < 0) break;
    filled += result;
  }
  check(`a pipe that is full (${filled}) does not take more`, errno == EAGAIN && filled >= 4096);
  check("poll hears of room", readiness(down[1], POLLOUT, 20_000) == POLLOUT);
  close(down[1]);
  check("poll hears of the end", readiness(up[0], POLLIN, 20_000) == POLLHUP);
  close(up[0]);
  awaitGood(pid);

  const left = newPipe();
  const other = fork();
  if (other == 0) {
    close(left[1]);
    usleep(200_000);
    _exit(0);
  }
  close(left[0]);
  while (readiness(left[1], POLLOUT, 0) == POLLOUT) write(left[1], changetype<usize>(zeros), 4096);
  check("poll hears that the reader has gone", (readiness(left[1], POLLOUT, 20_000) & POLLERR) != 0);
  close(left[1]);
  awaitGood(other);
}
