/* What programs without a C library make of the words of their command line. */
#ifndef EXCHANGE_WORDS_H
#define EXCHANGE_WORDS_H

#include <stdint.h>

/* The decimal number at *text, which moves behind it and the character that ends it. */
static inline uint32_t take_number(const char **text) {
  uint32_t value = 0;
  while (**text >= '0' && **text <= '9') value = value * 10 + (uint32_t)(*(*text)++ - '0');
  if (**text != 0) ++*text;
  return value;
}

/* The host a.b.c.d, as it stands in memory in the order of the wire. */
static inline uint32_t host_of(const char *text) {
  uint32_t host = 0;
  for (int shift = 0; shift < 32; shift += 8) host |= (take_number(&text) & 255) << shift;
  return host;
}

static inline int equal(const char *a, const char *b) {
  while (*a == *b && *a != 0) a++, b++;
  return *a == *b;
}

#endif
