// Families: a domain that offers fork() (pid 1) and everything that descends from it. The tree lives here; xenstore has a
// copy (/karyon/families) from which `forkd status` reads, and a later forkd goes on.
import type { Descriptor } from "../descriptor.ts";
import type { FamilyEvent } from "../event_ring.ts";
import type { FlowPages } from "./flow_pages.ts";
import type { Mailbox } from "./mailbox.ts";
import { limitsText, type FamilyLimits } from "./limits.ts";
import { FAMILIES } from "../xenstore_nodes.ts";
import type { StoreNode } from "../xen/store.ts";

/** The pid of a family's first domain; it adopts orphans. */
export const FIRST_PID = 1;

/** One domain of a family. */
export interface Member {
  readonly family: Family;
  readonly pid: number;
  readonly domain: number;
  readonly uuid: string;
  readonly name: string;
  parentPid: number;
  /** Its descriptor page, and how to let go of it. */
  readonly descriptor: Descriptor;
  readonly descriptorFrame: number;
  readonly unmap: () => void;
  /** Local port of the event channel to it, once it has offered one. */
  port: number | undefined;
  /** Its mailbox, once it is mapped. */
  mailbox: Mailbox | undefined;
  /** Its connections, as it lists them. */
  flows: FlowPages | undefined;
  /** Its IPv4 address, as its record has it. */
  address: string | undefined;
  /** Whether a fork is under way. */
  forking: boolean;
  /** Whether its end is being dealt with. */
  ending: boolean;
  /** Events its ring had no room for. */
  readonly unposted: FamilyEvent[];
  /** The wait status with which it has ended. */
  status: number | undefined;
}

/** A first domain and its descendants. */
export class Family {
  readonly members = new Map<number, Member>();
  /** Whether members may share memory. */
  shares = false;
  #lastPid: number;
  #forming = 0;

  /**
   * @param uuid the first domain's
   * @param name the first domain's
   * @param lastPid the highest that may have been given
   */
  constructor(
    readonly uuid: string,
    readonly name: string,
    readonly limits: FamilyLimits,
    lastPid: number = FIRST_PID,
  ) {
    this.#lastPid = lastPid;
  }

  /** How many descendants there are, those that are being made included. */
  get children(): number {
    return this.members.size - (this.members.has(FIRST_PID) ? 1 : 0) + this.#forming;
  }

  /** How many descendants there may be. */
  get limit(): number {
    return this.limits.children;
  }

  /** Keeps a place for a child until release(), when it is there or will not come. */
  reserve(): void {
    this.#forming += 1;
  }

  /** A pid that nobody had before. lastPidNode() must be written before anybody sees it. */
  nextPid(): number {
    return ++this.#lastPid;
  }

  /** A shell with this pid is gone without having been a process: the next one gets it, unless a later pid has been given. */
  giveBack(pid: number): void {
    if (pid === this.#lastPid) this.#lastPid -= 1;
  }

  /** Ends a reservation: the child is a member now, or was given up. */
  release(): void {
    this.#forming -= 1;
  }

  /** Takes a member in that an earlier forkd knew. */
  know(member: Member): void {
    this.members.set(member.pid, member);
    this.#lastPid = Math.max(this.#lastPid, member.pid);
  }

  /** Where xenstore tells of the family. */
  get home(): string {
    return `${FAMILIES}/${this.uuid}`;
  }

  /** What a later forkd needs to know even when the first domain has gone. */
  header(): StoreNode[] {
    return [
      { path: `${this.home}/name`, value: this.name },
      { path: `${this.home}/limits`, value: limitsText(this.limits) },
      this.lastPidNode(),
    ];
  }

  /** Tells which pids may have been given, so that no later forkd gives one twice. */
  lastPidNode(): StoreNode {
    return { path: `${this.home}/last-pid`, value: String(this.#lastPid) };
  }

  /** The path of a pid's record. */
  path(pid: number): string {
    return `${this.home}/${pid}`;
  }

  /** The record of a member. */
  record(
    { pid, domain, uuid, parentPid, name, descriptorFrame }: Identity & Pick<MemberRecord, "descriptorFrame">,
    state: string,
  ): StoreNode[] {
    const values = { uuid, parent: String(parentPid), name, ...placeOf({ domain, descriptorFrame }) };
    return this.#nodes(pid, { ...values, ...stateOf(state) });
  }

  /** What changes of a record when the domain has been made. */
  recordOfDomain(pid: number, place: Pick<MemberRecord, "domain" | "descriptorFrame">): StoreNode[] {
    return this.#nodes(pid, placeOf(place));
  }

  /** What changes of a record when the shell has become a child. */
  recordOfBirth(pid: number): StoreNode[] {
    return this.#nodes(pid, stateOf("running"));
  }

  #nodes(pid: number, values: Readonly<Record<string, string>>): StoreNode[] {
    return Object.entries(values).map(([node, value]) => ({ path: `${this.path(pid)}/${node}`, value }));
  }
}

function placeOf({ domain, descriptorFrame }: Pick<MemberRecord, "domain" | "descriptorFrame">) {
  return { domid: String(domain), descriptor: String(descriptorFrame) };
}

function stateOf(state: string) {
  return { state, born: new Date().toISOString() };
}

/** A family's processes carry the name of its first. */
export function nameOfFirst({ family }: Member): string {
  return family.name;
}

/** Who a member is. */
export type Identity = Pick<Member, "pid" | "domain" | "uuid" | "name" | "parentPid">;

/** What xenstore keeps of a member. */
export interface MemberRecord extends Identity {
  /** Machine frame of its descriptor; 0 while it is being made. */
  readonly descriptorFrame: number;
  readonly state: string;
  /** Its wait status, once it has ended. */
  readonly status: number | undefined;
  readonly born: Date | undefined;
  /** Its IPv4 address, as it says. */
  readonly address: string | undefined;
}
