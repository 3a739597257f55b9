/* Moves bytes over TCP: the least that curl takes for an HTTP server, as test/apps/bulk does it on Karyon.
 *   GET /<n>    n bytes are sent
 *   PUT /...    the body is received, and its length told as the answer's body
 * One connection after the other, each for one request. Compiled without a C library. */
#include "../probes/system.h"

enum { SOCKET = 41, ACCEPT = 43, SENDTO = 44, RECVFROM = 45, BIND = 49, LISTEN = 50 };
enum { AF_INET = 2, SOCK_STREAM = 1, MSG_NOSIGNAL = 0x4000, PORT = 80, BACKLOG = 16 };
enum { BUFFER_SIZE = 65536, HEAD_SIZE = 2048, DIGITS = 24 };

static char buffer[BUFFER_SIZE];

static long send_some(long fd, size_t length) { return call(SENDTO, fd, (long)buffer, (long)length, MSG_NOSIGNAL, 0, 0); }

static long receive(long fd, size_t from, size_t to) {
  return call(RECVFROM, fd, (long)(buffer + from), (long)(to - from), 0, 0, 0);
}

/* Sends the first `length` bytes of the buffer, over and over until there were `count`; 0 when the peer is gone. */
static int send_all(long fd, uint64_t count, size_t length) {
  while (count > 0) {
    long sent = send_some(fd, count < length ? count : length);
    if (sent <= 0) return 0;
    count -= (uint64_t)sent;
  }
  return 1;
}

static int receive_all(long fd, uint64_t count) {
  while (count > 0) {
    long received = receive(fd, 0, BUFFER_SIZE);
    if (received <= 0) return 0;
    count -= (uint64_t)received < count ? (uint64_t)received : count;
  }
  return 1;
}

/* Appends text to the buffer; where it ends then. */
static size_t put(size_t at, const char *text) {
  while (*text != 0) buffer[at++] = *text++;
  return at;
}

static char *digits_of(uint64_t number, char digits[DIGITS]) {
  char *at = digits + DIGITS - 1;
  *at = 0;
  do *--at = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  return at;
}

static int answer(long fd, uint64_t length, const char *body) {
  char digits[DIGITS];
  size_t at = put(0, "HTTP/1.1 200 OK\r\nContent-Length: ");
  at = put(at, digits_of(length, digits));
  at = put(at, "\r\nConnection: close\r\n\r\n");
  at = put(at, body);
  return send_all(fd, at, at);
}

/* The place behind `text` in the first `length` bytes of the buffer; 0 when it is not there. */
static size_t behind(const char *text, size_t length) {
  for (size_t from = 0; from < length; from++) {
    size_t at = from;
    const char *wanted = text;
    while (*wanted != 0 && at < length && buffer[at] == *wanted) at++, wanted++;
    if (*wanted == 0) return at;
  }
  return 0;
}

static uint64_t number_at(size_t at, size_t length) {
  uint64_t number = 0;
  while (at < length && buffer[at] == ' ') at++;
  while (at < length && buffer[at] >= '0' && buffer[at] <= '9') number = number * 10 + (uint64_t)(buffer[at++] - '0');
  return number;
}

static void serve(long fd) {
  size_t length = 0;
  size_t end = 0;
  while (end == 0) {
    long received = length < HEAD_SIZE ? receive(fd, length, HEAD_SIZE) : 0;
    if (received <= 0) return;
    length += (size_t)received;
    end = behind("\r\n\r\n", length);
  }
  if (behind("GET /", 5) != 0) {
    uint64_t count = number_at(5, length);
    if (answer(fd, count, "")) send_all(fd, count, BUFFER_SIZE);
    return;
  }
  uint64_t count = number_at(behind("Content-Length:", end), end);
  if (!receive_all(fd, count - (length - end))) return;
  char digits[DIGITS];
  const char *body = digits_of(count, digits);
  answer(fd, (uint64_t)(digits + DIGITS - 1 - body), body);
}

__attribute__((force_align_arg_pointer, used, noreturn)) void _start(void) {
  struct {
    uint16_t family, port;
    uint32_t address;
    uint64_t zero;
  } any = {AF_INET, __builtin_bswap16(PORT), 0, 0};
  long server = call(SOCKET, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
  if (server < 0 || call(BIND, server, (long)&any, sizeof any, 0, 0, 0) != 0) call(EXIT, 1, 0, 0, 0, 0, 0);
  if (call(LISTEN, server, BACKLOG, 0, 0, 0, 0) != 0) call(EXIT, 1, 0, 0, 0, 0, 0);
  for (;;) {
    long client = call(ACCEPT, server, 0, 0, 0, 0, 0);
    if (client < 0) continue;
    serve(client);
    call(CLOSE, client, 0, 0, 0, 0, 0);
  }
}
