// The system calls of every image, for the exports of kernel.wasm; network.ts has the others. libos/api/posix.ts declares both to
// apps, and test/unit/posix compares the two.
export { posix_fallocate } from "./allocate";
export * from "./attributes";
export { posix_epoll_create, posix_epoll_ctl } from "./epoll/control";
export { posix_epoll_wait } from "./epoll/wait";
export { posix_eventfd } from "./eventfd";
export { posix_close, posix_lseek, posix_pread, posix_pwrite, posix_sendfile } from "./files";
export { posix_read, posix_write } from "./read_write";
export * from "./file_status";
export { posix_faccessat, posix_fchmod, posix_fchmodat, posix_umask } from "./modes";
export * from "./open";
export { posix_fchownat } from "./owners";
export * from "./paths";
export { posix_pipe } from "./pipe";
export * from "./poll";
export * from "./fork_stats";
export * from "./groups";
export * from "./net_counters";
export {
  posix_arguments_get,
  posix_arguments_size,
  posix_environment_get,
  posix_environment_size,
  posix_exit,
  posix_exit_group,
  posix_fork,
  posix_getpid,
  posix_getppid,
  posix_getrandom,
} from "./process";
export { posix_ioctl } from "./ioctl";
export { posix_getrlimit, posix_setrlimit } from "./resource";
export { posix_getitimer, posix_setitimer } from "./interval_timer";
export * from "./signal_waits";
export { posix_signalfd } from "./signalfd";
export * from "./signals";
export * from "./system";
export * from "./threads";
export * from "./time";
export { posix_timerfd_create, posix_timerfd_gettime, posix_timerfd_settime } from "./timerfd";
export { posix_preadv, posix_pwritev, posix_readv, posix_writev } from "./uio";
export * from "./wait";
export * from "./working_directory";
export { app_memory_grow, app_memory_size } from "../process/user_memory";
