// The daemon: learns from xenstore which domains offer fork(), answers their requests, and reaps their children. Nothing
// is polled: xenstore watches and event channels drive everything.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { describeError } from "../support/errors.ts";
import { copyDomain, type CopiedDomain, type Xen } from "./copy.ts";
import { Descriptor } from "./descriptor.ts";
import { Family, FIRST_PID, forkLimit, type Member } from "./family.ts";
import { adoptOrphans, postWaiting, tellParent, waitStatus } from "./reap.ts";
import { recover } from "./recover.ts";
import { XenControl } from "./xen/control.ts";
import { EventChannels } from "./xen/event_channels.ts";
import { ForeignMemory } from "./xen/foreign_memory.ts";
import { GrantSeed } from "./xen/grant_seed.ts";
import { errnoOf } from "./xen/library.ts";
import { Store } from "./xen/store.ts";
import {
  networkDevices,
  removeDomainNodes,
  writeDomainNodes,
  writeNetworkDevice,
  type AddedDevice,
} from "./xenstore_nodes.ts";

const EAGAIN = 11;
const ENOMEM = 12;
const OFFER = /^\/local\/domain\/(\d+)\/data\/fork\/event-channel$/;
const BRIDGE_ATTEMPTS = 100;
const BRIDGE_INTERVAL_MS = 50;
const run = promisify(execFile);

/** Says what happened, for the daemon's log. */
export type Log = (text: string) => void;

/** A running daemon. */
export class Daemon {
  readonly #members = new Map<number, Member>();
  readonly #channels = new EventChannels();
  /** Work on members that must not overlap: registrations and reaping, in their order. */
  #queue: Promise<void> = Promise.resolve();

