// The daemon: learns from xenstore which domains offer fork(), hands their requests to those who answer them, and reaps
// their children. Nothing is polled: xenstore watches and event channels drive everything.
import { describeError, type KaryonError } from "../support/errors.ts";
import type { Log } from "../support/log.ts";
import { Births, type BirthPolicy } from "./birth/births.ts";
import { Admission } from "./family/admission.ts";
import { Doorbells } from "./family/doorbells.ts";
import { FIRST_PID, type Family, type Member } from "./family/family.ts";
import { FlowSweep } from "./family/flow_sweep.ts";
import { Limits, type HostLimits, type HostView } from "./family/limits.ts";
import { Mail } from "./family/mail.ts";
import { Offers } from "./family/offers.ts";
import { Members } from "./family/members.ts";
import { Reaper } from "./family/reap.ts";
import { NetworkMail } from "./family/network_mail.ts";
import { OperatorSignals } from "./family/operator.ts";
import { Ownership } from "./family/ownership.ts";
import { recover } from "./family/recover.ts";
import { Signals } from "./family/signals.ts";
import { familyRules } from "./steering/family_rules.ts";
import { FamilyNetworks } from "./steering/family_networks.ts";
import { Turns } from "./turns.ts";
import { EventChannels } from "./xen/event_channels.ts";
import { openXen, type Xen } from "./xen/handles.ts";
import { Host } from "./xen/host.ts";
import { Store } from "./xen/store.ts";

const EAGAIN = 11;

/** What the daemon is started with. */
export interface Policy {
  readonly limits: HostLimits;
  readonly births: BirthPolicy;
}

/** A running daemon. */
export class Daemon {
  readonly #channels = new EventChannels();
  readonly #members = new Members(this.#channels);
  readonly #networks: FamilyNetworks;
  readonly #births: Births;
  readonly #mail: Mail;
  readonly #admission: Admission;
  readonly #networkMail: NetworkMail;
  readonly #ownership: Ownership;
  readonly #sweep: FlowSweep;
  readonly #reaper: Reaper;
  readonly #signals: Signals;
  readonly #doorbells: Doorbells;
  readonly #offers: Offers;
  /** Work on members that must not overlap: registrations and reaping. */
  readonly #turns: Turns;

