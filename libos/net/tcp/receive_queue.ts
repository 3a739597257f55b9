// The receive ring seen from both sides: text coming in, the application reading, and the window that follows from it.
import { PAGE_SIZE } from "../../../kernel/memory/pages";
import { receiveTuneBack } from "./auto_tuning";
import { WINDOW_UNSCALED } from "./constants";
import { bufferMemoryTight } from "./memory";
import { outputNow } from "./output";
import { reassemblyFree, reassemblyInsert, reassemblyTake } from "./reassembly";
import {
  ringAdvance,
  ringCapacity,
  ringDrained,
  ringExtend,
  ringFree,
  ringRead,
  ringReserve,
  ringWrite,
} from "./ring_buffer";
import { sequenceLess } from "./sequence";
import { ACK_NOW, URGENT } from "./flags";
import { TcpSocket } from "./socket";
import { acceptsText } from "./state";

/** Bytes that can be read now. */
export function receiveAvailable(s: TcpSocket): u32 {
  return s.receiveBuffer.length;
}

/** Copies up to `count` bytes out without taking them. */
export function receivePeek(s: TcpSocket, target: usize, count: u32): u32 {
  const taken = min(count, s.receiveBuffer.length);
  ringRead(s.receiveBuffer, 0, target, taken);
  return taken;
}

/** Takes up to `count` bytes, and tells the peer when that opens the window by much. */
export function receiveTake(s: TcpSocket, target: usize, count: u32, now: u64): u32 {
  const ring = s.receiveBuffer;
  const taken = receivePeek(s, target, count);
  ringAdvance(ring, taken);
  if (ring.length == 0 && s.outOfOrder == 0) ringDrained(ring);
  // What is left starts at receiveNext - length.
  if (s.has(URGENT) && !sequenceLess(s.receiveNext - ring.length, s.urgentSequence)) s.clear(URGENT);
  if (acceptsText(s.state) && windowUpdateDue(s)) {
    s.set(ACK_NOW);
    outputNow(s, now);
  }
  return taken;
}

/** Drops everything, read or not. */
export function receiveDiscard(s: TcpSocket): void {
  reassemblyFree(s);
  ringFree(s.receiveBuffer);
}

/**
 * Stores `count` bytes of text with sequence number receiveNext + offset, inside the window; what comes early waits
 * (RFC 9293 SHLD-31). Text without a gap moves
 * receiveNext, over early text too. False when there was no memory: the segment counts as lost.
 */
export function receiveStore(s: TcpSocket, offset: u32, source: usize, count: u32): bool {
  const ring = s.receiveBuffer;
  const held = s.outOfOrder == 0 ? ring.length : ringCapacity(ring);
  const needed = ring.length + offset + count;
  if (needed > ringCapacity(ring) && !receiveGrow(s, needed, held)) return false;
  if (offset != 0 && !reassemblyInsert(s, s.receiveNext + offset, s.receiveNext + offset + count)) return false;
  ringWrite(ring, ring.length + offset, source, count);
  if (offset != 0) return true;
  const next = s.receiveNext + count;
  const end = reassemblyTake(s, next);
  ringExtend(ring, end - s.receiveNext);
  s.octetsReceived += end - s.receiveNext;
  s.receiveNext = end;
  return true;
}

/**
 * Makes the ring `needed` bytes large, of which `held` from the start are kept. False when that is not possible. What the window has promised is
 * taken, though SO_RCVBUF may have come to be less.
 */
function receiveGrow(s: TcpSocket, needed: u32, held: u32): bool {
  if (ringReserve(s.receiveBuffer, needed, held)) return true;
  receiveTuneBack(s);
  return false;
}

/** The most that the window may span now. */
function windowLimit(s: TcpSocket): u32 {
  const limit = bufferMemoryTight() ? min(s.receiveLimit, 2 * PAGE_SIZE) : s.receiveLimit;
  return min(limit, (<u32>65535) << s.receiveScale);
}

/** Room behind receiveNext. */
function windowFree(s: TcpSocket): u32 {
  const limit = windowLimit(s);
  const held = s.receiveBuffer.length;
  return limit > held ? limit - held : 0;
}

/** What is left of the advertised window. */
export function windowOpen(s: TcpSocket): u32 {
  return s.receiveEdge - s.receiveNext;
}

/** RFC 9293 MUST-39, MAY-8, 3.8.6.2.2: the right edge moves by a segment or half the buffer, or stays. */
function windowMoves(s: TcpSocket, free: u32): bool {
  const open = windowOpen(s);
  return free > open && free - open >= min(windowLimit(s) >> 1, s.segmentSize);
}

/**
 * True when the window is worth an ACK of its own: it has at least doubled, and was so narrow that it may hold up the peer.
 * A wider one opens further with the next segment that is sent anyhow.
 */
function windowUpdateDue(s: TcpSocket): bool {
  const open = windowOpen(s);
  if (open >= WINDOW_UNSCALED / 2) return false;
  const free = windowFree(s);
  return windowMoves(s, free) && free >= 2 * open;
}

/**
 * The window field of the next segment; moves the advertised edge with it. The edge never goes left (RFC 9293 SHLD-14): rounding
 * down would shrink the window (RFC 7323, 2.3). But the window moves on with every small segment that is rounded up, and memory does not: an
 * eighth beyond the limit, which only many such segments reach that nobody reads, the field says up to 2^receiveScale - 1 bytes less than
 * what is taken.
 */
export function windowAdvertise(s: TcpSocket): u32 {
  const open = windowOpen(s);
  const free = windowFree(s);
  const scale = s.receiveScale;
  let field = (windowMoves(s, free) ? free : open) >> scale;
  const most = s.receiveLimit + (s.receiveLimit >> 3);
  if (field << scale < open && s.receiveBuffer.length + (field << scale) <= most) field += 1;
  s.receiveEdge = s.receiveNext + max(open, field << scale);
  return field;
}

/** The window of a SYN, which is never scaled (RFC 7323, 2.2). */
export function windowInitial(s: TcpSocket): u32 {
  const window = min(s.receiveLimit, WINDOW_UNSCALED);
  s.receiveEdge = s.receiveNext + window;
  return window;
}
