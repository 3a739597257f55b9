// A TCP server that sends back what it gets, by sock_accept of preview 1 and WasmEdge's functions that make a socket; one connection after the other,
// as many as its argument says. Before that, what the functions say of bad arguments.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wasi/api.h>
#include "check.h"
#include "wasmedge.h"

enum { PORT = 7 };

#define NOWHERE ((void *)0xfffffff0)

static void errors(int server) {
  int fd, other;
  __wasi_size_t done;
  __wasi_roflags_t flags;
  uint8_t bytes[16] = {0};
  struct address any = {bytes, 4}, wide = {bytes, 16}, wrong = {NOWHERE, 4};
  __wasi_iovec_t piece = {bytes, 4}, bad = {NOWHERE, 32};
  IS(__WASI_ERRNO_AFNOSUPPORT, sock_open(0, STREAM, &fd));
  IS(__WASI_ERRNO_INVAL, sock_open(INET4, 9, &fd));
  IS(__WASI_ERRNO_FAULT, sock_open(INET4, STREAM, NOWHERE));
  IS(0, sock_open(INET4, STREAM, &fd));
  IS(__WASI_ERRNO_INVAL, sock_bind(fd, &wide, 80));
  IS(__WASI_ERRNO_INVAL, sock_bind(fd, &any, 65536));
  IS(__WASI_ERRNO_FAULT, sock_bind(fd, &wrong, 80));
  IS(__WASI_ERRNO_FAULT, sock_bind(fd, NOWHERE, 80));
  IS(__WASI_ERRNO_ADDRINUSE, sock_bind(fd, &any, PORT));
  IS(__WASI_ERRNO_BADF, sock_bind(99, &any, 80));
  IS(__WASI_ERRNO_NOTSOCK, sock_bind(1, &any, 80));
  IS(__WASI_ERRNO_NOTCONN, sock_getpeeraddr(fd, &any, &other, &other));
  IS(__WASI_ERRNO_FAULT, sock_getlocaladdr(fd, &any, NOWHERE, &other));
  IS(__WASI_ERRNO_INVAL, __wasi_sock_accept(fd, 0, &other));
  IS(__WASI_ERRNO_INVAL, __wasi_sock_accept(server, 64, &other));
  IS(__WASI_ERRNO_FAULT, __wasi_sock_accept(server, 0, NOWHERE));
  IS(__WASI_ERRNO_NOTSOCK, __wasi_sock_accept(0, 0, &other));
  IS(__WASI_ERRNO_NOTCONN, __wasi_sock_recv(fd, &piece, 1, 0, &done, &flags));
  IS(__WASI_ERRNO_INVAL, __wasi_sock_recv(fd, &piece, 1, 8, &done, &flags));
  IS(__WASI_ERRNO_FAULT, __wasi_sock_recv(fd, &bad, 1, 0, &done, &flags));
  IS(__WASI_ERRNO_FAULT, __wasi_sock_recv(fd, &piece, 1, 0, &done, NOWHERE));
  IS(__WASI_ERRNO_NOTSOCK, __wasi_sock_recv(0, &piece, 1, 0, &done, &flags));
  IS(__WASI_ERRNO_INVAL, __wasi_sock_send(fd, &(__wasi_ciovec_t){bytes, 1}, 1, 1, &done));
  IS(__WASI_ERRNO_NOTSOCK, __wasi_sock_send(1, &(__wasi_ciovec_t){bytes, 1}, 1, 0, &done));
  IS(__WASI_ERRNO_INVAL, __wasi_sock_shutdown(fd, 0));
  IS(__WASI_ERRNO_INVAL, __wasi_sock_shutdown(fd, 4));
  IS(__WASI_ERRNO_NOTCONN, __wasi_sock_shutdown(fd, __WASI_SDFLAGS_WR));
  IS(__WASI_ERRNO_BADF, __wasi_sock_shutdown(99, __WASI_SDFLAGS_WR));
  __wasi_fdstat_t status;
  IS(0, __wasi_fd_fdstat_get(fd, &status));
  IS(__WASI_FILETYPE_SOCKET_STREAM, status.fs_filetype);
  IS(0, close(fd));
}

int main(int argc, char **argv) {
  int server, version, port;
  uint8_t any[4] = {0}, where[16];
  struct address here = {any, 4}, peer = {where, sizeof where};
  IS(0, sock_open(INET4, STREAM, &server));
  IS(0, sock_bind(server, &here, PORT));
  IS(0, sock_listen(server, 16));
  IS(0, sock_getlocaladdr(server, &peer, &version, &port));
  IS(4, version);
  IS(PORT, port);
  errors(server);
  printf("ready\n");
  fflush(stdout);
  for (int left = argc > 1 ? atoi(argv[1]) : 1 << 30; left > 0; left--) {
    int client = accept(server, NULL, NULL); // libc's, which is sock_accept
    if (client < 0) return 1;
    IS(0, sock_getpeeraddr(client, &peer, &version, &port));
    char buffer[1024];
    IS(1, recv(client, buffer, 1, MSG_PEEK));
    ssize_t total = 0;
    for (ssize_t count; (count = recv(client, buffer, sizeof buffer, 0)) > 0; total += count) {
      for (ssize_t sent = 0, now; sent < count; sent += now) {
        if ((now = send(client, buffer + sent, count - sent, 0)) < 0) return 2;
      }
    }
    printf("%d.%d.%d.%d: %d bytes\n", where[0], where[1], where[2], where[3], (int)total);
    fflush(stdout);
    IS(0, shutdown(client, SHUT_WR));
    close(client);
  }
  printf("%d failures\n", failures);
  return failures != 0;
}
