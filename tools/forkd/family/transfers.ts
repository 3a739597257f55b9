// What is under way with the connections of one family: those that are being moved from one process to another (transfers), those whose
// owner wants to be rid of them (endings), and those that were moved a moment ago. All else is in the pages of the members.
import type { Member } from "./family.ts";
import type { FlowId, ListedFlow } from "./flow_pages.ts";
import type { Reason } from "./handover_messages.ts";

/** How long (ms) an old owner may pass on what still arrives at it. */
const PASSING_ON_MS = 5000;

/** A connection on its way. */
export interface Transfer {
  readonly flow: ListedFlow;
  readonly from: Member;
  readonly to: Member;
  readonly reason: Reason;
  /** Whether all of the state has been sent: it can be there when `from` has died. */
  sent: boolean;
  /** Others that want it, in their order. */
  readonly waiting: Member[];
}

/** A connection that its owner has done with, and keeps up until another has it or nobody wants it. */
export interface Ending {
  readonly flow: ListedFlow;
  readonly owner: Member;
  /** It was never accepted: any acceptor of its port may have it. Else those that hold it may. */
  readonly offered: boolean;
  /** Members that have not told what they hold. */
  readonly awaited: Set<Member>;
  /** Those that could not take it. */
  readonly tried: Set<Member>;
}

interface Moved {
  readonly from: Member;
  readonly to: Member;
  readonly at: number;
}

/** Transfers that are over: of an old owner that has not heard of it the pages are not true. */
export class PastTransfers {
  readonly #moved = new Map<FlowId, Moved[]>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  add(id: FlowId, from: Member, to: Member): void {
    const others = (this.#moved.get(id) ?? []).filter((moved) => moved.from !== from && moved.from !== to);
    this.#moved.set(id, [...others, { from, to, at: this.now() }]);
  }

  /** Whether it was moved away from this member. */
  isFrom(id: FlowId, member: Member): boolean {
    return this.#moved.get(id)?.some(({ from }) => from === member) ?? false;
  }

  /** Whether it was moved like this a moment ago. */
  passesOn(id: FlowId, sender: Member, addressee: Member): boolean {
    const since = this.now() - PASSING_ON_MS;
    return this.#moved.get(id)?.some(({ from, to, at }) => from === sender && to === addressee && at >= since) ?? false;
  }

  /** Forgets what was long ago, and all of members that have ended. */
  purge(): void {
    const since = this.now() - PASSING_ON_MS;
    for (const [id, all] of this.#moved) {
      const kept = all.filter(({ from, to, at }) => at >= since && !from.ending && !to.ending);
      if (kept.length > 0) this.#moved.set(id, kept);
      else this.#moved.delete(id);
    }
  }
}
