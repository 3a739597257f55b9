// What becomes of a member that has ended: its domain goes, its children are adopted, its parent hears of it. Every step can
// be repeated and is, when it fails; none keeps the next from being taken. The record in xenstore goes last: a forkd that dies
// on the way leaves a later one all it needs.
import type { Log } from "../../support/log.ts";
import { EVENT_ADOPTED, EVENT_EXIT, EVENT_GONE, type FamilyEvent } from "../event_ring.ts";
import { insist } from "../insist.ts";
import { removeDomain } from "../remove_domain.ts";
import { queueEvent } from "./events.ts";
import { FIRST_PID, type Family, type Member } from "./family.ts";
import type { Members } from "./members.ts";
import type { XenControl } from "../xen/control.ts";
import type { DomainUse, Host } from "../xen/host.ts";
import type { Store } from "../xen/store.ts";

const SHUTDOWN_suspend = 2;
const SHUTDOWN_crash = 3;
/** The wait status of a domain of which nothing else is known. */
export const SIGKILL = 9;
const SIGSEGV = 11;

/** Who hears of members that have ended. */
export interface Mourners {
  /** Its memory is still mapped. */
  readonly lastWords: (member: Member) => void;
  /** Then, while its interface may still be there. */
  readonly leave: (member: Member) => void;
  /** It is no more in its family. */
  readonly forget: (member: Member) => Promise<void>;
}

/** A member that has ended. */
export interface Ended {
  readonly member: Member;
  /** As wait(2) encodes it. */
  readonly status: number;
  /** What its domain has used, if it is still there. */
  readonly use: DomainUse | undefined;
}

/** Takes in the ends of members. */
export class Reaper {
  constructor(
    private readonly control: XenControl,
    private readonly host: Host,
    private readonly store: Store,
    private readonly members: Members,
    private readonly mourners: Mourners,
    private readonly log: Log,
  ) {}

  /** Who has ended and is not being reaped yet, and `gone`, whose domains are known to be no more. From now on they count as ended. */
  async ended(gone: readonly Member[] = []): Promise<Ended[]> {
    const domains = await insist("look which domains there are", this.log, () => this.host.domains());
    if (domains === undefined) return [];
    const ended = [...gone, ...this.members.all().filter(({ ending }) => !ending)].flatMap((member) => {
      const found = domains.get(member.domain);
      const use = found?.uuid === member.uuid ? found : undefined;
      const status = waitStatus(member, use);
      return status === undefined ? [] : [{ member, status, use }];
    });
    // Before any of them is reaped: who ends together with its parent is process 1's.
    for (const { member, status } of ended) Object.assign(member, { status, ending: true });
    return ended;
  }

  /** Reaps one that has ended. */
  async reap({ member, status, use }: Ended): Promise<void> {
    const { family, pid, domain, uuid, name } = member;
    await this.#tellRelatives(member);
    // Its domain will be gone, and with it the only other place that tells.
    await this.#write(`${family.path(pid)}/status`, String(status));
    this.mourners.lastWords(member);
    this.mourners.leave(member);
    await this.adopt(member);
    // It counts towards its family's limit as long as it has a domain. The first's is xl's.
    if (pid !== FIRST_PID)
      await insist(`remove the domain of ${name}`, this.log, () =>
        removeDomain(this.control, this.store, domain, uuid),
      );
    this.members.letGo(member);
    this.log(`${name} (process ${pid}, domain ${domain}) ended: ${statusText(status)}`);
    await this.mourners.forget(member);
    const parent = [member.parentPid, FIRST_PID]
      .map((of) => family.members.get(of))
      .find((found) => found?.ending === false);
    if (parent === undefined) return this.#forgetRecord(family.members.size === 0 ? family.home : family.path(pid));
    const { cpuTime = 0n, pages: frames = 0 } = use ?? {};
    queueEvent(parent, { kind: EVENT_EXIT, pid, value: status, cpuTime, frames });
    await this.post(parent);
  }

