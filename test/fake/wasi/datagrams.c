// UDP, options and names by WasmEdge's extension: sends back what comes to port 7, in capitals, until a datagram is empty; before that, what options say,
// and the addresses of names, one of which the DNS server knows.
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>
#include "check.h"
#include "wasmedge.h"

#define NOWHERE ((void *)0xfffffff0)
enum { SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_DONTROUTE, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_LINGER = 9 };
enum { SO_RCVTIMEO = 11, SO_ACCEPTCONN = 13, SO_BINDTODEVICE };
enum { AI_PASSIVE = 1, AI_NUMERICHOST = 4 };
enum { AIADDRFAMILY = 77, AIBADFLAG = 79, AIFAMILY = 81, AIMEMORY, AINODATA, AINONAME, AISERVICE, AISOCKTYPE };

static int number(int fd, int name) {
  int value = -1;
  uint32_t length = sizeof value;
  int error = sock_getsockopt(fd, 0, name, &value, &length);
  return error != 0 ? -error : length == sizeof value ? value : -1000;
}

static void options(void) {
  int udp, tcp, one = 1, size = 20000, linger[2] = {1, 7};
  uint32_t length;
  IS(0, sock_open(INET4, DATAGRAM, &udp));
  IS(0, sock_open(INET6, STREAM, &tcp));
  IS(DATAGRAM, number(udp, SO_TYPE));
  IS(STREAM, number(tcp, SO_TYPE));
  IS(0, number(tcp, SO_ERROR));
  IS(0, number(tcp, SO_ACCEPTCONN));
  IS(0, number(tcp, SO_KEEPALIVE));
  IS(0, sock_setsockopt(tcp, 0, SO_KEEPALIVE, &one, sizeof one));
  IS(1, number(tcp, SO_KEEPALIVE));
  IS(0, sock_setsockopt(udp, 0, SO_BROADCAST, &one, sizeof one));
  IS(1, number(udp, SO_BROADCAST));
  IS(0, sock_setsockopt(tcp, 0, SO_RCVBUF, &size, sizeof size));
  CHECK(number(tcp, SO_RCVBUF) >= size);
  IS(0, sock_setsockopt(tcp, 0, SO_LINGER, linger, sizeof linger));
  linger[1] = 0;
  length = 100;
  IS(0, sock_getsockopt(tcp, 0, SO_LINGER, linger, &length));
  CHECK(length == sizeof linger && linger[1] == 7);
  int64_t timeout[2] = {0, 200000}, back[2] = {9, 9};
  IS(0, sock_setsockopt(udp, 0, SO_RCVTIMEO, timeout, sizeof timeout));
  length = sizeof back;
  IS(0, sock_getsockopt(udp, 0, SO_RCVTIMEO, back, &length));
  CHECK(length == sizeof back && back[0] == 0 && back[1] == 200000);
  IS(-__WASI_ERRNO_NOPROTOOPT, number(tcp, SO_DONTROUTE));
  IS(-__WASI_ERRNO_NOPROTOOPT, number(tcp, SO_BINDTODEVICE));
  IS(-__WASI_ERRNO_INVAL, number(tcp, 15));
  IS(-__WASI_ERRNO_BADF, number(77, SO_TYPE));
  IS(-__WASI_ERRNO_NOTSOCK, number(1, SO_TYPE));
  IS(__WASI_ERRNO_INVAL, sock_setsockopt(tcp, 6, 1, &one, sizeof one));
  IS(__WASI_ERRNO_INVAL, sock_setsockopt(tcp, 0, SO_KEEPALIVE, &one, 1));
  IS(__WASI_ERRNO_FAULT, sock_setsockopt(tcp, 0, SO_KEEPALIVE, NOWHERE, 32));
  IS(__WASI_ERRNO_FAULT, sock_getsockopt(tcp, 0, SO_KEEPALIVE, &one, NOWHERE));
  length = 2;
  IS(__WASI_ERRNO_INVAL, sock_getsockopt(tcp, 0, SO_ERROR, &one, &length));
  // Nobody listens: the error that is left is one of WASI's.
  uint8_t own[4] = {127, 0, 0, 1}, word[4];
  struct address here = {own, 4}, from = {word, 4};
  struct piece piece = {word, 1};
  uint32_t done, port;
  uint16_t told;
  IS(0, sock_connect(udp, &here, 9));
  IS(0, sock_send_to(udp, &piece, 1, &here, 9, 0, &done));
  IS(__WASI_ERRNO_CONNREFUSED, sock_recv_from(udp, &piece, 1, &from, 0, &port, &done, &told));
  IS(__WASI_ERRNO_AGAIN, sock_recv_from(udp, &piece, 1, &from, 0, &port, &done, &told));
  close(udp);
  close(tcp);
}

