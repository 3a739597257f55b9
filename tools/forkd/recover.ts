// Goes on where an earlier forkd left off: removes what it had only half made, and takes in the members that still run.
import type { Log } from "../support/log.ts";
import { Family, FIRST_PID, type Member, type MemberRecord } from "./family.ts";
import { familyLimits, NO_CHILDREN } from "./limits.ts";
import type { Xen } from "./xen/handles.ts";
import { mapMember } from "./members.ts";
import type { XenControl } from "./xen/control.ts";
import type { Store } from "./xen/store.ts";
import { FAMILIES, removeDomainNodes } from "./xenstore_nodes.ts";

/** The records of a family, by pid. */
export async function readRecords(store: Store, family: string): Promise<MemberRecord[]> {
  const nodes = await store.directory(`${FAMILIES}/${family}`);
  const pids = nodes
    .filter((node) => /^\d+$/.test(node))
    .map(Number)
    .sort((a, b) => a - b);
  return Promise.all(
    pids.map(async (pid) => {
      const read = async (node: string): Promise<string> =>
        (await store.read(`${FAMILIES}/${family}/${pid}/${node}`)) ?? "";
      const [domid, uuid, parent, name, descriptor, state] = await Promise.all(
        ["domid", "uuid", "parent", "name", "descriptor", "state"].map(read),
      );
      return {
        pid,
        domain: Number(domid),
        uuid: uuid ?? "",
        parentPid: Number(parent),
        name: name ?? "",
        descriptorFrame: Number(descriptor),
        state: state ?? "",
      };
    }),
  );
}

/** Takes in what xenstore tells of. The members offer their event channels anew through their nodes. */
export async function recover(xen: Xen, store: Store, log: Log): Promise<Member[]> {
  const members: Member[] = [];
  for (const uuid of await store.directory(FAMILIES)) {
    const name = (await store.read(`${FAMILIES}/${uuid}/name`)) ?? uuid;
    const limits = familyLimits((await store.read(`${FAMILIES}/${uuid}/limits`)) ?? "", name);
    const family = new Family(uuid, name, limits ?? NO_CHILDREN);
    for (const record of await readRecords(store, uuid)) {
      const member = record.state === "running" ? takeIn(xen, family, record) : undefined;
      if (member === undefined) await discard(xen, store, family, record, log);
      else members.push(member);
    }
    if (family.members.size === 0) await store.remove(`${FAMILIES}/${uuid}`);
  }
  return members;
}

function takeIn(xen: Xen, family: Family, record: MemberRecord): Member | undefined {
  const { pid, domain, uuid, name, parentPid } = record;
  const info = xen.control.info(domain);
  if (info === undefined || info.uuid !== uuid || info.dying || !(record.descriptorFrame > 0)) return undefined;
  const member = mapMember(xen.memory, family, { pid, domain, uuid, name, parentPid }, record.descriptorFrame);
  family.know(member);
  return member;
}

/** Removes a record and, unless it is a family's first, which is xl's, its domain. */
async function discard({ control }: Xen, store: Store, family: Family, record: MemberRecord, log: Log): Promise<void> {
  const domain = record.pid === FIRST_PID ? undefined : findDomain(control, record.uuid);
  if (domain !== undefined) {
    log(`removing ${record.name} (domain ${domain}), which an earlier forkd left half made`);
    control.destroy(domain);
    await store.release(domain).catch(() => undefined);
    await removeDomainNodes(store, domain, record.uuid);
  }
  await store.remove(family.path(record.pid));
}

function findDomain(control: XenControl, uuid: string): number | undefined {
  for (let next = control.nextDomain(1); next !== undefined; next = control.nextDomain(next.id + 1)) {
    if (next.info.uuid === uuid) return next.id;
  }
  return undefined;
}
