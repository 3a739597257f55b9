// What WasmEdge's extension adds to preview 1 for sockets.
#include <stdint.h>

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
struct address {
  uint8_t *bytes;
  uint32_t length;
};
struct piece {
  void *bytes;
  uint32_t length;
};
struct sockaddr_wasi {
  uint8_t family;
  uint32_t length;
  uint8_t *data;
};
struct addrinfo_wasi {
  uint16_t flags;
  uint8_t family, type, protocol;
  uint32_t address_length;
  struct sockaddr_wasi *address;
  char *canonical;
  uint32_t canonical_length;
  struct addrinfo_wasi *next;
};
IMPORT("sock_open") int sock_open(int family, int type, int *fd);
IMPORT("sock_bind") int sock_bind(int fd, struct address *address, int port);
IMPORT("sock_listen") int sock_listen(int fd, int backlog);
IMPORT("sock_connect") int sock_connect(int fd, struct address *address, int port);
IMPORT("sock_getlocaladdr") int sock_getlocaladdr(int fd, struct address *address, int *version, int *port);
IMPORT("sock_getpeeraddr") int sock_getpeeraddr(int fd, struct address *address, int *version, int *port);
IMPORT("sock_recv_from")
int sock_recv_from(int fd, struct piece *pieces, int count, struct address *address, int flags, uint32_t *port,
                   uint32_t *done, uint16_t *told);
IMPORT("sock_send_to")
int sock_send_to(int fd, struct piece *pieces, int count, struct address *address, int port, int flags, uint32_t *done);
IMPORT("sock_getsockopt") int sock_getsockopt(int fd, int level, int name, void *value, uint32_t *length);
IMPORT("sock_setsockopt") int sock_setsockopt(int fd, int level, int name, const void *value, uint32_t length);
IMPORT("sock_getaddrinfo")
int sock_getaddrinfo(const char *node, uint32_t node_length, const char *service, uint32_t service_length,
                     const struct addrinfo_wasi *hints, struct addrinfo_wasi **list, uint32_t most, uint32_t *count);

enum { INET4 = 1, INET6 = 2, DATAGRAM = 1, STREAM = 2 };
