// The numbers that an app and the system calls share, with Linux's values (include/uapi). libos/api exports them to apps.

/**
 * What release of Karyon this is: as package.json has it. A function, because a text that is a constant would stand in front of all
 * zeros of every kernel's static data, which are left out of images only up to the first byte that is none.
 */
export function releaseText(): string {
  return "0.1.0";
}

// Address families, socket types, protocols (linux/socket.h, linux/net.h, linux/in.h).
export const AF_UNSPEC: i32 = 0;
export const AF_UNIX: i32 = 1;
export const AF_INET: i32 = 2;
export const AF_INET6: i32 = 10;
export const SOCK_STREAM: i32 = 1;
export const SOCK_DGRAM: i32 = 2;
/** Records over a connection; of AF_UNIX only. */
export const SOCK_SEQPACKET: i32 = 5;
/** Or'ed to the type of socket() or the flags of accept4(): the new descriptor is in non-blocking mode. */
export const SOCK_NONBLOCK: i32 = 0x800;
/** Or'ed likewise: the new descriptor has FD_CLOEXEC. */
export const SOCK_CLOEXEC: i32 = 0x80000;
export const IPPROTO_IP: i32 = 0;
export const IPPROTO_TCP: i32 = 6;
export const IPPROTO_UDP: i32 = 17;
export const IPPROTO_IPV6: i32 = 41;

/** Any local address; in host order. */
export const INADDR_ANY: u32 = 0;
/** 255.255.255.255; in host order. */
export const INADDR_BROADCAST: u32 = 0xffffffff;
/** What inet_addr returns for text that is no address. */
export const INADDR_NONE: u32 = 0xffffffff;
/** 127.0.0.1; in host order. */
export const INADDR_LOOPBACK: u32 = 0x7f000001;

/** The longest backlog listen() takes; a larger one is cut to it. */
export const SOMAXCONN: i32 = 4096;

// How of shutdown().
export const SHUT_RD: i32 = 0;
export const SHUT_WR: i32 = 1;
export const SHUT_RDWR: i32 = 2;

// Flags of send() and recv().
/** recv: look at the data and leave it in the socket. */
export const MSG_PEEK: i32 = 0x2;
/** recvmsg, in msg_flags: not all that came with the data had room, and is lost. */
export const MSG_CTRUNC: i32 = 0x8;
/** recv on a datagram socket: return the datagram's real length though it was cut. */
export const MSG_TRUNC: i32 = 0x20;
/** This call does not block, whatever the descriptor's mode. */
export const MSG_DONTWAIT: i32 = 0x40;
/** recv on a stream: wait until all that was asked for is there. */
export const MSG_WAITALL: i32 = 0x100;
/** send on a stream: more, or the end, follows at once; what does not fill a packet may wait for it. */
export const MSG_MORE: i32 = 0x8000;
/** A peer that has gone is told by EPIPE alone, without SIGPIPE. */
export const MSG_NOSIGNAL: i32 = 0x4000;

/** recvmsg: descriptors that come have FD_CLOEXEC. */
export const MSG_CMSG_CLOEXEC: i32 = 0x40000000;

/** cmsg_type of level SOL_SOCKET: descriptors. */
export const SCM_RIGHTS: i32 = 1;
/** The most descriptors that one message takes along. */
export const SCM_MAX_FD: u32 = 253;
/** The most buffers of sendmsg and recvmsg. */
export const UIO_MAXIOV: u32 = 1024;
/** The most bytes that one call transfers, as on Linux: results fit an i32. */
export const TRANSFER_MAX: u32 = 0x7ffff000;

// Socket options, level SOL_SOCKET. The value is an i32 where nothing else is said.
export const SOL_SOCKET: i32 = 1;
export const SO_DEBUG: i32 = 1;
export const SO_REUSEADDR: i32 = 2;
/** Read only: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET. */
export const SO_TYPE: i32 = 3;
/** Read only: takes the pending error. */
export const SO_ERROR: i32 = 4;
export const SO_BROADCAST: i32 = 6;
export const SO_SNDBUF: i32 = 7;
export const SO_RCVBUF: i32 = 8;
export const SO_KEEPALIVE: i32 = 9;
/** Always 1: urgent data stays in line (RFC 6093). */
export const SO_OOBINLINE: i32 = 10;
/** Value: struct linger. */
export const SO_LINGER: i32 = 13;
/** Sockets that all set it before they are bound share a port: each gets the peers that a hash gives it. */
export const SO_REUSEPORT: i32 = 15;
/** Read only: struct ucred of who connected to a socket of AF_UNIX, listened, or made the pair. */
export const SO_PEERCRED: i32 = 17;
/** Value: struct timeval; zero = no time-out. Also the time-out of accept(). */
export const SO_RCVTIMEO: i32 = 20;
/** Value: struct timeval; zero = no time-out. Also the time-out of connect(). */
export const SO_SNDTIMEO: i32 = 21;
/** Read only: 1 when the socket listens. */
export const SO_ACCEPTCONN: i32 = 30;
/** Read only: IPPROTO_TCP or IPPROTO_UDP; 0 of AF_UNIX. */
export const SO_PROTOCOL: i32 = 38;
/** Read only: AF_INET, AF_INET6 or AF_UNIX. */
export const SO_DOMAIN: i32 = 39;

