// The structs that cross the system-call boundary, as the kernel sees them in app memory. The app's side declares the
// same layouts as classes of libos/api; test/unit/posix compares the two field by field. Little endian; an address or
// port inside a sockaddr is in network order.

/** struct sockaddr_in. */
@unmanaged
@final
export class SocketAddress {
  family: u16;
  port: u16;
  address: u32;
  zero: u64;
}
export const SOCKET_ADDRESS_SIZE: u32 = 16;

/** struct sockaddr_in6. */
@unmanaged
@final
export class SocketAddress6 {
  family: u16;
  port: u16;
  flowInformation: u32;
  private addressHigh: u64;
  private addressLow: u64;
  scope: u32;

  /** Address of the 16 bytes. */
  get address(): usize {
    return changetype<usize>(this) + offsetof<SocketAddress6>("addressHigh");
  }
}
export const SOCKET_ADDRESS6_SIZE: u32 = 28;

/** What resolve tells of one address: its family, AF_INET or AF_INET6, and its bytes in network order, of IPv4 the first four. */
@unmanaged
@final
export class ResolvedAddress {
  family: u32;
  word0: u32;
  word1: u32;
  word2: u32;
  word3: u32;
}
export const RESOLVED_ADDRESS_SIZE: u32 = 20;

/** struct sockaddr_un, and behind it what C has as the length of the address: the bytes of the name are at `UNIX_ADDRESS_PATH`. */
@unmanaged
@final
export class UnixAddress {
  family: u16;
  // Room for the rest, which nothing aligns.
  private word1: u64;
  private word2: u64;
  private word3: u64;
  private word4: u64;
  private word5: u64;
  private word6: u64;
  private word7: u64;
  private word8: u64;
  private word9: u64;
  private word10: u64;
  private word11: u64;
  private word12: u64;
  private word13: u64;

  /** Address of the 108 bytes. */
  get path(): usize {
    return changetype<usize>(this) + UNIX_ADDRESS_PATH;
  }

  /** Bytes of the name; 0 without one. The first is 0 in an abstract name. */
  get length(): u16 {
    return load<u16>(changetype<usize>(this), UNIX_ADDRESS_LENGTH);
  }

  set length(count: u16) {
    store<u16>(changetype<usize>(this), count, UNIX_ADDRESS_LENGTH);
  }
}
export const UNIX_ADDRESS_PATH: usize = 2;
export const UNIX_ADDRESS_LENGTH: usize = 110;
export const UNIX_ADDRESS_SIZE: u32 = 112;

/** struct msghdr; there are no lengths of addresses. */
@unmanaged
@final
export class MessageHeader {
  /** A sockaddr, 0 for none. */
  name: u32;
  /** IoVector, so many. */
  vectors: u32;
  vectorCount: u32;
  /** ControlHeader and their data, so many bytes. */
  control: u32;
  controlLength: u32;
  flags: i32;
}
export const MESSAGE_HEADER_SIZE: u32 = 24;

/** struct iovec. */
@unmanaged
@final
export class IoVector {
  base: u32;
  length: u32;
}
export const IO_VECTOR_SIZE: u32 = 8;

/** struct cmsghdr. */
@unmanaged
@final
export class ControlHeader {
  /** Bytes, this included. */
  length: u32;
  level: i32;
  type: i32;
}
export const CONTROL_HEADER_SIZE: u32 = 12;

/** struct timespec: seconds and nanoseconds 0 … 999 999 999. */
@unmanaged
@final
export class TimeSpec {
  seconds: i64;
  nanoseconds: i64;
}
export const TIME_SPEC_SIZE: u32 = 16;

/** struct timeval: seconds and microseconds 0 … 999 999. */
@unmanaged
@final
export class TimeValue {
  seconds: i64;
  microseconds: i64;
}
export const TIME_VALUE_SIZE: u32 = 16;

/** struct linger. */
@unmanaged
@final
export class Linger {
  onOff: i32;
  seconds: i32;
}
export const LINGER_SIZE: u32 = 8;

/** Bytes of struct ucred: pid, uid and gid. */
export const CREDENTIALS_SIZE: u32 = 12;

