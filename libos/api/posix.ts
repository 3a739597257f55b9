// The system calls, as wasm imports of the app: this file's name is their module, the kernel's export posix_<name>
// implements each (libos/posix). Pointers are addresses in the app's memory, texts are UTF-8 given as (pointer, length).
// Every call returns a value >= 0, or -errno; none touches `errno`: the functions of this folder do.

// processes
/** Calls what atexit was told, and ends the process. */
export declare function exit(status: i32): void;
/** Ends it without. */
export declare function exit_group(status: i32): void;
/** Has _exit_handler(handler) called when the process ends by itself. */
export declare function atexit(handler: u32): i32;
/**
 * Becomes the program that the path names. Arguments – the first is the program's name – and environment are bytes, each text ended
 * by a zero byte. AT_EMPTY_PATH: the program that the descriptor `directory` is. Returns only errors.
 */
export declare function execveat(
  directory: i32,
  path: usize,
  pathLength: u32,
  argumentTexts: usize,
  argumentsLength: u32,
  environment: usize,
  environmentLength: u32,
  flags: i32,
): i32;
/** Copies up to `length` bytes of the program's name, which a zero byte ends; returns the number copied. */
export declare function program_name(buffer: usize, length: u32): i32;
/** Gives the process another environment. */
export declare function environment_set(texts: usize, length: u32): i32;
export declare function getpid(): i32;
export declare function getppid(): i32;
/** Returns twice: the child's id in the parent, 0 in the child. */
export declare function fork(): i32;
/** Stores up to `count` stage times, u64 ns each, of the last fork. */
export declare function fork_stats(times: usize, count: u32): i32;
/** Stores status and resource use of a child where they are not 0; its id, or 0 with WNOHANG when there is nothing to tell. */
export declare function wait4(pid: i32, status: usize, options: i32, usage: usize): i32;
export declare function waitid(kind: i32, id: i32, information: usize, options: i32, usage: usize): i32;
export declare function getrusage(who: i32, usage: usize): i32;
export declare function kill(pid: i32, signal: i32): i32;
export declare function sigqueue(pid: i32, signal: i32, value: i32): i32;
export declare function killpg(group: i32, signal: i32): i32;
export declare function setpgid(pid: i32, group: i32): i32;
export declare function getpgid(pid: i32): i32;
export declare function setsid(): i32;
export declare function getsid(pid: i32): i32;
export declare function thread_kill(thread: i32, signal: i32): i32;
/** `action` and `before`: a SignalAction (libos/process/signal_actions.ts) each, or 0. Handlers: 0 SIG_DFL, 1 SIG_IGN, else what _signal_handler gets. */
export declare function sigaction(signal: i32, action: usize, before: usize): i32;
/** Sets are u32 with the bits 1 << signal; 0 = none is given, none is wanted. */
export declare function sigprocmask(how: i32, set: usize, before: usize): i32;
export declare function sigpending(set: usize): i32;
export declare function sigsuspend(set: usize): i32;
/** Takes a signal of the set and stores its siginfo_t where that is not 0: its number. Negative nanoseconds: for ever. */
export declare function sigtimedwait(set: usize, information: usize, nanoseconds: i64): i32;
export declare function signalfd(fd: i32, set: usize, flags: i32): i32;
/** Stores a siginfo_t of the signal whose handler has begun just now. */
export declare function signal_information(signal: i32, information: usize): i32;
/** `times` and `before`: four i64, seconds and microseconds of the interval and of what is left. `before` may be 0. */
export declare function setitimer(which: i32, times: usize, before: usize): i32;
export declare function getitimer(which: i32, times: usize): i32;
/** Bytes of the arguments, each ended by a zero byte. */
export declare function arguments_size(): i32;
/** Copies up to `length` bytes of them to `buffer`; returns the number copied. */
export declare function arguments_get(buffer: usize, length: u32): i32;
/** Bytes of the environment, "NAME=value" each ended by a zero byte. */
export declare function environment_size(): i32;
export declare function environment_get(buffer: usize, length: u32): i32;
export declare function getrandom(buffer: usize, length: u32, flags: u32): i32;