  private constructor(
    xen: Xen,
    private readonly store: Store,
    private readonly log: Log,
    host: Host,
    policy: Policy,
  ) {
    this.#turns = new Turns(log);
    const limits = new Limits(policy.limits, this.#view(host), log);
    const later = (work: () => Promise<void>): void => this.#turns.later(work);
    this.#networks = new FamilyNetworks(store, log);
    this.#births = new Births(xen, store, this.#members, limits, this.#networks, log, later, policy.births);
    this.#mail = new Mail(this.#members, log);
    this.#offers = new Offers(
      store,
      () => host.domains().keys(),
      // Before the ends of others: the connection that it was made for waits for it.
      (domain) => this.#turns.soon(() => this.#register(domain)),
    );
    this.#admission = new Admission(xen, store, this.#members, this.#mail, log);
    const rules = familyRules(this.#networks, log);
    this.#networkMail = new NetworkMail(
      this.#mail,
      rules,
      ({ domain }, page) => xen.memory.map(domain, [xen.control.translate(domain, BigInt(page) << 12n)], false),
      log,
      {
        told: (member) => this.#ownership.told(member),
        acceptorCame: (family) => this.#ownership.acceptorCame(family),
      },
    );
    this.#ownership = new Ownership(
      this.#mail,
      {
        steer: rules.steer,
        covers: rules.covers,
        lost: (family, flow) => void this.#networkMail.reset(family, [flow]),
        acceptor: (family, flow, except) => this.#networkMail.acceptor(family, flow, except),
      },
      log,
    );
    this.#sweep = new FlowSweep(rules.named, (family, pid) => {
      const member = family.members.get(pid);
      return member !== undefined && !member.ending && !this.#ownership.isYoung(member);
    });
    this.#networks.listen(this.#networkMail);
    const mourners = {
      lastWords: (member: Member): void => this.#mail.lastWords(member),
      leave: (member: Member): void => {
        this.#networks.leave(member.family, member.pid);
        this.#networkMail.left(member, this.#ownership.left(member));
      },
      forget: (member: Member): Promise<void> => this.#forget(member),
    };
    this.#reaper = new Reaper(xen.control, host, store, this.#members, mourners, log);
    const post = (member: Member): void => later(() => this.#reaper.post(member));
    this.#doorbells = new Doorbells(this.#members, post);
    this.#signals = new Signals(xen.control, this.#members, post, log);
  }

  /** @throws KaryonError XEN_LIBRARY, XEN_VERSION, XEN_CALL, XENSTORE */
  static async start(log: Log, policy: Policy): Promise<Daemon> {
    const xen = openXen();
    const store = await Store.open();
    const host = new Host(xen.control);
    const daemon = new Daemon(xen, store, log, host, policy);
    const { living, ended } = await recover(xen, host, store, log);
    for (const member of living) {
      daemon.#members.take(member);
      daemon.#networkMail.found(member);
      daemon.#ownership.found(member);
    }
    for (const end of await daemon.#reaper.ended(ended)) await daemon.#reaper.reap(end);
    await daemon.#networks.recover(daemon.#members.families());
    await store.watch("@releaseDomain", () => {
      daemon.#turns.later(() => daemon.#reapEnded());
      daemon.#turns.later(() => daemon.#births.dropDestroyed());
      daemon.#turns.later(() => daemon.#offers.dropGone());
    });
    await new OperatorSignals(store, daemon.#members, daemon.#signals, (work) => daemon.#turns.later(work)).listen();
    await daemon.#offers.listen();
    daemon.#sweep.start(() => {
      const families = daemon.#members.families();
      daemon.#ownership.refresh(families);
      return families;
    });
    return daemon;
  }

  /** Lets go of every domain; children go on running, and their guests' fork() fails with ENOSYS from now on. */
  async stop(): Promise<void> {
    this.#sweep.stop();
    await this.#turns.rest();
    for (const member of this.#members.all()) {
      member.descriptor.setReady(false);
      await this.#births.leave(member);
      this.#members.letGo(member);
    }
    this.#channels.close();
    this.store.close();
  }

  /** Hears when xenstored has gone, and why: nothing works without it. */
  onLost(listener: (why: KaryonError) => void): void {
    this.store.onClose(listener);
  }

  /** Each in a turn of its own: others need not wait for all of them. */
  async #reapEnded(): Promise<void> {
    for (const ended of await this.#reaper.ended()) this.#turns.later(() => this.#reaper.reap(ended));
  }

  async #register(domain: number): Promise<void> {
    const port = await this.#offers.port(domain);
    if (port === undefined) return;
    const member = await this.#admission.admit(domain);
    if (member === undefined) return;
    try {
      this.#members.bind(member, port, () => this.#onEvent(member));
    } catch (error) {
      // A node that an earlier boot or a restore left behind: the guest writes the right one later.
      return this.log(`${member.name}: ${describeError(error)}`);
    }
    this.#admission.openMailbox(member);
    member.descriptor.setDomain(domain);
    member.descriptor.setReady(true);
    this.#members.notify(member);
    this.#networkMail.joined(member);
    await this.#births.expect(member);
    this.#prepareNetwork(member);
    this.log(`${member.name} is process ${member.pid} (domain ${domain}) and can fork`);
    this.#onEvent(member);
  }

  #onEvent(member: Member): void {
    if (member.ending) return;
    if (member.unposted.length > 0) this.#turns.later(() => this.#reaper.post(member));
    this.#doorbells.serve(member);
    this.#signals.serve(member);
    this.#mail.serve(member);
    if (member.descriptor.address !== member.address) this.#turns.later(() => this.#writeAddress(member));
    if (member.descriptor.wantsShell) {
      void this.#births.supply(member).catch((error: unknown) => this.log(`${member.name}: ${describeError(error)}`));
    }
    if (!member.descriptor.pending || member.forking) return;
    member.forking = true;
    void this.#births
      .answer(member)
      .catch((error: unknown) => this.#refuse(member, error))
      .finally(() => {
        member.forking = false;
        // A parent that ended meanwhile was reaped without this child.
        if (!this.#members.serves(member)) this.#turns.later(() => this.#reaper.adopt(member));
        // One that took its request back while it was answered may have made another, whose event came too early.
        else if (member.descriptor.pending) this.#onEvent(member);
      });
  }

  async #forget(member: Member): Promise<void> {
    this.#mail.forget(member);
    await this.#births.forget(member);
    if (member.family.members.size === 0) this.#networks.close(member.family);
  }

  /** Nobody waits for it here. */
  #prepareNetwork(member: Member): void {
    if (member.pid === FIRST_PID) void this.#networks.prepare(member);
  }

  /** Other tools find every instance by its record. */
  async #writeAddress(member: Member): Promise<void> {
    const { address } = member.descriptor;
    if (address === member.address || !this.#members.serves(member)) return;
    const node = `${member.family.path(member.pid)}/address`;
    await (address === undefined ? this.store.remove(node) : this.store.write(node, address));
    member.address = address;
    this.#prepareNetwork(member);
  }

  /** Whatever has gone wrong, a parent that waits gets an answer. */
  #refuse(member: Member, error: unknown): void {
    this.log(`${member.name} cannot fork: ${describeError(error)}`);
    if (this.#members.serves(member) && member.descriptor.answer(-EAGAIN)) this.#members.notify(member);
  }

  /** What the limits are measured by. */
  #view(host: Host): HostView<Family> {
    return {
      families: () => this.#members.families(),
      pagesOf: (family) => {
        const domains = host.domains();
        const pages = [...family.members.values()].map(({ domain }) => domains.get(domain)?.pages ?? 0);
        return pages.reduce((sum, own) => sum + own, this.#births.pagesOf(family));
      },
      freePages: () => host.freePages() - this.#births.promised,
      now: () => performance.now() / 1000,
    };
  }
}
