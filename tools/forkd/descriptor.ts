// The fork descriptor: one page of the guest's memory through which guest and forkd talk (kernel/fork holds the guest's
// side). What the guest wrote is read once and checked where it is used; a lie hurts nobody but the guest's own family.
import { KaryonError } from "../support/errors.ts";
import { clearEvents, hasExitEvent, postEvent, type FamilyEvent } from "./event_ring.ts";
import { MAXIMUM_PAGES, readRequest, SHARED_FIRST, type ForkRequest } from "./fork_request.ts";
import type { PortBlock } from "./steering/port_blocks.ts";

const MAGIC = 0x4b52464b;
const VERSION = 5;
const RESULT_PENDING = 0x7fffffff;
const RESULT = 12;
const LAST_CHILD = 148;
const NETWORK_ADDRESS = 176;
const MAILBOX = 180;
const DOMAIN = 192;
const CHILD_WAY = 196;
const LOCKED = 200;
const FIRST_PORT = 204;
const PORT_COUNT = 206;
const SHELL_ANSWER = 208;
const SHELLS = 212;
const SHELL_LAYOUT = 216;
const SHELL_CHANGES = 220;
const GROUP = 224;
const SESSION = 228;
const REQUEST_DATA = 232;
const REQUEST_KILL = 1;
const REQUEST_DOORBELL = 2;
const REQUEST_QUEUE = 7;
/** What else a domain may ask for, by number: setpgid, setsid, getpgid, getsid. */
const GROUP_REQUESTS = { 3: "join", 4: "begin", 5: "groupOf", 6: "sessionOf" } as const;

const PAGE_BYTES = 4096;

/** A signal that a domain wants to have sent. */
export interface KillRequest {
  readonly pid: number;
  readonly signal: number;
  /** What comes with it, if anything does. */
  readonly value?: number;
}

/** A doorbell for another process. */
export interface DoorbellRequest {
  readonly pid: number;
  /** The event channel in the domain that asks. */
  readonly port: number;
}

/** What a domain asks about process groups. */
export interface GroupRequest {
  readonly what: (typeof GROUP_REQUESTS)[keyof typeof GROUP_REQUESTS];
  readonly pid: number;
  readonly group: number;
}

/** The process group of a process, and its session, each by the pid of who began it. */
export interface Belonging {
  readonly group: number;
  readonly session: number;
}

/** How much has changed in the parent's address space since it began to count. */
export interface ChangeCount {
  readonly layout: number;
  readonly pages: number;
}

/** Stages of a fork whose times forkd leaves in the parent's page. */
export const STAGE = { admitted: 16, shell: 17, copied: 18, patched: 19, unpaused: 20 } as const;
/** Counts of a fork, beside them. */
export const COUNT = { way: 24, copied: 25, patched: 27, calls: 28 } as const;