// descriptors and files
/** `mode`: the permissions of a file that O_CREAT makes, umask's left out. */
export declare function open(path: usize, pathLength: u32, flags: i32, mode: u32): i32;
// Where a path comes with a directory, that is the descriptor at which it begins when it is relative, or AT_FDCWD.
export declare function openat(directory: i32, path: usize, pathLength: u32, flags: i32, mode: u32): i32;
export declare function close(fd: i32): i32;
export declare function read(fd: i32, buffer: usize, count: u32): i32;
export declare function pread(fd: i32, buffer: usize, count: u32, offset: i64): i32;
export declare function write(fd: i32, buffer: usize, count: u32): i32;
export declare function pwrite(fd: i32, buffer: usize, count: u32, offset: i64): i32;
/** `vectors`: so many IoVectors (libos/posix/layout.ts). */
export declare function readv(fd: i32, vectors: usize, count: u32): i32;
export declare function writev(fd: i32, vectors: usize, count: u32): i32;
export declare function preadv(fd: i32, vectors: usize, count: u32, offset: i64): i32;
export declare function pwritev(fd: i32, vectors: usize, count: u32, offset: i64): i32;
/** Stores the descriptors of the two ends, the one that is read first, at `descriptors`, two i32. */
export declare function pipe(descriptors: usize, flags: i32): i32;
export declare function lseek(fd: i32, offset: i64, whence: i32): i64;
export declare function stat(path: usize, pathLength: u32, status: usize): i32;
export declare function fstat(fd: i32, status: usize): i32;
/** AT_SYMLINK_NOFOLLOW: lstat. */
export declare function fstatat(directory: i32, path: usize, pathLength: u32, status: usize, flags: i32): i32;
export declare function truncate(path: usize, pathLength: u32, size: i64): i32;
export declare function ftruncate(fd: i32, size: i64): i32;
export declare function fallocate(fd: i32, offset: i64, length: i64): i32;
export declare function fsync(fd: i32): i32;
export declare function sync(): void;
export declare function mkdirat(directory: i32, path: usize, pathLength: u32, mode: u32): i32;
/** AT_REMOVEDIR: rmdir. */
export declare function unlinkat(directory: i32, path: usize, pathLength: u32, flags: i32): i32;
export declare function renameat(
  oldDirectory: i32,
  oldPath: usize,
  oldLength: u32,
  directory: i32,
  path: usize,
  pathLength: u32,
): i32;
export declare function linkat(
  oldDirectory: i32,
  oldPath: usize,
  oldLength: u32,
  directory: i32,
  path: usize,
  pathLength: u32,
  flags: i32,
): i32;
export declare function symlinkat(text: usize, textLength: u32, directory: i32, path: usize, pathLength: u32): i32;
/** Stores up to `size` bytes of the link's text; how many. */
export declare function readlinkat(directory: i32, path: usize, pathLength: u32, buffer: usize, size: u32): i32;
export declare function fchmodat(directory: i32, path: usize, pathLength: u32, mode: u32): i32;
export declare function fchmod(fd: i32, mode: u32): i32;
/** `path` 0: of the descriptor itself; u32.MAX_VALUE: no change. */
export declare function fchownat(directory: i32, path: usize, pathLength: u32, user: u32, group: u32, flags: i32): i32;
export declare function faccessat(directory: i32, path: usize, pathLength: u32, mode: i32): i32;
export declare function umask(mask: u32): i32;
/** `times`: two timespecs, 0 for now; `path` 0: of the descriptor itself. */
export declare function utimensat(directory: i32, path: usize, pathLength: u32, times: usize, flags: i32): i32;
export declare function statfs(path: usize, pathLength: u32, status: usize): i32;
export declare function fstatfs(fd: i32, status: usize): i32;
export declare function chdir(path: usize, pathLength: u32): i32;
export declare function fchdir(fd: i32): i32;
/** Stores the path, without a zero byte; its length, or -ERANGE. */
export declare function getcwd(buffer: usize, size: u32): i32;
export declare function getdents(fd: i32, buffer: usize, length: u32): i32;
export declare function fcntl(fd: i32, command: i32, argument: i32): i32;
export declare function dup(fd: i32): i32;
export declare function dup2(fd: i32, target: i32): i32;
export declare function dup3(fd: i32, target: i32, flags: i32): i32;
/** `offset` < 0: from the file's own position, which moves. */
export declare function sendfile(socket: i32, file: i32, offset: i64, count: u32): i32;

