// Process groups and sessions of a family (setpgid(2), setsid(2)). Which a process belongs to is kept in its descriptor page: so a child has its
// parent's, and a later forkd finds them there. A parent hears which group a child of its has joined.
import type { Belonging, GroupRequest } from "../descriptor.ts";
import { EVENT_GROUP } from "../event_ring.ts";
import { queueEvent } from "./events.ts";
import type { Family, Member } from "./family.ts";

const [EPERM, ESRCH, EINVAL] = [1, 3, 22];

/** The members of process group `group`. */
export function membersOf(family: Family, group: number): Member[] {
  return [...family.members.values()].filter((member) => !member.ending && member.descriptor.belonging.group === group);
}

/**
 * Does what `asker` asks for.
 *
 * @param post tells a member what it is to hear of
 * @returns the number of a group or session, 0, or -errno
 */
export function serveGroups(asker: Member, { what, pid, group }: GroupRequest, post: (member: Member) => void): number {
  const target = asker.family.members.get(pid);
  if (target === undefined || target.ending) return -ESRCH;
  if (what === "groupOf") return target.descriptor.belonging.group;
  if (what === "sessionOf") return target.descriptor.belonging.session;
  const belonging = what === "begin" ? begun(asker, target) : joined(asker, target, group);
  if (typeof belonging === "number") return belonging;
  target.descriptor.setBelonging(belonging);
  const parent = target.family.members.get(target.parentPid);
  if (parent?.ending === false) {
    queueEvent(parent, { kind: EVENT_GROUP, pid: target.pid, value: belonging.group });
    post(parent);
  }
  return what === "begin" ? belonging.session : 0;
}

/** What setsid makes of `target`, or -errno. */
function begun(asker: Member, target: Member): Belonging | number {
  if (asker !== target) return -ESRCH;
  const { pid, family } = target;
  return membersOf(family, pid).length > 0 ? -EPERM : { group: pid, session: pid };
}

/** What setpgid makes of `target`, or -errno. */
function joined(asker: Member, target: Member, group: number): Belonging | number {
  if (target !== asker && target.parentPid !== asker.pid) return -ESRCH;
  if (group < 1) return -EINVAL;
  const { session } = target.descriptor.belonging;
  if (session === target.pid || session !== asker.descriptor.belonging.session) return -EPERM;
  const isThere = membersOf(target.family, group).some(({ descriptor }) => descriptor.belonging.session === session);
  return group === target.pid || isThere ? { group, session } : -EPERM;
}
