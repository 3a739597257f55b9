/* The only program of a Linux guest that does on command what is to be measured, as an app of Karyon's does (test/apps/probes).
 * It is process 1, says "ready", and reads from the console
 *   <probe> [<argument>] <count>
 * which it answers with "done <probe> <count> <ns for all>", or "failed <probe>". Compiled without a C library. */
#include "probe.h"
#include "system.h"

enum { LINE = 64, NAME = 24 };

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

/* Cuts the first word off `*text` into `word`. */
static void take_word(const char **text, char word[NAME]) {
  size_t length = 0;
  while (**text > ' ' && length < NAME - 1) word[length++] = *(*text)++;
  word[length] = 0;
  while (**text == ' ') ++*text;
}

static uint64_t take_number(const char **text) {
  uint64_t value = 0;
  while (**text >= '0' && **text <= '9') value = value * 10 + (uint64_t)(*(*text)++ - '0');
  while (**text == ' ') ++*text;
  return value;
}

static int equal(const char *a, const char *b) {
  while (*a == *b && *a != 0) a++, b++;
  return *a == *b;
}

static uint64_t run(const char *name, uint64_t argument, uint64_t count) {
  for (const struct named_probe *each = probes; each->name != 0; each++) {
    if (equal(each->name, name)) return each->run(argument, count);
  }
  return 0;
}

static void obey(const char *line) {
  char name[NAME];
  take_word(&line, name);
  uint64_t argument = 0;
  uint64_t count = take_number(&line);
  if (*line >= '0' && *line <= '9') {
    argument = count;
    count = take_number(&line);
  }
  uint64_t time = run(name, argument, count);
  say(time == 0 ? "failed " : "done ");
  say(name);
  if (time != 0) {
    say_number(count);
    say_number(time);
  }
  say("\n");
}

__attribute__((force_align_arg_pointer, used, noreturn)) void _start(void) {
  static char line[LINE];
  say("ready\n");
  for (;;) {
    long length = call(READ, 0, (long)line, LINE - 1, 0, 0, 0);
    if (length <= 0) continue;
    line[length] = 0;
    obey(line);
  }
}
