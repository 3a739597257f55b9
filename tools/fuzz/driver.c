// The native side of the fuzzer: runs a translated module on inputs from standard input and says on standard output what came of
// each, as a plain Linux program without a C library. tools/fuzz/build.ts puts the module's unit beside it, compiled with a call of
// __sanitizer_cov_trace_pc in every basic block.
//   request  u32 count, then for each input u32 length and its bytes
//   answer   for each input u32 status, u32 fresh, u64 place, u64 detail
// Status: 0, or how the run ended: 1 a trap (detail: its kind in boot/runtime.h), 2 a memory fault (detail: the address), 3 no end.
// Fresh: branches taken, or taken so many times, that no input took before. Place: the address of the instruction.
//
// An input ends where the module's memory ends, and nothing is mapped behind it: one byte read too many faults. Every input
// runs in a process of its own, forked from one in which fuzz_start() has run, so none depends on another.
#include "boot/memory.h"

void fuzz_start(u32 memory_start, u32 memory_end);
void fuzz_one(u32 at, u32 length);
void app_dataCopy(void);

u64 app_stackLimit;
u32 app_due;
volatile u8 boot_sharedInfo[2];
void kernel_leaveKernel(void) {}

#define MEMORY_SIZE 0x1000000u
#define UNMAPPED_START 0x10000u
#define PAGES_START 0x600000u
#define PAGES_END 0xe00000u
#define INPUT_MAXIMUM 0x10000u
#define MAP_ENTRIES 0x10000u
#define RUN_MICROSECONDS 1000000

enum { READ = 0, WRITE = 1, MMAP = 9, MPROTECT = 10, SIGACTION = 13, SETITIMER = 38, FORK = 57, EXIT = 60, WAIT4 = 61 };
enum { SIGILL = 4, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11, SIGALRM = 14 };
enum { STATUS_TRAP = 1, STATUS_FAULT = 2, STATUS_HANG = 3 };

struct answer {
  u32 status;
  u32 fresh;
  u64 place;
  u64 detail;
};

// What processes share: what each branch has been seen to do, and the present answer.
struct shared {
  u8 seen[MAP_ENTRIES];
  struct answer answer;
};

static struct shared* shared;
static u8 counts[MAP_ENTRIES] __attribute__((aligned(8)));
static u64 previous;

// Called by the compiler at each basic block: an edge is a block and the one before it.
void __sanitizer_cov_trace_pc(void) {
  u64 here = (u64)__builtin_return_address(0) * 0x9e3779b97f4a7c15ul >> 48;
  u8* count = &counts[here ^ previous];
  if (*count != 255) ++*count;
  previous = here >> 1;
}

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

