// The making of a child: from a parent's request to a domain that runs, or back to nothing where a step fails. Three ways, tried
// in this order: a shell from the pool; a shell made now, which shares the parent's memory; one to which all memory is copied.
import { readFileSync } from "node:fs";
import { describeError, KaryonError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import { FIRST_PID, type Family, type Member } from "../family/family.ts";
import { carryOver, changedPages, copyPages } from "./fill.ts";
import { Mailbox } from "../family/mailbox.ts";
import type { Limits } from "../family/limits.ts";
import { insist } from "../insist.ts";
import { memberOn, type Members } from "../family/members.ts";
import { Pool, type Taken } from "./pool.ts";
import { ShellMaker, type ReadyShell } from "./shell_maker.ts";
import { Stages } from "./stages.ts";
import type { Xen } from "../xen/handles.ts";
import { PAGE_SIZE } from "../xen/foreign_memory.ts";
import { errnoOf } from "../xen/library.ts";
import type { FamilyNetworks } from "../steering/family_networks.ts";
import type { Store } from "../xen/store.ts";

const EAGAIN = 11;
const ENOMEM = 12;
const SLACK_PAGES = 256;
const GUEST_TYPE = "/sys/hypervisor/guest_type";

/** The ways to make a child, the slowest first; their numbers in the descriptor are 1, 2, 3. */
export const WAYS = ["copy", "share", "pool"] as const;
export type Way = (typeof WAYS)[number];

/** How forkd makes children. */
export interface BirthPolicy {
  /** The best way allowed. */
  readonly way: Way;
  /** How many shells each parent has ready. */
  readonly poolSize: number;
}

/** What becomes the child, and how it came about. */
interface Chosen {
  readonly shell: ReadyShell;
  readonly changed: ReadonlySet<number>;
  readonly way: Way;
}

/** Makes children for members that ask. */
export class Births {
  readonly #maker: ShellMaker;
  readonly #pool: Pool;
  readonly #shares: boolean;
  /** Members that are about to fork, for which a shell is being made. */
  readonly #supplying = new Set<Member>();

  constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly members: Members,
    private readonly limits: Limits<Family>,
    networks: FamilyNetworks,
    private readonly log: Log,
    /** Does work on members in its turn. */
    private readonly later: (work: () => Promise<void>) => void,
    policy: BirthPolicy,
  ) {
    this.#shares = policy.way !== "copy" && isParavirtual();
    if (policy.way !== "copy" && !this.#shares) log("domain 0 is not a PV domain: memory is copied, not shared");
    const size = policy.way === "share" ? 0 : policy.poolSize;
    this.#maker = new ShellMaker(xen, store, limits, networks, log);
    this.#pool = new Pool(xen.control, this.#maker, limits, log, { size, shares: this.#shares });
  }

  /** Memory of a family's domains that are no members yet, in pages. */
  pagesOf(family: Family): number {
    return this.#pool.pagesOf(family);
  }

  /** Memory that was admitted but perhaps not yet taken, in pages. */
  get promised(): number {
    return this.#maker.promised;
  }

  /** A member can fork from now on. */
  async expect(member: Member): Promise<void> {
    // What a forkd before this one had ready is gone.
    member.descriptor.setShells(0, { layout: 0, pages: 0 });
    if (member.pid !== FIRST_PID) return;
    try {
      if (this.#shares) await this.#raiseMaximum(member);
    } catch (error) {
      this.log(`${member.name} has no room for copies of what it will share: ${describeError(error)}`);
    }
    this.#pool.refill(member, true); // others get a shell when they have shown that they fork
  }

  /**
   * A frame that is shared stays on its owner's account until its last user is gone: room for a copy for each user. How big the
   * domain is, is the toolstack's word: a guest's own would be a way to any amount of memory.
   */
  async #raiseMaximum({ domain, family }: Member): Promise<void> {
    const kib = Number((await this.store.read(`/local/domain/${domain}/memory/static-max`)) ?? NaN);
    if (!(kib > 0)) return;
    const pages = Math.ceil((kib * 1024) / PAGE_SIZE);
    const most = Math.max(Math.min(pages * (family.limit + 1), family.limits.pages), pages);
    // The spare frames, and what is on its way.
    this.xen.control.setMaximum(domain, most + SLACK_PAGES);
  }

  /** A member has ended, and is no longer in its family. */
  async forget(member: Member): Promise<void> {
    this.#tellSharers(member.family);
    await this.#pool.drop(member);
  }

  /** Domains have ended: perhaps some that stood ready. */
  async dropDestroyed(): Promise<void> {
    await this.#pool.dropDestroyed();
  }

  /** A member lives on, but is not served any more: nobody may believe that it shares nothing. */
  async leave(member: Member): Promise<void> {
    await this.#pool.drop(member);
  }

  /** A member is about to fork, and goes on until a shell stands ready for it, or none can be had. */
  async supply(parent: Member): Promise<void> {
    if (this.#supplying.has(parent)) return;
    this.#supplying.add(parent);
    await this.#pool.supply(parent).finally(() => this.#supplying.delete(parent));
    if (!this.members.serves(parent)) return;
    parent.descriptor.answerShell();
    this.members.notify(parent);
  }

  /** Answers one request; whatever goes wrong, the parent gets an answer. */
  async answer(parent: Member): Promise<void> {
    const stages = new Stages(parent.descriptor);
    const ready = this.#pool.supplies(parent);
    let result = this.limits.admit(parent.family, ready ? 0 : this.#maker.pagesFor(parent, this.#shares));
    if (result === 0) {
      parent.family.reserve();
      try {
        stages.reached("admitted");
        const taken = (await this.#pool.take(parent)) ?? (await this.#pool.takeNext(parent));
        const chosen = taken === undefined ? await this.#makeNow(parent) : this.#ready(taken);
        stages.reached("shell");
        this.#bear(parent, chosen, stages);
        result = chosen.shell.pid;
      } catch (error) {
        result = errnoOf(error) === ENOMEM ? -ENOMEM : -EAGAIN;
        this.log(`${parent.name} cannot fork: ${describeError(error)}`);
      }
      parent.family.release();
    }
    if (result < 0) this.#reply(parent, result);
    this.#pool.refill(parent);
  }

  #ready(taken: Taken): Chosen {
    return { ...taken, way: this.#shares ? "pool" : "copy" };
  }

  /** A shell for a parent that has none ready. */
  async #makeNow(parent: Member): Promise<Chosen> {
    // Whoever was to have one that stood ready was admitted for none.
    this.limits.demand(parent.family, this.#maker.pagesFor(parent, this.#shares));
    if (this.#shares) {
      try {
        return this.#choose(parent, await this.#maker.make(parent, true), "share");
      } catch (error) {
        if (errnoOf(error) === ENOMEM) throw error;
        this.log(`${parent.name}: its memory cannot be shared, so it is copied: ${describeError(error)}`);
      }
      this.limits.demand(parent.family, this.#maker.pagesFor(parent, false));
    }
    return this.#choose(parent, await this.#maker.make(parent, false), "copy");
  }

  #choose(parent: Member, shell: ReadyShell, way: Way): Chosen {
    const changed = changedPages(shell, parent.descriptor);
    if (changed !== undefined && this.members.serves(parent)) return { shell, changed, way };
    void this.#maker.discard(parent, shell);
    throw new KaryonError("FORK_PARENT", `${parent.name} did not wait for its child`);
  }

  /** The shell becomes the child; both go on. Nothing here waits. */
  #bear(parent: Member, chosen: Chosen, stages: Stages): void {
    const { shell, way, changed } = chosen;
    const child = this.#fill(parent, chosen, stages);
    // From here on there is a child, come what may: a domain that runs is known to its parent, also to a later forkd.
    try {
      this.xen.control.unpause(shell.domain);
    } catch (error) {
      this.log(`${child.name} cannot run and ends: ${describeError(error)}`);
      void insist(`end ${child.name}`, this.log, () => this.xen.control.destroy(shell.domain));
    }
    stages.reached("unpaused");
    stages.count("way", WAYS.indexOf(way) + 1);
    stages.countCalls();
    this.members.notify(parent);
    this.log(
      `${parent.name} forked ${child.name} (domain ${shell.domain}) in ${stages.elapsedMs.toFixed(1)} ms: ${way}, ` +
        `${changed.size} changed pages`,
    );
    this.#maker.release(shell, child);
    this.later(() => this.#register(child)); // in turn with its end, which its record must not outlive
  }

  /** Gives the shell what the parent has, and the parent its answer; without an effect when that fails. */
  #fill(parent: Member, { shell, changed, way }: Chosen, stages: Stages): Member {
    const { xen, members } = this;
    const { pid, domain, uuid, name } = shell;
    let child: Member | undefined;
    try {
      stages.count("copied", copyPages(xen, shell, changed));
      stages.reached("copied");
      if (changed.size > 0) carryOver(xen, shell, changed);
      stages.count("patched", changed.size);
      stages.reached("patched");
      const identity = { pid, domain, uuid, name, parentPid: parent.pid };
      const { familyPages } = shell;
      child = memberOn(familyPages, parent.family, identity, shell.descriptorFrame);
      child.mailbox = new Mailbox(familyPages.bytes.subarray(PAGE_SIZE)); // unmapped with the descriptor
      child.mailbox.empty();
      child.descriptor.becomeChild(pid, parent.pid, WAYS.indexOf(way) + 1, shell.ports);
      child.descriptor.setBelonging(parent.descriptor.belonging); // which may have changed since the shell was made
      child.descriptor.setDomain(domain);
      parent.descriptor.setChildWay(WAYS.indexOf(way) + 1);
      members.take(child);
      if (way !== "copy") parent.family.shares = true;
      // Before the parent can go on, which would write to what it does not know to be shared.
      this.#tellSharers(parent.family);
      if (parent.descriptor.answer(pid)) return child;
      throw new KaryonError("FORK_PARENT", `${parent.name} did not wait for its child`);
    } catch (error) {
      if (child !== undefined) members.letGo(child);
      this.#tellSharers(parent.family);
      void this.#maker.discard(parent, shell);
      throw error;
    }
  }

  #reply(parent: Member, result: number): void {
    if (this.members.serves(parent) && parent.descriptor.answer(result)) this.members.notify(parent);
  }

  /** Writes down who the child is, which it does not wait for. */
  async #register(child: Member): Promise<void> {
    if (!child.family.members.has(child.pid)) return; // its end was dealt with first
    const nodes = child.family.recordOfBirth(child.pid);
    await insist(`write down ${child.name}`, this.log, () => this.store.writeAll(nodes));
  }

  /** Tells every member how many others may share memory with it. */
  #tellSharers({ members, shares }: Family): void {
    const others = shares ? members.size - 1 : 0;
    for (const { descriptor } of members.values()) descriptor.setSharers(Math.max(others, 0));
  }
}

function isParavirtual(): boolean {
  try {
    return readFileSync(GUEST_TYPE, "utf8").trim() === "PV";
  } catch {
    return false;
  }
}
