// getsockopt and setsockopt. Values are i32 except where the option is a struct; a longer buffer is fine.
import { EBADF, EDOM, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK } from "../../kernel/errno";
import { monotonicNow } from "../../kernel/time/clock";
import { tcpTakeReport } from "../net/tcp/api";
import * as tcp from "../net/tcp/socket_options";
import { LISTEN } from "../net/tcp/state";
import { udpSetReceiveLimit, udpTakeError } from "../net/udp/socket";
import { descriptorFile } from "../process/descriptors";
import { KIND_TCP, KIND_UNIX, NO_FILE, OpenFile, openFileIsSocket } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { unixOption } from "../optional/with_unix";
import * as c from "./constants";
import { ipLevelValue, ipv6LevelValue, setIpLevel, setIpv6Level } from "./ip_options";
import { OPTION_UNKNOWN, flag, setCongestionControl, setTcpLevel, tcpLevelValue, tcpStructValue } from "./tcp_options";
import { LINGER_SIZE, Linger, TIME_VALUE_SIZE, TimeValue } from "./layout";
import { isIpv6 } from "./sockets";

const SECOND: u64 = 1_000_000_000;
const MICROSECOND: u64 = 1_000;
/** The longest linger, in seconds: as Linux has it. */
const LINGER_MAX: i32 = 32767;

function socketLevelValue(file: OpenFile, name: i32): i64 {
  const isStream = file.kind == KIND_TCP;
  if (name == c.SO_TYPE) return isStream ? c.SOCK_STREAM : c.SOCK_DGRAM;
  if (name == c.SO_PROTOCOL) return isStream ? c.IPPROTO_TCP : c.IPPROTO_UDP;
  if (name == c.SO_DOMAIN) return isIpv6(file) ? c.AF_INET6 : c.AF_INET;
  if (name == c.SO_ERROR) return isStream ? tcpTakeReport(file.tcp) : udpTakeError(file.udp);
  if (name == c.SO_ACCEPTCONN) return flag(isStream && file.tcp.state == LISTEN);
  if (name == c.SO_REUSEADDR) return flag(isStream ? tcp.tcpReuseAddress(file.tcp) : file.udp.reuseAddress);
  if (name == c.SO_REUSEPORT) return flag(isStream ? file.tcp.reusePort : file.udp.reusePort);
  if (name == c.SO_BROADCAST) return flag(!isStream && file.udp.broadcast);
  if (name == c.SO_RCVBUF) return isStream ? tcp.tcpReceiveLimit(file.tcp) : file.udp.receiveLimit;
  if (!isStream) return OPTION_UNKNOWN;
  if (name == c.SO_OOBINLINE) return 1;
  if (name == c.SO_SNDBUF) return tcp.tcpSendLimit(file.tcp);
  if (name == c.SO_DEBUG) return flag(file.tcp.traced);
  return name == c.SO_KEEPALIVE ? flag(tcp.tcpKeepAlive(file.tcp)) : OPTION_UNKNOWN;
}

/** The struct-valued options: bytes written, or 0 when `name` is none of them. */
export function structValue(file: OpenFile, name: i32, value: usize, length: u32): i32 {
  if (name == c.SO_LINGER && file.kind == KIND_TCP) {
    if (length < LINGER_SIZE) return -EINVAL;
    const seconds = tcp.tcpLinger(file.tcp);
    changetype<Linger>(value).onOff = seconds >= 0 ? 1 : 0;
    changetype<Linger>(value).seconds = max(seconds, 0);
    return LINGER_SIZE;
  }
  if (name != c.SO_RCVTIMEO && name != c.SO_SNDTIMEO) return 0;
  if (length < TIME_VALUE_SIZE) return -EINVAL;
  const timeout = name == c.SO_RCVTIMEO ? file.receiveTimeout : file.sendTimeout;
  changetype<TimeValue>(value).seconds = <i64>(timeout / SECOND);
  changetype<TimeValue>(value).microseconds = <i64>((timeout % SECOND) / MICROSECOND);
  return TIME_VALUE_SIZE;
}

/** The socket behind `fd`, with `error` telling why there is none. */
function socketOf(fd: i32): OpenFile {
  const file = descriptorFile(fd);
  return file == NO_FILE || openFileIsSocket(file) ? file : NO_FILE;
}

function notASocket(fd: i32): i32 {
  return descriptorFile(fd) == NO_FILE ? -EBADF : -ENOTSOCK;
}

