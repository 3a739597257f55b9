// Runs a translated app module as a plain Linux program, without a C library: maps the app's memory where an image has
// it, with the guard behind it, then calls functions as asked on standard input and says what came of each on standard
// output. The C made from the module, and `call`, stand before this file in the same unit.
//   request { u64 function; u64 argument[3] }, response { u64 trap; u64 result }
// trap is 0, the kind of boot/runtime.h, or 1000 for a memory fault.
#include "boot/memory.h"

#define FAULT 1000

u64 app_stackLimit;
u32 app_due = DUE_WORK; // so that each end of a call is seen
volatile u8 boot_sharedInfo[2];
static u64 leavings;
void kernel_leaveKernel(void) {
  boot_sharedInfo[1] = 0;
  leavings++;
}

static void* resume[5];
static volatile u64 trapped;

static long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

enum { READ = 0, WRITE = 1, MMAP = 9, MPROTECT = 10, SIGACTION = 13, EXIT = 60 };
enum { SIGILL = 4, SIGBUS = 7, SIGSEGV = 11 };

__attribute__((noreturn)) static void give_up(long status) {
  syscall6(EXIT, status, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

// ucontext of x86-64 Linux: the saved rdi lies 104 bytes from the start.
static void on_signal(int signal, void* info, void* context) {
  (void)info;
  trapped = signal == SIGILL ? *(u64*)((u8*)context + 104) & 0xffffffff : FAULT;
  __builtin_longjmp(resume, 1);
}

void boot_stackOverflow(u32 kind) {
  trapped = kind;
  __builtin_longjmp(resume, 1);
}

static void catch_signal(int signal) {
  const u64 nodefer_siginfo_restorer = 0x40000000ul | 4 | 0x04000000ul;
  u64 action[4] = {(u64)on_signal, nodefer_siginfo_restorer, (u64)on_signal, 0};
  if (syscall6(SIGACTION, signal, (long)action, 0, 8, 0, 0) != 0) give_up(3);
}

static int transfer(int number, int file, void* buffer, u64 length) {
  for (u64 done = 0; done < length;) {
    long count = syscall6(number, file, (long)buffer + (long)done, (long)(length - done), 0, 0, 0);
    if (count <= 0) return 0;
    done += (u64)count;
  }
  return 1;
}

static u64 request[4];
static u64 response[2];

static void serve(void) {
  while (transfer(READ, 0, request, sizeof request)) {
    trapped = 0;
    response[1] = 0;
    if (__builtin_setjmp(resume) == 0) response[1] = call(request[0], request[1], request[2], request[3]);
    response[0] = trapped;
    if (!transfer(WRITE, 1, response, sizeof response)) give_up(4);
  }
}

void _start(void) {
  const long fixed_private_anonymous_noreserve = 0x10 | 0x02 | 0x20 | 0x4000;
  long memory = syscall6(MMAP, APP_MEMORY, 9l << 30, 0, fixed_private_anonymous_noreserve, -1, 0);
  if (memory != (long)APP_MEMORY) give_up(2);
  if (syscall6(MPROTECT, APP_MEMORY, (long)app_initialPages << 16, 3, 0, 0, 0) != 0) give_up(2);
  app_dataCopy();
  app_stackLimit = (u64)__builtin_frame_address(0) - 256 * 1024;
  catch_signal(SIGILL);
  catch_signal(SIGBUS);
  catch_signal(SIGSEGV);
  serve();
  give_up(0);
}
