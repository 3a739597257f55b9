// sock_getsockopt and sock_setsockopt of WasmEdge's extension: one level, and names of its own for POSIX's options. Values are laid out as POSIX's: i32,
// or for SO_LINGER {i32, i32} and for timeouts {i64 seconds, i64 microseconds}. SO_TYPE and SO_ERROR are told in the numbers of WASI.
import * as posix from "../posix/constants";
import { posix_getsockopt, posix_setsockopt } from "../posix/socket_options";
import { userBuffer } from "../process/user_memory";
import { isWord, tellWord } from "./answer";
import { WASI_FAULT, WASI_INVAL, wasiError } from "./errno";
import { SOCK_DATAGRAM, SOCK_STREAM } from "./sockets";

const SOL_SOCKET: u32 = 0;
const SO_TYPE: u32 = 1;
const SO_ERROR: u32 = 2;
/** Options that no socket here has. */
const NONE: u8 = 0xff;

/** POSIX's name of an option by WasmEdge's. */
// prettier-ignore
const NAMES = memory.data<u8>([
  2, 3, 4, NONE, // SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_DONTROUTE
  6, 7, 8, 9, // SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE
  10, 13, NONE, 20, // SO_OOBINLINE, SO_LINGER, SO_RCVLOWAT, SO_RCVTIMEO
  21, 30, NONE, // SO_SNDTIMEO, SO_ACCEPTCONN, SO_BINDTODEVICE
]);
const NAME_COUNT: u32 = 15;

/** POSIX's name, or -1. */
function posixName(name: u32): i32 {
  const known = load<u8>(NAMES + name);
  return known == NONE ? -1 : known;
}

function isOption(level: u32, name: u32): bool {
  return level == SOL_SOCKET && name < NAME_COUNT;
}

export function wasi_sock_setsockopt(fd: i32, level: u32, name: u32, value: u32, length: u32): u32 {
  if (!isOption(level, name)) return WASI_INVAL;
  return wasiError(posix_setsockopt(fd, posix.SOL_SOCKET, posixName(name), value, length));
}

/** `lengthAt` has how much room there is, and is told how much of it was used. */
export function wasi_sock_getsockopt(fd: i32, level: u32, name: u32, value: u32, lengthAt: u32): u32 {
  if (!isOption(level, name)) return WASI_INVAL;
  if (!isWord(lengthAt)) return WASI_FAULT;
  const isNumber = name == SO_TYPE || name == SO_ERROR;
  const length = load<u32>(userBuffer(lengthAt, sizeof<u32>()));
  if (isNumber && length < sizeof<u32>()) return WASI_INVAL;
  const used = posix_getsockopt(fd, posix.SOL_SOCKET, posixName(name), value, length);
  if (used < 0) return wasiError(used);
  if (isNumber) {
    const told = load<i32>(userBuffer(value, sizeof<u32>()));
    tellWord(value, name == SO_ERROR ? wasiError(-told) : told == posix.SOCK_STREAM ? SOCK_STREAM : SOCK_DATAGRAM);
  }
  return tellWord(lengthAt, used);
}
