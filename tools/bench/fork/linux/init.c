/* The only program of a Linux guest that forks on command, to be compared with Karyon's fork. It is process 1, reads
 *   fork <MiB of heap> <count>
 * from the console, takes a heap of that size, writes to each page of it, and then `count` times forks a child that ends at
 * once and waits for it. Answers "forked <count> <ns for all>", or "failed". Compiled without a C library: nothing but
 * the system calls is measured. */
#include <stddef.h>
#include <stdint.h>

enum { READ = 0, WRITE = 1, MMAP = 9, MUNMAP = 11, CLONE = 56, EXIT = 60, WAIT4 = 61, CLOCK_GETTIME = 228 };
enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22, SIGCHLD = 17, CLOCK_MONOTONIC = 1, PAGE = 4096 };

static long call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static void say(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  call(WRITE, 1, (long)text, (long)length, 0, 0, 0);
}

static void say_number(uint64_t number) {
  char digits[24];
  size_t at = sizeof digits;
  digits[--at] = 0;
  do digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  say(" ");
  say(digits + at);
}

static uint64_t now(void) {
  struct {
    int64_t seconds, nanoseconds;
  } time = {0, 0};
  call(CLOCK_GETTIME, CLOCK_MONOTONIC, (long)&time, 0, 0, 0, 0);
  return (uint64_t)time.seconds * 1000000000 + (uint64_t)time.nanoseconds;
}

/* Forks, ends and waits `count` times; the ns it took, 0 on failure. */
static uint64_t forks(uint64_t count) {
  uint64_t start = now();
  for (uint64_t i = 0; i < count; i++) {
    long pid = call(CLONE, SIGCHLD, 0, 0, 0, 0, 0);
    if (pid == 0) call(EXIT, 0, 0, 0, 0, 0, 0);
    if (pid < 0 || call(WAIT4, pid, 0, 0, 0, 0, 0) != pid) return 0;
  }
  return now() - start;
}

static volatile char *heap(size_t size) {
  static void *old;
  static size_t old_size;
  if (old != 0) call(MUNMAP, (long)old, (long)old_size, 0, 0, 0, 0);
  long address = call(MMAP, 0, (long)size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (address < 0) return 0;
  old = (void *)address;
  old_size = size;
  volatile char *bytes = old;
  for (size_t at = 0; at < size; at += PAGE) bytes[at] = 1;
  return bytes;
}

static uint64_t number(const char **text) {
  uint64_t value = 0;
  while (**text != 0 && (**text < '0' || **text > '9')) ++*text;
  while (**text >= '0' && **text <= '9') value = value * 10 + (uint64_t)(*(*text)++ - '0');
  return value;
}

static void obey(const char *line) {
  uint64_t mebibytes = number(&line);
  uint64_t count = number(&line);
  uint64_t time = heap(mebibytes << 20) == 0 ? 0 : forks(count);
  if (time == 0) return say("failed\n");
  say("forked");
  say_number(count);
  say_number(time);
  say("\n");
}

__attribute__((force_align_arg_pointer, used)) void _start(void) {
  static char line[64];
  say("linux: ready\n");
  for (;;) {
    long length = call(READ, 0, (long)line, sizeof line - 1, 0, 0, 0);
    if (length <= 0) continue;
    line[length] = 0;
    obey(line);
  }
}
