// Orphans: connections that no descriptor and no accept queue holds any more, but whose last text or FIN the peer has not
// acknowledged yet. A peer that never does – it keeps its window closed, say – makes them last, and the application
// cannot bound them: so they are counted, and give up sooner than others.
import { R2_ORPHAN, R2_ORPHAN_TIGHT } from "./constants";
import { DETACHED } from "./flags";
import { bufferMemoryTight } from "./memory";
import { TcpSocket } from "./socket";

/** Orphans that are kept; beyond it a connection that is closed is reset. */
export const ORPHANS_MAX: u32 = 1024;

let count: u32 = 0;

/** Called once by tcpInit. */
export function orphansInit(): void {
  count = 0;
}

/** Orphans now, those included that have just ended. */
export function orphanCount(): u32 {
  return count;
}

/** Nobody holds `s` any more. */
export function orphanAdd(s: TcpSocket): void {
  s.set(DETACHED);
  count += 1;
}

/** The orphan is freed. */
export function orphanRemove(): void {
  count -= 1;
}

/** True when another orphan would be one too many. */
export function orphansTooMany(): bool {
  return count > ORPHANS_MAX;
}

/** How long an orphan may go without progress, ns. One that makes some is never given up for want of memory: its text would be lost. */
export function orphanPatience(): u64 {
  return bufferMemoryTight() ? R2_ORPHAN_TIGHT : R2_ORPHAN;
}
