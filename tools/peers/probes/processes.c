/* Processes that end at once and are waited for. */
#include "probe.h"
#include "system.h"

enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22 };
enum { CLONE_VM = 0x100, CLONE_VFORK = 0x4000 };

/* Takes a heap of `size` bytes in the place of the one before and writes to each page of it. */
static int take_heap(size_t size) {
  static void *old;
  static size_t old_size;
  if (old != 0) call(MUNMAP, (long)old, (long)old_size, 0, 0, 0, 0);
  old = 0;
  if (size == 0) return 1;
  long address = call(MMAP, 0, (long)size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (address < 0) return 0;
  old = (void *)address;
  old_size = size;
  volatile char *bytes = old;
  for (size_t at = 0; at < size; at += PAGE) bytes[at] = 1;
  return 1;
}

static uint64_t children(long flags, uint64_t mebibytes, uint64_t count) {
  if (!take_heap(mebibytes << 20)) return 0;
  uint64_t start = now();
  for (uint64_t i = 0; i < count; i++) {
    long pid = call(CLONE, flags, 0, 0, 0, 0, 0);
    if (pid == 0) call(EXIT, 0, 0, 0, 0, 0, 0);
    if (pid < 0 || call(WAIT4, pid, 0, 0, 0, 0, 0) != pid) return 0;
  }
  return now() - start;
}

uint64_t probe_fork(uint64_t mebibytes, uint64_t count) { return children(SIGCHLD, mebibytes, count); }

uint64_t probe_vfork(uint64_t mebibytes, uint64_t count) {
  return children(CLONE_VM | CLONE_VFORK | SIGCHLD, mebibytes, count);
}
