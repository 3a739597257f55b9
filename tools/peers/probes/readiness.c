/* A byte through a pipe whose reader asks before whether it is there: by poll of one pipe, of the last of a hundred, and by epoll beside as many. */
#include "probe.h"
#include "system.h"

enum { MANY = 100, POLLIN = 1, EPOLLIN = 1, EPOLL_CTL_ADD = 1 };

static struct pipe {
  int reading, writing;
} pipes[MANY];

static struct pollfd {
  int fd;
  int16_t events, revents;
} set[MANY];

static struct __attribute__((packed)) event {
  uint32_t events;
  uint64_t data;
} events[MANY];

static char byte;

static int open_pipes(int count) {
  for (int i = 0; i < count; i++) {
    if (call(PIPE, (long)&pipes[i], 0, 0, 0, 0, 0) != 0) return 0;
  }
  return 1;
}

static void close_pipes(int count) {
  for (int i = 0; i < count; i++) {
    call(CLOSE, pipes[i].reading, 0, 0, 0, 0, 0);
    call(CLOSE, pipes[i].writing, 0, 0, 0, 0, 0);
  }
}

static int put(void) { return call(WRITE, pipes[MANY - 1].writing, (long)&byte, 1, 0, 0, 0) == 1; }

static int get(void) { return call(READ, pipes[MANY - 1].reading, (long)&byte, 1, 0, 0, 0) == 1; }

static uint64_t poll_rounds(int width, uint64_t count) {
  if (!open_pipes(MANY)) return 0;
  for (int i = 0; i < width; i++) set[i] = (struct pollfd){pipes[MANY - width + i].reading, POLLIN, 0};
  uint64_t done = 0;
  uint64_t start = now();
  while (done < count && put() && call(POLL, (long)set, width, -1, 0, 0, 0) == 1 && get()) done++;
  uint64_t time = now() - start;
  close_pipes(MANY);
  return done == count ? time : 0;
}

uint64_t probe_poll(uint64_t argument, uint64_t count) {
  (void)argument;
  return poll_rounds(1, count);
}

uint64_t probe_poll_100(uint64_t argument, uint64_t count) {
  (void)argument;
  return poll_rounds(MANY, count);
}

uint64_t probe_epoll(uint64_t argument, uint64_t count) {
  (void)argument;
  long epoll = call(EPOLL_CREATE1, 0, 0, 0, 0, 0, 0);
  if (epoll < 0 || !open_pipes(MANY)) return 0;
  for (int i = 0; i < MANY; i++) {
    struct event event = {EPOLLIN, (uint64_t)i};
    if (call(EPOLL_CTL, epoll, EPOLL_CTL_ADD, pipes[i].reading, (long)&event, 0, 0) != 0) return 0;
  }
  uint64_t done = 0;
  uint64_t start = now();
  while (done < count && put() && call(EPOLL_WAIT, epoll, (long)events, MANY, -1, 0, 0) == 1 && get()) done++;
  uint64_t time = now() - start;
  close_pipes(MANY);
  call(CLOSE, epoll, 0, 0, 0, 0, 0);
  return done == count ? time : 0;
}
