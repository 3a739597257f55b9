// What an app sees, for JavaScript: numbers in and out, texts as UTF-8 at an address.
import {
  FD_CLR,
  FD_ISSET,
  FD_SET,
  FD_ZERO,
  POLLIN,
  PollSet,
  Stat,
  Statfs,
  cmsghdr,
  epoll_event,
  fd_set,
  gmtime,
  in6_addr,
  inet_addr,
  inet_ntoa,
  inet_pton,
  iovec,
  itimerspec,
  linger,
  msghdr,
  pollfd,
  rlimit,
  rusage,
  siginfo_t,
  sockaddr_in,
  sockaddr_in6,
  sockaddr_un,
  strerror,
  timegm,
  timespec,
  timeval,
  ucred,
} from "karyon";
import {
  CONTROL_HEADER_SIZE,
  CREDENTIALS_SIZE,
  ControlHeader,
  EPOLL_EVENT_SIZE,
  EpollEvent,
  FILE_STATUS_SIZE,
  FILE_SYSTEM_STATUS_SIZE,
  FileStatus,
  FileSystemStatus,
  IO_VECTOR_SIZE,
  LINGER_SIZE,
  Linger,
  MESSAGE_HEADER_SIZE,
  MessageHeader,
  POLL_DESCRIPTOR_SIZE,
  PollDescriptor,
  RESOURCE_LIMIT_SIZE,
  RESOURCE_USAGE_SIZE,
  ResourceLimit,
  ResourceUsage,
  SIGNAL_INFORMATION_SIZE,
  SignalInformation,
  SOCKET_ADDRESS6_SIZE,
  SOCKET_ADDRESS_SIZE,
  SocketAddress,
  SocketAddress6,
  TIMER_TIMES_SIZE,
  TIME_SPEC_SIZE,
  TIME_VALUE_SIZE,
  TimeSpec,
  TimeValue,
  TimerTimes,
  UNIX_ADDRESS_SIZE,
  UnixAddress,
} from "../../../libos/posix/layout";

const text = memory.data(256);

/** 256 bytes for texts. */
export function buffer(): usize {
  return text;
}

export function addressOf(length: i32): u32 {
  return inet_addr(String.UTF8.decodeUnsafe(text, length));
}

/** inet_pton's result, with the address behind it in the upper half. */
export function parse(family: i32, length: i32): i64 {
  const result = inet_pton(family, String.UTF8.decodeUnsafe(text, length), text);
  return ((<i64>load<u32>(text)) << 32) | (<i64>(<u32>result));
}

/** Writes the address as text; its length. */
export function textOf(address: u32): i32 {
  const name = inet_ntoa(address);
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, text);
}

/** Parses the text as an IPv6 address and writes it as text again; its length, -1 when it is none. */
export function textOf6(length: i32): i32 {
  const address = in6_addr.from(String.UTF8.decodeUnsafe(text, length));
  if (address === null) return -1;
  const name = address.toString();
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, text);
}

/** Writes the eight fields of gmtime as i32 values, in the order of struct tm. */
export function calendar(seconds: i64): void {
  const moment = gmtime(seconds);
  store<i32>(text, moment.tm_sec, 0);
  store<i32>(text, moment.tm_min, 4);
  store<i32>(text, moment.tm_hour, 8);
  store<i32>(text, moment.tm_mday, 12);
  store<i32>(text, moment.tm_mon, 16);
  store<i32>(text, moment.tm_year, 20);
  store<i32>(text, moment.tm_wday, 24);
  store<i32>(text, moment.tm_yday, 28);
}

/** timegm(gmtime(seconds)) with `months` added to the month. */
export function shiftMonths(seconds: i64, months: i32): i64 {
  const moment = gmtime(seconds);
  moment.tm_mon += months;
  return timegm(moment);
}

export function errorText(number: i32): i32 {
  const name = strerror(number);
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, text);
}

const set = new fd_set();

/** 0: clear, 1: set, 2: empty the set; then whether `fd` is in it. */
export function descriptorSet(operation: i32, fd: i32): bool {
  if (operation == 0) FD_CLR(fd, set);
  else if (operation == 1) FD_SET(fd, set);
  else FD_ZERO(set);
  return FD_ISSET(fd, set);
}

/** Adds `count` entries, removes every third from the end, and returns the sum of the fds that are left. */
export function pollSetSum(count: i32): i32 {
  const entries = new PollSet(1);
  for (let i = 0; i < count; i++) entries.add(i, POLLIN);
  for (let i = count - 1; i >= 0; i--) if (i % 3 == 0) entries.removeAt(i);
  let sum = 0;
  for (let i = 0; i < entries.length; i++) sum += entries.at(i).fd;
  return sum;
}