  private constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly log: Log,
  ) {}

  /** @throws KaryonError XEN_LIBRARY, XEN_VERSION, XEN_CALL, XENSTORE */
  static async start(log: Log): Promise<Daemon> {
    const xen = { control: new XenControl(), memory: new ForeignMemory(), grants: new GrantSeed() };
    const store = await Store.open();
    const daemon = new Daemon(xen, store, log);
    for (const member of await recover(xen, store, log)) daemon.#members.set(member.domain, member);
    await store.watch("@releaseDomain", () => daemon.#later(() => daemon.#reapEnded()));
    await store.watch("/local/domain", (path) => daemon.#onNode(path));
    for (const domain of await store.directory("/local/domain")) {
      daemon.#onNode(`/local/domain/${domain}/data/fork/event-channel`);
    }
    return daemon;
  }

  /** Lets go of every domain; children go on running, and their guests' fork() fails with ENOSYS from now on. */
  async stop(): Promise<void> {
    await this.#queue;
    for (const member of this.#members.values()) {
      member.descriptor.setReady(false);
      this.#letGo(member);
    }
    this.#channels.close();
    this.store.close();
  }

  /** Hears when xenstored has gone: nothing works without it. */
  onLost(listener: () => void): void {
    this.store.onClose(listener);
  }

  #later(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => this.log(describeError(error)));
  }

  #onNode(path: string): void {
    const found = OFFER.exec(path);
    if (found !== null) this.#later(() => this.#register(Number(found[1])));
  }

  async #register(domain: number): Promise<void> {
    const offer = `/local/domain/${domain}/data/fork`;
    const read = async (node: string): Promise<number> => Number((await this.store.read(`${offer}/${node}`)) ?? NaN);
    const [port, address] = await Promise.all([read("event-channel"), read("descriptor")]);
    const info = this.xen.control.info(domain);
    if (!Number.isInteger(port) || !Number.isInteger(address) || info === undefined || info.dying) return;
    const known = this.#members.get(domain);
    const member = known?.uuid === info.uuid ? known : await this.#newFamily(domain, info.uuid, address);
    if (member === undefined) return;
    try {
      if (member.port !== undefined) this.#channels.unbind(member.port);
      member.port = undefined;
      member.port = this.#channels.bind(domain, port, () => this.#onEvent(member));
    } catch (error) {
      // A node that an earlier boot or a restore left behind: the guest writes the right one later.
      return this.log(`${member.name}: ${describeError(error)}`);
    }
    member.descriptor.setReady(true);
    this.#channels.notify(member.port);
    this.log(`${member.name} is process ${member.pid} (domain ${domain}) and can fork`);
    this.#onEvent(member);
  }

  /** The first member of a family; undefined when it may not fork, or asks for what cannot be. */
  async #newFamily(domain: number, uuid: string, address: number): Promise<Member | undefined> {
    const limit = forkLimit((await this.store.read(`/vm/${uuid}/image/cmdline`)) ?? "");
    const name = (await this.store.read(`/local/domain/${domain}/name`)) ?? `domain-${domain}`;
    if (limit === 0) return void this.log(`${name} offers fork, but fork=<children> is not in its command line`);
    const descriptorFrame = this.xen.control.translate(domain, BigInt(address));
    const family = new Family(uuid, limit);
    const identity = { pid: FIRST_PID, domain, uuid, name, parentPid: 0 };
    const member = this.#mapMember(family, identity, descriptorFrame);
    try {
      member.descriptor.check();
    } catch (error) {
      member.unmap();
      throw error;
    }
    member.descriptor.setIdentity(FIRST_PID, 0);
    await this.store.writeAll(family.record({ ...identity, descriptorFrame }, "running"));
    this.#take(member);
    return member;
  }

  #mapMember(
    family: Family,
    identity: Pick<Member, "pid" | "domain" | "uuid" | "name" | "parentPid">,
    descriptorFrame: number,
  ): Member {
    const pages = this.xen.memory.map(identity.domain, [descriptorFrame], true);
    const descriptor = new Descriptor(pages.bytes);
    const state = { port: undefined, forking: false, ending: false, unposted: [] };
    return { family, ...identity, descriptor, descriptorFrame, unmap: () => pages.unmap(), ...state };
  }

  #take(member: Member): void {
    this.#members.set(member.domain, member);
    member.family.know(member);
  }

  #letGo(member: Member): void {
    if (member.port !== undefined) this.#channels.unbind(member.port);
    member.port = undefined;
    member.unmap();
    this.#members.delete(member.domain);
    member.family.members.delete(member.pid);
  }

  #onEvent(member: Member): void {
    if (member.ending) return;
    if (postWaiting(member)) this.#notify(member);
    if (!member.descriptor.pending || member.forking) return;
    member.forking = true;
    void this.#fork(member).finally(() => {
      member.forking = false;
    });
  }

  #notify(member: Member): void {
    if (member.port !== undefined && !member.ending) this.#channels.notify(member.port);
  }

  /** Answers one request; whatever goes wrong, the parent gets an answer. */
  async #fork(parent: Member): Promise<void> {
    let result = -EAGAIN;
    const pid = parent.family.reserve();
    if (pid === undefined) {
      this.log(`${parent.name}: its family has ${parent.family.limit} children, which is its limit`);
    } else {
      try {
        await this.#makeChild(parent, pid);
        result = pid;
      } catch (error) {
        if (errnoOf(error) === ENOMEM) result = -ENOMEM;
        this.log(`${parent.name} cannot fork: ${describeError(error)}`);
      }
      parent.family.release();
    }
    if (parent.ending || this.#members.get(parent.domain) !== parent) return;
    parent.descriptor.setResult(result);
    this.#notify(parent);
  }

  async #makeChild(parent: Member, pid: number): Promise<void> {
    const start = performance.now();
    const { family } = parent;
    const uuid = randomUUID();
    const name = `${nameOfFirst(parent)}-${pid}`;
    const intent = { pid, domain: 0, uuid, parentPid: parent.pid, name, descriptorFrame: 0 };
    // Before the domain exists: whoever comes after a forkd that died here can tell what it was.
    await this.store.writeAll(family.record(intent, "forking"));
    let copied: CopiedDomain | undefined;
    try {
      const { descriptorFrame, descriptor, domain } = parent;
      const order = { parent: domain, descriptorFrame, uuid, pid, parentPid: parent.pid };
      copied = copyDomain(this.xen, { ...order, request: descriptor.request() });
      const copyEnd = performance.now();
      await this.#bringUp(parent, copied, { pid, name, uuid });
      const [copyMs, allMs] = [copyEnd - start, performance.now() - start].map((ms) => ms.toFixed(0));
      this.log(`${parent.name} forked ${name} (domain ${copied.domain}): copied in ${copyMs} ms, up in ${allMs} ms`);
    } catch (error) {
      await this.#giveUp(family, pid, uuid, copied);
      throw error;
    }
  }

  async #bringUp(
    parent: Member,
    copied: CopiedDomain,
    { pid, name, uuid }: { readonly pid: number; readonly name: string; readonly uuid: string },
  ): Promise<void> {
    const { domain } = copied;
    await writeDomainNodes(this.store, copied, name, uuid);
    for (const device of await networkDevices(this.store, parent.domain)) {
      const added = await writeNetworkDevice(this.store, domain, device);
      void this.#attachToBridge(added);
    }
    await this.store.introduce(domain, copied.storeFrame, copied.storePort);
    const identity = { pid, domain, uuid, name, parentPid: parent.pid };
    const { descriptorFrame } = copied;
    await this.store.writeAll(parent.family.record({ ...identity, descriptorFrame }, "running"));
    const member = this.#mapMember(parent.family, identity, descriptorFrame);
    this.#take(member);
    this.xen.control.unpause(domain);
  }

  async #giveUp(family: Family, pid: number, uuid: string, copied: CopiedDomain | undefined): Promise<void> {
    try {
      const member = family.members.get(pid);
      if (member !== undefined) this.#letGo(member);
      if (copied !== undefined) {
        this.xen.control.destroy(copied.domain);
        await this.store.release(copied.domain).catch(() => undefined);
        await removeDomainNodes(this.store, copied.domain, uuid);
      }
      await this.store.remove(family.path(pid));
    } catch (error) {
      this.log(`a half-made child is left: ${describeError(error)}`);
    }
  }

  /** Puts netback's interface on the bridge as soon as netback has made it: the work of libxl's hotplug script. */
  async #attachToBridge({ backend, interfaceName, bridge }: AddedDevice): Promise<void> {
    for (let attempt = 1; attempt <= BRIDGE_ATTEMPTS; attempt++) {
      if ((await this.store.read(`${backend}/state`)) === undefined) return;
      try {
        await run("ip", ["link", "set", "dev", interfaceName, "master", bridge, "up"]);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, BRIDGE_INTERVAL_MS));
        continue;
      }
      // netback tells its front end that it is connected only after this.
      await this.store.write(`${backend}/hotplug-status`, "connected");
      return;
    }
    this.log(`${interfaceName} did not appear, or bridge ${bridge} does not take it`);
  }

  async #reapEnded(): Promise<void> {
    for (const member of [...this.#members.values()]) {
      const status = waitStatus(member, this.xen.control.info(member.domain));
      if (status !== undefined) await this.#reap(member, status);
    }
  }

  async #reap(member: Member, status: number): Promise<void> {
    const { family, pid, domain, uuid, name } = member;
    member.ending = true;
    const parent = family.members.get(member.parentPid);
    for (const orphan of adoptOrphans(family, pid)) {
      await this.store.write(`${family.path(orphan.pid)}/parent`, String(FIRST_PID));
    }
    this.#letGo(member);
    this.log(`${name} (process ${pid}, domain ${domain}) ended with wait status 0x${status.toString(16)}`);
    if (pid !== FIRST_PID) {
      this.#destroy(domain, uuid);
      await this.store.release(domain).catch(() => undefined);
      await removeDomainNodes(this.store, domain, uuid);
    }
    await this.store.remove(family.members.size === 0 ? familyPath(family) : family.path(pid));
    if (parent !== undefined && tellParent(parent, { pid, status })) this.#notify(parent);
  }

  #destroy(domain: number, uuid: string): void {
    // Someone else may have destroyed it, and its number may be another domain's by now.
    if (this.xen.control.info(domain)?.uuid !== uuid) return;
    try {
      this.xen.control.destroy(domain);
    } catch (error) {
      this.log(`domain ${domain}: ${describeError(error)}`);
    }
  }
}

function familyPath(family: Family): string {
  return family.path(FIRST_PID).replace(/\/\d+$/, "");
}

/** A family's processes carry the name of its first. */
function nameOfFirst({ family, name }: Member): string {
  return family.members.get(FIRST_PID)?.name ?? name.replace(/-\d+$/, "");
}