/** Option of level IPPROTO_IPV6: not 0 before bind: the socket does not take IPv4 as well. */
export const IPV6_V6ONLY: i32 = 26;
/** Option of level IPPROTO_IPV6: the hop limit of packets that leave us, 0 … 255; -1 = the default, which routers may say. */
export const IPV6_UNICAST_HOPS: i32 = 16;
/** Option of level IPPROTO_IPV6: the traffic class of packets, 0 … 255; -1 = 0. TCP keeps the lower two bits for itself. */
export const IPV6_TCLASS: i32 = 67;

// Socket options, level IPPROTO_IP.
/** The service field of IPv4 packets: six bits of Diffserv. The lower two bits are an application's over UDP only. */
export const IP_TOS: i32 = 1;
/** The time to live of IPv4 packets, 1 … 255; -1 = the default, 64. */
export const IP_TTL: i32 = 2;

// Socket options, level IPPROTO_TCP.
export const TCP_NODELAY: i32 = 1;
/** Bytes of data in a segment; set, 88 … 32767: of those that leave us. */
export const TCP_MAXSEG: i32 = 2;
/** Less than a segment waits for more, at most 200 ms, until this is 0 again. */
export const TCP_CORK: i32 = 3;
/** Seconds without traffic before the first keep-alive probe. */
export const TCP_KEEPIDLE: i32 = 4;
/** Seconds between probes. */
export const TCP_KEEPINTVL: i32 = 5;
/** Probes without an answer before the connection is dropped. */
export const TCP_KEEPCNT: i32 = 6;
/** Read only: struct tcp_info. */
export const TCP_INFO: i32 = 11;
/** Acknowledgments are not delayed. Unlike Linux's, which ends by itself, it stays set. */
export const TCP_QUICKACK: i32 = 12;
/** The congestion control algorithm by its name: "cubic" (the default) or "reno". */
export const TCP_CONGESTION: i32 = 13;
/** Milliseconds that sent data may stay unacknowledged before the connection is dropped; 0 = the default. */
export const TCP_USER_TIMEOUT: i32 = 18;
/**
 * Explicit congestion notification (RFC 3168) of connections that begin afterwards: 0 = never, 1 = asked for and given, 2 = given to
 * a peer that asks (the default). The values are those of Linux's tcp_ecn, which has it for all sockets at once.
 */
export const TCP_ECN_MODE: i32 = 260;

// Access modes and flags of open(), status flags of fcntl() (asm-generic/fcntl.h).
export const O_RDONLY: i32 = 0;
export const O_WRONLY: i32 = 1;
export const O_RDWR: i32 = 2;
export const O_ACCMODE: i32 = 3;
export const O_CREAT: i32 = 0x40;
export const O_EXCL: i32 = 0x80;
export const O_TRUNC: i32 = 0x200;
export const O_APPEND: i32 = 0x400;
export const O_NONBLOCK: i32 = 0x800;
/** A write to a file on a disk returns when it is on the device, with what is needed to read it: as if fdatasync() followed. */
export const O_DSYNC: i32 = 0x1000;
/** Likewise with all that is known of the file; here the same. */
export const O_SYNC: i32 = 0x101000;
export const O_DIRECTORY: i32 = 0x10000;
export const O_NOFOLLOW: i32 = 0x20000;
export const O_CLOEXEC: i32 = 0x80000;
/** What is opened is a directory, and a file without a name in its file system is made; it is Linux's bit with O_DIRECTORY. */
export const O_TMPFILE: i32 = 0x410000;