/** 0 when the app's structs are laid out as the kernel's, else the number of the first that is not. */
export function layoutDifference(): i32 {
  if (offsetof<sockaddr_in>() != SOCKET_ADDRESS_SIZE || offsetof<SocketAddress>() != SOCKET_ADDRESS_SIZE) return 1;
  if (offsetof<sockaddr_in>("sin_port") != offsetof<SocketAddress>("port")) return 1;
  if (offsetof<sockaddr_in>("sin_addr") != offsetof<SocketAddress>("address")) return 1;
  if (offsetof<sockaddr_in6>() != SOCKET_ADDRESS6_SIZE) return 1;
  if (offsetof<sockaddr_in6>("sin6_scope_id") != offsetof<SocketAddress6>("scope")) return 1;
  if (offsetof<sockaddr_un>() != UNIX_ADDRESS_SIZE || offsetof<UnixAddress>() != UNIX_ADDRESS_SIZE) return 9;
  if (offsetof<msghdr>() != MESSAGE_HEADER_SIZE || offsetof<MessageHeader>() != MESSAGE_HEADER_SIZE) return 10;
  if (offsetof<msghdr>("msg_iovlen") != offsetof<MessageHeader>("vectorCount")) return 10;
  if (offsetof<msghdr>("msg_controllen") != offsetof<MessageHeader>("controlLength")) return 10;
  if (offsetof<iovec>() != IO_VECTOR_SIZE || offsetof<cmsghdr>() != CONTROL_HEADER_SIZE) return 11;
  if (offsetof<cmsghdr>("cmsg_type") != offsetof<ControlHeader>("type")) return 11;
  if (offsetof<ucred>() != CREDENTIALS_SIZE) return 12;
  if (offsetof<timespec>() != TIME_SPEC_SIZE || offsetof<TimeSpec>() != TIME_SPEC_SIZE) return 2;
  if (offsetof<timespec>("tv_nsec") != offsetof<TimeSpec>("nanoseconds")) return 2;
  if (offsetof<timeval>() != TIME_VALUE_SIZE || offsetof<TimeValue>() != TIME_VALUE_SIZE) return 3;
  if (offsetof<timeval>("tv_usec") != offsetof<TimeValue>("microseconds")) return 3;
  if (offsetof<linger>() != LINGER_SIZE || offsetof<Linger>() != LINGER_SIZE) return 4;
  if (offsetof<linger>("l_linger") != offsetof<Linger>("seconds")) return 4;
  if (offsetof<pollfd>() != POLL_DESCRIPTOR_SIZE || offsetof<PollDescriptor>() != POLL_DESCRIPTOR_SIZE) return 5;
  if (offsetof<pollfd>("events") != offsetof<PollDescriptor>("events")) return 5;
  if (offsetof<pollfd>("revents") != offsetof<PollDescriptor>("returned")) return 5;
  if (offsetof<Stat>() != FILE_STATUS_SIZE || offsetof<FileStatus>() != FILE_STATUS_SIZE) return 6;
  if (offsetof<Stat>("st_size") != offsetof<FileStatus>("size")) return 6;
  if (offsetof<Stat>("st_ino") != offsetof<FileStatus>("inode")) return 6;
  if (offsetof<Stat>("st_mtime") != offsetof<FileStatus>("modifiedSeconds")) return 6;
  if (offsetof<Stat>("st_mtime_nsec") != offsetof<FileStatus>("modifiedNanoseconds")) return 6;
  if (offsetof<Stat>("st_hash_low") != offsetof<FileStatus>("hashLow")) return 6;
  if (offsetof<Stat>("st_hash_high") != offsetof<FileStatus>("hashHigh")) return 6;
  if (offsetof<Stat>("st_dev") != offsetof<FileStatus>("device")) return 13;
  if (offsetof<Stat>("st_gid") != offsetof<FileStatus>("group")) return 13;
  if (offsetof<Stat>("st_blocks") != offsetof<FileStatus>("blocks")) return 13;
  if (offsetof<Stat>("st_atime") != offsetof<FileStatus>("accessSeconds")) return 13;
  if (offsetof<Stat>("st_ctime_nsec") != offsetof<FileStatus>("changeNanoseconds")) return 13;
  if (offsetof<Statfs>() != FILE_SYSTEM_STATUS_SIZE) return 14;
  if (offsetof<FileSystemStatus>() != FILE_SYSTEM_STATUS_SIZE) return 14;
  if (offsetof<Statfs>("f_ffree") != offsetof<FileSystemStatus>("filesFree")) return 14;
  if (offsetof<Statfs>("f_flags") != offsetof<FileSystemStatus>("flags")) return 14;
  if (offsetof<siginfo_t>() != SIGNAL_INFORMATION_SIZE) return 7;
  if (offsetof<siginfo_t>("si_code") != offsetof<SignalInformation>("code")) return 7;
  if (offsetof<siginfo_t>("si_pid") != offsetof<SignalInformation>("origin")) return 7;
  if (offsetof<siginfo_t>("si_status") != offsetof<SignalInformation>("status")) return 7;
  if (offsetof<rusage>() != RESOURCE_USAGE_SIZE) return 8;
  if (offsetof<rusage>("ru_maxrss") != offsetof<ResourceUsage>("maximumResident")) return 8;
  if (offsetof<epoll_event>() != EPOLL_EVENT_SIZE || offsetof<EpollEvent>() != EPOLL_EVENT_SIZE) return 13;
  if (offsetof<epoll_event>("data") != offsetof<EpollEvent>("data")) return 13;
  if (offsetof<itimerspec>() != TIMER_TIMES_SIZE || offsetof<TimerTimes>() != TIMER_TIMES_SIZE) return 14;
  if (offsetof<itimerspec>("it_interval_nsec") != offsetof<TimerTimes>("intervalNanoseconds")) return 14;
  if (offsetof<rlimit>() != RESOURCE_LIMIT_SIZE || offsetof<ResourceLimit>() != RESOURCE_LIMIT_SIZE) return 15;
  if (offsetof<rlimit>("rlim_max") != offsetof<ResourceLimit>("maximum")) return 15;
  if (offsetof<itimerspec>("it_value_sec") != offsetof<TimerTimes>("seconds")) return 14;
  return 0;
}
