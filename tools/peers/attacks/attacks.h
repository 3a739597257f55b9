/* What the attacks have in common. */
#ifndef ATTACKS_H
#define ATTACKS_H

#include "../exchange/sockets.h"

enum { RST = 4, SYN = 2, ACK = 16 };

/* A host, as it stands in memory in the order of the wire, and a port of it. */
struct target {
  uint32_t host;
  uint16_t port;
};

/* Sends `count` segments with `flags` and ends the program. Without a peer each comes from another address. */
void flood(struct target target, struct target peer, unsigned flags, uint32_t count);

/* Opens `count` connections, keeps them for so many seconds, and ends the program. `takes_nothing`: their requests are whole. */
void hold(struct target target, uint32_t count, uint32_t seconds, int takes_nothing);

/* Writes a line with a number. */
void say_number(uint32_t value);

#endif
