// The table of bad_arguments.test.ts: calls with what each argument may be, and what not.
import {
  DATA,
  NEVER,
  NOT_MADE,
  OTHER,
  TCP,
  anywhere,
  at,
  buffer,
  descriptor,
  path,
  pointer,
  word,
  type Call,
  type Things,
} from "./arguments.ts";

const [ENOENT, EBADF, ENODEV, ENOTDIR, EINVAL, EFBIG] = [2, 9, 19, 20, 22, 27];
const [ESPIPE, EROFS, ERANGE, ENAMETOOLONG, ENOTSOCK, ENOPROTOOPT] = [29, 30, 34, 36, 88, 92];
const [EPROTONOSUPPORT, ESOCKTNOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT, ENOTTY, EPERM] = [93, 94, 95, 97, 25, 1];
const [ESRCH, ECHILD, EPROTOTYPE] = [3, 10, 91];

export const FILES = (t: Things): Readonly<Record<string, Call>> => ({
  open: [[path(t, "/tmp/file"), word(0), word(0)]],
  openat: [[at(t, "file"), word(0), word(0)]],
  read: [[descriptor(t.file), buffer(t, DATA, 64)]],
  write: [[descriptor(t.file, [t.readOnly, EBADF]), buffer(t, DATA, 64)]],
  pread: [[descriptor(t.file, [t.pipe, ESPIPE]), buffer(t, DATA, 64), word(0n, [-1n, EINVAL])]],
  pwrite: [[descriptor(t.file, [t.pipe, ESPIPE]), buffer(t, DATA, 64), word(0n, [-1n, EINVAL])]],
  readv: [[descriptor(t.file), pointer(t, OTHER, 8), word(1, [1025, EINVAL], [-1, EINVAL])]],
  writev: [[descriptor(t.file), pointer(t, OTHER, 8), word(1, [1025, EINVAL], [-1, EINVAL])]],
  preadv: [[descriptor(t.file), pointer(t, OTHER, 8), word(1, [1025, EINVAL]), word(0n, [-1n, EINVAL])]],
  pwritev: [[descriptor(t.file), pointer(t, OTHER, 8), word(1, [1025, EINVAL]), word(0n, [-1n, EINVAL])]],
  lseek: [
    [
      descriptor(t.file, [t.pipe, ESPIPE], [t.tcp, ESPIPE]),
      word(0n, [-1n, EINVAL]),
      word(0, [3, EINVAL], [-1, EINVAL]),
    ],
  ],
  stat: [[path(t, "/tmp/file"), pointer(t, DATA, 128)]],
  fstat: [[descriptor(t.file), pointer(t, DATA, 128)]],
  fstatat: [[anywhere, path(t, "/tmp/file"), pointer(t, DATA, 128), word(0, [1, EINVAL])]],
  truncate: [[path(t, "/tmp/file"), word(70n, [-1n, EINVAL])]],
  ftruncate: [[descriptor(t.file, [t.readOnly, EINVAL], [t.pipe, EINVAL]), word(70n, [-1n, EINVAL])]],
  fallocate: [
    [
      descriptor(t.file, [t.readOnly, EBADF], [t.pipe, EBADF], [t.tcp, ENODEV]),
      word(70n, [-1n, EINVAL]),
      word(10n, [0n, EINVAL], [-1n, EINVAL], [(1n << 63n) - 1n, EFBIG]),
    ],
  ],
  fsync: [[descriptor(t.file, [t.pipe, EINVAL])]],
  mkdirat: [[anywhere, path(t, "/tmp/made", { missing: 0 }), word(0o777)]],
  unlinkat: [[anywhere, path(t, "/tmp/made"), word(0x200, [0x400, EINVAL])]],
  renameat: [[anywhere, path(t, "/tmp/moved"), anywhere, path(t, "/tmp/moved", { missing: 0 })]],
  linkat: [
    [anywhere, path(t, "/tmp/file"), anywhere, path(t, "/tmp/linked", { missing: 0 }), word(0, [0x10000, EINVAL])],
  ],
  symlinkat: [
    [
      pointer(t, DATA, 3),
      word(3, [0, ENOENT], [4096, ENAMETOOLONG], [-1, ENAMETOOLONG]),
      anywhere,
      path(t, "/tmp/symbolic", { missing: 0 }),
    ],
  ],
  readlinkat: [[anywhere, path(t, "/tmp/symbolic"), pointer(t, DATA, 1), word(64, [0, EINVAL])]],
  fchmodat: [[anywhere, path(t, "/tmp/file"), word(0o644)]],
  fchmod: [[descriptor(t.file, [t.readOnly, EROFS], [t.pipe, EROFS]), word(0o644)]],
  fchownat: [[anywhere, path(t, "/tmp/file", { orNull: true }), word(0), word(0), word(0, [1, EINVAL])]],
  faccessat: [[anywhere, path(t, "/tmp/file"), word(4, [8, EINVAL], [-1, EINVAL])]],
  utimensat: [
    [
      anywhere,
      path(t, "/tmp/file", { orNull: true }),
      pointer(t, OTHER + 160, 32, { orNull: true }),
      word(0, [1, EINVAL]),
    ],
  ],
  statfs: [[path(t, "/tmp/file"), pointer(t, DATA, 64)]],
  fstatfs: [[descriptor(t.file), pointer(t, DATA, 64)]],
  chdir: [[path(t, "/tmp")]],
  fchdir: [[descriptor(t.directory, [t.file, ENOTDIR], [t.pipe, ENOTDIR])]],
  getdents: [[descriptor(t.directory, [t.file, ENOTDIR]), buffer(t, DATA, 512)]],
});

