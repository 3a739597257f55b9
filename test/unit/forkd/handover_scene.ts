// A family whose processes hold connections, for tests of how these change hands: a test says for each process what it lists and sends, and sees what
// forkd says to it and does for it.
import assert from "node:assert/strict";
import { Family, type Member } from "../../../tools/forkd/family/family.ts";
import { flowEntry, FlowPages, flowOf, HOLD, type ListedFlow } from "../../../tools/forkd/family/flow_pages.ts";
import { NO_CHILDREN } from "../../../tools/forkd/family/limits.ts";
import { Mail } from "../../../tools/forkd/family/mail.ts";
import { Mailbox, MESSAGE, type Message } from "../../../tools/forkd/family/mailbox.ts";
import { Ownership } from "../../../tools/forkd/family/ownership.ts";
import { GuestEnd, memberOf } from "./mail_scene.ts";

const ENTRY = 40;
const HOLD_AT = 37;
const PROTOCOL_AT = 36;

/** What forkd says, as tests write it. */
const NAMES = new Map<number, string>(Object.entries(MESSAGE).map(([name, number]) => [number, name]));

/** The connection of this remote port. */
export function flow(remotePort: number, lastByte = 5): ListedFlow {
  const mapped = (last: number): Uint8Array => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last);
  return { protocol: 6, remote: mapped(9), remotePort, local: mapped(lastByte), localPort: 80 };
}

/** What a message is about and says: "hand 1000 3 0". */
export function textOf({ type, payload, pid }: Message): string {
  const words = Array.from({ length: (payload.length - ENTRY) / 4 }, (_, i) =>
    Buffer.from(payload).readInt32LE(ENTRY + 4 * i),
  );
  const from = pid === 0 ? [] : [`from ${pid}`];
  return [NAMES.get(type), flowOf(payload)?.remotePort, ...words, ...from].join(" ");
}

/** A process: its mailbox, and the page in which it lists its connections. */
export class Process {
  readonly mailbox = new GuestEnd();
  readonly page = new Uint8Array(4096);

  list(one: ListedFlow, hold: number): void {
    const at = this.#find(one) ?? this.#find(undefined);
    assert.ok(at !== undefined);
    this.page.set(flowEntry(one), at);
    this.page[at + HOLD_AT] = hold;
  }

  unlist(one: ListedFlow): void {
    const at = this.#find(one);
    if (at !== undefined) this.page[at + PROTOCOL_AT] = 0;
  }

  #find(one: ListedFlow | undefined): number | undefined {
    const entry = one === undefined ? undefined : flowEntry(one).subarray(0, HOLD_AT);
    for (let at = 0; at < 102 * ENTRY; at += ENTRY) {
      const is = Buffer.from(this.page.subarray(at, at + HOLD_AT));
      if (entry === undefined ? is[PROTOCOL_AT] === 0 : is.equals(entry)) return at;
    }
    return undefined;
  }
}

/** A family, and a forkd that can be started anew. */
export class HandoverScene {
  readonly family = new Family("uuid", "test", NO_CHILDREN);
  readonly processes = new Map<number, Process>();
  readonly log: string[] = [];
  /** What was done for the family: "1000 to 2", "lost 1000". */
  readonly done: string[] = [];
  /** Who is asked to take what nobody has accepted, in this order. */
  acceptors: number[] = [];
  mail: Mail;
  ownership: Ownership;

  /** Processes 1, 2, … that have told what they hold. */
  constructor(size = 0) {
    [this.mail, this.ownership] = this.#start();
    for (let pid = 1; pid <= size; pid++) this.born(pid, true);
  }

  born(pid: number, hasTold: boolean): Process {
    const process = new Process();
    this.processes.set(pid, process);
    this.family.know(memberOf(this.family, pid, pid, process.mailbox));
    if (hasTold) this.told(pid);
    return process;
  }

  process(pid: number): Process {
    const process = this.processes.get(pid);
    assert.ok(process !== undefined);
    return process;
  }

  member(pid: number): Member {
    const member = this.family.members.get(pid);
    assert.ok(member !== undefined);
    return member;
  }

  /** forkd asks a process for all that it has to know. */
  asks(pid: number): void {
    this.mail.post(this.member(pid), { type: MESSAGE.listening, payload: new Uint8Array(0) });
  }

  /** A process has told where it lists its connections, and that these are all. */
  told(pid: number): void {
    const member = this.member(pid);
    const { page } = this.process(pid);
    member.flows ??= new FlowPages();
    member.flows.add(1, () => ({ bytes: page, unmap: () => undefined }));
    this.ownership.told(member);
  }

  /** These processes list the connection: the first has it, the others have descriptors of it. */
  hold(one: ListedFlow, owner: number, ...others: readonly number[]): void {
    this.process(owner).list(one, HOLD.owner);
    for (const pid of others) this.process(pid).list(one, HOLD.inherited);
  }

  /** A process says something about a connection, to forkd or to process `to`. */
  say(pid: number, type: number, one: ListedFlow, words: readonly number[] = [], to = 0, flags = 0): void {
    const payload = Buffer.alloc(ENTRY + 4 * words.length);
    payload.set(flowEntry(one));
    words.forEach((word, i) => payload.writeInt32LE(word, ENTRY + 4 * i));
    assert.ok(this.process(pid).mailbox.send(to, payload, type, flags));
    this.mail.serve(this.member(pid));
  }

  /** What a process has got since it was asked last. */
  got(pid: number): string[] {
    const messages: string[] = [];
    const { mailbox } = this.process(pid);
    for (let next = mailbox.receive(); next !== undefined; next = mailbox.receive()) messages.push(textOf(next));
    return messages;
  }

  /** A process has given up the connection that it had, and another has it: what both list then. */
  installs(pid: number, one: ListedFlow): void {
    this.process(pid).list(one, HOLD.owner);
    this.say(pid, MESSAGE.ready, one, [0]);
  }

  /** A process is destroyed; the connections whose peers are to be reset. */
  dies(pid: number): number[] {
    const member = this.member(pid);
    member.ending = true;
    this.mail.lastWords(member);
    const orphans = this.ownership.left(member);
    member.flows?.close();
    member.flows = undefined;
    this.family.members.delete(pid);
    this.mail.forget(member);
    return orphans.map(({ remotePort }) => remotePort);
  }

  /** forkd is killed, and another begins: it knows nothing, but the mailboxes and lists are as they were. */
  restart(): void {
    for (const member of this.family.members.values()) {
      member.flows = undefined;
      member.mailbox = new Mailbox(this.process(member.pid).mailbox.bytes);
    }
    [this.mail, this.ownership] = this.#start();
    for (const member of this.family.members.values()) this.ownership.found(member);
  }

  #start(): [Mail, Ownership] {
    const log = (line: string): void => void this.log.push(line);
    const mail = new Mail({ serves: (member) => !member.ending, notify: () => undefined }, log);
    const ways = {
      covers: (_family: Family, { local }: ListedFlow) => local[15] === 5,
      steer: (_family: Family, { remotePort }: ListedFlow, pid: number) =>
        void this.done.push(`${remotePort} to ${pid}`),
      lost: (_family: Family, { remotePort }: ListedFlow) => void this.done.push(`lost ${remotePort}`),
      acceptor: (_family: Family, _flow: ListedFlow, except: ReadonlySet<Member>) => {
        const members = this.acceptors.map((pid) => this.family.members.get(pid));
        return members.find((member) => member?.ending === false && !except.has(member));
      },
    };
    return [mail, new Ownership(mail, ways, log)];
  }
}
