// Initial sequence numbers (RFC 6528): a keyed hash of the connection plus a clock of 4 µs. An outsider cannot guess
// them; a new incarnation of a connection starts beyond the old one. The offset of the timestamps we send
// comes from the same key, per pair of hosts, so that timestamps grow from one incarnation to the next (RFC 7323, 5.4).
import { randomU64 } from "../../../kernel/random";
import { IpAddress } from "../ip/address";
import { siphashBegin, siphashEnd, siphashWord } from "../siphash";

const NANOSECONDS_PER_TICK: u64 = 4000;
const NANOSECONDS_PER_TIMESTAMP: u64 = 1000000;

let key0: u64 = 0;
let key1: u64 = 0;

/** Draws the secret (RFC 9293 MUST-9: nothing outside this host knows it). */
export function isnInit(): void {
  key0 = randomU64();
  key1 = randomU64();
}

/** The hash of two addresses and `word` under a key. */
function hash(first: u64, second: u64, local: IpAddress, remote: IpAddress, word: u64): u32 {
  siphashBegin(first, second);
  siphashWord(local.high);
  siphashWord(local.low);
  siphashWord(remote.high);
  siphashWord(remote.low);
  siphashWord(word);
  return <u32>siphashEnd();
}

/** The initial sequence number for a connection opened at `now` (RFC 9293 MUST-8, SHLD-1). */
export function isnFor(local: IpAddress, localPort: u16, remote: IpAddress, remotePort: u16, now: u64): u32 {
  const ports = ((<u64>localPort) << 16) | remotePort;
  return hash(key0, key1, local, remote, ports) + <u32>(now / NANOSECONDS_PER_TICK);
}

/** A hash of a connection, of the number that its peer's SYN has, and of a time: what a SYN cookie is made of. */
export function connectionHash(
  local: IpAddress,
  localPort: u16,
  remote: IpAddress,
  remotePort: u16,
  peerInitial: u32,
  time: u64,
): u32 {
  const ports = ((<u64>localPort) << 16) | remotePort;
  siphashBegin(key0, key1);
  siphashWord(local.high);
  siphashWord(local.low);
  siphashWord(remote.high);
  siphashWord(remote.low);
  siphashWord((ports << 32) | peerInitial);
  siphashWord(time); // one word more than the hashes above: under the same key it tells nothing about them
  return <u32>siphashEnd();
}

/** What is added to the clock in timestamps sent from `local` to `remote`. */
export function timestampOffsetFor(local: IpAddress, remote: IpAddress): u32 {
  return hash(key1, key0, local, remote, 1);
}

/** The timestamp clock: milliseconds (RFC 7323, 5.4: between 1 ms and 1 s). */
export function timestampClock(now: u64): u32 {
  return <u32>(now / NANOSECONDS_PER_TIMESTAMP);
}
