/* Files by name and by descriptor. */
#include "probe.h"
#include "system.h"

enum { STAT_SIZE = 144 };

static const char path[] = "/dev/zero";
static char status[STAT_SIZE] __attribute__((aligned(8)));

uint64_t probe_open_close(uint64_t argument, uint64_t count) {
  (void)argument;
  uint64_t start = now();
  for (uint64_t i = 0; i < count; i++) {
    long fd = call(OPEN, (long)path, O_RDONLY, 0, 0, 0, 0);
    if (call(CLOSE, fd, 0, 0, 0, 0, 0) != 0) return 0;
  }
  return now() - start;
}

uint64_t probe_stat(uint64_t argument, uint64_t count) {
  (void)argument;
  uint64_t start = now();
  for (uint64_t i = 0; i < count; i++) {
    if (call(STAT, (long)path, (long)status, 0, 0, 0, 0) != 0) return 0;
  }
  return now() - start;
}

uint64_t probe_fstat(uint64_t argument, uint64_t count) {
  (void)argument;
  long fd = call(OPEN, (long)path, O_RDONLY, 0, 0, 0, 0);
  uint64_t start = now();
  for (uint64_t i = 0; i < count; i++) {
    if (call(FSTAT, fd, (long)status, 0, 0, 0, 0) != 0) return 0;
  }
  uint64_t time = now() - start;
  call(CLOSE, fd, 0, 0, 0, 0, 0);
  return time;
}