export const DESCRIPTORS = (t: Things): Readonly<Record<string, Call>> => ({
  dup: [[descriptor(t.file)]],
  dup2: [[descriptor(t.file), word(90, [-1, EBADF], [0x7fff_ffff, EBADF])]],
  dup3: [[descriptor(t.file), word(91, [-1, EBADF], [t.file, EINVAL]), word(0, [1, EINVAL])]],
  fcntl: [[descriptor(t.file), word(0, [99, EINVAL]), word(0, [-1, EINVAL], [0x7fff_ffff, EINVAL])]],
  ioctl: [[descriptor(t.udp), word(0x541b, [0x1234, ENOTTY]), pointer(t, DATA, 4)]],
  pipe: [[pointer(t, DATA, 8), word(0, [1, EINVAL])]],
  sendfile: [[descriptor(t.tcp), descriptor(t.file, [t.pipe, EINVAL]), word(0n), word(0)]],
  eventfd: [[word(0), word(0, [2, EINVAL])]],
  epoll_create: [[word(0, [1, EINVAL])]],
  epoll_ctl: [
    [
      descriptor(t.epoll, [t.file, EINVAL]),
      word(1, [0, EINVAL], [4, EINVAL]),
      descriptor(t.pipe, [t.file, EPERM], [t.epoll, EINVAL]),
      pointer(t, DATA, 12),
    ],
  ],
  epoll_wait: [
    [descriptor(t.epoll, [t.file, EINVAL]), pointer(t, DATA, 12), word(1, [0, EINVAL], [-1, EINVAL]), word(0n)],
  ],
  epoll_pwait: [
    [
      descriptor(t.epoll, [t.file, EINVAL]),
      pointer(t, DATA, 12),
      word(1, [0, EINVAL], [-1, EINVAL]),
      word(0n),
      pointer(t, OTHER, 4, { orNull: true }),
    ],
  ],
  timerfd_create: [[word(1, [99, EINVAL]), word(0, [1, EINVAL])]],
  timerfd_gettime: [[descriptor(t.timer, [t.file, EINVAL]), pointer(t, DATA, 32)]],
  poll: [[pointer(t, OTHER, 8), word(1, [0x7fff_ffff, EINVAL]), word(0n)]],
  ppoll: [[pointer(t, OTHER, 8), word(1), word(0n), pointer(t, DATA, 4, { orNull: true })]],
  signalfd: [[word(-1, [NEVER, EBADF], [-2, EBADF], [t.file, EINVAL]), pointer(t, DATA, 4), word(0, [1, EINVAL])]],
});

