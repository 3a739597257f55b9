// A family of processes on a simulated network: one host with one address, whose frames go to the process that owns the flow, as forkd's rules in
// domain 0 would have them; and forkd, which carries the processes' mail, late by a random time.
import { MESSAGE, type Message } from "../../../tools/forkd/family/mailbox.ts";
import type { Network, Station } from "../../support/network.ts";
import { Random } from "../../support/random.ts";
import type { Link, StackOptions } from "../tcp/stack.ts";
import { FLOW, keyOf, Ownership, type Holder } from "./ownership.ts";
import { Process } from "./process.ts";

const PAGE = 4096;
const FLOWS_PER_PAGE = 102;
const FOREVER = 2n ** 63n;

/** How late mail is, µs: least and most. */
export type Delay = readonly [number, number];

class Member implements Holder {
  readonly ports = new Set<number>();
  young = false;
  /** What it has said while it was young. */
  readonly deferred: Message[] = [];
  /** forkd's own messages that have found no room yet. */
  readonly unposted: Message[] = [];

  constructor(readonly process: Process) {}

  get pid(): number {
    return this.process.pid;
  }

  owns(key: string): boolean | undefined {
    for (const page of this.process.flowPages) {
      for (let i = 0; i < FLOWS_PER_PAGE; i++) {
        const entry = this.process.bytes(page + i * FLOW, FLOW);
        if (entry[36] === 6 && keyOf(entry) === key) return entry[37] === 0;
      }
    }
    return undefined;
  }

  accepts(port: number): boolean {
    return this.ports.has(port);
  }
}

export class Family implements Station, Link {
  readonly members: Member[] = [];
  /** Hand-overs that have come to an end well. */
  moved = 0;
  /** Messages that have passed. */
  readonly mail: { from: number; to: number; type: number }[] = [];
  /** A message is lost, changed or kept from its way when this says null or another. */
  tamper: (message: Message, from: number) => Message | null = (message) => message;
  /** Whether forkd runs. */
  serving = true;
  ownership: Ownership;
  #recovering = false;
  readonly #steering = new Map<string, Process>();
  readonly #random: Random;
  #lastPid = 1;
  #due: bigint | undefined;

  private constructor(
    readonly network: Network,
    readonly host: number,
    first: Process,
    seed: number,
    readonly delay: Delay,
  ) {
    this.#random = new Random(seed);
    this.ownership = this.#begin();
    this.#add(first);
    network.attach(this);
  }

  static async create(
    network: Network,
    host: number,
    options: StackOptions = {},
    delay: Delay = [50, 500],
  ): Promise<Family> {
    return new Family(network, host, await Process.first(host, options), options.seed ?? 1, delay);
  }

