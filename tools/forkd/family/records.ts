// Reads what xenstore keeps of families (docs/fork.md, "The pid tree"): for a later forkd, and for `forkd status`.
import { FIRST_PID, type MemberRecord } from "./family.ts";
import type { Store } from "../xen/store.ts";
import { FAMILIES } from "../xenstore_nodes.ts";

/** What concerns a whole family. */
export interface FamilyHeader {
  readonly name: string;
  /** As familyLimits() reads them. */
  readonly limits: string;
  /** No pid above it has been given. */
  readonly lastPid: number;
}

/** The header of the family whose first domain has this uuid. */
export async function readHeader(store: Pick<Store, "directory" | "read">, family: string): Promise<FamilyHeader> {
  const [name, limits, lastPid] = await readNodes(store, `${FAMILIES}/${family}`, ["name", "limits", "last-pid"]);
  return { name: name ?? family, limits: limits ?? "", lastPid: Number(lastPid ?? FIRST_PID) };
}

/** The records of a family's processes, by pid. */
export async function readRecords(store: Pick<Store, "directory" | "read">, family: string): Promise<MemberRecord[]> {
  const nodes = await store.directory(`${FAMILIES}/${family}`);
  const pids = nodes.filter((node) => /^\d+$/.test(node)).map(Number);
  return Promise.all(pids.sort((a, b) => a - b).map((pid) => readRecord(store, family, pid)));
}

const NODES = ["domid", "uuid", "parent", "name", "descriptor", "state", "status", "born", "address"] as const;

async function readRecord(
  store: Pick<Store, "directory" | "read">,
  family: string,
  pid: number,
): Promise<MemberRecord> {
  const values = await readNodes(store, `${FAMILIES}/${family}/${pid}`, NODES);
  const [domid, uuid, parent, name, descriptor, state, status, born, address] = values;
  return {
    pid,
    domain: Number(domid ?? 0),
    uuid: uuid ?? "",
    parentPid: Number(parent ?? 0),
    name: name ?? "",
    descriptorFrame: Number(descriptor ?? 0),
    state: state ?? "",
    status: status === undefined ? undefined : Number(status),
    address,
    born: born === undefined ? undefined : new Date(born),
  };
}

function readNodes(
  store: Pick<Store, "read">,
  path: string,
  names: readonly string[],
): Promise<(string | undefined)[]> {
  return Promise.all(names.map((name) => store.read(`${path}/${name}`)));
}
