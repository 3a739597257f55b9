/* Answers small messages, as test/apps/exchange does it on Karyon; see there. A process for each of the three ports. */
#include "sockets.h"

static long bound(long type, uint16_t port) {
  struct address any = address_of(0, port);
  long fd = open_socket(type);
  if (fd < 0 || call(BIND, fd, (long)&any, sizeof any, 0, 0, 0) != 0) call(EXIT, 1, 0, 0, 0, 0, 0);
  if (type == SOCK_STREAM && call(LISTEN, fd, 16, 0, 0, 0, 0) != 0) call(EXIT, 1, 0, 0, 0, 0, 0);
  return fd;
}

static void echo(long client) {
  static char buffer[BUFFER_SIZE];
  for (;;) {
    long length = receive_bytes(client, buffer, sizeof buffer);
    if (length <= 0 || send_bytes(client, buffer, length) != length) return;
  }
}

static void send_messages(long client) {
  static const char message[MESSAGE];
  uint32_t wanted;
  if (!receive_all(client, &wanted, sizeof wanted)) return;
  while (wanted-- != 0)
    if (send_bytes(client, message, sizeof message) != sizeof message) return;
}

static void serve_streams(long server, void (*one)(long client)) {
  for (;;) {
    long client = call(ACCEPT, server, 0, 0, 0, 0, 0);
    if (client < 0) continue;
    one(client);
    call(CLOSE, client, 0, 0, 0, 0, 0);
  }
}

static void serve_datagrams(long fd) {
  static char buffer[BUFFER_SIZE];
  struct address from;
  for (;;) {
    uint32_t size = sizeof from;
    long length = call(RECVFROM, fd, (long)buffer, sizeof buffer, 0, (long)&from, (long)&size);
    if (length >= 0) call(SENDTO, fd, (long)buffer, length, 0, (long)&from, size);
  }
}

static int is_child(void) { return call(CLONE, SIGCHLD, 0, 0, 0, 0, 0) == 0; }

void serve(void) {
  long datagrams = bound(SOCK_DGRAM, ECHO);
  long messages = bound(SOCK_STREAM, MESSAGES);
  long stream = bound(SOCK_STREAM, ECHO);
  if (is_child()) serve_datagrams(datagrams);
  if (is_child()) serve_streams(messages, send_messages);
  serve_streams(stream, echo);
}
