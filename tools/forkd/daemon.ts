// The daemon: learns from xenstore which domains offer fork(), hands their requests to those who answer them, and reaps
// their children. Nothing is polled: xenstore watches and event channels drive everything.
import { describeError } from "../support/errors.ts";
import type { Log } from "../support/log.ts";
import { Births, type BirthPolicy } from "./births.ts";
import { Family, FIRST_PID, type Member } from "./family.ts";
import { familyLimits, Limits, type HostLimits, type HostView } from "./limits.ts";
import { mapMember, Members } from "./members.ts";
import { adoptOrphans, postWaiting, tellParent, waitStatus } from "./reap.ts";
import { recover } from "./recover.ts";
import { EventChannels } from "./xen/event_channels.ts";
import { openXen, type Xen } from "./xen/handles.ts";
import { Host } from "./xen/host.ts";
import { Store } from "./xen/store.ts";
import { removeDomainNodes } from "./xenstore_nodes.ts";

const OFFER = /^\/local\/domain\/(\d+)\/data\/fork\/event-channel$/;

/** What the daemon is started with. */
export interface Policy {
  readonly limits: HostLimits;
  readonly births: BirthPolicy;
}

/** A running daemon. */
export class Daemon {
  readonly #channels = new EventChannels();
  readonly #members = new Members(this.#channels);
  readonly #births: Births;
  /** Work on members that must not overlap: registrations and reaping, in their order. */
  #queue: Promise<void> = Promise.resolve();

  private constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly log: Log,
    policy: Policy,
  ) {
    const limits = new Limits(policy.limits, hostView(new Host(xen.control), this.#members), log);
    this.#births = new Births(xen, store, this.#members, limits, log, policy.births);
  }

  /** @throws KaryonError XEN_LIBRARY, XEN_VERSION, XEN_CALL, XENSTORE */
  static async start(log: Log, policy: Policy): Promise<Daemon> {
    const xen = openXen();
    const store = await Store.open();
    const daemon = new Daemon(xen, store, log, policy);
    for (const member of await recover(xen, store, log)) daemon.#members.take(member);
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
    for (const member of this.#members.all()) {
      member.descriptor.setReady(false);
      await this.#births.forget(member);
      this.#members.letGo(member);
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
    const known = this.#members.of(domain);
    const member = known?.uuid === info.uuid ? known : await this.#newFamily(domain, info.uuid, address);
    if (member === undefined) return;
    try {
      this.#members.bind(member, port, () => this.#onEvent(member));
    } catch (error) {
      // A node that an earlier boot or a restore left behind: the guest writes the right one later.
      return this.log(`${member.name}: ${describeError(error)}`);
    }
    member.descriptor.setReady(true);
    this.#members.notify(member);
    this.#births.expect(member);
    this.log(`${member.name} is process ${member.pid} (domain ${domain}) and can fork`);
    this.#onEvent(member);
  }

  /** The first member of a family; undefined when it may not fork, or asks for what cannot be. */
  async #newFamily(domain: number, uuid: string, address: number): Promise<Member | undefined> {
    const name = (await this.store.read(`/local/domain/${domain}/name`)) ?? `domain-${domain}`;
    const limits = familyLimits((await this.store.read(`/vm/${uuid}/image/cmdline`)) ?? "", name);
    if (limits === undefined)
      return void this.log(`${name} offers fork, but fork=<children> is not in its command line`);
    const descriptorFrame = this.xen.control.translate(domain, BigInt(address));
    const family = new Family(uuid, name, limits);
    const identity = { pid: FIRST_PID, domain, uuid, name, parentPid: 0 };
    const member = mapMember(this.xen.memory, family, identity, descriptorFrame);
    try {
      member.descriptor.check();
    } catch (error) {
      member.unmap();
      throw error;
    }
    member.descriptor.setIdentity(FIRST_PID, 0);
    await this.store.writeAll([...family.header(), ...family.record({ ...identity, descriptorFrame }, "running")]);
    this.#members.take(member);
    return member;
  }

  #onEvent(member: Member): void {
    if (member.ending) return;
    if (postWaiting(member)) this.#members.notify(member);
    if (!member.descriptor.pending || member.forking) return;
    member.forking = true;
    void this.#births.answer(member).finally(() => {
      member.forking = false;
    });
  }

  async #reapEnded(): Promise<void> {
    for (const member of this.#members.all()) {
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
    this.#members.letGo(member);
    if (parent !== undefined && tellParent(parent, { pid, status })) this.#members.notify(parent);
    await this.#births.forget(member);
    this.log(`${name} (process ${pid}, domain ${domain}) ended with wait status 0x${status.toString(16)}`);
    if (pid !== FIRST_PID) {
      this.#destroy(domain, uuid);
      await this.store.release(domain).catch(() => undefined);
      await removeDomainNodes(this.store, domain, uuid);
    }
    await this.store.remove(family.members.size === 0 ? family.home : family.path(pid));
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

/** What forkd's limits are measured by. */
function hostView(host: Host, members: Members): HostView<Family> {
  return {
    families: () => members.families(),
    pagesOf: (family) => {
      const domains = host.domains();
      const pages = [...family.members.values()].map(({ domain }) => domains.get(domain)?.pages ?? 0);
      return pages.reduce((sum, own) => sum + own, 0);
    },
    freePages: () => host.freePages(),
    now: () => performance.now() / 1000,
  };
}