  /** What a forkd that begins knows: nothing. */
  #begin(): Ownership {
    return new Ownership(
      () => this.members,
      (to, type, payload) =>
        void this.#member(to.pid)?.unposted.push({ type, flags: 0, pid: 0, payload: payload.slice() }),
      (flow, owner) => this.#name(flow, owner.pid),
    );
  }

  get first(): Process {
    return this.#leader();
  }

  get now(): bigint {
    return this.network.now;
  }

  attach(): void {
    // Its processes are on the network by the family.
  }

  send(_from: Station, frame: Uint8Array): void {
    this.network.send(this, frame);
  }

  #leader(): Process {
    const [leader] = this.members;
    if (leader === undefined) throw new Error("the family has ended");
    return leader.process;
  }

  #member(pid: number): Member | undefined {
    return this.members.find((member) => member.pid === pid);
  }

  #add(process: Process): void {
    process.join(this);
    this.members.push(new Member(process));
  }

  /** `parent` forks. Its child is told to say what it has, as one that has just become known. */
  fork(parent: Process): Process {
    const child = parent.fork(++this.#lastPid);
    child.flowPages = [];
    this.#add(child);
    this.#ask(this.members.at(-1));
    return child;
  }

  /** A process is gone, without a word. */
  end(process: Process): void {
    const member = this.#member(process.pid);
    if (member === undefined) return;
    process.alive = false;
    this.members.splice(this.members.indexOf(member), 1);
    for (const [key, owner] of [...this.#steering]) if (owner === process) this.#steering.delete(key);
    this.ownership.ended(member);
    if (this.#recovering && !this.members.some(({ young }) => young)) this.#recovered();
  }

  /**
   * forkd has begun anew, at a moment when it had nothing left to post. Nothing is decided before all members have said what
   * they have.
   */
  restart(): void {
    if (this.members.some(({ unposted }) => unposted.length !== 0)) return;
    this.ownership = this.#begin();
    this.#recovering = true;
    for (const member of this.members) {
      member.process.flowPages = [];
      this.#ask(member);
    }
  }

  /** A member is to say what it has. */
  #ask(member: Member | undefined): void {
    if (member === undefined) return;
    member.young = true;
    member.unposted.push({ type: MESSAGE.listening, flags: 0, pid: 0, payload: new Uint8Array(0) });
  }

  #name(flow: Uint8Array, pid: number): void {
    const member = this.#member(pid);
    if (member !== undefined) this.#steering.set(keyOf(flow), member.process);
    this.moved += 1;
  }

  /** Whose the flow of a frame is: IPv4 and TCP only. */
  #ownerOf(frame: Uint8Array): Process {
    if (frame[12] !== 8 || frame[13] !== 0 || frame[23] !== 6) return this.#leader();
    const view = new DataView(frame.buffer, frame.byteOffset);
    const flow = new Uint8Array(FLOW);
    flow.set([0xff, 0xff, ...frame.subarray(26, 30)], 10);
    flow.set([0xff, 0xff, ...frame.subarray(30, 34)], 26);
    const ports = new DataView(flow.buffer);
    ports.setUint16(32, view.getUint16(34), true);
    ports.setUint16(34, view.getUint16(36), true);
    flow[36] = 6;
    return this.#steering.get(keyOf(flow)) ?? this.#leader();
  }

  receive(frame: Uint8Array, now: bigint): void {
    const isReply = frame[12] === 8 && frame[13] === 6 && frame[21] === 2;
    if (!isReply) this.#ownerOf(frame).receive(frame, now);
    else for (const { process } of this.members) process.receive(frame, now);
  }

  run(now: bigint): void {
    for (const { process } of this.members) process.run(now);
    if (this.#due !== undefined && this.#due <= now) {
      this.#due = undefined;
      this.#carry(now);
      for (const { process } of this.members) process.run(now);
    }
    if (this.#due === undefined && this.#hasMail())
      this.#due = now + BigInt(this.#random.between(this.delay[0], this.delay[1])) * 1000n;
  }

  deadline(now: bigint): bigint {
    const times = this.members.map(({ process }) => process.deadline(now));
    if (this.#due !== undefined) times.push(this.#due);
    else if (this.#hasMail()) times.push(now);
    return times.reduce((least, time) => (time < least ? time : least), FOREVER);
  }

  #hasMail(): boolean {
    if (!this.serving) return false;
    return this.members.some(({ process, unposted }) => unposted.length !== 0 || process.mailbox.next() !== undefined);
  }

  /** forkd's turn. */
  #carry(now: bigint): void {
    for (const member of [...this.members]) {
      for (let next = member.process.mailbox.next(); next !== undefined; next = member.process.mailbox.next()) {
        if (!this.#pass(member, next)) break;
        member.process.mailbox.taken(next);
      }
    }
    for (const { process, unposted } of this.members) {
      for (let [own] = unposted; own !== undefined && process.mailbox.hasRoom(own); [own] = unposted) {
        this.mail.push({ from: 0, to: process.pid, type: own.type });
        process.mailbox.put(own);
        unposted.shift();
      }
      process.time(now);
      process.event();
    }
  }

  /** Takes one message of a member; false when its addressee has no room for it. */
  #pass(from: Member, message: Message): boolean {
    const to = message.pid === 0 ? undefined : this.#member(message.pid);
    if (to !== undefined && (to.unposted.length !== 0 || !to.process.mailbox.hasRoom(message))) return false;
    const passed = this.tamper(message, from.pid);
    if (passed === null) return true;
    this.mail.push({ from: from.pid, to: message.pid, type: message.type });
    if (message.pid === 0) this.#take(from, passed);
    else if (to !== undefined) {
      if (message.type === MESSAGE.refuse) this.ownership.refused(message.payload);
      to.process.mailbox.put({ ...passed, pid: from.pid });
    }
    return true;
  }

  #take(from: Member, message: Message): void {
    const { type, payload } = message;
    const view = new DataView(payload.buffer, payload.byteOffset);
    if (type === MESSAGE.flowPage) from.process.flowPages.push(view.getUint32(0, true) * PAGE);
    else if (type === MESSAGE.listening) {
      if (view.getUint16(0, true) === 0) this.#told(from);
      else if (view.getUint32(4, true) === 0) this.#leaves(from, payload);
      else {
        from.ports.add(view.getUint16(0, true));
        this.ownership.offerAgain();
      }
    } else if (from.young || this.#recovering) from.deferred.push(message);
    else this.ownership.take(from, type, payload);
  }

  /** A member accepts no more on a port, and hears when nobody is sent there any more. */
  #leaves(member: Member, payload: Uint8Array): void {
    member.ports.delete(new DataView(payload.buffer, payload.byteOffset).getUint16(0, true));
    member.unposted.push({ type: MESSAGE.listening, flags: 0, pid: 0, payload: payload.slice() });
  }

  #told(member: Member): void {
    member.young = false;
    if (!this.#recovering) this.#hear(member);
    else if (!this.members.some(({ young }) => young)) this.#recovered();
  }

  #hear(member: Member): void {
    for (const { type, payload } of member.deferred.splice(0)) this.ownership.take(member, type, payload);
    this.ownership.told();
  }

  #recovered(): void {
    this.#recovering = false;
    const isFirst = ({ type, payload }: Message): boolean =>
      type === MESSAGE.ready || (type === MESSAGE.claim && payload.length > FLOW);
    for (const member of this.members) {
      const { deferred } = member;
      const first = deferred.filter(isFirst);
      deferred.splice(0, Infinity, ...deferred.filter((message) => !isFirst(message)));
      for (const { type, payload } of first) this.ownership.recover(member, type, payload);
    }
    for (const member of this.members) this.#hear(member);
  }
}
