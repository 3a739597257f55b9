/* The subject of conformance tests on Linux, as test/apps/subject is on Karyon: does what the tester says with sockets.
 * protocol.ts tells what is said. Compiled without a C library. */
#include "../../peers/probes/system.h"

enum { SOCKET = 41, CONNECT = 42, SENDTO = 44, RECVFROM = 45, SHUTDOWN = 48, BIND = 49, LISTEN = 50 };
enum { SETSOCKOPT = 54, GETSOCKOPT = 55, ACCEPT4 = 288 };
enum { AF_INET = 2, SOCK_STREAM = 1, SOCK_NONBLOCK = 0x800, MSG_NOSIGNAL = 0x4000, ENOSYS = 38 };
enum { PORT = 7000, DATA_MAX = 65536 };
/* The order is that of the operations in protocol.ts. */
enum { OP_SOCKET, OP_BIND, OP_LISTEN, OP_ACCEPT, OP_CONNECT, OP_SEND, OP_RECEIVE, OP_SHUTDOWN, OP_CLOSE, OP_GET, OP_SET, OP_POLL };

struct request {
  uint32_t operation;
  int32_t fd;
  uint32_t a, b, length;
};
struct address {
  uint16_t family, port;
  uint32_t host;
  uint64_t zero;
};

static unsigned char data[DATA_MAX];

static int receive_all(long fd, void *target, size_t length) {
  unsigned char *at = target;
  while (length > 0) {
    long received = call(RECVFROM, fd, (long)at, (long)length, 0, 0, 0);
    if (received <= 0) return 0;
    at += received;
    length -= (size_t)received;
  }
  return 1;
}

static int send_all(long fd, const void *source, size_t length) {
  const unsigned char *at = source;
  while (length > 0) {
    long sent = call(SENDTO, fd, (long)at, (long)length, MSG_NOSIGNAL, 0, 0);
    if (sent <= 0) return 0;
    at += sent;
    length -= (size_t)sent;
  }
  return 1;
}

static struct address address_of(const struct request *r) {
  return (struct address){AF_INET, __builtin_bswap16((uint16_t)r->b), r->a, 0};
}

/* Carries one request out; *answered gets how many bytes of data belong to the answer. */
static long perform(const struct request *r, uint32_t *answered) {
  struct address address = address_of(r);
  long size = (long)sizeof address;
  switch (r->operation) {
  case OP_SOCKET: return call(SOCKET, AF_INET, r->a | SOCK_NONBLOCK, 0, 0, 0, 0);
  case OP_BIND: return call(BIND, r->fd, (long)&address, size, 0, 0, 0);
  case OP_LISTEN: return call(LISTEN, r->fd, r->a, 0, 0, 0, 0);
  case OP_ACCEPT: return call(ACCEPT4, r->fd, 0, 0, SOCK_NONBLOCK, 0, 0);
  case OP_CONNECT: return call(CONNECT, r->fd, (long)&address, size, 0, 0, 0);
  case OP_SEND: return call(SENDTO, r->fd, (long)data, r->length, r->a | MSG_NOSIGNAL, 0, 0);
  case OP_SHUTDOWN: return call(SHUTDOWN, r->fd, r->a, 0, 0, 0, 0);
  case OP_CLOSE: return call(CLOSE, r->fd, 0, 0, 0, 0, 0);
  case OP_SET: return call(SETSOCKOPT, r->fd, r->a, r->b, (long)data, r->length, 0);
  case OP_RECEIVE: {
    long received = call(RECVFROM, r->fd, (long)data, r->b < DATA_MAX ? r->b : DATA_MAX, r->a, 0, 0);
    *answered = received > 0 ? (uint32_t)received : 0;
    return received;
  }
  case OP_GET: {
    uint32_t length = 256;
    long result = call(GETSOCKOPT, r->fd, r->a, r->b, (long)data, (long)&length, 0);
    *answered = result == 0 ? length : 0;
    return result;
  }
  case OP_POLL: {
    struct {
      int32_t fd;
      int16_t events, happened;
    } entry = {r->fd, (int16_t)r->a, 0};
    long result = call(POLL, (long)&entry, 1, (long)(int32_t)r->b, 0, 0, 0);
    return result < 0 ? result : entry.happened;
  }
  default: return -ENOSYS;
  }
}

static void serve(long control) {
  struct request request;
  while (receive_all(control, &request, sizeof request)) {
    struct {
      int32_t result;
      uint32_t length;
    } answer = {0, 0};
    if (request.length > DATA_MAX || !receive_all(control, data, request.length)) return;
    answer.result = (int32_t)perform(&request, &answer.length);
    if (!send_all(control, &answer, sizeof answer) || !send_all(control, data, answer.length)) return;
  }
}

__attribute__((force_align_arg_pointer, used, noreturn)) void _start(void) {
  struct address any = {AF_INET, __builtin_bswap16(PORT), 0, 0};
  long server = call(SOCKET, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
  if (server < 0 || call(BIND, server, (long)&any, sizeof any, 0, 0, 0) != 0) call(EXIT, 1, 0, 0, 0, 0, 0);
  if (call(LISTEN, server, 1, 0, 0, 0, 0) != 0) call(EXIT, 1, 0, 0, 0, 0, 0);
  for (;;) {
    long control = call(ACCEPT4, server, 0, 0, 0, 0, 0);
    if (control < 0) continue;
    serve(control);
    call(CLOSE, control, 0, 0, 0, 0, 0);
  }
}
