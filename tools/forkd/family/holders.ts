// Who of a family holds a connection, as the pages of its members say (flow_pages.ts). Of the members that have ended nothing is asked.
import type { Family, Member } from "./family.ts";
import { HOLD, type FlowId } from "./flow_pages.ts";

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
