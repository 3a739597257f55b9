// The part of forkd that a parent sees: it binds the domain's event channel, says that it is ready, answers requests by
// script and tells of children and signals. Nothing is copied.
import assert from "node:assert/strict";
import type { Guest, Host } from "../../tools/fake-xen/host.ts";

export const PENDING = 0x7fff_ffff;
const RING_ENTRIES = 64;
/** How long it takes to make a child. */
const LATENCY = 3e6;

// Offsets in the descriptor (kernel/fork/descriptor.ts).
const AT = { magic: 0, version: 4, sequence: 8, result: 12, stackPointer: 16, l4: 72 } as const;
const REQUEST = { operation: 160, pid: 164, value: 168, result: 172, data: 232 } as const;
const OPERATION = { kill: 1, queue: 7 } as const;
const LAYOUT = 112;
const FROM_FORKD = {
  ready: 80,
  pid: 84,
  parent: 88,
  status: 92,
  producer: 96,
  consumer: 100,
  way: 108,
  childWay: 196,
  shellAnswer: 208,
  shells: 212,
  shellLayout: 216,
  group: 224,
  session: 228,
  ring: 2048,
} as const;

/** Kinds of events. */
export const EVENT = {
  exit: 1,
  stopped: 2,
  continued: 3,
  signal: 4,
  adopted: 5,
  gone: 6,
  doorbell: 7,
  group: 8,
  queued: 9,
} as const;

/** What a domain has asked to be done with a process. */
export interface KillRequest {
  readonly pid: number;
  readonly signal: number;
  /** What comes with it. */
  readonly value?: number;
}

/** What a domain has asked about process groups: 3 setpgid, 4 setsid, 5 getpgid, 6 getsid. */
export interface GroupRequest {
  readonly operation: number;
  readonly pid: number;
  readonly group: number;
}

export class FakeForkd {
  /** What the next requests get; later ones are not answered. */
  answers: number[] = [];
  requests = 0;
  /** How often a shell was asked for before a fork, how long each takes to make, and whether one is ever there (else it cannot be had). */
  shellsAsked = 0;
  shellLatency = LATENCY;
  makesShells = false;
  /** Events that the guest has raised. */
  events = 0;
  /** Runs just before a fork is answered. */
  beforeAnswer: () => void = () => undefined;
  /** The requests for signals that have come, and what the next ones get; without an answer they get 0. */
  readonly kills: KillRequest[] = [];
  killAnswers: (number | "none")[] = [];
  /** Likewise for process groups. */
  readonly groupRequests: GroupRequest[] = [];
  groupAnswers: number[] = [];
  private page = 0;
  private port = 0;

  constructor(
    private readonly host: Host,
    private readonly guest: Guest,
  ) {}

  private get home(): string {
    return `/local/domain/${this.guest.domain.id}/data/fork`;
  }

  /** Waits for the offer and serves the domain. */
  attach(): void {
    const { world, store } = this.host;
    world.runUntil(() => store.get(`${this.home}/event-channel`) !== undefined);
    assert.equal(store.get(`${this.home}/version`), "5");
    this.page = Number(store.get(`${this.home}/descriptor`));
    this.port = Number(store.get(`${this.home}/event-channel`));
    assert.equal(this.get(AT.magic), 0x4b52464b);
    assert.equal(this.get(AT.version), 5);
    assert.ok(this.guest.domain.events.bind(this.port, () => this.notified()));
    this.set(FROM_FORKD.pid, 1);
    this.set(FROM_FORKD.ready, 1);
    this.notify();
  }

  /** What forkd leaves in the page of a copy that becomes a child. */
  become(pid: number, way: number): void {
    this.set(FROM_FORKD.ready, 0);
    this.set(FROM_FORKD.pid, pid);
    this.set(FROM_FORKD.way, way);
  }

  /** Says that the domain is served, as who has bound its channel does; raises no event. */
  serves(): void {
    this.set(FROM_FORKD.ready, 1);
  }

  /** Says how the child of the fork under way was made. */
  made(way: number): void {
    this.set(FROM_FORKD.childWay, way);
  }

  /** Dies: Xen takes its end of the channel away. */
  detach(): void {
    this.guest.domain.events.unbind(this.port);
  }

