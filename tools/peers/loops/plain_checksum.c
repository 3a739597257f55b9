/* The Internet checksum (RFC 1071): 64-bit words, the carries counted apart. */
#include "plain.h"

static uint64_t load(const uint8_t *at, size_t length) {
  uint64_t word = 0;
  __builtin_memcpy(&word, at, length);
  return word;
}

uint16_t plain_checksum(const void *data, size_t length) {
  const uint8_t *at = data;
  uint64_t sum = 0, carries = 0;
  for (; length >= 32; at += 32, length -= 32) {
    uint64_t a = load(at, 8), b = load(at + 8, 8), c = load(at + 16, 8), d = load(at + 24, 8);
    sum += a;
    carries += sum < a;
    sum += b;
    carries += sum < b;
    sum += c;
    carries += sum < c;
    sum += d;
    carries += sum < d;
  }
  uint64_t tail = carries;
  for (; length >= 4; at += 4, length -= 4) tail += load(at, 4);
  if (length >= 2) {
    tail += load(at, 2);
    at += 2, length -= 2;
  }
  if (length != 0) tail += *at;
  sum += tail;
  sum += sum < tail;
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}