// Commands of fcntl().
export const F_DUPFD: i32 = 0;
export const F_GETFD: i32 = 1;
export const F_SETFD: i32 = 2;
export const F_GETFL: i32 = 3;
export const F_SETFL: i32 = 4;
export const F_DUPFD_CLOEXEC: i32 = 1030;
export const FD_CLOEXEC: i32 = 1;

// Requests of ioctl() (asm-generic/ioctls.h, linux/sockios.h); the value is an i32.
/** Bytes that can be read now; of a datagram socket, those of the next datagram; of a file, those up to its end. Also SIOCINQ. */
export const FIONREAD: u32 = 0x541b;
/** Bytes that a TCP socket has sent or will send and that are not acknowledged. Also TIOCOUTQ. */
export const SIOCOUTQ: u32 = 0x5411;
/** Of those, the ones not sent yet. */
export const SIOCOUTQNSD: u32 = 0x894b;
/** Sets (not 0) or clears O_NONBLOCK. */
export const FIONBIO: u32 = 0x5421;

// Flags, operations and events of epoll (linux/eventpoll.h).
export const EPOLL_CLOEXEC: i32 = 0x80000;
export const EPOLL_CTL_ADD: i32 = 1;
export const EPOLL_CTL_DEL: i32 = 2;
export const EPOLL_CTL_MOD: i32 = 3;
/** Data, a connection, or the end of the stream can be read without blocking. */
export const EPOLLIN: u32 = 0x001;
/** There is urgent data. */
export const EPOLLPRI: u32 = 0x002;
/** Data can be written without blocking. */
export const EPOLLOUT: u32 = 0x004;
/** An error is pending; told without being asked for. */
export const EPOLLERR: u32 = 0x008;
/** Both directions are over; told without being asked for. */
export const EPOLLHUP: u32 = 0x010;
/** The peer will send no more. */
export const EPOLLRDHUP: u32 = 0x2000;
/** Of several epolls that watch a descriptor at least one is to be told. Taken; here all are. */
export const EPOLLEXCLUSIVE: u32 = 1 << 28;
/** Taken; a domain does not doze off. */
export const EPOLLWAKEUP: u32 = 1 << 29;
/** After it has been told once nothing more is, until EPOLL_CTL_MOD. */
export const EPOLLONESHOT: u32 = 1 << 30;
/** Edge-triggered: told when it happens, not as long as it is so. */
export const EPOLLET: u32 = 1 << 31;

// Flags of eventfd() (linux/eventfd.h).
/** A read takes 1, not all. */
export const EFD_SEMAPHORE: i32 = 1;
export const EFD_NONBLOCK: i32 = 0x800;
export const EFD_CLOEXEC: i32 = 0x80000;

// Flags of timerfd_create() and timerfd_settime() (linux/timerfd.h).
export const TFD_NONBLOCK: i32 = 0x800;
export const TFD_CLOEXEC: i32 = 0x80000;
/** The time is one of the clock's, not one from now. */
export const TFD_TIMER_ABSTIME: i32 = 1;

// Origins of lseek().
export const SEEK_SET: i32 = 0;
export const SEEK_CUR: i32 = 1;
export const SEEK_END: i32 = 2;

// File types of st_mode, and of d_type.
export const S_IFMT: u32 = 0xf000;
export const S_IFSOCK: u32 = 0xc000;
export const S_IFLNK: u32 = 0xa000;
export const S_IFBLK: u32 = 0x6000;
export const S_IFREG: u32 = 0x8000;
export const S_IFDIR: u32 = 0x4000;
export const S_IFCHR: u32 = 0x2000;
export const S_IFIFO: u32 = 0x1000;
/** Special bits of st_mode; only S_ISGID of a directory has an effect: what is made in it has its group, directories the bit too. */
export const S_ISUID: u32 = 0x800;
export const S_ISGID: u32 = 0x400;
export const S_ISVTX: u32 = 0x200;
export const DT_FIFO: u8 = 1;
export const DT_CHR: u8 = 2;
export const DT_DIR: u8 = 4;
export const DT_REG: u8 = 8;
export const DT_LNK: u8 = 10;
export const DT_SOCK: u8 = 12;

// What access() asks for.
export const F_OK: i32 = 0;
export const X_OK: i32 = 1;
export const W_OK: i32 = 2;
export const R_OK: i32 = 4;