/** struct pollfd. */
@unmanaged
@final
export class PollDescriptor {
  descriptor: i32;
  events: i16;
  returned: i16;
}
export const POLL_DESCRIPTOR_SIZE: u32 = 8;

/** struct epoll_event. */
@unmanaged
@final
export class EpollEvent {
  events: u32;
  data: u64;
}
export const EPOLL_EVENT_SIZE: u32 = 16;

/** struct itimerspec: the interval, then the time until it expires first. */
@unmanaged
@final
export class TimerTimes {
  intervalSeconds: i64;
  intervalNanoseconds: i64;
  seconds: i64;
  nanoseconds: i64;
}
export const TIMER_TIMES_SIZE: u32 = 32;

/** struct itimerval: the interval, then the time until it expires first. */
@unmanaged
@final
export class IntervalTimes {
  intervalSeconds: i64;
  intervalMicroseconds: i64;
  seconds: i64;
  microseconds: i64;
}
export const INTERVAL_TIMES_SIZE: u32 = 32;

/** What stat, lstat and fstat tell. */
@unmanaged
@final
export class FileStatus {
  mode: u32;
  links: u32;
  size: i64;
  inode: u64;
  modifiedSeconds: i64;
  modifiedNanoseconds: i64;
  /** First half of the contents' SHA-256; zero for what is no file. */
  hashLow: u64;
  hashHigh: u64;
  device: u64;
  /** Of a device file: which device. */
  specialDevice: u64;
  user: u32;
  group: u32;
  blockSize: i64;
  /** Of 512 bytes. */
  blocks: i64;
  accessSeconds: i64;
  accessNanoseconds: i64;
  changeSeconds: i64;
  changeNanoseconds: i64;
}
export const FILE_STATUS_SIZE: u32 = 128;

/** What statfs tells. */
@unmanaged
@final
export class FileSystemStatus {
  type: i64;
  blockSize: i64;
  blocks: u64;
  blocksFree: u64;
  files: u64;
  filesFree: u64;
  nameLength: i64;
  flags: i64;
}
export const FILE_SYSTEM_STATUS_SIZE: u32 = 64;

/** struct rlimit. */
@unmanaged
@final
export class ResourceLimit {
  current: u64;
  maximum: u64;
}
export const RESOURCE_LIMIT_SIZE: u32 = 16;

/** struct rusage, as far as it is filled; the rest is zero. */
@unmanaged
@final
export class ResourceUsage {
  userSeconds: i64;
  userMicroseconds: i64;
  systemSeconds: i64;
  systemMicroseconds: i64;
  /** Kibibytes. */
  maximumResident: i64;
}
export const RESOURCE_USAGE_SIZE: u32 = 144;

/** siginfo_t, as waitid fills it; the rest is zero. */
@unmanaged
@final
export class SignalInformation {
  signal: i32;
  error: i32;
  code: i32;
  private padding: i32;
  /** The process, whose user is 0; of a fault the address. */
  origin: u64;
  /** The exit status, or the signal; with SI_QUEUE the value. */
  status: i32;
}
export const SIGNAL_INFORMATION_SIZE: u32 = 128;

/** struct signalfd_siginfo. */
@unmanaged
@final
export class SignalRecord {
  signal: i32;
  error: i32;
  code: i32;
  pid: i32;
  user: u32;
  private descriptor: i32;
  private timer: u32;
  private band: u32;
  private overruns: u32;
  private trap: u32;
  status: i32;
  /** With SI_QUEUE the value, as a number and as a pointer. */
  number: i32;
  pointer: u64;
}
export const SIGNAL_RECORD_SIZE: u32 = 128;

/** What sysinfo tells. */
@unmanaged
@final
export class SystemInformation {
  /** Seconds since boot. */
  uptime: i64;
  /** Bytes. */
  totalMemory: u64;
  freeMemory: u64;
}
export const SYSTEM_INFORMATION_SIZE: u32 = 24;

/** Head of one record of getdents; nameLength bytes of UTF-8 follow, then padding up to recordLength. */
@unmanaged
@final
export class DirectoryEntry {
  inode: u64;
  /** A multiple of 8. */
  recordLength: u16;
  nameLength: u16;
  /** DT_… */
  type: u8;
}
/** Offset of the name in a DirectoryEntry. */
export const DIRECTORY_ENTRY_NAME: u32 = 13;
