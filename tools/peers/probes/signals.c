/* A signal that a process sends itself and catches, as lmbench's lat_sig has it. */
#include "probe.h"
#include "system.h"

enum { SIGUSR1 = 10, SA_RESTORER = 0x04000000, SIGNAL_SET_SIZE = 8 };

/* What the kernel takes: struct kernel_sigaction. */
struct action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  unsigned long mask;
};

static uint64_t caught;

static void on_signal(int signal) {
  (void)signal;
  caught++;
}

__asm__(".text\nrestore:\n\tmov $15, %eax\n\tsyscall\n"); /* RT_SIGRETURN */
void restore(void);

uint64_t probe_signal(uint64_t argument, uint64_t count) {
  (void)argument;
  struct action action = {on_signal, SA_RESTORER, restore, 0};
  if (call(RT_SIGACTION, SIGUSR1, (long)&action, 0, SIGNAL_SET_SIZE, 0, 0) != 0) return 0;
  long self = call(GETPID, 0, 0, 0, 0, 0, 0);
  caught = 0;
  uint64_t start = now();
  for (uint64_t i = 0; i < count; i++) {
    if (call(KILL, self, SIGUSR1, 0, 0, 0, 0) != 0) return 0;
  }
  uint64_t time = now() - start;
  return caught == count ? time : 0;
}
