// The making of a shell: a domain that can become a child of a certain parent at any moment. xenstore knows it, with the pid that it will
// have and a record in its family's tree, by which a later forkd finds and removes it.
import { randomUUID } from "node:crypto";
import { KaryonError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import { nameOfFirst, type Family, type Member } from "../family/family.ts";
import type { Descriptor } from "../descriptor.ts";
import { MAILBOX_PAGES } from "../family/mailbox.ts";
import type { Limits } from "../family/limits.ts";
import { insist } from "../insist.ts";
import { removeDomain } from "../remove_domain.ts";
import { ParentMemories } from "./parent_memories.ts";
import { NO_FRAME, type ParentMemory } from "./parent_memory.ts";
import type { SharedPages } from "./shared_pages.ts";
import { createShell, type Shell } from "./shell.ts";
import type { ForeignPages } from "../xen/foreign_memory.ts";
import type { Xen } from "../xen/handles.ts";
import type { Store } from "../xen/store.ts";
import { domainNodes, networkNodes, type NetworkDevice } from "../xenstore_nodes.ts";
import type { FamilyNetworks } from "../steering/family_networks.ts";
import { ALL_PORTS, type PortBlock } from "../steering/port_blocks.ts";

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

/** Makes shells, and removes those that became no children. */
export class ShellMaker {
  /** What forkd has shared with members that it made itself. */
  readonly #inherited = new WeakMap<Member, SharedPages>();
  readonly #memories: ParentMemories;
  /** Pages that shells which are being made will take. */
  readonly #promised = new Map<Family, number>();

  constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly limits: Limits<Family>,
    private readonly networks: FamilyNetworks,
    private readonly log: Log,
  ) {
    this.#memories = new ParentMemories(xen);
  }

  /** Memory that was admitted, for shells that are being made, but perhaps not yet taken; in pages. */
  get promised(): number {
    return [...this.#promised.values()].reduce((sum, pages) => sum + pages, 0);
  }

  /** The same of one family. */
  promisedTo(family: Family): number {
    return this.#promised.get(family) ?? 0;
  }

  /** How many pages a shell takes. */
  pagesFor({ descriptor, domain }: Member, shares: boolean): number {
    return shares ? descriptor.kernelEndPfn : (this.xen.control.info(domain)?.pages ?? 0);
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
    const { memory, pfns } = this.#memories.of(parent, shares);
    try {
      this.limits.demand(parent.family, pfns.length - promised); // it may have grown since then
      const inherited = this.#inherited.get(parent);
      const maximumPages = xen.control.info(parent.domain)?.maximumPages ?? memory.request.pages;
      const relatives = [...parent.family.members.values()].map(({ domain }) => domain);
      const { changes } = memory;
      const order = { parent: memory, changes, uuid, pfns, inherited, relatives, maximumPages };
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

  async #introduce({ family }: Member, shell: ReadyShell, device: NetworkDevice | undefined): Promise<void> {
    const { domain, uuid, name, pid } = shell;
    // With its record: by it whoever comes after a forkd that died here finds the nodes, when the domain has gone, too.
    await this.store.writeAll([
      ...family.recordOfDomain(pid, shell),
      ...domainNodes({ ...shell, pages: shell.frames.length }, name, uuid),
      ...(device === undefined ? [] : networkNodes(domain, device)),
    ]);
    if (device !== undefined) this.networks.attach(family, pid, domain, device);
    await this.store.introduce(domain, shell.storeFrame, shell.storePort);
  }

  /** Makes no more shells for a member. */
  forget(parent: Member): void {
    this.#memories.forget(parent);
  }

  /** A shell has become `child`: it is no longer the pool's. */
  release(shell: ReadyShell, child: Member): void {
    if (shell.shared !== undefined) this.#inherited.set(child, shell.shared);
    shell.copied.unmap();
    shell.order.parent.close();
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
}

/** The shell's frames of what is the parent's mailbox. */
function mailboxFrames(parent: ParentMemory, { mailboxPage }: Descriptor, { frames }: Shell): number[] {
  return Array.from({ length: MAILBOX_PAGES }, (_, i) => {
    const frame = frames[parent.pfnAt(mailboxPage + i) ?? -1] ?? NO_FRAME;
    if (frame !== NO_FRAME) return frame;
    throw new KaryonError("FORK_DESCRIPTOR", "the fork descriptor has a mailbox that is not the kernel's memory");
  });
}