enum { MOST = 4 };
static uint8_t data[MOST][26];
static struct sockaddr_wasi addresses[MOST];
static struct addrinfo_wasi list[MOST];
static uint32_t count;

static int find(const char *node, const char *service, struct addrinfo_wasi hints, uint32_t most) {
  memset(data, 0xee, sizeof data);
  for (int i = 0; i < MOST; i++) {
    addresses[i] = (struct sockaddr_wasi){0, 14, data[i]};
    list[i] = (struct addrinfo_wasi){.address = addresses + i, .next = i + 1 < MOST ? list + i + 1 : NULL};
  }
  struct addrinfo_wasi *first = list;
  count = 99;
  return sock_getaddrinfo(node, strlen(node), service, strlen(service) + 1, &hints, &first, most, &count);
}

/** Whether result `i` is of that family and type, for port 80, with the address that begins with `byte`. */
static int is(int i, int family, int type, int byte) {
  int ipv4 = family == INET4;
  const uint8_t *bytes = data[i];
  return list[i].family == family && addresses[i].family == family && list[i].type == type &&
         list[i].protocol == (type == STREAM ? 1 : 2) && list[i].address_length == (ipv4 ? 16 : 28) &&
         addresses[i].length == (ipv4 ? 14 : 26) && bytes[0] == 0 && bytes[1] == 80 && bytes[ipv4 ? 2 : 6] == byte;
}

static void names(void) {
  struct addrinfo_wasi any = {0}, ipv4 = {.family = INET4, .type = STREAM}, ipv6 = {.family = INET6, .type = DATAGRAM};
  struct addrinfo_wasi passive = {.flags = AI_PASSIVE, .family = INET4, .type = STREAM};
  IS(0, find("www.example.org", "80", ipv4, MOST));
  CHECK(count == 1 && is(0, INET4, STREAM, 192) && data[0][5] == 1 && data[1][0] == 0xee);
  IS(0, find("www.example.org", "80", any, MOST));
  CHECK(count == 2 && is(0, INET4, STREAM, 192) && is(1, INET4, DATAGRAM, 192));
  IS(0, find("www.example.org", "80", any, 1));
  CHECK(count == 1);
  IS(AINONAME, find("no.such.name", "80", ipv4, MOST));
  IS(0, find("10.1.2.3", "80", ipv4, MOST));
  CHECK(count == 1 && is(0, INET4, STREAM, 10));
  IS(0, find("fe80::1", "80", ipv6, MOST));
  CHECK(count == 1 && is(0, INET6, DATAGRAM, 0xfe) && data[0][21] == 1);
  IS(AIADDRFAMILY, find("fe80::1", "80", ipv4, MOST));
  IS(0, find("", "80", ipv4, MOST));
  CHECK(count == 1 && is(0, INET4, STREAM, 127));
  IS(0, find("", "80", passive, MOST));
  CHECK(count == 1 && is(0, INET4, STREAM, 0));
  IS(0, find("", "80", any, MOST));
  CHECK(count == 4 && is(0, INET6, STREAM, 0) && is(3, INET4, DATAGRAM, 127));
  IS(AINONAME, find("", "", ipv4, MOST));
  IS(AIMEMORY, find("x", "80", ipv4, 0));
  IS(AISERVICE, find("x", "http", ipv4, MOST));
  IS(AISERVICE, find("x", "65536", ipv4, MOST));
  IS(AINONAME, find("x", "80", (struct addrinfo_wasi){.flags = AI_NUMERICHOST}, MOST));
  IS(AIBADFLAG, find("x", "80", (struct addrinfo_wasi){.flags = 128}, MOST));
  IS(AIFAMILY, find("x", "80", (struct addrinfo_wasi){.family = 3}, MOST));
  IS(AISOCKTYPE, find("x", "80", (struct addrinfo_wasi){.type = 3}, MOST));
  IS(AISOCKTYPE, find("x", "80", (struct addrinfo_wasi){.type = STREAM, .protocol = 2}, MOST));
  // A list that is too short.
  IS(__WASI_ERRNO_FAULT, sock_getaddrinfo("", 0, "80", 2, NOWHERE, NOWHERE, 1, &count));
  struct addrinfo_wasi broken = {.address = NOWHERE}, *first = &broken;
  IS(__WASI_ERRNO_FAULT, sock_getaddrinfo("", 0, "80", 2, &any, &first, 1, &count));
}

