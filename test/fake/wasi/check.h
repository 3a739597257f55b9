// For programs that check what they are told: a line that fails is told, and counted.
#include <errno.h>
#include <stdio.h>

static int failures;
#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      failures++;                                                            \
      printf("line %d: %s (errno %d)\n", __LINE__, #condition, errno);       \
    }                                                                        \
  } while (0)
#define IS(expected, call)                                                   \
  do {                                                                       \
    int got = (call);                                                        \
    if (got != (expected)) {                                                 \
      failures++;                                                            \
      printf("line %d: %s is %d, not %d\n", __LINE__, #call, got, expected); \
    }                                                                        \
  } while (0)
