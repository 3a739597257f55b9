/* What an app's functions lead to when they fail – the kernel – is not there: the program ends on the spot. */
#include <stdint.h>

uint8_t boot_sharedInfo[4096];

__attribute__((noreturn)) void boot_stackOverflow(uint32_t kind) {
  (void)kind;
  __builtin_trap();
}

void kernel_leaveKernel(void) { __builtin_trap(); }

uint32_t kernel_posix_write(uint32_t fd, uint32_t buffer, uint32_t count) {
  (void)fd, (void)buffer, (void)count;
  __builtin_trap();
}