__attribute__((noreturn)) static void leave(long status) {
  syscall6(EXIT, status, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

// ucontext of x86-64 Linux: the saved rdi lies 104 bytes from the start, rip 168; siginfo has a fault's address at 16.
static void on_signal(int signal, void* info, void* context) {
  struct answer* answer = &shared->answer;
  answer->status = signal == SIGALRM ? STATUS_HANG : signal == SIGILL ? STATUS_TRAP : STATUS_FAULT;
  answer->place = *(u64*)((u8*)context + 168);
  answer->detail = signal == SIGILL ? *(u64*)((u8*)context + 104) & 0xffffffff : *(u64*)((u8*)info + 16);
  leave(1);
}

void boot_stackOverflow(u32 kind) {
  shared->answer.status = STATUS_TRAP;
  shared->answer.place = (u64)__builtin_return_address(0);
  shared->answer.detail = kind;
  leave(1);
}

static void catch_signal(int signal) {
  const u64 siginfo_restorer = 4 | 0x04000000ul;
  u64 action[4] = {(u64)on_signal, siginfo_restorer, (u64)on_signal, 0};
  if (syscall6(SIGACTION, signal, (long)action, 0, 8, 0, 0) != 0) leave(3);
}

static int transfer(int number, int file, void* buffer, u64 length) {
  for (u64 done = 0; done < length;) {
    long count = syscall6(number, file, (long)buffer + (long)done, (long)(length - done), 0, 0, 0);
    if (count <= 0) return 0;
    done += (u64)count;
  }
  return 1;
}

// How often, in steps: once, twice, three times, up to 7, 15, 31, 127, more.
static u8 step_of(u8 count) {
  if (count <= 3) return (u8)(1 << (count - 1));
  return count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128;
}

static u32 take_fresh(void) {
  u32 fresh = 0;
  for (u32 i = 0; i < MAP_ENTRIES; i += 8) {
    if (*(u64*)(counts + i) == 0) continue;
    for (u32 k = i; k < i + 8; k++) {
      if (counts[k] == 0) continue;
      u8 step = step_of(counts[k]);
      if (!(shared->seen[k] & step)) fresh++;
      shared->seen[k] |= step;
    }
  }
  return fresh;
}

static void run(u32 length) {
  u64 limit[4] = {0, 0, 0, RUN_MICROSECONDS};
  syscall6(SETITIMER, 0, (long)limit, 0, 0, 0, 0);
  memset(counts, 0, sizeof counts);
  previous = 0;
  fuzz_one(MEMORY_SIZE - length, length);
  shared->answer.fresh = take_fresh();
}

static u8 input[INPUT_MAXIMUM];

static void run_apart(u32 length) {
  shared->answer = (struct answer){0, 0, 0, 0};
  memcpy((void*)(APP_MEMORY + MEMORY_SIZE - length), input, length);
  long child = syscall6(FORK, 0, 0, 0, 0, 0, 0);
  if (child < 0) leave(5);
  if (child == 0) {
    run(length);
    leave(0);
  }
  int status;
  syscall6(WAIT4, child, (long)&status, 0, 0, 0, 0);
  // Ended by something that could not be caught.
  if (status != 0 && shared->answer.status == 0) shared->answer.status = STATUS_FAULT;
}

static void serve(void) {
  u32 count, length;
  while (transfer(READ, 0, &count, 4)) {
    for (; count != 0; count--) {
      if (!transfer(READ, 0, &length, 4) || length > INPUT_MAXIMUM || !transfer(READ, 0, input, length)) leave(4);
      run_apart(length);
      if (!transfer(WRITE, 1, &shared->answer, sizeof shared->answer)) leave(4);
    }
  }
}

static long map(u64 at, u64 length, long flags) { return syscall6(MMAP, (long)at, (long)length, 3, flags, -1, 0); }

// The kernel enters it with the stack aligned as no call does.
__attribute__((force_align_arg_pointer)) void _start(void) {
  const long shared_anonymous = 0x01 | 0x20;
  const long fixed_private_anonymous_noreserve = 0x10 | 0x02 | 0x20 | 0x4000;
  shared = (struct shared*)map(0, sizeof *shared, shared_anonymous);
  long memory = map(APP_MEMORY, 9l << 30, fixed_private_anonymous_noreserve);
  if (memory != (long)APP_MEMORY || (long)shared < 0) leave(2);
  // The first pages stand for null pointers; the guard is whatever 32-bit addresses and offsets reach.
  if (syscall6(MPROTECT, APP_MEMORY, UNMAPPED_START, 0, 0, 0, 0) != 0) leave(2);
  if (syscall6(MPROTECT, APP_MEMORY + MEMORY_SIZE, (9l << 30) - MEMORY_SIZE, 0, 0, 0, 0) != 0) leave(2);
  app_dataCopy();
  app_stackLimit = (u64)__builtin_frame_address(0) - 1024 * 1024;
  catch_signal(SIGILL);
  catch_signal(SIGBUS);
  catch_signal(SIGFPE);
  catch_signal(SIGSEGV);
  catch_signal(SIGALRM);
  fuzz_start(PAGES_START, PAGES_END);
  serve();
  leave(0);
}
