// The options of level IPPROTO_TCP (see socket_options.ts). Times are whole seconds or milliseconds, as on Linux.
import { EINVAL, ENOENT, ENOPROTOOPT } from "../../kernel/errno";
import { monotonicNow } from "../../kernel/time/clock";
import { CUBIC, NEW_RENO } from "../net/tcp/congestion";
import { tcpInfoWrite } from "../net/tcp/info";
import { TcpSocket } from "../net/tcp/socket";
import * as tcp from "../net/tcp/socket_options";
import * as c from "./constants";

const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
/** Longest keep-alive times in seconds, and most probes: as Linux has them. */
const TIME_MAX: i32 = 32767;
const PROBES_MAX: i32 = 127;

/** The option is unknown for this socket. No option's value is this. */
export const OPTION_UNKNOWN: i64 = i64.MIN_VALUE;

// Names of congestion control algorithms: as Linux has them, in the 16 bytes of TCP_CA_NAME_MAX.
const NAME_SIZE: u32 = 16;
const CUBIC_NAME = memory.data<u8>([99, 117, 98, 105, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // "cubic"
const RENO_NAME = memory.data<u8>([114, 101, 110, 111, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // "reno"

/** A truth value as the value of an option. */
export function flag(on: bool): i64 {
  return on ? 1 : 0;
}

/** The value of a numeric option, or OPTION_UNKNOWN. */
export function tcpLevelValue(s: TcpSocket, name: i32): i64 {
  if (name == c.TCP_NODELAY) return flag(tcp.tcpNoDelay(s));
  if (name == c.TCP_MAXSEG) return tcp.tcpSegmentSize(s);
  if (name == c.TCP_CORK) return flag(s.corked);
  if (name == c.TCP_QUICKACK) return flag(s.quickAck);
  if (name == c.TCP_KEEPIDLE) return <i64>(tcp.tcpKeepAliveIdle(s) / SECOND);
  if (name == c.TCP_KEEPINTVL) return <i64>(tcp.tcpKeepAliveInterval(s) / SECOND);
  if (name == c.TCP_KEEPCNT) return tcp.tcpKeepAliveCount(s);
  if (name == c.TCP_ECN_MODE) return tcp.tcpEcn(s);
  if (name == c.TCP_USER_TIMEOUT) return <i64>(tcp.tcpUserTimeout(s) / MILLISECOND);
  return OPTION_UNKNOWN;
}

/** Writes the value of an option that is no number: bytes written, or 0 when `name` is none. */
export function tcpStructValue(s: TcpSocket, name: i32, value: usize, length: u32): i32 {
  if (name == c.TCP_INFO) return tcpInfoWrite(s, value, length, monotonicNow());
  if (name != c.TCP_CONGESTION) return 0;
  const size = min(length, NAME_SIZE);
  memory.copy(value, tcp.tcpCongestionControl(s) == NEW_RENO ? RENO_NAME : CUBIC_NAME, size);
  return <i32>size;
}

/** Sets a numeric option: 0, -EINVAL, -ENOPROTOOPT. */
export function setTcpLevel(s: TcpSocket, name: i32, number: i32): i32 {
  const now = monotonicNow();
  if (name == c.TCP_NODELAY) {
    tcp.tcpSetNoDelay(s, number != 0, now);
    return 0;
  }
  if (name == c.TCP_CORK) {
    tcp.tcpSetCork(s, number != 0, now);
    return 0;
  }
  if (name == c.TCP_QUICKACK) {
    tcp.tcpSetQuickAck(s, number != 0, now);
    return 0;
  }
  if (name == c.TCP_MAXSEG) return tcp.tcpSetSegmentMaximum(s, number);
  if (name == c.TCP_ECN_MODE) return tcp.tcpSetEcn(s, number);
  if (name == c.TCP_USER_TIMEOUT) {
    if (number < 0) return -EINVAL;
    tcp.tcpSetUserTimeout(s, <u64>number * MILLISECOND);
    return 0;
  }
  if (name != c.TCP_KEEPIDLE && name != c.TCP_KEEPINTVL && name != c.TCP_KEEPCNT) return -ENOPROTOOPT;
  if (number < 1 || number > (name == c.TCP_KEEPCNT ? PROBES_MAX : TIME_MAX)) return -EINVAL;
  const time = <u64>number * SECOND;
  if (name == c.TCP_KEEPIDLE) tcp.tcpSetKeepAliveTimes(s, time, 0, 0, now);
  else if (name == c.TCP_KEEPINTVL) tcp.tcpSetKeepAliveTimes(s, 0, time, 0, now);
  else tcp.tcpSetKeepAliveTimes(s, 0, 0, number, now);
  return 0;
}

/** TCP_CONGESTION: 0, or -ENOENT when there is no algorithm of that name. */
export function setCongestionControl(s: TcpSocket, value: usize, length: u32): i32 {
  if (length == 0) return -EINVAL;
  if (isName(CUBIC_NAME, value, length)) tcp.tcpSetCongestionControl(s, CUBIC);
  else if (isName(RENO_NAME, value, length)) tcp.tcpSetCongestionControl(s, NEW_RENO);
  else return -ENOENT;
  return 0;
}

/** True when the `length` bytes at `value`, up to a zero byte if there is one, are `name`. */
function isName(name: usize, value: usize, length: u32): bool {
  for (let i: u32 = 0; i < NAME_SIZE; i++) {
    const byte = i < length ? load<u8>(value + i) : 0;
    if (byte != load<u8>(name + i)) return false;
    if (byte == 0) return true;
  }
  return false;
}
