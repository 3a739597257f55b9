// Slots: new flows to a port that several members serve are spread over 256 slots by the hash of their addresses and ports, and each
// slot belongs to a member. Every member draws a lot for a slot and the greatest has it (weighted rendezvous hashing: Thaler and
// Ravishankar, 1998; Schindelhauer and Schomaker, 2005): who comes takes slots from all others in proportion, and when one goes,
// nobody else's slots change.
import { flowKey, jenkinsHash, type Flow } from "./flow.ts";

export const SLOTS = 256;
/** Where the hash begins. It need not be a secret: who chooses a member by choosing his port gains nothing. */
export const SLOT_SEED = 0x4b415259;

/** A member that takes new flows to a port. */
export interface Acceptor {
  readonly pid: number;
  /** Its share beside the others'; 0 takes none. */
  readonly weight: number;
}

/** The slot of a flow, as the rules compute it: the hash scaled to 0 … 255. */
export function slotOf(flow: Flow): number {
  return Math.floor((jenkinsHash(flowKey(flow), SLOT_SEED) * SLOTS) / 2 ** 32);
}

/** The member of each slot; empty when nobody takes any. */
export function assignSlots(acceptors: readonly Acceptor[]): number[] {
  const taking = acceptors.filter(({ weight }) => weight > 0);
  if (taking.length === 0) return [];
  return Array.from({ length: SLOTS }, (_, slot) => drawLots(taking, slot) ?? 0);
}

/** The member of one slot; undefined when nobody takes any. */
export function memberOfSlot(acceptors: readonly Acceptor[], slot: number): number | undefined {
  return drawLots(
    acceptors.filter(({ weight }) => weight > 0),
    slot,
  );
}

function drawLots(taking: readonly Acceptor[], slot: number): number | undefined {
  const lots = taking.map((acceptor) => ({ pid: acceptor.pid, lot: lotOf(acceptor, slot) }));
  return lots.length === 0 ? undefined : lots.reduce((best, one) => (one.lot > best.lot ? one : best)).pid;
}

function lotOf({ pid, weight }: Acceptor, slot: number): number {
  const drawn = Buffer.alloc(8);
  drawn.writeUInt32LE(pid, 0);
  drawn.writeUInt32LE(slot, 4);
  // Uniform in (0, 1): -weight / ln of it is greatest with a probability in proportion to the weight.
  return -weight / Math.log((jenkinsHash(drawn, SLOT_SEED) + 0.5) / 2 ** 32);
}
