// A family of made-up members for tests of their mail: pages that the test reads and writes as the guests would.
import assert from "node:assert/strict";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { Family, type Member } from "../../../tools/forkd/family/family.ts";
import { NO_CHILDREN } from "../../../tools/forkd/family/limits.ts";
import { Mail } from "../../../tools/forkd/family/mail.ts";
import { Mailbox, MAILBOX_PAGES, type Message } from "../../../tools/forkd/family/mailbox.ts";

const PAGE = 4096;
const RING = 16384;
/** What is sent when nothing else is said. */
export const TYPE = 13;

/** A guest's end of a mailbox: the same class, with the rings and indices the other way round. */
export class GuestEnd {
  readonly bytes = new Uint8Array(MAILBOX_PAGES * PAGE);
  readonly #turned = new Uint8Array(MAILBOX_PAGES * PAGE);
  readonly end = new Mailbox(this.#turned);

  #turn(from: Uint8Array, to: Uint8Array): void {
    to.set(from);
    to.set(from.subarray(8, 16), 0);
    to.set(from.subarray(0, 8), 8);
    to.set(from.subarray(PAGE + RING, PAGE + 2 * RING), PAGE);
    to.set(from.subarray(PAGE, PAGE + RING), PAGE + RING);
  }

  send(pid: number, payload: Uint8Array, type = TYPE, flags = 0): boolean {
    this.#turn(this.bytes, this.#turned);
    const message = { type, flags, pid, payload };
    if (!this.end.hasRoom(message)) return false;
    this.end.put(message);
    this.#turn(this.#turned, this.bytes);
    return true;
  }

  receive(): Message | undefined {
    this.#turn(this.bytes, this.#turned);
    const message = this.end.next();
    if (message !== undefined) this.end.taken(message);
    this.#turn(this.#turned, this.bytes);
    return message;
  }
}

/** A member of a family, whose mailbox `guest` has the other end of. */
export function memberOf(family: Family, pid: number, domain: number, guest: GuestEnd): Member {
  const identity = { pid, domain, uuid: `uuid-${pid - 1}`, name: `test-${pid}`, parentPid: pid - 1 };
  const state = { port: 1, address: undefined, forking: false, ending: false, unposted: [], status: undefined };
  const page = { descriptor: new Descriptor(new Uint8Array(PAGE)), descriptorFrame: 1, unmap: () => undefined };
  return { family, ...identity, ...page, ...state, mailbox: new Mailbox(guest.bytes), flows: undefined };
}

/** A family and its mail. */
export class Scene {
  readonly log: string[] = [];
  readonly notified: number[] = [];
  readonly members: Member[] = [];
  readonly guests: GuestEnd[] = [];
  readonly mail = new Mail(
    {
      serves: (member) => !member.ending,
      notify: ({ domain }) => void this.notified.push(domain),
    },
    (line) => void this.log.push(line),
  );

  /** Processes 1, 2, … of a family in domains from `domain`. */
  constructor(size: number, domain = 1) {
    const family = new Family("uuid", "test", NO_CHILDREN);
    for (let i = 0; i < size; i++) {
      const guest = new GuestEnd();
      const member = memberOf(family, i + 1, domain + i, guest);
      family.know(member);
      this.members.push(member);
      this.guests.push(guest);
    }
  }

  guest(pid: number): GuestEnd {
    const guest = this.guests[pid - 1];
    assert.ok(guest !== undefined);
    return guest;
  }

  member(pid: number): Member {
    const member = this.members[pid - 1];
    assert.ok(member !== undefined);
    return member;
  }

  /** The event of a guest. */
  event(pid: number): void {
    this.mail.serve(this.member(pid));
  }

  /** Sends, as many as fit; how many. */
  fill(from: number, to: number, size = 1000): number {
    let count = 0;
    while (this.guest(from).send(to, Uint8Array.of(count, ...new Uint8Array(size - 1)))) count += 1;
    return count;
  }

  drain(pid: number): number[] {
    const received: number[] = [];
    for (let next = this.guest(pid).receive(); next !== undefined; next = this.guest(pid).receive()) {
      received.push(next.payload[0] ?? -1);
    }
    return received;
  }
}
