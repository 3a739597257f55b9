// How a domain that offers fork() becomes a member: what its offer says (offers.ts), whether it may fork, and the pages that it shares. A first domain
// begins a family; a child is known already, from its birth or from an earlier forkd.
import type { Log } from "../../support/log.ts";
import type { Store } from "../xen/store.ts";
import type { Xen } from "../xen/handles.ts";
import { Family, FIRST_PID, type Member } from "./family.ts";
import { familyLimits } from "./limits.ts";
import type { Mail } from "./mail.ts";
import { Mailbox, MAILBOX_PAGES } from "./mailbox.ts";
import { mapMember, type Members } from "./members.ts";
import { offerPath } from "./offers.ts";

/** Admits domains to families. */
export class Admission {
  constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly members: Members,
    private readonly mail: Mail,
    private readonly log: Log,
  ) {}

  /** Who a domain that offers fork() is; undefined when it is ending, or may not fork. */
  async admit(domain: number): Promise<Member | undefined> {
    const info = this.xen.control.info(domain);
    if (info === undefined || info.dying || info.shutdown !== undefined) return undefined;
    const known = this.members.of(domain);
    return known?.uuid === info.uuid ? known : this.#newFamily(domain, info.uuid);
  }

  /** The first member of a family; undefined when it may not fork, or asks for what cannot be. */
  async #newFamily(domain: number, uuid: string): Promise<Member | undefined> {
    const address = Number((await this.store.read(`${offerPath(domain)}/descriptor`)) ?? NaN);
    if (!Number.isInteger(address)) return undefined;
    const name = (await this.store.read(`/local/domain/${domain}/name`)) ?? `domain-${domain}`;
    const limits = familyLimits((await this.store.read(`/vm/${uuid}/image/cmdline`)) ?? "", name);
    if (limits === undefined)
      return void this.log(`${name} offers fork, but fork=<children> is not in its command line`);
    const descriptorFrame = this.xen.control.translate(domain, BigInt(address));
    // After a reboot or a restore the first domain has another number, and its family may still be there.
    const family = this.members.family(uuid) ?? new Family(uuid, name, limits);
    const identity = { pid: FIRST_PID, domain, uuid, name, parentPid: 0 };
    const member = mapMember(this.xen.memory, family, identity, descriptorFrame);
    try {
      member.descriptor.check();
    } catch (error) {
      member.unmap();
      throw error;
    }
    member.descriptor.setIdentity(FIRST_PID, 0);
    member.descriptor.setBelonging({ group: FIRST_PID, session: FIRST_PID });
    await this.store.writeAll([...family.header(), ...family.record({ ...identity, descriptorFrame }, "running")]);
    this.members.take(member);
    this.openMailbox(member);
    member.mailbox?.empty(); // a restored domain's is full of what concerns nobody any more
    return member;
  }

  /** Maps the mailbox of a member that was not made here. */
  openMailbox(member: Member): void {
    if (member.mailbox !== undefined) return;
    const { domain, descriptor } = member;
    try {
      const first = descriptor.mailboxPage;
      const pages = Array.from({ length: MAILBOX_PAGES }, (_, i) => BigInt(first + i) << 12n);
      const frames = pages.map((address) => this.xen.control.translate(domain, address));
      const mapped = this.xen.memory.map(domain, frames, true);
      member.mailbox = new Mailbox(mapped.bytes, () => mapped.unmap());
    } catch (error) {
      this.mail.giveUp(member, error);
    }
  }
}
