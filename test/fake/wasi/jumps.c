/* setjmp() and longjmp() (libc/setjmp.c) by themselves. Ends with a jump to a function that has returned, which nothing catches. */
#include <setjmp.h>
#include <stdio.h>

static int failures;
#define CHECK(condition) \
  if (!(condition)) printf("line %d: " #condition "\n", __LINE__), failures++

static jmp_buf outer, inner, gone;
static volatile int steps;

static __attribute__((noinline)) void jump(jmp_buf to, int value) { longjmp(to, value); }

static __attribute__((noinline)) void descend(int depth) {
  char room[100];
  snprintf(room, sizeof room, "%d", depth);
  if (depth > 0) descend(depth - 1);
  else jump(outer, 5);
  steps += room[0];
}

/* More places than the table has room for at first, each of them jumped to. */
static int places(void) {
  jmp_buf first, second, third, fourth, fifth, sixth;
  volatile int sum = 0;
  int value;
  if ((value = setjmp(first)) != 0) goto one;
  if ((value = setjmp(second)) != 0) goto two;
  if ((value = setjmp(third)) != 0) goto three;
  if ((value = setjmp(fourth)) != 0) goto four;
  if ((value = setjmp(fifth)) != 0) goto five;
  if ((value = setjmp(sixth)) != 0) goto six;
  jump(fourth, 4);
four:
  sum = sum * 10 + value;
  jump(first, 1);
one:
  sum = sum * 10 + value;
  jump(sixth, 6);
six:
  sum = sum * 10 + value;
  jump(second, 2);
two:
  sum = sum * 10 + value;
  jump(fifth, 5);
five:
  sum = sum * 10 + value;
  jump(third, 3);
three:
  return sum * 10 + value;
}

static __attribute__((noinline)) void passes_on(void) {
  int value = setjmp(inner);
  if (value == 0) jump(inner, 7);
  CHECK(value == 7);
  steps++;
  jump(outer, 9);
}

static __attribute__((noinline)) void returns(void) { CHECK(setjmp(gone) == 0); }

int main(void) {
  int value = setjmp(outer);
  if (value == 0) descend(200);
  CHECK(value == 5 && steps == 0);

  value = setjmp(outer);
  if (value == 0) jump(outer, 0);
  CHECK(value == 1);

  CHECK(places() == 416253);

  value = setjmp(outer);
  if (value == 0) passes_on();
  CHECK(value == 9 && steps == 1);

  volatile int turns = 0;
  setjmp(outer);
  if (++turns < 100000) jump(outer, 1);
  CHECK(turns == 100000);

  returns();
  printf("%d failures\n", failures);
  fflush(stdout);
  jump(gone, 1);
  printf("still there\n");
}
