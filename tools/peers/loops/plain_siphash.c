/* SipHash-2-4 of two 64-bit words. */
#include "plain.h"

static uint64_t rotate(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

struct state {
  uint64_t v0, v1, v2, v3;
};

static void round(struct state *s) {
  s->v0 += s->v1;
  s->v1 = rotate(s->v1, 13) ^ s->v0;
  s->v0 = rotate(s->v0, 32);
  s->v2 += s->v3;
  s->v3 = rotate(s->v3, 16) ^ s->v2;
  s->v0 += s->v3;
  s->v3 = rotate(s->v3, 21) ^ s->v0;
  s->v2 += s->v1;
  s->v1 = rotate(s->v1, 17) ^ s->v2;
  s->v2 = rotate(s->v2, 32);
}

static void compress(struct state *s, uint64_t word) {
  s->v3 ^= word;
  round(s);
  round(s);
  s->v0 ^= word;
}

uint64_t plain_siphash(uint64_t key0, uint64_t key1, uint64_t first, uint64_t second) {
  struct state s = {key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d, key0 ^ 0x6c7967656e657261,
                    key1 ^ 0x7465646279746573};
  compress(&s, first);
  compress(&s, second);
  compress(&s, (uint64_t)16 << 56);
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; i++) round(&s);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
