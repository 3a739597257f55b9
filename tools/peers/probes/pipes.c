/* A byte through pipes: within one process, and to another process or thread and back, as lmbench's lat_pipe has it. */
#include "probe.h"
#include "system.h"

enum { CLONE_THREAD_FLAGS = 0x250f00 }; /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, CHILD_CLEARTID */
enum { STACK_SIZE = 16384 };

struct pipe {
  int reading, writing;
};

static struct pipe there, back;
static char byte;

static int open_pipe(struct pipe *pipe) { return call(PIPE, (long)pipe, 0, 0, 0, 0, 0) == 0; }

static void close_fd(int fd) { call(CLOSE, fd, 0, 0, 0, 0, 0); }

static int put(const struct pipe *pipe) { return call(WRITE, pipe->writing, (long)&byte, 1, 0, 0, 0) == 1; }

static int get(const struct pipe *pipe) { return call(READ, pipe->reading, (long)&byte, 1, 0, 0, 0) == 1; }

uint64_t probe_pipe(uint64_t argument, uint64_t count) {
  (void)argument;
  if (!open_pipe(&there)) return 0;
  uint64_t done = 0;
  uint64_t start = now();
  while (done < count && put(&there) && get(&there)) done++;
  uint64_t time = now() - start;
  close_fd(there.reading);
  close_fd(there.writing);
  return done == count ? time : 0;
}

/* The other side: sends back what comes, until nothing more can. */
static void echo(void) {
  while (get(&there) && put(&back));
}

/* `count` round trips; ends the other side, which has its own descriptors or shares these. */
static uint64_t round_trips(uint64_t count) {
  uint64_t done = 0;
  uint64_t start = now();
  while (done < count && put(&there) && get(&back)) done++;
  uint64_t time = now() - start;
  close_fd(there.writing);
  return done == count ? time : 0;
}

uint64_t probe_ping_pong(uint64_t argument, uint64_t count) {
  (void)argument;
  if (!open_pipe(&there) || !open_pipe(&back)) return 0;
  long pid = call(CLONE, SIGCHLD, 0, 0, 0, 0, 0);
  if (pid == 0) {
    close_fd(there.writing);
    close_fd(back.reading);
    echo();
    call(EXIT, 0, 0, 0, 0, 0, 0);
  }
  close_fd(there.reading);
  close_fd(back.writing);
  uint64_t time = pid > 0 ? round_trips(count) : 0;
  close_fd(back.reading);
  return pid > 0 && call(WAIT4, pid, 0, 0, 0, 0, 0) == pid ? time : 0;
}

static __attribute__((noreturn, used)) void echo_thread(void) {
  echo();
  call(EXIT, 0, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

/* Starts echo_thread on `stack`, of which `top` is the end; its id, which Linux clears at `running` when it has ended. */
static long start_thread(char *top, volatile int *running) {
  register volatile int *child_id __asm__("r10") = running;
  register long tls __asm__("r8") = 0;
  long result;
  __asm__ volatile("syscall\n\t"
                   "test %%rax, %%rax\n\t"
                   "jnz 1f\n\t"
                   "xor %%ebp, %%ebp\n\t"
                   "call echo_thread\n"
                   "1:"
                   : "=a"(result)
                   : "a"((long)CLONE), "D"((long)CLONE_THREAD_FLAGS), "S"(top), "d"(0L), "r"(child_id), "r"(tls)
                   : "rcx", "r11", "memory");
  return result;
}

uint64_t probe_ping_pong_threads(uint64_t argument, uint64_t count) {
  (void)argument;
  static char stack[STACK_SIZE] __attribute__((aligned(16)));
  static volatile int running;
  if (!open_pipe(&there) || !open_pipe(&back)) return 0;
  running = 1;
  if (start_thread(stack + STACK_SIZE, &running) < 0) return 0;
  uint64_t time = round_trips(count);
  while (running) call(SCHED_YIELD, 0, 0, 0, 0, 0, 0);
  close_fd(there.reading);
  close_fd(back.writing);
  close_fd(back.reading);
  return time;
}
