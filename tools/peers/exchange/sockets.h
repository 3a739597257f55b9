/* What server and client of the exchange of small messages have in common: ports, and Linux's calls for sockets. */
#ifndef EXCHANGE_SOCKETS_H
#define EXCHANGE_SOCKETS_H

#include "../probes/system.h"

enum { SOCKET = 41, CONNECT = 42, ACCEPT = 43, SENDTO = 44, RECVFROM = 45, BIND = 49, LISTEN = 50, SETSOCKOPT = 54 };
enum { AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2, MSG_NOSIGNAL = 0x4000 };
enum { SOL_SOCKET = 1, SO_RCVTIMEO = 20, SO_SNDTIMEO = 21 };
enum { ECHO = 7, MESSAGES = 19, MESSAGE = 64, BUFFER_SIZE = 2048 };

struct address {
  uint16_t family, port;
  uint32_t host;
  uint64_t zero;
};

/* `host` as it stands in memory, in the order of the wire. */
static inline struct address address_of(uint32_t host, uint16_t port) {
  return (struct address){AF_INET, __builtin_bswap16(port), host, 0};
}

static inline long open_socket(long type) { return call(SOCKET, AF_INET, type, 0, 0, 0, 0); }

static inline long send_bytes(long fd, const void *bytes, long length) {
  return call(SENDTO, fd, (long)bytes, length, MSG_NOSIGNAL, 0, 0);
}

static inline long receive_bytes(long fd, void *bytes, long length) {
  return call(RECVFROM, fd, (long)bytes, length, 0, 0, 0);
}

/* Receives exactly so many bytes; 0 when there are no more. */
static inline int receive_all(long fd, void *bytes, long length) {
  for (long have = 0; have < length;) {
    long received = receive_bytes(fd, (char *)bytes + have, length - have);
    if (received <= 0) return 0;
    have += received;
  }
  return 1;
}

/* Never returns. */
void serve(void);

/* The exit status of a client's run. */
int run_client(const char *what, uint32_t host, uint32_t count);

#endif
