// The system calls of HermiTux (kernel/syscalls of its kernel, those that are Linux's), by function: what an app has instead where no function
// of the API has the call's name, or why there is nothing. The measure of how much of a process is there.

/** The calls, by their Linux names. */
export const HERMITUX_CALLS: readonly string[] = (
  "accept access arch_prctl bind brk chdir clock_getres clock_gettime clone close connect creat dup2 exit exit_group fcntl fdatasync fstat " +
  "fsync futex get_robust_list getcwd getdents getdents64 getegid geteuid getgid gethostname getpeername getpid getppid getpriority " +
  "getrandom getrlimit getsockname getsockopt gettid gettimeofday getuid ioctl kill listen lseek lstat madvise mincore mkdir mmap mprotect " +
  "mremap munmap nanosleep newfstatat open openat pipe poll pread64 prlimit64 pwrite64 read readlink readv recvfrom rename rmdir rseq " +
  "rt_sigaction sched_getaffinity sched_setaffinity sched_yield select sendfile sendto set_robust_list set_tid_address sethostname " +
  "setpriority setrlimit setsid setsockopt shutdown sigaltstack socket stat sync syncfs sysinfo tgkill time tkill umask uname unlink " +
  "write writev"
).split(" ");

/** Functions of the API that do it under another name. */
export const UNDER_ANOTHER_NAME: Readonly<Record<string, readonly string[]>> = {
  clone: ["fork", "pthread_create"],
  exit_group: ["_exit"],
  futex: ["pthread_mutex_lock", "pthread_cond_wait"],
  getdents: ["readdir"],
  getdents64: ["readdir"],
  gettid: ["pthread_self"],
  newfstatat: ["fstatat"],
  pread64: ["pread"],
  prlimit64: ["getrlimit", "setrlimit"],
  pwrite64: ["pwrite"],
  rt_sigaction: ["sigaction"],
  tgkill: ["pthread_kill"],
  tkill: ["pthread_kill"],
};

const RUNTIME = "the C library's own business; here the language's runtime has it";
const MEMORY = "an app has one memory, which grows as objects are made (`memory.grow`)";
const NOT_MAPPED = "an app's memory is always all there, readable and writable";
const ONE_PROCESSOR = "a domain has one virtual CPU";

/** What an app does without, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  arch_prctl: RUNTIME,
  brk: MEMORY,
  get_robust_list: RUNTIME,
  madvise: NOT_MAPPED,
  mincore: NOT_MAPPED,
  mmap: MEMORY,
  mprotect: NOT_MAPPED,
  mremap: MEMORY,
  munmap: MEMORY,
  rseq: RUNTIME,
  sched_getaffinity: ONE_PROCESSOR,
  sched_setaffinity: ONE_PROCESSOR,
  set_robust_list: RUNTIME,
  set_tid_address: RUNTIME,
  sigaltstack: "handlers run on the machine's stack of a thread, which does not lie in the app's memory",
};
