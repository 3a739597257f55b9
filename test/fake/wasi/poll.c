// Waiting: sleeps, poll() and what poll_oneoff says of subscriptions that are none.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>
#include "check.h"

#define NOWHERE ((void *)0xfffffff0)
enum { MILLISECOND = 1000000 };

static __wasi_timestamp_t now(__wasi_clockid_t clock) {
  __wasi_timestamp_t time = 0;
  CHECK(__wasi_clock_time_get(clock, 0, &time) == 0);
  return time;
}

/** Milliseconds since `begin`. */
static int since(__wasi_timestamp_t begin) { return (int)((now(__WASI_CLOCKID_MONOTONIC) - begin) / MILLISECOND); }

static __wasi_subscription_t timer(uint64_t data, __wasi_clockid_t id, __wasi_timestamp_t timeout, int flags) {
  __wasi_subscription_t made = {.userdata = data, .u = {.tag = __WASI_EVENTTYPE_CLOCK}};
  made.u.u.clock = (__wasi_subscription_clock_t){id, timeout, 0, flags};
  return made;
}

static __wasi_subscription_t descriptor(uint64_t data, __wasi_eventtype_t type, __wasi_fd_t fd) {
  __wasi_subscription_t made = {.userdata = data, .u = {.tag = type}};
  made.u.u.fd_read.file_descriptor = fd;
  return made;
}

int main(void) {
  __wasi_subscription_t all[4];
  __wasi_event_t events[4];
  __wasi_size_t count = 99;
  __wasi_timestamp_t begin = now(__WASI_CLOCKID_MONOTONIC);

  struct timespec time = {1, 500 * MILLISECOND};
  CHECK(nanosleep(&time, NULL) == 0 && since(begin) >= 1500 && since(begin) < 1600);

  // The first of two clocks.
  begin = now(__WASI_CLOCKID_MONOTONIC);
  all[0] = timer(11, __WASI_CLOCKID_MONOTONIC, 3000ull * MILLISECOND, 0);
  all[1] = timer(22, __WASI_CLOCKID_REALTIME, 200 * MILLISECOND, 0);
  CHECK(__wasi_poll_oneoff(all, events, 2, &count) == 0 && count == 1);
  CHECK(events[0].userdata == 22 && events[0].type == __WASI_EVENTTYPE_CLOCK && events[0].error == 0);
  CHECK(since(begin) >= 200 && since(begin) < 300);

  // Times of a clock, ahead and past.
  begin = now(__WASI_CLOCKID_MONOTONIC);
  int absolute = __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
  all[0] = timer(1, __WASI_CLOCKID_MONOTONIC, begin + 300 * MILLISECOND, absolute);
  CHECK(__wasi_poll_oneoff(all, events, 1, &count) == 0 && count == 1 && since(begin) >= 300);
  all[0] = timer(1, __WASI_CLOCKID_REALTIME, now(__WASI_CLOCKID_REALTIME) + 300 * MILLISECOND, absolute);
  CHECK(__wasi_poll_oneoff(all, events, 1, &count) == 0 && count == 1 && since(begin) >= 600 && since(begin) < 700);
  all[0] = timer(1, __WASI_CLOCKID_REALTIME, 1, absolute);
  CHECK(__wasi_poll_oneoff(all, events, 1, &count) == 0 && count == 1 && since(begin) < 700);

  // Descriptors: what is ready, what is not, what is none.
  int file = open("/etc/motd", O_RDONLY);
  lseek(file, 3, SEEK_SET);
  all[0] = descriptor(1, __WASI_EVENTTYPE_FD_READ, file);
  all[1] = descriptor(2, __WASI_EVENTTYPE_FD_READ, 0);
  all[2] = descriptor(3, __WASI_EVENTTYPE_FD_WRITE, 77);
  all[3] = timer(4, __WASI_CLOCKID_PROCESS_CPUTIME_ID, 5, 0);
  CHECK(__wasi_poll_oneoff(all, events, 4, &count) == 0 && count == 3);
  CHECK(events[0].userdata == 1 && events[0].error == 0 && events[0].fd_readwrite.nbytes == 8);
  CHECK(events[1].userdata == 3 && events[1].error == __WASI_ERRNO_BADF && events[1].type == __WASI_EVENTTYPE_FD_WRITE);
  CHECK(events[2].userdata == 4 && events[2].error == __WASI_ERRNO_NOTSUP);
  struct pollfd ends[2] = {{0, POLLIN, 0}, {1, POLLOUT, 0}};
  CHECK(poll(ends, 1, 100) == 0);
  CHECK(poll(ends, 2, 100) == 1 && ends[1].revents == POLLOUT);

  // What is no question.
  CHECK(__wasi_poll_oneoff(all, events, 0, &count) == __WASI_ERRNO_INVAL);
  CHECK(__wasi_poll_oneoff(all, events, 0x10000000, &count) == __WASI_ERRNO_INVAL);
  CHECK(__wasi_poll_oneoff(NOWHERE, events, 1, &count) == __WASI_ERRNO_FAULT);
  CHECK(__wasi_poll_oneoff(all, NOWHERE, 1, &count) == __WASI_ERRNO_FAULT);
  CHECK(__wasi_poll_oneoff(all, events, 1, NOWHERE) == __WASI_ERRNO_FAULT);
  all[0].u.tag = 3;
  CHECK(__wasi_poll_oneoff(all, events, 1, &count) == __WASI_ERRNO_INVAL);

  // A key, long before the time is over.
  printf("type!\n");
  fflush(stdout);
  begin = now(__WASI_CLOCKID_MONOTONIC);
  CHECK(poll(ends, 1, 20000) == 1 && ends[0].revents == POLLIN && since(begin) < 20000);
  char line[8];
  CHECK(read(0, line, sizeof line) == 2 && line[0] == 'x');
  printf("%d failures\n", failures);
  return failures != 0;
}