export function posix_getsockopt(fd: i32, level: i32, name: i32, value: u32, length: u32): i32 {
  const file = socketOf(fd);
  if (file == NO_FILE) return notASocket(fd);
  const bytes = userBuffer(value, length);
  if (bytes == 0) return -EFAULT;
  if (file.kind == KIND_UNIX) return unixOption(file, level, name, bytes, length);
  const isTcp = level == c.IPPROTO_TCP && file.kind == KIND_TCP;
  let written = 0;
  if (level == c.SOL_SOCKET) written = structValue(file, name, bytes, length);
  else if (isTcp) written = tcpStructValue(file.tcp, name, bytes, length);
  if (written != 0) return written;
  let number = OPTION_UNKNOWN;
  if (level == c.SOL_SOCKET) number = length < 4 && name == c.SO_ERROR ? 0 : socketLevelValue(file, name);
  else if (isTcp) number = tcpLevelValue(file.tcp, name);
  else if (level == c.IPPROTO_IP) number = ipLevelValue(file, name);
  else if (level == c.IPPROTO_IPV6) number = ipv6LevelValue(file, name);
  if (number == OPTION_UNKNOWN) return -ENOPROTOOPT;
  // As Linux: a buffer that is too short gets what fits, of an option of IPv4 one byte.
  const size = min<u32>(length, level == c.IPPROTO_IP && length < 4 ? 1 : 4);
  return numberWrite(bytes, size, <i32>number);
}

/** Writes the lower `size` bytes of a number: how many. */
export function numberWrite(at: usize, size: u32, number: i32): i32 {
  for (let i: u32 = 0; i < size; i++) store<u8>(at + i, <u8>(number >> (i << 3)));
  return <i32>size;
}

function setSocketLevel(file: OpenFile, name: i32, number: i32): i32 {
  const isStream = file.kind == KIND_TCP;
  const on = number != 0;
  if (name == c.SO_REUSEADDR) {
    if (isStream) tcp.tcpSetReuseAddress(file.tcp, on);
    else file.udp.reuseAddress = on;
  } else if (name == c.SO_REUSEPORT) {
    if (isStream) file.tcp.reusePort = on;
    else file.udp.reusePort = on;
  } else if (name == c.SO_RCVBUF) {
    if (number < 0) return -EINVAL;
    if (isStream) tcp.tcpSetReceiveLimit(file.tcp, number);
    else udpSetReceiveLimit(file.udp, number);
  } else if (name == c.SO_SNDBUF && isStream) {
    if (number < 0) return -EINVAL;
    tcp.tcpSetSendLimit(file.tcp, number);
  } else if (name == c.SO_KEEPALIVE && isStream) {
    tcp.tcpSetKeepAlive(file.tcp, on, monotonicNow());
  } else if (name == c.SO_OOBINLINE && isStream) {
    if (!on) return -EINVAL; // RFC 6093, 3.4: out of line is what nobody should use
  } else if (name == c.SO_DEBUG && isStream) {
    file.tcp.traced = on;
  } else if (name == c.SO_BROADCAST && !isStream) {
    file.udp.broadcast = on;
  } else {
    return -ENOPROTOOPT;
  }
  return 0;
}

function setLinger(file: OpenFile, value: usize, length: u32): i32 {
  if (length < LINGER_SIZE) return -EINVAL;
  const linger = changetype<Linger>(value);
  const seconds = min(max(linger.seconds, 0), LINGER_MAX);
  return tcp.tcpSetLinger(file.tcp, linger.onOff != 0 ? seconds : -1);
}

function setTimeout(file: OpenFile, name: i32, value: usize, length: u32): i32 {
  if (length < TIME_VALUE_SIZE) return -EINVAL;
  const seconds = changetype<TimeValue>(value).seconds;
  const microseconds = changetype<TimeValue>(value).microseconds;
  if (microseconds < 0 || microseconds >= 1_000_000) return -EDOM;
  // As Linux: a negative time is no time at all, which is the least there is.
  const timeout = seconds < 0 ? 1 : <u64>min<i64>(seconds, i32.MAX_VALUE) * SECOND + <u64>microseconds * MICROSECOND;
  if (name == c.SO_RCVTIMEO) file.receiveTimeout = timeout;
  else file.sendTimeout = timeout;
  return 0;
}

export function posix_setsockopt(fd: i32, level: i32, name: i32, value: u32, length: u32): i32 {
  const file = socketOf(fd);
  if (file == NO_FILE) return notASocket(fd);
  const bytes = userBuffer(value, length);
  if (bytes == 0) return -EFAULT;
  if (level == c.SOL_SOCKET && name == c.SO_LINGER && file.kind == KIND_TCP) return setLinger(file, bytes, length);
  if (level == c.SOL_SOCKET && (name == c.SO_RCVTIMEO || name == c.SO_SNDTIMEO)) {
    return setTimeout(file, name, bytes, length);
  }
  if (file.kind == KIND_UNIX) return -ENOPROTOOPT;
  const isTcp = level == c.IPPROTO_TCP && file.kind == KIND_TCP;
  if (isTcp && name == c.TCP_CONGESTION) return setCongestionControl(file.tcp, bytes, length);
  if (level == c.IPPROTO_IP && length < 4) return setIpLevel(file, name, length != 0 ? load<u8>(bytes) : 0); // as Linux
  if (length < 4) return -EINVAL;
  const number = load<i32>(bytes);
  if (level == c.IPPROTO_IP) return setIpLevel(file, name, number);
  if (level == c.SOL_SOCKET) return setSocketLevel(file, name, number);
  if (level == c.IPPROTO_IPV6) return setIpv6Level(file, name, number);
  return isTcp ? setTcpLevel(file.tcp, name, number) : -ENOPROTOOPT;
}
