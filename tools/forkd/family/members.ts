// The members that this forkd serves: their mapped descriptor pages and bound event channels. Whoever makes, ends or
// signals a process goes through here, so that a domain number always leads to at most one member.
import { Descriptor } from "../descriptor.ts";
import type { Family, Identity, Member, MemberRecord } from "./family.ts";
import type { EventChannels } from "../xen/event_channels.ts";
import { PAGE_SIZE, type ForeignMemory, type ForeignPages } from "../xen/foreign_memory.ts";

/** What a member begins with. */
const NEW = {
  port: undefined,
  mailbox: undefined,
  flows: undefined,
  address: undefined,
  forking: false,
  ending: false,
  status: undefined,
} as const;

/** Maps a member's descriptor page; nobody serves it before it is taken in. */
export function mapMember(memory: ForeignMemory, family: Family, identity: Identity, descriptorFrame: number): Member {
  return memberOn(memory.map(identity.domain, [descriptorFrame], true), family, identity, descriptorFrame);
}

/** A member whose descriptor page is mapped already. */
export function memberOn(pages: ForeignPages, family: Family, identity: Identity, descriptorFrame: number): Member {
  const descriptor = new Descriptor(pages.bytes);
  const state = { ...NEW, unposted: [] };
  return { family, ...identity, descriptor, descriptorFrame, unmap: () => detach(descriptor, pages), ...state };
}

function detach(descriptor: Descriptor, pages: ForeignPages): void {
  descriptor.detach();
  pages.unmap();
}

/** A member that has ended, of which xenstore still tells. */
export function memberWithoutPage(family: Family, record: MemberRecord): Member {
  const { pid, domain, uuid, name, parentPid, descriptorFrame, status } = record;
  const descriptor = new Descriptor(new Uint8Array(PAGE_SIZE));
  const state = { ...NEW, unposted: [], ending: true, status, unmap: () => undefined };
  return { family, pid, domain, uuid, name, parentPid, descriptor, descriptorFrame, ...state };
}

/** All members of all families, by domain. */
export class Members {
  readonly #byDomain = new Map<number, Member>();

  constructor(private readonly channels: EventChannels) {}

  /** The members of this moment; taking in or letting go does not disturb who goes through them. */
  all(): Member[] {
    return [...this.#byDomain.values()];
  }

  families(): Set<Family> {
    return new Set(this.all().map(({ family }) => family));
  }

  family(uuid: string): Family | undefined {
    return this.all().find(({ family }) => family.uuid === uuid)?.family;
  }

  of(domain: number): Member | undefined {
    return this.#byDomain.get(domain);
  }

  /** Whether `member` is still served: its page is mapped, and its end not yet being dealt with. */
  serves(member: Member): boolean {
    return !member.ending && this.#byDomain.get(member.domain) === member;
  }

  take(member: Member): void {
    this.#byDomain.set(member.domain, member);
    member.family.know(member);
  }

  letGo(member: Member): void {
    this.unbind(member);
    member.unmap();
    member.mailbox?.close();
    member.mailbox = undefined;
    member.flows?.close();
    member.flows = undefined;
    if (this.#byDomain.get(member.domain) === member) this.#byDomain.delete(member.domain);
    member.family.members.delete(member.pid);
  }

  /** Connects to the event channel that a member offers, in place of an earlier one. */
  bind(member: Member, port: number, handler: () => void): void {
    this.unbind(member);
    member.port = this.channels.bind(member.domain, port, handler);
  }

  notify(member: Member): void {
    if (member.port !== undefined && !member.ending) this.channels.notify(member.port);
  }

  unbind(member: Member): void {
    if (member.port !== undefined) this.channels.unbind(member.port);
    member.port = undefined;
  }
}