/** The working directory, as the descriptor of openat() and its kin. */
export const AT_FDCWD: i32 = -100;
/** fstatat(), utimensat(): of a symbolic link itself. */
export const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
/** unlinkat(): removes a directory. */
export const AT_REMOVEDIR: i32 = 0x200;
/** linkat(): names what a symbolic link leads to. */
export const AT_SYMLINK_FOLLOW: i32 = 0x400;
/** execveat(): of the descriptor itself. */
export const AT_EMPTY_PATH: i32 = 0x1000;
/** In tv_nsec of utimensat(): the present time, and as it is. */
export const UTIME_NOW: i64 = 0x3fffffff;
export const UTIME_OMIT: i64 = 0x3ffffffe;

// f_type of statfs() (linux/magic.h): of what is embedded in the image, of tmpfs and /dev, of /proc.
export const ROMFS_MAGIC: i64 = 0x7275;
export const TMPFS_MAGIC: i64 = 0x01021994;
export const PROC_SUPER_MAGIC: i64 = 0x9fa0;
export const EXT2_SUPER_MAGIC: i64 = 0xef53;
/** f_flags of statfs(): nothing can be written there. */
export const ST_RDONLY: i64 = 1;

// posix_spawnattr_t.flags (spawn.h of glibc).
export const POSIX_SPAWN_RESETIDS: i32 = 1;
export const POSIX_SPAWN_SETPGROUP: i32 = 2;
export const POSIX_SPAWN_SETSIGDEF: i32 = 4;
export const POSIX_SPAWN_SETSIGMASK: i32 = 8;

/** The most bytes of arguments and environment that execve takes, a zero byte behind each. */
export const ARG_MAX: u32 = 131072;
/** The longest path in bytes of UTF-8, one more. */
export const PATH_MAX: u32 = 4096;
/** The longest name of one path component, in bytes of UTF-8. */
export const NAME_MAX: u32 = 255;
/** Up to so many bytes a write to a pipe puts there in one piece. */
export const PIPE_BUF: u32 = 4096;
/** Descriptors a process may have open at most (RLIMIT_NOFILE may be less); also the highest nfds of poll. */
export const OPEN_MAX: u32 = 1024;
/** Descriptors an fd_set holds. */
export const FD_SETSIZE: u32 = 1024;

export const CLOCK_REALTIME: i32 = 0;
export const CLOCK_MONOTONIC: i32 = 1;

/** getrandom: accepted; the generator is seeded before an app starts, so it never blocks. */
export const GRND_NONBLOCK: u32 = 1;
export const GRND_RANDOM: u32 = 2;

// Options of waitpid() and waitid() (linux/wait.h).
/** Do not wait: return 0 when there is nothing to tell. */
export const WNOHANG: i32 = 1;
/** Tell of children that have stopped. */
export const WUNTRACED: i32 = 2;
export const WSTOPPED: i32 = 2;
/** waitid: tell of children that have ended. */
export const WEXITED: i32 = 4;
/** Tell of stopped children that go on. */
export const WCONTINUED: i32 = 8;
/** waitid: leave the child as it is, to be waited for again. */
export const WNOWAIT: i32 = 0x1000000;

// Whom waitid() waits for.
export const P_ALL: i32 = 0;
export const P_PID: i32 = 1;
/** Those of a process group. */
export const P_PGID: i32 = 2;

// Whom getrusage() measures (linux/resource.h).
export const RUSAGE_SELF: i32 = 0;
export const RUSAGE_CHILDREN: i32 = -1;

// What getrlimit() and setrlimit() are about (asm-generic/resource.h).
export const RLIMIT_CPU: i32 = 0;
export const RLIMIT_FSIZE: i32 = 1;
export const RLIMIT_DATA: i32 = 2;
export const RLIMIT_STACK: i32 = 3;
export const RLIMIT_CORE: i32 = 4;
export const RLIMIT_RSS: i32 = 5;
export const RLIMIT_NPROC: i32 = 6;
/** One more than the highest descriptor that a call may make. */
export const RLIMIT_NOFILE: i32 = 7;
export const RLIMIT_MEMLOCK: i32 = 8;
export const RLIMIT_AS: i32 = 9;
export const RLIMIT_LOCKS: i32 = 10;
export const RLIMIT_SIGPENDING: i32 = 11;
export const RLIMIT_MSGQUEUE: i32 = 12;
export const RLIMIT_NICE: i32 = 13;
export const RLIMIT_RTPRIO: i32 = 14;
export const RLIMIT_RTTIME: i32 = 15;
export const RLIM_NLIMITS: i32 = 16;
/** No limit. */
export const RLIM_INFINITY: u64 = u64.MAX_VALUE;
