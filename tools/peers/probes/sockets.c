/* A byte through a pair of stream sockets of AF_UNIX. */
#include "probe.h"
#include "system.h"

enum { AF_UNIX = 1, SOCK_STREAM = 1 };

static char byte;

uint64_t probe_unix(uint64_t argument, uint64_t count) {
  (void)argument;
  int ends[2];
  if (call(SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, (long)ends, 0, 0) != 0) return 0;
  uint64_t done = 0;
  uint64_t start = now();
  while (done < count && call(WRITE, ends[0], (long)&byte, 1, 0, 0, 0) == 1 &&
         call(READ, ends[1], (long)&byte, 1, 0, 0, 0) == 1)
    done++;
  uint64_t time = now() - start;
  call(CLOSE, ends[0], 0, 0, 0, 0, 0);
  call(CLOSE, ends[1], 0, 0, 0, 0, 0);
  return done == count ? time : 0;
}
