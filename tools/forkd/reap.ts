// What becomes of a member that has ended: its wait status, and who hears of it.
import type { ExitEvent } from "./descriptor.ts";
import { FIRST_PID, type Family, type Member } from "./family.ts";
import type { DomainInfo } from "./xen/control.ts";

const SHUTDOWN_suspend = 2;
const SHUTDOWN_crash = 3;
const SIGKILL = 9;
const SIGSEGV = 11;

/** How a member ended, as wait(2) encodes it; undefined while it lives. */
export function waitStatus(member: Member, info: DomainInfo | undefined): number | undefined {
  const gone = info === undefined || info.uuid !== member.uuid;
  if (gone || (info.dying && info.shutdown === undefined)) return SIGKILL;
  // A domain that is saved lives: it goes on (xl save -c), or is destroyed when the file is written.
  if (info.shutdown === undefined || info.shutdown === SHUTDOWN_suspend) return undefined;
  const left = member.descriptor.exitStatus;
  return info.shutdown === SHUTDOWN_crash && left === 0 ? SIGSEGV : left & 0xffff;
}

/** Puts an exit event where a parent finds it, or keeps it until its ring has room. Whether to notify the parent. */
export function tellParent(parent: Member, event: ExitEvent): boolean {
  parent.unposted.push(event);
  return postWaiting(parent);
}

/** Posts what a ring had no room for before. */
export function postWaiting(parent: Member): boolean {
  let posted = false;
  for (let event = parent.unposted[0]; event !== undefined; event = parent.unposted[0]) {
    if (!parent.descriptor.postExit(event)) break;
    parent.unposted.shift();
    posted = true;
  }
  return posted;
}

/** Hands the children of an ended member to the family's first; those that changed parents. */
export function adoptOrphans(family: Family, ended: number): Member[] {
  const orphans = [...family.members.values()].filter(({ pid, parentPid }) => parentPid === ended && pid !== FIRST_PID);
  for (const orphan of orphans) {
    orphan.parentPid = FIRST_PID;
    orphan.descriptor.setIdentity(orphan.pid, FIRST_PID);
  }
  return orphans;
}
