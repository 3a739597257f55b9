// A connection on its way to another process. From HAND on it is frozen: its state is INHERITED for all of TCP – nothing is sent, no timer counts, the
// application waits –, and what it was stands here. It stays whole until the other one has it (MOVED), for if that fails it goes on (SOLE). For
// a time after MOVED segments that still come this way are sent after it.
import { Slab, slabInit } from "../../../kernel/memory/slab";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { CLAIMING, HANDING, READ_SHUT } from "../tcp/flags";
import { starvedRemove } from "../tcp/memory";
import { outputNow, outputUnmark } from "../tcp/output";
import { reassemblyFree } from "../tcp/reassembly";
import { TcpSocket } from "../tcp/socket";
import { INHERITED } from "../tcp/state";
import { stateEnter } from "../tcp/trace";
import { STATE_BLOCK } from "./state_layout";

@unmanaged
@final
export class Handing {
  next: usize;
  socket: usize;
  /** Who gets it, and why: a REASON. */
  pid: i32;
  reason: u32;
  /** What of the state is to be sent next (state_layout.ts). */
  kind: u32;
  offset: u32;
  /** All has been sent. */
  sent: bool;
  /** A forkd that has begun anew does not know of it. */
  untold: bool;
  /** The connection's own state. */
  state: u8;
}

export const NO_HANDING: Handing = changetype<Handing>(0);

const slab = changetype<Slab>(memory.data(24, 8));
/** In the order in which they have begun. */
let first: usize = 0;

/** The first of all, NO_HANDING when there is none. */
export function handingFirst(): Handing {
  return changetype<Handing>(first);
}

/** The one after `handing`. */
export function handingNext(handing: Handing): Handing {
  return changetype<Handing>(handing.next);
}

/** Where `s` is going, or has gone a short time ago; NO_HANDING otherwise. */
export function handingOf(s: TcpSocket): Handing {
  return changetype<Handing>(s.handing);
}

/** Freezes `s`, to be sent to process `pid`. False without memory. */
export function handingBegin(s: TcpSocket, pid: i32, reason: u32): bool {
  if (slab.objectSize == 0) slabInit(slab, <u32>offsetof<Handing>());
  const handing = changetype<Handing>(slab.alloc());
  if (handing == NO_HANDING) return false;
  handing.socket = changetype<usize>(s);
  handing.reason = reason;
  handing.state = s.state;
  handingRestart(handing, pid);
  append(handing);
  s.handing = changetype<usize>(handing);
  s.sharing |= HANDING;
  outputUnmark(s);
  starvedRemove(s);
  if (s.has(READ_SHUT)) reassemblyFree(s); // nobody will read it, and it may be behind receiveNext by now
  stateEnter(s, INHERITED);
  return true;
}

/** Sends it from the beginning, to `pid`. */
export function handingRestart(handing: Handing, pid: i32): void {
  handing.pid = pid;
  handing.kind = STATE_BLOCK;
  handing.offset = 0;
  handing.sent = false;
}

function append(handing: Handing): void {
  handing.next = 0;
  if (first == 0) {
    first = changetype<usize>(handing);
    return;
  }
  let last = changetype<Handing>(first);
  while (last.next != 0) last = changetype<Handing>(last.next);
  last.next = changetype<usize>(handing);
}

/** Forgets where `s` went. It stays as it is. */
export function handingEnd(s: TcpSocket): void {
  const handing = s.handing;
  if (handing == 0) return;
  s.handing = 0;
  const next = changetype<Handing>(handing).next;
  if (first == handing) {
    first = next;
  } else {
    let before = changetype<Handing>(first);
    while (before.next != handing) before = changetype<Handing>(before.next);
    before.next = next;
  }
  slab.free(handing);
}

/** It could not be handed over: `s` goes on as it was. */
export function handingUndo(s: TcpSocket, now: u64): void {
  stateEnter(s, handingOf(s).state);
  handingEnd(s);
  s.sharing &= ~(HANDING | CLAIMING);
  outputNow(s, now); // which arms the timers, too
  wakeAll(s.waitQueue);
}
