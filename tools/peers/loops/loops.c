/* Each loop once as Karyon has it and once in plain C, on the same data. A loop that the two do differently is not measured. */
#include "ours.h"
#include "plain.h"
#include "../probes/probe.h"
#include "../probes/system.h"

enum { SEGMENT = 1460, APP_SIZE = 1 << 20, APP_TEXT = 1 << 19 };
enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS_FIXED = 0x32 };

/* The first is measured; of all both parsers must say the same. */
static const char *const requests[] = {
    "GET /static/images/logo.png?version=17&size=large HTTP/1.1",
    "HEAD / HTTP/1.0",
    "OPTIONS * HTTP/1.1",
    "DELETE /? HTTP/1.9",
    "get /a?b?c HTTP/1.1",
    "GET /a#b HTTP/1.1",
    "GET  /a HTTP/1.1",
    "GET /a HTTP/2.0",
    "GET /a HTTP/1.",
    "G@T /a HTTP/1.1",
    "GET a HTTP/1.1",
};
static uint32_t request_length;
static char *const app_text = (char *)(APP_MEMORY + APP_TEXT);

static uint8_t data[SEGMENT], copied[SEGMENT];

static uint32_t address(const void *place) { return (uint32_t)(uintptr_t)place; }

static uint64_t ours_checksum(void) { return kernel_loop_checksum(address(data), SEGMENT); }

static uint64_t c_checksum(void) { return plain_checksum(data, SEGMENT); }

static uint64_t ours_copy(void) {
  kernel_loop_copy(address(copied), address(data), SEGMENT);
  return copied[SEGMENT - 1];
}

static uint64_t c_copy(void) {
  plain_copy(copied, data, SEGMENT);
  return copied[SEGMENT - 1];
}

static uint64_t ours_siphash(void) { return kernel_loop_siphash(data[0], data[1], data[2], data[3]); }

static uint64_t c_siphash(void) { return plain_siphash(data[0], data[1], data[2], data[3]); }

static uint64_t ours_parse(void) { return app_loop_parse(APP_TEXT, APP_TEXT + request_length); }

/* The same word of what was found that objects.ts has. */
static uint64_t c_parse(void) {
  struct request_line line;
  uint64_t status = (uint64_t)plain_parse(&line, app_text, request_length);
  uint64_t path = (uint64_t)line.path.offset << 32 | line.path.length;
  uint64_t query = (uint64_t)line.query.offset << 32 | line.query.length;
  return path ^ query << 12 ^ (uint64_t)line.method << 24 ^ (uint64_t)line.minor_version << 28 ^ status << 48;
}

typedef uint64_t loop(void);

/* Whether `copy` copies every byte; it is the only loop whose result is not what it returns. */
static int copies(loop *copy) {
  for (size_t i = 0; i < SEGMENT; i++) copied[i] = (uint8_t)~data[i];
  copy();
  size_t same = 0;
  while (same < SEGMENT && copied[same] == data[same]) same++;
  return same == SEGMENT;
}

static void take_request(const char *text) {
  for (request_length = 0; text[request_length] != 0; request_length++) app_text[request_length] = text[request_length];
}

static int parse_alike(void) {
  for (size_t i = sizeof requests / sizeof requests[0]; i-- > 0;) {
    take_request(requests[i]); /* at last the first */
    if (ours_parse() != c_parse()) return 0;
  }
  return 1;
}

/* Lays the data out, once. */
static int prepare(void) {
  static int prepared;
  if (prepared) return 1;
  long place = (long)APP_MEMORY;
  if (call(MMAP, place, APP_SIZE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_FIXED, -1, 0) != place) return 0;
  app_dataCopy();
  uint32_t random = 1;
  for (size_t i = 0; i < SEGMENT; i++) {
    random = random * 1664525 + 1013904223; /* Numerical Recipes */
    data[i] = (uint8_t)(random >> 24);
  }
  return prepared = copies(ours_copy) && copies(c_copy) && parse_alike();
}

/* Does `measured` `count` times; what it returns must always be what `other` does. */
static uint64_t repeat(loop *measured, loop *other, uint64_t count) {
  if (!prepare()) return 0;
  uint64_t expected = other();
  uint64_t different = 0;
  uint64_t start = now();
  for (uint64_t i = 0; i < count; i++) different |= measured() ^ expected;
  uint64_t time = now() - start;
  return different == 0 ? time : 0;
}

#define LOOP(name)                                                      \
  static uint64_t probe_ours_##name(uint64_t argument, uint64_t count) { \
    (void)argument;                                                     \
    return repeat(ours_##name, c_##name, count);                        \
  }                                                                     \
  static uint64_t probe_c_##name(uint64_t argument, uint64_t count) {    \
    (void)argument;                                                     \
    return repeat(c_##name, ours_##name, count);                        \
  }

LOOP(checksum)
LOOP(copy)
LOOP(siphash)
LOOP(parse)

const struct named_probe probes[] = {
    {"ours-checksum", probe_ours_checksum}, {"c-checksum", probe_c_checksum},
    {"ours-copy", probe_ours_copy},         {"c-copy", probe_c_copy},
    {"ours-siphash", probe_ours_siphash},   {"c-siphash", probe_c_siphash},
    {"ours-parse", probe_ours_parse},       {"c-parse", probe_c_parse},
    {0, 0},
};