  /** Lets those that have pages in common with an ended member know that what it held there is nobody's. */
  async #tellRelatives({ family, pid, descriptor }: Member): Promise<void> {
    const heir = family.members.get(descriptor.lastGiven);
    const value = heir?.ending === false ? heir.pid : 0;
    for (const other of [...family.members.values()]) {
      if (other.ending || !other.descriptor.hasCommonPages) continue;
      queueEvent(other, { kind: EVENT_GONE, pid, value });
      await this.post(other);
    }
  }

  /** Gives the children of an ended member to the family's first, which hears of it before it can hear of their ends. */
  async adopt({ family, pid }: Member): Promise<void> {
    const first = family.members.get(FIRST_PID);
    const orphans = adoptOrphans(family, pid);
    for (const orphan of orphans) {
      if (first !== undefined)
        queueEvent(first, { kind: EVENT_ADOPTED, pid: orphan.pid, value: orphan.descriptor.belonging.group });
      await this.#write(`${family.path(orphan.pid)}/parent`, String(FIRST_PID));
    }
    if (orphans.length > 0 && first?.ending === false) await this.post(first);
  }

  /** Posts what a ring had no room for before, and notifies the member if there was any. */
  async post(member: Member): Promise<void> {
    const posted = postWaiting(member);
    if (posted.length > 0) this.members.notify(member);
    for (const { kind, pid } of posted) {
      if (kind === EVENT_EXIT) await this.#forgetRecord(member.family.path(pid));
    }
  }

  #write(path: string, value: string): Promise<void> {
    return insist(`write ${path}`, this.log, () => this.store.write(path, value));
  }

  #forgetRecord(path: string): Promise<void> {
    return insist(`remove ${path}`, this.log, () => this.store.remove(path));
  }
}

/** How a member ended, as wait(2) encodes it; undefined while it lives. `use` is its domain's, if there is one. */
function waitStatus(member: Member, use: DomainUse | undefined): number | undefined {
  if (member.status !== undefined) return member.status;
  if (use === undefined || (use.dying && use.shutdown === undefined)) return SIGKILL;
  // A domain that is saved lives: it goes on (xl save -c), or is destroyed when the file is written.
  if (use.shutdown === undefined || use.shutdown === SHUTDOWN_suspend) return undefined;
  const left = member.descriptor.exitStatus;
  return use.shutdown === SHUTDOWN_crash && left === 0 ? SIGSEGV : left & 0xffff;
}

/**
 * Posts events while the ring has room; those that have been told. A member that has not offered an event
 * channel yet is told nothing: a new child's ring begins empty with its offer.
 */
function postWaiting(member: Member): FamilyEvent[] {
  const { unposted, descriptor } = member;
  const told: FamilyEvent[] = [];
  for (let event = unposted[0]; event !== undefined && member.port !== undefined; event = unposted[0]) {
    const isExit = event.kind === EVENT_EXIT;
    // An earlier forkd may have told it and not lived to remove its record. No pid is given twice.
    if (!(isExit && descriptor.hasExit(event.pid)) && !descriptor.post(event)) break;
    unposted.shift();
    told.push(event);
  }
  return told;
}

/** Hands the children of an ended member to the family's first; those that changed parents. */
function adoptOrphans(family: Family, ended: number): Member[] {
  const orphans = [...family.members.values()].filter(({ pid, parentPid }) => parentPid === ended && pid !== FIRST_PID);
  for (const orphan of orphans) {
    orphan.parentPid = FIRST_PID;
    orphan.descriptor.setIdentity(orphan.pid, FIRST_PID);
  }
  return orphans;
}

/** A wait status for a person. */
function statusText(status: number): string {
  return (status & 0x7f) === 0 ? `exit status ${(status >> 8) & 0xff}` : `signal ${status & 0x7f}`;
}