/** A mapped descriptor page. */
export class Descriptor {
  #view: DataView;
  /** The same, for what both sides may write at the same moment. */
  #words: Int32Array;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, PAGE_BYTES / 4);
  }

  /** Before the page is unmapped: who still holds the descriptor finds an empty one. */
  detach(): void {
    this.#view = new DataView(new ArrayBuffer(PAGE_BYTES));
    this.#words = new Int32Array(PAGE_BYTES / 4);
  }

  /** @throws KaryonError FORK_DESCRIPTOR when it is none, or of another version */
  check(): void {
    const magic = this.#get(0);
    const version = this.#get(4);
    if (magic === MAGIC && version === VERSION) return;
    const text = `no fork descriptor of version ${VERSION} (magic 0x${magic.toString(16)}, version ${version})`;
    throw new KaryonError("FORK_DESCRIPTOR", text, "build the image and forkd from the same release");
  }

  /** Whether the guest waits for the result of a fork. */
  get pending(): boolean {
    return this.#get(RESULT) === RESULT_PENDING;
  }

  /** Whether it was made with frames of its parent (the way it was made is 2 or 3). */
  get sharesFrames(): boolean {
    return this.#get(108) > 1;
  }

  /** Pages of its address space, as it says. */
  get pages(): number {
    return Math.min(Number(this.#view.getBigUint64(40, true)), MAXIMUM_PAGES);
  }

  /** Answers the waiting fork with a pid or -errno; false when nobody waits, because the guest took its request back. */
  answer(result: number): boolean {
    return Atomics.compareExchange(this.#words, RESULT / 4, RESULT_PENDING, result) === RESULT_PENDING;
  }

  /** Whether the guest is about to fork, and goes on until a shell stands ready. */
  get wantsShell(): boolean {
    return this.#get(SHELL_ANSWER) === RESULT_PENDING;
  }

  /** Says that a shell stands ready, or cannot be had. */
  answerShell(): void {
    this.#set(SHELL_ANSWER, 0);
  }

  /** How many shells stand ready, the last of them made when the guest had come so far. */
  setShells(count: number, { layout, pages }: ChangeCount): void {
    this.#set(SHELL_LAYOUT, layout);
    this.#set(SHELL_CHANGES, pages);
    this.#set(SHELLS, count);
  }

  /** Whether the guest was told, or has been and knows it, that `pid` is its child: of the last that it forked. */
  knowsChild(pid: number): boolean {
    return this.#view.getInt32(RESULT, true) === pid || this.#get(LAST_CHILD) === pid;
  }

  /** @throws KaryonError FORK_DESCRIPTOR when a number cannot be */
  request(): ForkRequest {
    return readRequest(this.#view);
  }

  /** Read before anything that the counted changes concern. */
  get changes(): ChangeCount {
    return { layout: this.#get(112), pages: this.#get(116) };
  }

  /** Where the kernel's frames end now. */
  get kernelEndPfn(): number {
    return this.#get(132);
  }

  /** Whether it may have pages in common with others. */
  get hasCommonPages(): boolean {
    return this.#get(SHARED_FIRST) < this.#get(SHARED_FIRST + 4);
  }

  /** Whether it has the lock of such a page at this moment. */
  get locked(): boolean {
    return this.#get(LOCKED) !== 0;
  }

  /** The child that it was given last; 0 when that is not known. */
  get lastGiven(): number {
    const result = this.#view.getInt32(RESULT, true);
    return result > 0 && result !== RESULT_PENDING ? result : 0;
  }

  /** Before answer(): in which way the child was made. */
  setChildWay(way: number): void {
    this.#set(CHILD_WAY, way);
  }

  /** How many other domains may share frames with this one. */
  setSharers(count: number): void {
    this.#set(104, count);
  }

  /** Leaves a time in ns or a count of the fork under way. */
  setStage(stage: number, value: number): void {
    const at = 1024 + stage * 8;
    this.#set(at, Math.round(value) % 2 ** 32);
    this.#set(at + 4, Math.floor(Math.round(value) / 2 ** 32));
  }

  /** Says that forkd serves this domain. */
  setReady(ready: boolean): void {
    this.#set(80, ready ? 1 : 0);
  }

  /** The number of the domain. */
  setDomain(domain: number): void {
    this.#set(DOMAIN, domain);
  }

  setIdentity(pid: number, parentPid: number): void {
    this.#set(84, pid);
    this.#set(88, parentPid);
  }

  /** Kept in the page alone: whoever writes there what is not so does it to its own family. */
  get belonging(): Belonging {
    return { group: this.#get(GROUP), session: this.#get(SESSION) };
  }

  setBelonging({ group, session }: Belonging): void {
    this.#set(GROUP, group);
    this.#set(SESSION, session);
  }

  /** The guest's IPv4 address, as it says; undefined while it has none. */
  get address(): string | undefined {
    const address = this.#get(NETWORK_ADDRESS);
    return address === 0 ? undefined : [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
  }

  /** Where the mailbox is, as the guest says: a guest-virtual address >> 12. */
  get mailboxPage(): number {
    return this.#get(MAILBOX) >>> 12;
  }

  /** The status the guest left; -1 when it left none. */
  get exitStatus(): number {
    return this.#view.getInt32(92, true);
  }

  /**
   * Turns the copy of a parent's page into a new child's, made in `way` (1 copy, 2 shared, 3 from the pool).
   *
   * @param ports those that it may take for flows which it begins
   */
  becomeChild(pid: number, parentPid: number, way: number, ports: PortBlock | undefined): void {
    this.#set(RESULT, 0);
    this.#set(108, way);
    this.setReady(false);
    this.setIdentity(pid, parentPid);
    for (const offset of [92, 160, 164, 168, 172, NETWORK_ADDRESS, LOCKED, SHELL_ANSWER, SHELLS, REQUEST_DATA])
      this.#set(offset, 0);
    this.#view.setUint16(FIRST_PORT, ports?.first ?? 0, true);
    this.#view.setUint16(PORT_COUNT, ports?.count ?? 0, true);
    clearEvents(this.#view); // the parent's children are not this one's
  }

  /** Leaves word of how the process ends, in its place. */
  setExitStatus(status: number): void {
    this.#view.setInt32(92, status, true);
  }

  /** The signal that the guest waits to have sent. What else it may ask for is no signal. */
  killRequest(): KillRequest | undefined {
    if (this.#get(172) !== RESULT_PENDING) return undefined;
    const [operation, pid, signal] = [this.#get(160), this.#view.getInt32(164, true), this.#view.getInt32(168, true)];
    if (operation === REQUEST_QUEUE) return { pid, signal, value: this.#view.getInt32(REQUEST_DATA, true) };
    return { pid, signal: operation === REQUEST_KILL ? signal : -1 };
  }

  /** What the guest waits to have done or be told about process groups. */
  groupRequest(): GroupRequest | undefined {
    const operation = this.#get(160);
    if (this.#get(172) !== RESULT_PENDING || !isGroupRequest(operation)) return undefined;
    const [pid, group] = [this.#view.getInt32(164, true), this.#view.getInt32(168, true)];
    return { what: GROUP_REQUESTS[operation], pid, group };
  }

  /** The doorbell that the guest waits to have made known. */
  doorbellRequest(): DoorbellRequest | undefined {
    if (this.#get(172) !== RESULT_PENDING || this.#get(160) !== REQUEST_DOORBELL) return undefined;
    return { pid: this.#view.getInt32(164, true), port: this.#get(168) };
  }

  /** The answer to such a request: a number from 0 on, or -errno. */
  answerRequest(result: number): void {
    this.#view.setInt32(172, result, true);
  }

  /** Puts an event into the ring; false when the guest has not taken those that fill it. */
  post(event: FamilyEvent): boolean {
    return postEvent(this.#view, event);
  }

  /** Whether the end of a child is among the last events. */
  hasExit(pid: number): boolean {
    return hasExitEvent(this.#view, pid);
  }

  #get(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  #set(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }
}

function isGroupRequest(operation: number): operation is keyof typeof GROUP_REQUESTS {
  return operation in GROUP_REQUESTS;
}