export const SOCKETS = (t: Things): Readonly<Record<string, Call>> => ({
  socket: [
    [
      word(2, [99, EAFNOSUPPORT], [-1, EAFNOSUPPORT]),
      word(TCP, [5, ESOCKTNOSUPPORT], [99, EINVAL]),
      word(0, [17, EPROTOTYPE], [99, EPROTONOSUPPORT]),
    ],
  ],
  socketpair: [[word(1, [2, EOPNOTSUPP], [99, EAFNOSUPPORT]), word(TCP), word(0), pointer(t, DATA, 8)]],
  bind: [[descriptor(t.udp, [t.file, ENOTSOCK]), pointer(t, OTHER + 64, 16)]],
  listen: [[descriptor(t.tcp, [t.file, ENOTSOCK], [t.udp, EOPNOTSUPP]), word(1)]],
  accept: [[descriptor(t.tcp, [t.file, ENOTSOCK], [t.udp, EOPNOTSUPP]), word(0), word(0, [1, EINVAL])], 11],
  getsockname: [[descriptor(t.tcp, [t.file, ENOTSOCK]), pointer(t, DATA, 16)]],
  shutdown: [[descriptor(t.udp, [t.file, ENOTSOCK]), word(2, [3, EINVAL], [-1, EINVAL])], 107],
  getsockopt: [
    [
      descriptor(t.tcp, [t.file, ENOTSOCK]),
      word(1, [99, ENOPROTOOPT]),
      word(9, [9999, ENOPROTOOPT]),
      pointer(t, DATA, 4),
      word(4),
    ],
  ],
  setsockopt: [
    [
      descriptor(t.tcp, [t.file, ENOTSOCK]),
      word(1, [99, ENOPROTOOPT]),
      word(9, [9999, ENOPROTOOPT]),
      pointer(t, DATA, 4),
      word(4, [3, EINVAL]),
    ],
  ],
});

export const PROCESS = (t: Things): Readonly<Record<string, Call>> => ({
  getcwd: [[pointer(t, DATA, 1), word(64, [0, ERANGE])]],
  getrandom: [[buffer(t, DATA, 64), word(0, [8, EINVAL], [-1, EINVAL])]],
  arguments_get: [[buffer(t, DATA, 64)]],
  environment_get: [[buffer(t, DATA, 64)]],
  clock_gettime: [[word(0, [99, EINVAL], [-1, EINVAL]), pointer(t, DATA, 16)]],
  clock_getres: [[word(0, [99, EINVAL], [-1, EINVAL]), pointer(t, DATA, 16)]],
  getrlimit: [[word(7, [99, EINVAL], [-1, EINVAL]), pointer(t, DATA, 16)]],
  setrlimit: [[word(7, [99, EINVAL], [-1, EINVAL]), pointer(t, OTHER + 96, 16)]],
  getrusage: [[word(0, [99, EINVAL]), pointer(t, DATA, 144)]],
  sysinfo: [[pointer(t, DATA, 16)]],
  net_counters: [[word(0, [99, ENODEV], [-1, ENODEV]), pointer(t, DATA, 8)]],
  getitimer: [[word(0, [1, EINVAL], [-1, EINVAL]), pointer(t, DATA, 32)]],
  wait4: [
    [
      word(-1),
      pointer(t, DATA, 4, { orNull: true }),
      word(1, [0x100, EINVAL]),
      pointer(t, DATA, 144, { orNull: true }),
    ],
    ECHILD,
  ],
  kill: [[word(1, [99, ESRCH], [-99, ESRCH]), word(0, [-1, EINVAL], [32, EINVAL])]],
  killpg: [[word(1, [99, ESRCH], [-1, ESRCH]), word(0, [-1, EINVAL], [32, EINVAL])]],
  getpgid: [[word(0, [-1, ESRCH], [99, ESRCH])]],
  getsid: [[word(0, [-1, ESRCH], [99, ESRCH])]],
  sigqueue: [[word(1, [0, ESRCH], [-1, ESRCH], [99, ESRCH]), word(0, [-1, EINVAL], [32, EINVAL]), word(5)]],
  thread_kill: [[word(1, [0, ESRCH], [99, ESRCH], [-1, ESRCH]), word(0, [-1, EINVAL], [32, EINVAL])]],
  sigaction: [
    [
      word(10, [0, EINVAL], [32, EINVAL], [-1, EINVAL]),
      pointer(t, OTHER + 128, 12, { orNull: true }),
      pointer(t, DATA, 12, { orNull: true }),
    ],
  ],
  sigprocmask: [
    [
      word(0, [3, EINVAL], [-1, EINVAL]),
      pointer(t, OTHER + 128, 4, { orNull: true }),
      pointer(t, DATA, 4, { orNull: true }),
    ],
  ],
  sigpending: [[pointer(t, DATA, 4)]],
  sigtimedwait: [[pointer(t, OTHER + 128, 4), pointer(t, DATA, 128, { orNull: true }), word(0n)], 11],
  futex_wait: [[pointer(t, OTHER + 128, 4), word(1), word(0n)], 11],
  thread_shadow_stack: [[word(1, [0, ESRCH], [99, ESRCH], [-1, ESRCH])]],
});

