/* What Karyon's loops do, written in C as one would (plain_*.c). */
#ifndef LOOPS_PLAIN_H
#define LOOPS_PLAIN_H

#include <stddef.h>
#include <stdint.h>

uint16_t plain_checksum(const void *data, size_t length);
void plain_copy(void *restrict to, const void *restrict from, size_t length);
uint64_t plain_siphash(uint64_t key0, uint64_t key1, uint64_t first, uint64_t second);

/* A piece of a message. */
struct span {
  uint32_t offset, length;
};

/* A request line as the parser leaves it. */
struct request_line {
  uint8_t method, minor_version;
  struct span path, query;
};

enum { METHOD_UNKNOWN, METHOD_GET, METHOD_HEAD, METHOD_OPTIONS, METHOD_OTHER };

/* Parses the `length` bytes at `text`, with a target in origin form or "*": 0, or the status of a refusal. */
int plain_parse(struct request_line *request, const char *text, size_t length);

#endif
