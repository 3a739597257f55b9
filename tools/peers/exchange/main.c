/* Small messages over TCP and UDP:
 *   exchange                                                        serves
 *   exchange tcp|connections|udp|messages <a.b.c.d> <count>         is a client
 * Compiled without a C library. */
#include "sockets.h"
#include "words.h"

/* `start` is where the kernel has left the count of arguments, and behind it their addresses. */
__attribute__((force_align_arg_pointer, used, noreturn)) static void begin(long *start) {
  if (start[0] == 1) serve();
  const char **words = (const char **)start + 1;
  long status = start[0] == 4 ? run_client(words[1], host_of(words[2]), take_number(&words[3])) : 2;
  call(EXIT, status, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n call begin\n");