/** Calls that would wait, or after which others would not be what they were. */
export const LASTING = (t: Things): Readonly<Record<string, Call>> => ({
  connect: [[descriptor(t.udp, [t.file, ENOTSOCK]), pointer(t, OTHER + 64, 16)], NOT_MADE],
  sendto: [
    [
      descriptor(t.udp, [t.file, ENOTSOCK]),
      buffer(t, DATA, 8),
      word(0, [0x1000_0000, EOPNOTSUPP]),
      pointer(t, OTHER + 64, 16, { orNull: true }),
    ],
    NOT_MADE,
  ],
  recvfrom: [
    [
      descriptor(t.udp, [t.file, ENOTSOCK]),
      buffer(t, DATA, 8),
      word(0, [0x1000_0000, EOPNOTSUPP]),
      pointer(t, OTHER + 64, 16, { orNull: true }),
    ],
    NOT_MADE,
  ],
  getpeername: [[descriptor(t.udp, [t.file, ENOTSOCK]), pointer(t, DATA, 16)], NOT_MADE],
  select: [[word(8, [-1, EINVAL]), ...[0, 1, 2].map(() => pointer(t, DATA, 8, { orNull: true })), word(0n)], NOT_MADE],
  pselect: [
    [
      word(8, [-1, EINVAL]),
      ...[0, 1, 2].map(() => pointer(t, OTHER + 256, 8, { orNull: true })),
      word(0n),
      pointer(t, OTHER + 256, 4, { orNull: true }),
    ],
  ],
  timerfd_settime: [
    [
      descriptor(t.timer, [t.file, EINVAL]),
      word(0, [8, EINVAL], [-1, EINVAL]),
      pointer(t, OTHER + 256, 32),
      pointer(t, DATA, 32, { orNull: true }),
    ],
  ],
  setitimer: [
    [word(0, [1, EINVAL], [-1, EINVAL]), pointer(t, OTHER + 256, 32), pointer(t, DATA, 32, { orNull: true })],
  ],
  setpgid: [[word(0, [-1, EINVAL]), word(0, [-1, EINVAL])], EPERM],
  sigsuspend: [[pointer(t, OTHER + 256, 4)], NOT_MADE],
  thread_create: [
    [
      word(0),
      word(0),
      word(65536, [0, EINVAL], [16383, EINVAL], [0x400001, EINVAL], [-1, EINVAL]),
      word(0, [8, EINVAL]),
    ],
    NOT_MADE,
  ],
  futex_wake: [[word(OTHER), word(1)]],
  nanosleep: [[word(0n, [-1n, EINVAL]), pointer(t, DATA, 16, { orNull: true })]],
  resolve: [
    [buffer(t, DATA, 1), word(0, [1, EAFNOSUPPORT], [-1, EAFNOSUPPORT]), pointer(t, OTHER + 256, 1), word(1)],
    NOT_MADE,
  ],
  close: [[descriptor(t.pipe)]],
});

/** Those that other tests look at as closely. */
export const ELSEWHERE = [
  ...["atexit", "environment_set", "execveat", "program_name"], // fake/exit_handlers, fake/environment, fake/exec
  ...["fork_stats", "signal_information", "waitid"], // fake/fork, fake/signal_masks, fake/wait
  ...["recvmsg", "sendmsg", "unix_address"], // unix_rights, unix_names
  ...["exit", "exit_group", "umask"], // there is nothing to be wrong
];
