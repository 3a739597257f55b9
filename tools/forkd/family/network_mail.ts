// What members say of the network, and hear: on which ports each accepts connections (LISTENING), which it has (FLOW_PAGE), which
// addresses the leader has (ADDRESSES), who leads (LEAD), whose peers are to be reset (RESET). The kernel's rules follow (steering/); guests believe forkd, forkd checks guests.
import { describeError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import type { ForeignPages } from "../xen/foreign_memory.ts";
import { memberOfSlot, slotOf } from "../steering/slots.ts";
import type { Family, Member } from "./family.ts";
import { FlowPages, type ListedFlow } from "./flow_pages.ts";
import type { Letter, Mail } from "./mail.ts";
import { MESSAGE } from "./mailbox.ts";
import { addressesOf, listeningOf, listeningPayload } from "./network_messages.ts";
import { Resets } from "./resets.ts";

const PROTOCOLS = [6, 17] as const;
const MOST_WEIGHT = 100;
/** Ports that a family can share: each has its own slots in the kernel. */
const MOST_PORTS = 64;
/** Members begin and end in groups: what they say within this time (ms) is one change. */
const PAUSE_MS = 10;
/** How long (ms) a forkd that has just begun waits for those who have been there before. */
const PATIENCE_MS = 5000;
const NOTHING = new Uint8Array(0);

/** TCP or UDP. */
export type Protocol = (typeof PROTOCOLS)[number];

/** A member's share of what comes to a port. */
export interface Acceptor {
  readonly pid: number;
  readonly weight: number;
}

/** A connection and the member that has it. */
export interface MemberFlow {
  readonly flow: ListedFlow;
  readonly pid: number;
}

/** What the family's network has to be told; nothing happens where a family has none. */
export interface NetworkRules {
  /** New flows to the port are shared among these, which may be none; `flows`, the members' present ones to it, stay where they are. */
  acceptors(
    family: Family,
    protocol: Protocol,
    port: number,
    acceptors: readonly Acceptor[],
    flows: readonly MemberFlow[],
  ): void;
  /** The family's IP addresses, 16 bytes each. */
  addresses(family: Family, addresses: readonly Uint8Array[]): void;
  /** Whether an address is the family's. */
  covers(family: Family, flow: ListedFlow): boolean;
  /** The pid of who speaks for the family. */
  leader(family: Family): number | undefined;
}

/** What is known of a family. */
interface Known {
  /** Weights by pid, by protocol and port: "6 80". */
  readonly ports: Map<string, Map<number, number>>;
  /** Ports of which the kernel does not know the last. */
  readonly changed: Set<string>;
  /** Those that have stopped to accept on such a port, and wait to hear that nobody is sent to them any more. */
  readonly leaving: Map<string, Set<Member>>;
  timer: NodeJS.Timeout | undefined;
  /** Members that have still to say what they have told an earlier forkd, before anything changes. */
  readonly awaited: Set<Member>;
  /** What the leader said last. */
  addresses: Uint8Array | undefined;
  told: boolean;
}

/** Who hears of what members say. */
export interface NetworkMailListener {
  /** A member has said all that it was asked for: its connections are known. */
  told(member: Member): void;
  /** A member of the family accepts connections on a port. */
  acceptorCame(family: Family): void;
}

/** Takes in what members say of the network. */
export class NetworkMail {
  readonly #families = new WeakMap<Family, Known>();
  readonly #resets: Resets;

  constructor(
    private readonly mail: Mail,
    private readonly rules: NetworkRules,
    /** Maps a page of a member's, to read it. */
    private readonly map: (member: Member, page: number) => ForeignPages,
    private readonly log: Log,
    private readonly hears: NetworkMailListener,
  ) {
    mail.handle(MESSAGE.flowPage, (letter) => this.#flowPage(letter));
    mail.handle(MESSAGE.reset, () => false); // forkd's word only, as LEAD
    mail.handle(MESSAGE.listening, (letter) => this.#listening(letter));
    mail.handle(MESSAGE.addresses, (letter) => this.#addresses(letter));
    mail.handle(MESSAGE.lead, () => false);
    this.#resets = new Resets(mail, rules);
  }

  /**
   * A forkd that has just begun finds this member. The kernel's rules stay as they are until all of a family have said what they told the one before:
   * a port shared among some of them only would take the others' connections away.
   */
  found(member: Member): void {
    const { awaited } = this.#known(member.family);
    awaited.add(member);
    setTimeout(() => awaited.delete(member), PATIENCE_MS).unref();
  }

  /** A member can be talked to from now on: it hears what it has to know, and says what it has said to an earlier forkd. */
  joined(member: Member): void {
    const { family, pid } = member;
    const known = this.#known(family);
    if (this.rules.leader(family) === pid) this.leads(member);
    else if (known.addresses !== undefined) {
      this.mail.post(member, { type: MESSAGE.addresses, payload: known.addresses });
    }
    this.mail.post(member, { type: MESSAGE.listening, payload: NOTHING });
  }

  /** A family has got a network: it is to know what is known. */
  made(family: Family): void {
    const known = this.#known(family);
    for (const port of known.ports.keys()) this.#change(family, known, port);
    this.#setAddresses(family, known);
  }

  /** A member is the leader from now on. */
  leads(member: Member): void {
    this.mail.post(member, { type: MESSAGE.lead, payload: NOTHING });
  }

  /**
   * A member has ended, and is not in its family's network any more. Nobody is given its ports, and the peers of its connections are told.
   *
   * @param orphans those of its connections that nobody else has
   */
  left(member: Member, orphans: readonly ListedFlow[]): void {
    const { family, pid } = member;
    const known = this.#known(family);
    known.awaited.delete(member);
    for (const [port, weights] of known.ports) if (weights.delete(pid)) this.#change(family, known, port);
    const survivor = this.reset(family, orphans);
    if (survivor === undefined || orphans.length === 0) return;
    this.log(`${member.name} had ${orphans.length} connections, which ${survivor.name} resets`);
  }

  /** Lets the leader reset the peers of connections that nobody has any more; who does it, if there is anybody. */
  reset(family: Family, lost: readonly ListedFlow[]): Member | undefined {
    return this.#resets.reset(family, lost);
  }

  /**
   * Who accepts on a connection's port and is none of `except`: of several, who would be given a new connection like it; of none who leads, to whom new ones
   * go then.
   */
  acceptor(family: Family, flow: ListedFlow, except: ReadonlySet<Member>): Member | undefined {
    const weights = this.#known(family).ports.get(`${flow.protocol} ${flow.localPort}`) ?? new Map<number, number>();
    const acceptors = [...weights].flatMap(([pid, weight]) => {
      const member = family.members.get(pid);
      return member === undefined || member.ending || except.has(member) ? [] : [{ pid, weight }];
    });
    const leader = family.members.get(this.rules.leader(family) ?? 0);
    const fallback = leader?.ending === false && !except.has(leader) ? leader : undefined;
    return family.members.get(memberOfSlot(acceptors, slotOf(flow)) ?? 0) ?? fallback;
  }

  #known(family: Family): Known {
    let known = this.#families.get(family);
    if (known === undefined) {
      known = {
        ports: new Map(),
        changed: new Set(),
        leaving: new Map(),
        timer: undefined,
        awaited: new Set(),
        addresses: undefined,
        told: false,
      };
      this.#families.set(family, known);
    }
    return known;
  }

  #flowPage({ sender, pid, payload }: Letter): boolean {
    if (pid !== 0 || payload.length !== 4) return false;
    const page = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true);
    sender.flows ??= new FlowPages();
    try {
      sender.flows.add(page, () => this.map(sender, page));
    } catch (error) {
      this.log(`${sender.name} lists connections at page ${page}: ${describeError(error)}`);
    }
    return false;
  }

  #listening({ sender, pid, payload }: Letter): boolean {
    const said = listeningOf(payload);
    if (pid !== 0 || said === undefined) return false;
    const { port, protocol, weight } = said;
    const known = this.#known(sender.family);
    if (port === 0) {
      known.awaited.delete(sender);
      this.hears.told(sender);
    }
    if (!PROTOCOLS.some((one) => one === protocol) || port === 0) return false;
    const key = `${protocol} ${port}`;
    const weights = known.ports.get(key) ?? new Map<number, number>();
    if (known.ports.size >= MOST_PORTS && !known.ports.has(key)) {
      if (!known.told)
        this.log(`${sender.family.name} accepts on more than ${MOST_PORTS} ports: the rest are the leader's`);
      known.told = true;
      return false;
    }
    known.ports.set(key, weights);
    if (weight === 0) {
      weights.delete(sender.pid);
      known.leaving.set(key, (known.leaving.get(key) ?? new Set()).add(sender));
    } else {
      weights.set(sender.pid, Math.min(weight, MOST_WEIGHT));
      this.hears.acceptorCame(sender.family);
    }
    this.#change(sender.family, known, key);
    return false;
  }

  #change(family: Family, known: Known, port: string): void {
    known.changed.add(port);
    known.timer ??= setTimeout(() => this.#apply(family, known), PAUSE_MS).unref();
  }

  #apply(family: Family, known: Known): void {
    known.timer = undefined;
    if (known.awaited.size > 0) {
      known.timer = setTimeout(() => this.#apply(family, known), PAUSE_MS).unref();
      return;
    }
    for (const changed of known.changed) {
      this.#setAcceptors(family, known, changed);
      this.#answerLeaving(known, changed);
    }
    known.changed.clear();
  }

  /** Who has left a port hears that new connections to it go to others. */
  #answerLeaving({ leaving }: Known, key: string): void {
    const [protocol, port] = key.split(" ").map(Number);
    const payload = listeningPayload({ port: port ?? 0, protocol: protocol ?? 0, weight: 0 });
    for (const member of leaving.get(key) ?? []) {
      if (!member.ending) this.mail.post(member, { type: MESSAGE.listening, payload });
    }
    leaving.delete(key);
  }

  #setAcceptors(family: Family, known: Known, key: string): void {
    const weights = known.ports.get(key) ?? new Map<number, number>();
    const acceptors = [...weights].map(([pid, weight]) => ({ pid, weight })).sort((a, b) => a.pid - b.pid);
    const [protocol, port] = key.split(" ").map(Number);
    const flows = [...family.members.values()].flatMap(({ flows: list, pid }) =>
      (list?.owned() ?? [])
        .filter((flow) => flow.localPort === port && flow.protocol === protocol)
        .map((flow) => ({ flow, pid })),
    );
    const own = flows.filter(({ flow }) => this.rules.covers(family, flow));
    this.rules.acceptors(family, protocol === 6 ? 6 : 17, port ?? 0, acceptors, own);
    if (weights.size === 0) known.ports.delete(key);
  }

  #addresses({ sender, pid, payload }: Letter): boolean {
    const { family } = sender;
    // The only one there is leads, before there is a network of the family's.
    if (pid !== 0 || sender.pid !== (this.rules.leader(family) ?? Math.min(...family.members.keys()))) return false;
    if (addressesOf(payload) === undefined) return false;
    const known = this.#known(family);
    known.addresses = payload;
    this.#setAddresses(family, known);
    for (const member of family.members.values()) {
      if (member !== sender && !member.ending) this.mail.post(member, { type: MESSAGE.addresses, payload });
    }
    return false;
  }

  #setAddresses(family: Family, { addresses }: Known): void {
    const list = addresses === undefined ? undefined : addressesOf(addresses);
    if (list !== undefined) this.rules.addresses(family, list);
  }
}
