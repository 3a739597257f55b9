/* Exchanges small messages with a server, so many times; a run that gets another answer, or none for a while, fails. */
#include "sockets.h"
#include "words.h"

enum { PATIENCE_SECONDS = 5 };

static long connected(long type, uint32_t host, uint16_t port) {
  struct address peer = address_of(host, port);
  struct {
    int64_t seconds, microseconds;
  } patience = {PATIENCE_SECONDS, 0};
  long fd = open_socket(type);
  call(SETSOCKOPT, fd, SOL_SOCKET, SO_RCVTIMEO, (long)&patience, sizeof patience, 0);
  call(SETSOCKOPT, fd, SOL_SOCKET, SO_SNDTIMEO, (long)&patience, sizeof patience, 0);
  return call(CONNECT, fd, (long)&peer, sizeof peer, 0, 0, 0) == 0 ? fd : -1;
}

/* One byte there and back. */
static int round_trip(long fd, uint32_t number) {
  unsigned char byte = (unsigned char)number, answer;
  return send_bytes(fd, &byte, 1) == 1 && receive_bytes(fd, &answer, 1) == 1 && answer == byte;
}

static int round_trips(long fd, uint32_t count) {
  while (count != 0)
    if (!round_trip(fd, count--)) return 0;
  return 1;
}

static int connections(uint32_t host, uint32_t count) {
  while (count != 0) {
    long fd = connected(SOCK_STREAM, host, ECHO);
    if (!round_trip(fd, count--)) return 0;
    call(CLOSE, fd, 0, 0, 0, 0, 0);
  }
  return 1;
}

static int messages(uint32_t host, uint32_t count) {
  static char buffer[MESSAGE * 1024];
  long fd = connected(SOCK_STREAM, host, MESSAGES);
  if (send_bytes(fd, &count, sizeof count) != sizeof count) return 0;
  uint64_t received = 0;
  for (;;) {
    long length = receive_bytes(fd, buffer, sizeof buffer);
    if (length < 0) return 0;
    if (length == 0) return received == (uint64_t)count * MESSAGE;
    received += (uint64_t)length;
  }
}

int run_client(const char *what, uint32_t host, uint32_t count) {
  if (equal(what, "tcp")) return !round_trips(connected(SOCK_STREAM, host, ECHO), count);
  if (equal(what, "connections")) return !connections(host, count);
  if (equal(what, "udp")) return !round_trips(connected(SOCK_DGRAM, host, ECHO), count);
  if (equal(what, "messages")) return !messages(host, count);
  return 2;
}