  get(offset: number): number {
    return this.guest.domain.memory.u32(this.page + offset);
  }

  private set(offset: number, value: number): void {
    this.guest.domain.memory.setU32(this.page + offset, value >>> 0);
  }

  get sequence(): number {
    return this.get(AT.sequence);
  }

  get result(): number {
    return this.get(AT.result) | 0;
  }

  get exitStatus(): number {
    return this.get(FROM_FORKD.status);
  }

  get consumed(): number {
    return this.get(FROM_FORKD.consumer);
  }

  /** Raises the event at the guest. */
  notify(): void {
    this.guest.domain.events.raise(this.port);
  }

  private notified(): void {
    this.events += 1;
    this.serveKill();
    this.serveShell();
    if (this.result !== PENDING) return;
    this.requests += 1;
    assert.ok(this.guest.domain.memory.u64(this.page + AT.stackPointer) >= 0n);
    assert.equal(this.get(AT.l4), this.guest.domain.layout.pageTables / 4096);
    const answer = this.answers.shift();
    if (answer === undefined) return;
    this.host.world.after(LATENCY, () => {
      this.beforeAnswer();
      this.set(AT.result, answer);
      this.notify();
    });
  }

  private serveShell(): void {
    if ((this.get(FROM_FORKD.shellAnswer) | 0) !== PENDING) return;
    this.shellsAsked += 1;
    this.host.world.after(this.shellLatency, () => {
      if (this.makesShells) this.readyShell();
      this.set(FROM_FORKD.shellAnswer, 0);
      this.notify();
    });
  }

  /** A shell stands ready for the domain as it is now. */
  readyShell(): void {
    this.set(FROM_FORKD.shellLayout, this.get(LAYOUT));
    this.set(FROM_FORKD.shells, 1);
  }

  private serveKill(): void {
    if ((this.get(REQUEST.result) | 0) !== PENDING) return;
    const [operation, pid, value] = [this.get(REQUEST.operation), this.get(REQUEST.pid) | 0, this.get(REQUEST.value)];
    if (operation !== OPERATION.kill && operation !== OPERATION.queue) {
      this.groupRequests.push({ operation, pid, group: value });
      this.set(REQUEST.result, this.groupAnswers.shift() ?? 0);
      this.notify();
      return;
    }
    const last = this.kills.length;
    const sent = { pid, signal: value };
    this.kills.push(operation === OPERATION.kill ? sent : { ...sent, value: this.get(REQUEST.data) | 0 });
    const answer = this.killAnswers.shift() ?? 0;
    if (answer === "none") return;
    this.host.world.after(LATENCY, () => {
      assert.equal(this.kills.length, last + 1, "one request at a time");
      this.set(REQUEST.result, answer);
      this.notify();
    });
  }

  /** A child has ended. */
  exit(pid: number, status: number, usage: { cpuTime?: bigint; frames?: bigint } = {}): void {
    this.tell(EVENT.exit, pid, status, usage);
  }

  /** A signal from process `sender`. */
  signal(sender: number, signal: number): void {
    this.tell(EVENT.signal, sender, signal);
  }

  /** A signal from process `sender` that comes with a value. */
  queued(sender: number, signal: number, value: number): void {
    this.tell(EVENT.queued, sender, signal, { data: value });
  }

  /** Says which process group and session the process belongs to. */
  belongs(group: number, session: number): void {
    this.set(FROM_FORKD.group, group);
    this.set(FROM_FORKD.session, session);
  }

  /** Posts an event of the family. */
  tell(kind: number, pid: number, value: number, { data = 0, cpuTime = 0n, frames = 0n } = {}): void {
    const produced = this.get(FROM_FORKD.producer);
    assert.ok(produced - this.consumed < RING_ENTRIES);
    const entry = FROM_FORKD.ring + (produced % RING_ENTRIES) * 32;
    this.set(entry, kind);
    this.set(entry + 4, pid);
    this.set(entry + 8, value);
    this.set(entry + 12, data);
    this.guest.domain.memory.setU64(this.page + entry + 16, cpuTime);
    this.guest.domain.memory.setU64(this.page + entry + 24, frames);
    this.set(FROM_FORKD.producer, produced + 1);
    this.notify();
  }
}
