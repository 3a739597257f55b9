// What a program begins with and how it ends: arguments, environment, clocks, random numbers, the console, memory, the exit status.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

int main(int argc, char **argv) {
  printf("%d arguments:", argc);
  for (int i = 0; i < argc; i++) printf(" <%s>", argv[i]);
  printf("\nA=%s EMPTY=<%s> NONE=%s\n", getenv("A"), getenv("EMPTY"), getenv("NONE") ? "there" : "missing");

  struct timespec wall, before, after;
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_MONOTONIC, &before);
  clock_gettime(CLOCK_MONOTONIC, &after);
  int later = after.tv_sec > before.tv_sec || (after.tv_sec == before.tv_sec && after.tv_nsec > before.tv_nsec);
  printf("year %d, clock %s\n", gmtime(&wall.tv_sec)->tm_year + 1900, later ? "goes on" : "stands");

  unsigned char random[64] = {0}, none[64] = {0};
  printf("random %s\n", getentropy(random, sizeof random) == 0 && memcmp(random, none, 64) != 0 ? "differs" : "is zero");

  char *block = malloc(4 << 20);
  memset(block, 7, 4 << 20);
  printf("memory ends with %d; %.3f\n", block[(4 << 20) - 1], 22.0 / 7);
  printf("a terminal: %d\n", isatty(1));

  char line[64];
  fputs("name? ", stdout);
  fflush(stdout);
  if (fgets(line, sizeof line, stdin) == NULL) return 1;
  printf("hello %s", line);
  fprintf(stderr, "to stderr\n");

  // What no libc would do.
  printf("errors: %d", __wasi_fd_write(9, NULL, 0, (__wasi_size_t *)line));
  printf(" %d", __wasi_random_get((uint8_t *)0xffffff00, 64));
  printf(" %d", __wasi_clock_time_get(7, 0, (__wasi_timestamp_t *)line));
  printf(" %d", __wasi_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 0, (__wasi_timestamp_t *)line));
  printf(" %d", __wasi_clock_time_get(0, 0, (__wasi_timestamp_t *)0xfffffffc));
  printf(" %d", __wasi_args_get((uint8_t **)0xfffffff0, (uint8_t *)line));
  printf(" %d", __wasi_args_sizes_get((__wasi_size_t *)0xfffffff0, (__wasi_size_t *)line));
  printf(" %d\n", __wasi_environ_get((uint8_t **)line, (uint8_t *)0xffffffff));
  exit(7);
}
