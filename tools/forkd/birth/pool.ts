// The pool: shells that stand ready for the next forks of a parent, refilled in the background. A shell is a domain that
// xenstore knows, with the pid that it will have and a record in its family's tree, by which a later forkd finds and removes it.
import { randomUUID } from "node:crypto";
import { describeError, KaryonError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import { connectDevice } from "./bridge.ts";
import { nameOfFirst, type Family, type Member } from "../family/family.ts";
import type { Descriptor } from "../descriptor.ts";
import { MAILBOX_PAGES } from "../family/mailbox.ts";
import { changedPages } from "./fill.ts";
import type { Limits } from "../family/limits.ts";
import { insist } from "../insist.ts";
import { removeDomain } from "../remove_domain.ts";
import { ownPfns } from "./own_frames.ts";
import { NO_FRAME, ParentMemory } from "./parent_memory.ts";
import type { SharedPages } from "./shared_pages.ts";
import { createShell, type Shell } from "./shell.ts";
import type { ForeignPages } from "../xen/foreign_memory.ts";
import type { Xen } from "../xen/handles.ts";
import type { Store } from "../xen/store.ts";
import { writeDomainNodes, writeNetworkDevice, type NetworkDevice } from "../xenstore_nodes.ts";
import type { FamilyNetworks } from "../steering/family_networks.ts";
import { ALL_PORTS, type PortBlock } from "../steering/port_blocks.ts";

/** A parent may ask for its first fork this long (ms) after its offer without finding a shell: it is still starting. */
const FIRST_FILL_DELAY_MS = 300;

/** A shell that can become a child at any moment. */
export interface ReadyShell extends Shell {
  readonly uuid: string;
  /** Who it will be. */
  readonly pid: number;
  readonly name: string;
  /** The page that will be the child's descriptor, and those of its mailbox behind it, mapped. */
  readonly familyPages: ForeignPages;
  readonly descriptorFrame: number;
  /** The ports for flows that it will begin. */
  readonly ports: PortBlock | undefined;
}

/** A shell and what has changed since it was made. */
export interface Taken {
  readonly shell: ReadyShell;
  readonly changed: ReadonlySet<number>;
}

/** How shells are kept. */
export interface PoolPolicy {
  /** How many a parent has ready. */
  readonly size: number;
  /** Whether they share the parent's memory. */
  readonly shares: boolean;
}

/** The shells of all parents. */
export class Pool {
  readonly #shells = new Map<Member, ReadyShell[]>();
  readonly #timers = new Map<Member, NodeJS.Timeout>();
  /** What forkd has shared with members that it made itself. */
  readonly #inherited = new WeakMap<Member, SharedPages>();
  /** Parents that are being supplied now, and the shell that is being made for one. */
  readonly #filling = new Map<Member, Promise<void>>();
  readonly #making = new Map<Member, Promise<ReadyShell>>();
  /** Pages that shells which are being made will take. */
  readonly #promised = new Map<Family, number>();

  constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly limits: Limits<Family>,
    private readonly networks: FamilyNetworks,
    private readonly log: Log,
    private readonly policy: PoolPolicy,
  ) {}

  /** Whether a shell stands ready or is being made, so that a fork needs no more memory. */
  supplies(parent: Member): boolean {
    return (this.#shells.get(parent)?.length ?? 0) > 0 || this.#making.has(parent);
  }

  /** A shell that fits the parent as it is now, and what has changed since it was made; undefined when there is none. */
  take(parent: Member): Taken | undefined {
    const shells = this.#shells.get(parent) ?? [];
    for (let shell = shells.shift(); shell !== undefined; shell = shells.shift()) {
      const changed = changedPages(shell, parent.descriptor);
      if (changed !== undefined) return { shell, changed };
      void this.discard(parent, shell);
    }
    return undefined;
  }

  /** Like take(), but waits for a shell that is being made. */
  async takeNext(parent: Member): Promise<Taken | undefined> {
    await this.#making.get(parent)?.catch(() => undefined);
    return parent.ending ? undefined : this.take(parent);
  }

  /** Memory of a family's shells, those included that are being made; in pages. */
  pagesOf(family: Family): number {
    const ready = [...this.#shells].flatMap(([parent, shells]) => (parent.family === family ? shells : []));
    return ready.reduce((sum, { ownPages }) => sum + ownPages, this.#promised.get(family) ?? 0);
  }

  /** Memory that was admitted, for shells that are being made, but perhaps not yet taken; in pages. */
  get promised(): number {
    return [...this.#promised.values()].reduce((sum, pages) => sum + pages, 0);
  }

  /**
   * Makes a shell now, for whose memory the limits were asked.
   *
   * @throws KaryonError XEN_CALL, FORK_TABLES, FORK_DESCRIPTOR, XENSTORE
   */
  async make(parent: Member, shares: boolean): Promise<ReadyShell> {
    const pages = this.pagesFor(parent, shares);
    this.#promise(parent.family, pages);
    try {
      return await this.#make(parent, shares, pages);
    } finally {
      this.#promise(parent.family, -pages);
    }
  }

  #promise(family: Family, pages: number): void {
    const promised = (this.#promised.get(family) ?? 0) + pages;
    if (promised === 0) this.#promised.delete(family);
    else this.#promised.set(family, promised);
  }

  async #make(parent: Member, shares: boolean, promised: number): Promise<ReadyShell> {
    const { family } = parent;
    const pid = family.nextPid();
    const identity = { pid, uuid: randomUUID(), name: `${nameOfFirst(parent)}-${pid}` };
    // Before the domain exists: whoever comes after a forkd that died here can tell what it was.
    const record = { ...identity, domain: 0, parentPid: parent.pid, descriptorFrame: 0 };
    await this.store.writeAll([family.lastPidNode(), ...family.record(record, "shell")]);
    let shell: ReadyShell | undefined;
    try {
      if (parent.ending) throw new KaryonError("FORK_PARENT", `${parent.name} has ended`);
      const place = await this.networks.place(parent, pid);
      const created = await this.#create(parent, identity.uuid, shares, promised);
      shell = { ...created, ...identity, ports: place === undefined ? ALL_PORTS : place.ports };
      await this.#introduce(parent, shell, place?.device);
      return shell;
    } catch (error) {
      if (shell === undefined) {
        this.networks.leave(family, pid);
        await insist(`remove the record of ${identity.name}`, this.log, () => this.#removeRecord(family, pid));
      } else await this.discard(parent, shell);
      throw error;
    }
  }

  async #create(
    parent: Member,
    uuid: string,
    shares: boolean,
    promised: number,
  ): Promise<Omit<ReadyShell, "uuid" | "pid" | "name" | "ports">> {
    const { xen } = this;
    const memory = ParentMemory.read(xen, parent.domain, parent.descriptor, shares);
    try {
      const pfns = ownPfns(memory);
      this.limits.demand(parent.family, pfns.length - promised); // it may have grown since then
      const inherited = this.#inherited.get(parent);
      const maximumPages = xen.control.info(parent.domain)?.maximumPages ?? memory.request.pages;
      const relatives = [...parent.family.members.values()].map(({ domain }) => domain);
      const order = { parent: memory, uuid, pfns, inherited, relatives, maximumPages };
      const shell = await createShell(xen, order);
      try {
        const descriptorFrame = shell.frames[memory.pfn(parent.descriptorFrame) ?? 0] ?? 0;
        const mailbox = mailboxFrames(memory, parent.descriptor, shell);
        const familyPages = xen.memory.map(shell.domain, [descriptorFrame, ...mailbox], true);
        return { ...shell, familyPages, descriptorFrame };
      } catch (error) {
        shell.copied.unmap();
        xen.control.destroy(shell.domain);
        throw error;
      }
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  async #introduce(
    { family, pid: parentPid }: Member,
    shell: ReadyShell,
    device: NetworkDevice | undefined,
  ): Promise<void> {
    const { domain, uuid, name, pid } = shell;
    // First: by it whoever comes after a forkd that died here finds the nodes, when the domain has gone, too.
    await this.store.writeAll(family.record({ ...shell, parentPid }, "shell"));
    await writeDomainNodes(this.store, { ...shell, pages: shell.frames.length }, name, uuid);
    if (device !== undefined) {
      const added = await writeNetworkDevice(this.store, domain, device);
      const connect = (): boolean => this.networks.connect(family, pid, added.interfaceName);
      void connectDevice(this.store, added, connect, this.log);
    }
    await this.store.introduce(domain, shell.storeFrame, shell.storePort);
  }

  /** A shell has become `child`: it is no longer the pool's. */
  release(shell: ReadyShell, child: Member): void {
    if (shell.shared !== undefined) this.#inherited.set(child, shell.shared);
    shell.copied.unmap();
    shell.order.parent.close();
  }

  /** Removes shells whose domains somebody has destroyed, and makes others. */
  async dropDestroyed(): Promise<void> {
    for (const [parent, shells] of this.#shells) {
      const destroyed = shells.filter(({ domain, uuid }) => {
        const info = this.xen.control.info(domain);
        return info?.uuid !== uuid || info.dying;
      });
      if (destroyed.length === 0) continue;
      shells.splice(0, shells.length, ...shells.filter((shell) => !destroyed.includes(shell)));
      for (const shell of destroyed) await this.discard(parent, shell);
      this.refill(parent);
    }
  }

  /** Removes a shell that became no child. Does not throw. */
  async discard({ family }: Member, shell: ReadyShell): Promise<void> {
    for (const pages of [shell.copied, shell.familyPages]) pages.unmap();
    shell.order.parent.close();
    this.networks.leave(family, shell.pid);
    await insist(`remove ${shell.name} (domain ${shell.domain})`, this.log, async () => {
      await removeDomain(this.xen.control, this.store, shell.domain, shell.uuid);
      await this.#removeRecord(family, shell.pid);
    });
  }

  /** Of a family that has ended meanwhile nothing else is there any more. */
  async #removeRecord(family: Family, pid: number): Promise<void> {
    await this.store.remove(family.members.size === 0 ? family.home : family.path(pid));
  }

  /** How many pages the next shell takes. */
  pagesFor({ descriptor, domain }: Member, shares = this.policy.shares): number {
    return shares ? descriptor.kernelEndPfn : (this.xen.control.info(domain)?.pages ?? 0);
  }

  /** Sees to it that a parent has its shells, now or, while it may still be starting, a little later. */
  refill(parent: Member, isNew = false): void {
    if (this.policy.size === 0 || this.#timers.has(parent)) return;
    const fill = (): void => {
      this.#timers.delete(parent);
      if (this.#filling.has(parent)) return;
      const filling = this.#fill(parent)
        .catch((error: unknown) => this.log(`no shell for ${parent.name}: ${describeError(error)}`))
        .finally(() => this.#filling.delete(parent));
      this.#filling.set(parent, filling);
    };
    this.#timers.set(parent, setTimeout(fill, isNew ? FIRST_FILL_DELAY_MS : 0));
  }

  async #fill(parent: Member): Promise<void> {
    const shells = this.#shells.get(parent) ?? [];
    this.#shells.set(parent, shells);
    while (
      shells.length < this.policy.size &&
      !parent.ending &&
      this.limits.room(parent.family, this.pagesFor(parent)) === 0
    ) {
      try {
        const making = this.make(parent, this.policy.shares);
        this.#making.set(parent, making);
        const shell = await making;
        if (parent.ending || this.#shells.get(parent) !== shells) return await this.discard(parent, shell);
        shells.push(shell);
      } catch (error) {
        return this.log(`no shell for ${parent.name}: ${describeError(error)}`);
      } finally {
        this.#making.delete(parent);
      }
    }
  }

  /** A parent has ended, or is no longer served: its shells go. */
  async drop(parent: Member): Promise<void> {
    clearTimeout(this.#timers.get(parent));
    this.#timers.delete(parent);
    const shells = this.#shells.get(parent) ?? [];
    this.#shells.delete(parent);
    await this.#filling.get(parent);
    for (const shell of shells) await this.discard(parent, shell);
  }
}

/** The shell's frames of what is the parent's mailbox. */
function mailboxFrames(parent: ParentMemory, { mailboxPage }: Descriptor, { frames }: Shell): number[] {
  return Array.from({ length: MAILBOX_PAGES }, (_, i) => {
    const frame = frames[parent.pfnAt(mailboxPage + i) ?? -1] ?? NO_FRAME;
    if (frame !== NO_FRAME) return frame;
    throw new KaryonError("FORK_DESCRIPTOR", "the fork descriptor has a mailbox that is not the kernel's memory");
  });
}
