/* Copying, eight bytes at a time; gcc would make a call of memcpy of it, which is Karyon's here. */
#include "plain.h"

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void plain_copy(void *restrict to,
                                                                              const void *restrict from,
                                                                              size_t length) {
  uint8_t *target = to;
  const uint8_t *source = from;
  for (; length >= 8; length -= 8, target += 8, source += 8) __builtin_memcpy(target, source, 8);
  for (; length > 0; length--) *target++ = *source++;
}