// sockets; an address pointer of 0 means "not wanted" where C allows NULL
export declare function socket(domain: i32, type: i32, protocol: i32): i32;
export declare function socketpair(domain: i32, type: i32, protocol: i32, descriptors: usize): i32;
export declare function bind(fd: i32, address: usize): i32;
export declare function listen(fd: i32, backlog: i32): i32;
export declare function accept(fd: i32, address: usize, flags: i32): i32;
export declare function connect(fd: i32, address: usize): i32;
export declare function sendto(fd: i32, buffer: usize, length: u32, flags: i32, address: usize): i32;
export declare function recvfrom(fd: i32, buffer: usize, length: u32, flags: i32, address: usize): i32;
/** `message`: a MessageHeader (libos/posix/layout.ts). */
export declare function sendmsg(fd: i32, message: usize, flags: i32): i32;
export declare function recvmsg(fd: i32, message: usize, flags: i32): i32;
/** Makes a sockaddr_un of a name. */
export declare function unix_address(address: usize, name: usize, length: u32): i32;
export declare function shutdown(fd: i32, how: i32): i32;
/** The value is written to `value`; returns its length, at most `length`. */
export declare function getsockopt(fd: i32, level: i32, name: i32, value: usize, length: u32): i32;
export declare function setsockopt(fd: i32, level: i32, name: i32, value: usize, length: u32): i32;
/** The value is read from or written to the i32 at `value`. */
export declare function ioctl(fd: i32, request: u32, value: usize): i32;
export declare function getsockname(fd: i32, address: usize): i32;
export declare function getpeername(fd: i32, address: usize): i32;

/**
 * Stores up to `count` addresses of the name of `length` bytes of text, each a ResolvedAddress (libos/posix/layout.ts), IPv6 ones
 * first; how many. -ENOENT and -ENODATA when there is no such name or no such address, -EAGAIN and -ETIMEDOUT when nobody knows now.
 */
export declare function resolve(name: usize, length: u32, family: i32, addresses: usize, count: u32): i32;

// waiting; nanoseconds < 0 mean without limit
export declare function poll(descriptors: usize, count: u32, nanoseconds: i64): i32;
export declare function select(count: i32, read: usize, write: usize, except: usize, nanoseconds: i64): i32;
// With a set of signals that is held up meanwhile; 0 for none.
export declare function ppoll(descriptors: usize, count: u32, nanoseconds: i64, set: usize): i32;
export declare function pselect(
  count: i32,
  read: usize,
  write: usize,
  except: usize,
  nanoseconds: i64,
  set: usize,
): i32;
export declare function epoll_pwait(epoll: i32, events: usize, maximum: i32, nanoseconds: i64, set: usize): i32;
export declare function epoll_create(flags: i32): i32;
/** `event`: an EpollEvent (libos/posix/layout.ts). */
export declare function epoll_ctl(epoll: i32, operation: i32, fd: i32, event: usize): i32;
/** Stores up to `maximum` EpollEvents; how many. */
export declare function epoll_wait(epoll: i32, events: usize, maximum: i32, nanoseconds: i64): i32;
export declare function eventfd(initial: u32, flags: i32): i32;
export declare function timerfd_create(clock: i32, flags: i32): i32;
/** `times`, `before`: TimerTimes (libos/posix/layout.ts); what it was is stored at `before` unless that is 0. */
export declare function timerfd_settime(fd: i32, flags: i32, times: usize, before: usize): i32;
export declare function timerfd_gettime(fd: i32, times: usize): i32;

// time
/** -EINTR stores what is left at `remaining`, a timespec, unless that is 0. */
export declare function nanosleep(nanoseconds: i64, remaining: usize): i32;
export declare function pause(): i32;
export declare function clock_gettime(clock: i32, time: usize): i32;
export declare function clock_getres(clock: i32, time: usize): i32;

// system
/** `limit`: a ResourceLimit (libos/posix/layout.ts). */
export declare function getrlimit(resource: i32, limit: usize): i32;
export declare function setrlimit(resource: i32, limit: usize): i32;
export declare function sysinfo(information: usize): i32;
/** Stores the counters of a group of libos/net/counters.ts. */
export declare function net_counters(group: u32, counters: usize): i32;

// threads
/**
 * Runs _thread_start(entry, argument) on a new thread with a native stack of `stackSize` bytes and its shadow stack
 * growing down from `shadowStackTop`. Returns its id, > 0.
 */
export declare function thread_create(entry: u32, argument: usize, stackSize: u32, shadowStackTop: usize): i32;
export declare function thread_exit(): void;
export declare function thread_self(): i32;
/** Where the shadow stack of `thread`, which is not the running one, ended when it was switched away from. */
export declare function thread_shadow_stack(thread: i32): i32;
export declare function sched_yield(): i32;
/** Sleeps while the u32 at `address` is `expected`, until a wake; -EAGAIN when it is not, -ETIMEDOUT. */
export declare function futex_wait(address: usize, expected: u32, nanoseconds: i64): i32;
/** Wakes up to `count` sleepers of `address`; returns how many. */
export declare function futex_wake(address: usize, count: u32): i32;
