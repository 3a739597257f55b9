// A byte through a pipe whose reader asks before whether it is there: by poll of one pipe, of the last of a hundred, and by epoll beside as many.
import {
  EPOLLIN,
  EPOLL_CTL_ADD,
  POLLIN,
  close,
  epoll_create1,
  epoll_ctl,
  epoll_event,
  epoll_wait,
  pipe,
  poll,
  pollfd,
  read,
  write,
} from "karyon";

const MANY: i32 = 100;
const byte = memory.data(1);
/** What poll is asked and answers. */
const entries = memory.data(MANY * 8, 8);
/** Room for what epoll_wait tells. */
const events = memory.data(MANY * 16, 8);

/** Makes `count` pipes; the descriptors, those to read from at even places. */
function pipes(count: i32): StaticArray<i32> {
  const all = new StaticArray<i32>(count * 2);
  const ends = new StaticArray<i32>(2);
  for (let i = 0; i < count; i++) {
    if (pipe(ends) != 0) return all;
    all[i * 2] = ends[0];
    all[i * 2 + 1] = ends[1];
  }
  return all;
}

function closeAll(fds: StaticArray<i32>): void {
  for (let i = 0; i < fds.length; i++) close(fds[i]);
}

function pollRounds(count: i32, width: i32): bool {
  const all = pipes(width);
  for (let i = 0; i < width; i++) {
    const entry = changetype<pollfd>(entries + <usize>i * offsetof<pollfd>());
    entry.fd = all[i * 2];
    entry.events = POLLIN;
  }
  const reading = all[width * 2 - 2];
  const writing = all[width * 2 - 1];
  let done = 0;
  while (done < count && write(writing, byte, 1) == 1 && poll(entries, width, -1) == 1 && read(reading, byte, 1) == 1)
    done++;
  closeAll(all);
  return done == count;
}

export function polls(count: i32): bool {
  return pollRounds(count, 1);
}

export function pollsOfMany(count: i32): bool {
  return pollRounds(count, MANY);
}

export function epolls(count: i32): bool {
  const all = pipes(MANY);
  const epfd = epoll_create1(0);
  const event = changetype<epoll_event>(events);
  for (let i = 0; i < MANY; i++) {
    event.events = EPOLLIN;
    event.data = i;
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, all[i * 2], events) != 0) return false;
  }
  const reading = all[MANY * 2 - 2];
  const writing = all[MANY * 2 - 1];
  let done = 0;
  while (
    done < count &&
    write(writing, byte, 1) == 1 &&
    epoll_wait(epfd, events, MANY, -1) == 1 &&
    event.data == MANY - 1 &&
    read(reading, byte, 1) == 1
  )
    done++;
  closeAll(all);
  return close(epfd) == 0 && done == count;
}
