// memcpy, memmove, memset and memcmp: sixteen bytes at a time, unaligned, which is near the limit of the memory system on
// every x86-64; long copies by `rep movsq`, as Linux does. Included once, by the kernel's unit.
#pragma once
#include "runtime.h"

typedef long long block __attribute__((vector_size(16), aligned(1), may_alias));

#define BLOCK(pointer) (*(block*)(pointer))
#define WORD(pointer) AT(u64, pointer)

// The compiler must not recognise these loops and call the very functions they implement.
#define LIBRARY __attribute__((used, optimize("no-tree-loop-distribute-patterns")))

// Copies of up to 32 bytes: loads everything before it stores anything, so overlap does not matter.
INLINE void copy_short(u8* to, const u8* from, u64 length) {
  if (length >= 16) {
    block first = BLOCK(from), last = BLOCK(from + length - 16);
    BLOCK(to) = first;
    BLOCK(to + length - 16) = last;
  } else if (length >= 8) {
    u64 first = WORD(from), last = WORD(from + length - 8);
    WORD(to) = first;
    WORD(to + length - 8) = last;
  } else if (length >= 4) {
    u32 first = AT(u32, from), last = AT(u32, from + length - 4);
    AT(u32, to) = first;
    AT(u32, to + length - 4) = last;
  } else if (length > 0) {
    u8 first = from[0], middle = from[length >> 1], last = from[length - 1];
    to[0] = first;
    to[length >> 1] = middle;
    to[length - 1] = last;
  }
}

// All 32 bytes are loaded before one is stored, as if by one instruction.
INLINE void copy_32(u8* to, const u8* from) {
  block low = BLOCK(from), high = BLOCK(from + 16);
  BLOCK(to) = low;
  BLOCK(to + 16) = high;
}

// From this length on `rep movs` is quicker: the processor moves whole cache lines and does not read those that it
// overwrites ("fast strings", Intel's optimization manual, 3.7.6). It takes some 35 cycles to begin with; where it pays differs a
// little between processors, and this is where glibc begins.
#define REPEAT_MINIMUM 2048

// Ascending, eight bytes a step; the last of `length` bytes that make no eight are left.
INLINE void copy_repeated(u8* to, const u8* from, u64 length) {
  u64 count = length / 8;
  __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

// Ascending, right for any overlap with to < from. The tail is read first: the loops may overwrite it.
INLINE void copy_up(u8* to, const u8* from, u64 length) {
  u8* end = to + length;
  block tail_low = BLOCK(from + length - 32), tail_high = BLOCK(from + length - 16);
  if (length >= REPEAT_MINIMUM) {
    copy_repeated(to, from, length);
  } else {
    for (u8* last = end - 128; to < last; to += 128, from += 128) {
      copy_32(to, from);
      copy_32(to + 32, from + 32);
      copy_32(to + 64, from + 64);
      copy_32(to + 96, from + 96);
    }
    for (u8* last = end - 32; to < last; to += 32, from += 32) copy_32(to, from);
  }
  BLOCK(end - 32) = tail_low;
  BLOCK(end - 16) = tail_high;
}

// Descending, right for any overlap with to > from.
INLINE void copy_down(u8* to, const u8* from, u64 length) {
  block head_low = BLOCK(from), head_high = BLOCK(from + 16);
  u64 rest = length;
  for (; rest > 32; rest -= 32) {
    block high = BLOCK(from + rest - 16), low = BLOCK(from + rest - 32);
    BLOCK(to + rest - 16) = high;
    BLOCK(to + rest - 32) = low;
  }
  BLOCK(to) = head_low;
  BLOCK(to + 16) = head_high;
}

LIBRARY void* memmove(void* destination, const void* source, u64 length) {
  u8* to = destination;
  const u8* from = source;
  if (length <= 32) copy_short(to, from, length);
  else if ((u64)to - (u64)from >= length) copy_up(to, from, length);
  else copy_down(to, from, length);
  return destination;
}

LIBRARY void* memcpy(void* restrict destination, const void* restrict source, u64 length) {
  return memmove(destination, source, length);
}

LIBRARY void* memset(void* destination, int value, u64 length) {
  u8* to = destination;
  u64 word = (u8)value * 0x0101010101010101ul;
  if (length < 16) {
    if (length >= 8) {
      WORD(to) = word;
      WORD(to + length - 8) = word;
    } else if (length >= 4) {
      AT(u32, to) = (u32)word;
      AT(u32, to + length - 4) = (u32)word;
    } else if (length > 0) {
      to[0] = to[length >> 1] = to[length - 1] = (u8)value;
    }
    return destination;
  }
  block filled = {(long long)word, (long long)word};
  u8* end = to + length;
  for (; end - to > 64; to += 64) BLOCK(to) = BLOCK(to + 16) = BLOCK(to + 32) = BLOCK(to + 48) = filled;
  for (; end - to > 16; to += 16) BLOCK(to) = filled;
  BLOCK(end - 16) = filled;
  return destination;
}

LIBRARY int memcmp(const void* left, const void* right, u64 length) {
  const u8 *a = left, *b = right;
  for (; length >= 8 && WORD(a) == WORD(b); length -= 8, a += 8, b += 8) continue;
  for (; length > 0; length--, a++, b++) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}
