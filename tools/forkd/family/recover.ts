// Goes on where an earlier forkd left off. What xenstore tells of a family is compared with what Xen and the members' own
// pages tell: who lives is taken in, who has ended is taken in to be reaped, what was only half made is removed.
import type { Log } from "../../support/log.ts";
import { Family, FIRST_PID, type Member, type MemberRecord } from "./family.ts";
import { familyLimits, NO_CHILDREN } from "./limits.ts";
import { mapMember, memberWithoutPage } from "./members.ts";
import { SIGKILL } from "./reap.ts";
import { readHeader, readRecords } from "./records.ts";
import type { Xen } from "../xen/handles.ts";
import type { DomainUse, Host } from "../xen/host.ts";
import type { Store } from "../xen/store.ts";
import { removeDomain } from "../remove_domain.ts";
import { FAMILIES } from "../xenstore_nodes.ts";

/** Takes in what xenstore tells of. The members offer their event channels anew through their nodes. */
export async function recover(xen: Xen, host: Host, store: Store, log: Log): Promise<Recovered> {
  const recovery = new Recovery(xen, store, log, domainsByUuid(host));
  for (const uuid of await store.directory(FAMILIES)) await recovery.family(uuid);
  return recovery;
}

/** What an earlier forkd left. */
export interface Recovered {
  readonly living: readonly Member[];
  /** Members whose domains have gone, parents before their children; to be reaped. */
  readonly ended: readonly Member[];
}

function domainsByUuid(host: Host): Map<string, DomainUse> {
  return new Map([...host.domains().values()].map((use) => [use.uuid, use]));
}

class Recovery implements Recovered {
  readonly living: Member[] = [];
  readonly ended: Member[] = [];

  constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly log: Log,
    private readonly domains: ReadonlyMap<string, DomainUse>,
  ) {}

  async family(uuid: string): Promise<void> {
    const { name, limits, lastPid } = await readHeader(this.store, uuid);
    const records = await readRecords(this.store, uuid);
    const highest = Math.max(lastPid, ...records.map(({ pid }) => pid));
    const family = new Family(uuid, name, familyLimits(limits, name) ?? NO_CHILDREN, highest);
    family.shares = true; // nobody knows how its members were made
    const unfinished: MemberRecord[] = [];
    for (const record of records) {
      if (record.pid !== FIRST_PID && this.#isUnfinished(record)) unfinished.push(record);
      else this.#takeIn(family, record);
    }
    for (const record of unfinished) await this.#judge(family, record);
    if (family.members.size === 0) await this.store.remove(`${FAMILIES}/${uuid}`);
  }

  /** Whether a record is that of a domain that was still being made, or not yet begun, as far as forkd has written. */
  #isUnfinished({ state, status }: MemberRecord): boolean {
    return status === undefined && state !== "running";
  }

  /** A member that lives, or that has ended meanwhile. */
  #takeIn(family: Family, record: MemberRecord): void {
    const member = this.#living(family, record);
    family.know(member ?? this.#gone(family, record));
    if (member !== undefined) this.living.push(member);
  }

  #living(family: Family, record: MemberRecord): Member | undefined {
    const use = this.domains.get(record.uuid);
    if (use === undefined || record.status !== undefined) return undefined;
    try {
      const { pid, uuid, name, parentPid, descriptorFrame } = record;
      const identity = { pid, domain: use.domain, uuid, name, parentPid };
      return mapMember(this.xen.memory, family, identity, descriptorFrame);
    } catch {
      return undefined; // it is dying
    }
  }

  #gone(family: Family, record: MemberRecord): Member {
    const member = memberWithoutPage(family, { ...record, status: record.status ?? SIGKILL });
    this.ended.push(member);
    return member;
  }

  /**
   * What was on its way to become a child when forkd died. If it runs it is one, for only a child that its parent was told of is
   * let run. If it does not, but its parent was told already, it has ended for its parent. Else nothing remains of it.
   */
  async #judge(family: Family, record: MemberRecord): Promise<void> {
    const use = this.domains.get(record.uuid);
    if (use !== undefined && !(use.paused && use.cpuTime === 0n)) {
      await this.store.writeAll(family.record({ ...record, domain: use.domain }, "running"));
      return this.#takeIn(family, record);
    }
    const parent = family.members.get(record.parentPid);
    if (parent?.descriptor.knowsChild(record.pid) !== true) return this.#discard(family, record, use);
    // Before its domain goes, so that a forkd after this one knows it, too.
    await this.store.write(`${family.path(record.pid)}/status`, String(SIGKILL));
    family.know(this.#gone(family, { ...record, domain: use?.domain ?? record.domain }));
  }

  async #discard(family: Family, record: MemberRecord, use: DomainUse | undefined): Promise<void> {
    const { pid, uuid, name } = record;
    const domain = use?.domain ?? record.domain;
    if (use !== undefined) {
      this.log(`removing ${name} (domain ${domain}), which an earlier forkd left unfinished`);
    }
    await removeDomain(this.xen.control, this.store, domain, uuid);
    await this.store.remove(family.path(pid));
  }
}
