// The end of connections whose process has died: who leads their family provokes their peers, and resets them (RESET; libos/net/family/resets.ts). What provokes
// a peer, its answer or the reset may be lost, and nobody hears of that: it is done again.
import type { Family, Member } from "./family.ts";
import { flowEntry, flowId, type ListedFlow } from "./flow_pages.ts";
import type { Mail } from "./mail.ts";
import { MESSAGE, MOST_PAYLOAD } from "./mailbox.ts";
import type { NetworkRules } from "./network_mail.ts";

/** When it is done again, in ms. */
const AGAIN_MS = [1000, 4000] as const;
const FLOWS_PER_MESSAGE = Math.floor(MOST_PAYLOAD / 40);

export class Resets {
  constructor(
    private readonly mail: Mail,
    private readonly rules: Pick<NetworkRules, "covers" | "leader">,
  ) {}

  /** Has the peers of connections that nobody has any more reset; by whom, if there is anybody. */
  reset(family: Family, lost: readonly ListedFlow[]): Member | undefined {
    if (lost.length > 0) for (const delay of AGAIN_MS) setTimeout(() => this.#again(family, lost), delay).unref();
    return this.#order(family, lost);
  }

  /** A peer may have begun another connection with the same ports. */
  #again(family: Family, lost: readonly ListedFlow[]): void {
    const members = [...family.members.values()].filter(({ ending }) => !ending);
    const owned = new Set(members.flatMap(({ flows }) => flows?.owned() ?? []).map(flowId));
    this.#order(
      family,
      lost.filter((flow) => !owned.has(flowId(flow))),
    );
  }

  #order(family: Family, lost: readonly ListedFlow[]): Member | undefined {
    const leader = family.members.get(this.rules.leader(family) ?? 0);
    if (leader === undefined || leader.ending) return undefined;
    const flows = lost.filter((flow) => this.rules.covers(family, flow));
    for (let first = 0; first < flows.length; first += FLOWS_PER_MESSAGE) {
      const entries = flows.slice(first, first + FLOWS_PER_MESSAGE).map(flowEntry);
      this.mail.post(leader, { type: MESSAGE.reset, payload: Buffer.concat(entries) });
    }
    return leader;
  }
}