static int serve(void) {
  int fd;
  uint8_t any[4] = {0}, storage[128] = {0}, text[64], more[64];
  struct address here = {any, 4}, from = {storage, sizeof storage}, small = {any, 3}, wrong = {NOWHERE, 32};
  struct piece pieces[2] = {{text, 4}, {more, sizeof more}};
  uint32_t done, port, sent;
  uint16_t told;
  IS(0, sock_open(INET4, DATAGRAM, &fd));
  IS(0, sock_bind(fd, &here, 7));
  IS(__WASI_ERRNO_INVAL, sock_recv_from(fd, pieces, 2, &small, 0, &port, &done, &told));
  IS(__WASI_ERRNO_FAULT, sock_recv_from(fd, pieces, 2, &wrong, 0, &port, &done, &told));
  IS(__WASI_ERRNO_FAULT, sock_recv_from(fd, pieces, 2, &from, 0, NOWHERE, &done, &told));
  IS(__WASI_ERRNO_INVAL, sock_recv_from(fd, pieces, 2, &from, 4, &port, &done, &told));
  IS(__WASI_ERRNO_BADF, sock_recv_from(99, pieces, 2, &from, 0, &port, &done, &told));
  IS(__WASI_ERRNO_INVAL, sock_send_to(fd, pieces, 2, &small, 7, 0, &done));
  IS(__WASI_ERRNO_INVAL, sock_send_to(fd, pieces, 2, &here, 1 << 16, 0, &done));
  IS(__WASI_ERRNO_AFNOSUPPORT, sock_send_to(fd, pieces, 2, &from, 7, 0, &done));
  IS(__WASI_ERRNO_FAULT, sock_send_to(fd, pieces, 2, &here, 7, 0, NOWHERE));
  IS(__WASI_ERRNO_INVAL, sock_send_to(fd, pieces, 2, &here, 7, 1, &done));
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    port = 0;
    IS(0, sock_recv_from(fd, pieces, 2, &from, 0, &port, &done, &told));
    if (done == 0) return fd;
    printf("%d bytes from %d.%d.%d.%d, family %d, port %d%s\n", (int)done, storage[2], storage[3], storage[4], storage[5],
           storage[0] + 256 * storage[1], (int)port, told ? ", cut" : "");
    fflush(stdout);
    for (unsigned i = 0; i < sizeof text; i++) text[i] = toupper(text[i]);
    for (unsigned i = 0; i < sizeof more; i++) more[i] = toupper(more[i]);
    struct piece back[2] = {{text, 4}, {more, done - 4}};
    IS(0, sock_send_to(fd, back, 2, &from, port, 0, &sent));
    CHECK(sent == done);
  }
}

int main(void) {
  options();
  names();
  close(serve());
  printf("%d failures\n", failures);
  return failures != 0;
}
