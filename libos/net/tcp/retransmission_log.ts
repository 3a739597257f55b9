// What fast recovery has sent again, and when: RACK (RFC 8985) finds by it that a retransmission was lost too. A log
// exists only while something was sent again; it has a bounded number of entries, of those that are forgotten only a
// time-out learns. Times are ticks (transmit_times.ts).
import { Slab, slabInit } from "../../../kernel/memory/slab";
import { scoreboardMissing, scoreboardSkip } from "./scoreboard";
import { sequenceLess, sequenceMax, sequenceMin } from "./sequence";
import { TcpSocket } from "./socket";
import { ticksOf } from "./transmit_times";

const ENTRIES: u32 = 64;

/** One segment that was sent again. */
@unmanaged
@final
export class Retransmission {
  start: u32;
  end: u32;
  time: u32;
  /** 1: lost as well, to be sent once more. */
  lost: u32;
}

@unmanaged
@final
class Log {
  count: u32;
  /** Where the next entry goes when all are taken. */
  oldest: u32;
}

const slab = changetype<Slab>(memory.data(24, 8));

/** Called once by tcpInit. */
export function retransmissionLogsInit(): void {
  slabInit(slab, <u32>(offsetof<Log>() + ENTRIES * offsetof<Retransmission>()));
}

/** Logs in existence. */
export function retransmissionLogCount(): u32 {
  return slab.used;
}

/** Bytes of the largest log. */
export const RETRANSMISSION_LOG_MAX: u32 = <u32>(offsetof<Log>() + ENTRIES * offsetof<Retransmission>());

/** A log without entries that belongs to no connection yet, or 0 without memory. */
export function retransmissionLogAlloc(): usize {
  return slab.alloc();
}

/** Bytes that the log of `s` takes; 0 without one. */
export function retransmissionLogBytes(s: TcpSocket): u32 {
  return s.retransmissionLog == 0 ? 0 : <u32>(offsetof<Log>() + retransmissions(s) * offsetof<Retransmission>());
}

/** Whether the log of `s`, written by somebody else, can be worked on. */
export function retransmissionLogSound(s: TcpSocket): bool {
  if (s.retransmissionLog == 0) return true;
  const log = changetype<Log>(s.retransmissionLog);
  return log.count <= ENTRIES && log.oldest < ENTRIES;
}

/** Entries in the log of `s`. */
export function retransmissions(s: TcpSocket): u32 {
  return s.retransmissionLog == 0 ? 0 : changetype<Log>(s.retransmissionLog).count;
}

/** Entry `index`. */
export function retransmissionAt(s: TcpSocket, index: u32): Retransmission {
  return changetype<Retransmission>(s.retransmissionLog + offsetof<Log>() + <usize>index * offsetof<Retransmission>());
}

/** [start, end) has been sent again at `now`, maybe not for the first time. */
export function retransmissionAdd(s: TcpSocket, start: u32, end: u32, now: u64): void {
  if (s.retransmissionLog == 0) s.retransmissionLog = slab.alloc();
  if (s.retransmissionLog == 0) return;
  forget(s, start, end);
  const log = changetype<Log>(s.retransmissionLog);
  let index = log.count;
  if (index == ENTRIES) {
    index = log.oldest;
    log.oldest = (log.oldest + 1) % ENTRIES;
  } else {
    log.count += 1;
  }
  const entry = retransmissionAt(s, index);
  entry.start = start;
  entry.end = end;
  entry.time = ticksOf(now);
  entry.lost = 0;
}

/** Takes [start, end) from the entries that begin there: whatever of it was due has been sent. */
function forget(s: TcpSocket, start: u32, end: u32): void {
  for (let i = retransmissions(s); i != 0; i--) {
    const entry = retransmissionAt(s, i - 1);
    if (sequenceLess(entry.start, start) || !sequenceLess(entry.start, end)) continue;
    if (sequenceLess(end, entry.end)) entry.start = end;
    else retransmissionRemove(s, i - 1);
  }
}

/** Takes entry `index` out; the last takes its place. */
export function retransmissionRemove(s: TcpSocket, index: u32): void {
  const log = changetype<Log>(s.retransmissionLog);
  log.count -= 1;
  memory.copy(
    changetype<usize>(retransmissionAt(s, index)),
    changetype<usize>(retransmissionAt(s, log.count)),
    offsetof<Retransmission>(),
  );
}

/** True when the number before `end` has been sent again. */
export function retransmissionCovers(s: TcpSocket, end: u32): bool {
  for (let i: u32 = 0, n = retransmissions(s); i < n; i++) {
    const entry = retransmissionAt(s, i);
    if (end - 1 - entry.start < entry.end - entry.start) return true;
  }
  return false;
}

/** True when the peer still misses something of `entry`. */
export function retransmissionMissing(s: TcpSocket, entry: Retransmission): bool {
  if (!sequenceLess(s.sendUnacknowledged, entry.end)) return false;
  const start = sequenceLess(entry.start, s.sendUnacknowledged) ? s.sendUnacknowledged : entry.start;
  return scoreboardMissing(s, start, entry.end) != 0;
}

/** Bytes that were sent again and are lost once more. */
export function retransmissionsLost(s: TcpSocket): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0, n = retransmissions(s); i < n; i++) {
    const entry = retransmissionAt(s, i);
    if (entry.lost == 0) continue;
    bytes += scoreboardMissing(s, sequenceMax(entry.start, s.sendUnacknowledged), sequenceMin(entry.end, s.sendNext));
  }
  return bytes;
}

/** A number that was sent again, lost again, and is still missing; `none` when there is none. */
export function retransmissionDue(s: TcpSocket, none: u32): u32 {
  for (let i: u32 = 0, n = retransmissions(s); i < n; i++) {
    const entry = retransmissionAt(s, i);
    if (entry.lost == 0 || !retransmissionMissing(s, entry)) continue;
    entry.start = scoreboardSkip(s, sequenceMax(entry.start, s.sendUnacknowledged));
    return entry.start;
  }
  return none;
}

/** Forgets the log. */
export function retransmissionLogFree(s: TcpSocket): void {
  if (s.retransmissionLog == 0) return;
  slab.free(s.retransmissionLog);
  s.retransmissionLog = 0;
}
