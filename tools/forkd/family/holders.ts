// Who of a family holds a connection, as the pages of its members say (flow_pages.ts). Of the members that have ended nothing is asked.
import type { Family, Member } from "./family.ts";
import { flowId, HOLD, type FlowId } from "./flow_pages.ts";
import type { PastTransfers } from "./transfers.ts";

/** How a member holds a connection: one of HOLD; undefined when it does not. */
export function holdOf({ flows }: Member, id: FlowId): number | undefined {
  return flows?.holdOf(id);
}

/** The members that list themselves as the connection's owners: two while it is moved from one to the other. */
export function ownersOf(family: Family, id: FlowId): Member[] {
  return membersThat(family, id, HOLD.owner);
}

/** The members that have descriptors of it, but not the connection. */
export function heirsOf(family: Family, id: FlowId): Member[] {
  return membersThat(family, id, HOLD.inherited);
}

function membersThat({ members }: Family, id: FlowId, hold: number): Member[] {
  return [...members.values()].filter((member) => !member.ending && holdOf(member, id) === hold);
}

/** The owners of a family's connections, but for those who have given one away just now and still list it. */
export class Owners {
  constructor(
    private readonly family: Family,
    private readonly past: PastTransfers,
  ) {}

  /** Those that have it; who has given it away counts only where there is nobody else. */
  all(id: FlowId): Member[] {
    const owners = ownersOf(this.family, id);
    const present = owners.filter((member) => !this.past.isFrom(id, member));
    return present.length > 0 ? present : owners;
  }

  first(id: FlowId): Member | undefined {
    return this.all(id)[0];
  }

  isOwner(member: Member, id: FlowId): boolean {
    return holdOf(member, id) === HOLD.owner && this.first(id) === member;
  }

  /** What a living member has, and has not given away just now. */
  ownedBy(member: Member): FlowId[] {
    if (member.ending) return [];
    return (member.flows?.owned() ?? []).map(flowId).filter((id) => !this.past.isFrom(id, member));
  }
}
