// The fork descriptor: one page of the guest's memory through which guest and forkd talk (kernel/fork holds the guest's
// side). What the guest wrote is read once and checked where it is used; a lie hurts nobody but the guest's own family.
import { KaryonError } from "../support/errors.ts";
import type { PortBlock } from "./steering/port_blocks.ts";

const MAGIC = 0x4b52464b;
const VERSION = 3;
const RESULT_PENDING = 0x7fffffff;
const RESULT = 12;
const LAST_CHILD = 148;
const NETWORK_ADDRESS = 176;
const MAILBOX = 180;
const SHARED_FIRST = 184;
const DOMAIN = 192;
const CHILD_WAY = 196;
const LOCKED = 200;
const FIRST_PORT = 204;
const PORT_COUNT = 206;
const RING_OFFSET = 2048;
const RING_ENTRIES = 64;
const ENTRY_SIZE = 32;
const REQUEST_KILL = 1;
const REQUEST_DOORBELL = 2;

/** Most frames a domain may have for forkd: a limit of its tables, 64 GiB. */
const MAXIMUM_PAGES = 1 << 24;
/** A guest's kernel addresses have 32 bits. */
const PAGES_32BIT = 1 << 20;
const PAGE_BYTES = 4096;

/** The kinds of events of a family. */
export const EVENT_EXIT = 1;
export const EVENT_STOPPED = 2;
export const EVENT_CONTINUED = 3;
export const EVENT_SIGNAL = 4;
/** To process 1: a process whose parent has ended is its child now. */
export const EVENT_ADOPTED = 5;
/** To those that have pages in common: a member has ended. */
export const EVENT_GONE = 6;
/** A member has an event channel for this one. */
export const EVENT_DOORBELL = 7;

/** Something that a member hears of. */
export interface FamilyEvent {
  /** EVENT_* */
  readonly kind: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  /** The child's; a signal's sender. */
  readonly pid: number;
  /** The status word as wait(2) encodes it; the signal's number; the child it was given last, if that lives; the port. */
  readonly value: number;
  /** Of a child that has ended: what its virtual CPU has run, in ns. */
  readonly cpuTime: bigint;
  /** Of a child that has ended: frames it had of its own. Of a doorbell: the domain. */
  readonly frames: number;
}

/** A signal that a domain wants to have sent. */
export interface KillRequest {
  readonly pid: number;
  readonly signal: number;
}

/** A doorbell for another process. */
export interface DoorbellRequest {
  readonly pid: number;
  /** The event channel in the domain that asks. */
  readonly port: number;
}

/** Where the parent's state is, as it says. Pages are guest-virtual addresses >> 12. */
export interface ForkRequest {
  readonly childEntry: bigint;
  /** Guest-virtual address at which the child finds its stack pointer. */
  readonly stackPointerAddress: number;
  readonly p2mPage: number;
  readonly pages: number;
  readonly startInfoPfn: number;
  readonly consolePfn: number;
  readonly storePfn: number;
  readonly kernelEndPfn: number;
  readonly constants: PageRange;
  /** Where the app's memory begins. */
  readonly appFirstPage: number;
  /** Pages that a child has in common with its parent, writable for both. */
  readonly common: PageRange;
  readonly changeLogPage: number;
  readonly changeLogEntries: number;
  readonly statesPage: number;
  readonly statesOffset: number;
}

/** Pages from `first` up to, not with, `end`. */
export interface PageRange {
  readonly first: number;
  readonly end: number;
}

/** Whether a page is the app's or, if there are such, in common with others: there are frames whose numbers the kernel does not have. */
export function isOutsideKernel(
  page: number,
  { appFirstPage, common }: Pick<ForkRequest, "appFirstPage" | "common">,
): boolean {
  return page >= appFirstPage || (page >= common.first && page < common.end);
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

  /** Whether the guest was told, or has been and knows it, that `pid` is its child: of the last that it forked. */
  knowsChild(pid: number): boolean {
    return this.#view.getInt32(RESULT, true) === pid || this.#get(LAST_CHILD) === pid;
  }

  /** @throws KaryonError FORK_DESCRIPTOR when a number cannot be */
  request(): ForkRequest {
    const pages = Number(this.#view.getBigUint64(40, true));
    if (pages === 0 || pages > MAXIMUM_PAGES) {
      throw new KaryonError("FORK_DESCRIPTOR", `the fork descriptor tells of ${pages} frames`);
    }
    const below = (what: string, offset: number, limit: number): number => {
      const value = this.#get(offset);
      if (value < limit) return value;
      throw new KaryonError("FORK_DESCRIPTOR", `the fork descriptor has ${what} ${value}, not below ${limit}`);
    };
    const range = (offset: number): PageRange => {
      const end = below("page", offset + 4, PAGES_32BIT + 1);
      return { first: Math.min(this.#get(offset), end), end };
    };
    const address = (offset: number): number => Number(this.#view.getBigUint64(offset, true) & 0xffffffffn);
    const states = address(152);
    return {
      childEntry: this.#view.getBigUint64(24, true),
      stackPointerAddress: this.#get(76) + 16,
      p2mPage: Number((this.#view.getBigUint64(32, true) & 0xffffffffffffn) >> 12n),
      pages,
      startInfoPfn: below("frame", 48, pages),
      consolePfn: below("frame", 64, pages),
      storePfn: below("frame", 68, pages),
      kernelEndPfn: below("frame", 132, pages + 1),
      constants: range(136),
      appFirstPage: below("page", 144, PAGES_32BIT),
      common: range(SHARED_FIRST),
      changeLogPage: address(120) >>> 12,
      changeLogEntries: Math.min(this.#get(128), PAGE_BYTES / 4),
      statesPage: states >>> 12,
      statesOffset: states & (PAGE_BYTES - 1),
    };
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
    for (const offset of [92, 96, 100, 160, 164, 168, 172, NETWORK_ADDRESS, LOCKED]) this.#set(offset, 0);
    this.#view.setUint16(FIRST_PORT, ports?.first ?? 0, true);
    this.#view.setUint16(PORT_COUNT, ports?.count ?? 0, true);
    // The parent's children are not this one's.
    for (let at = 0; at < RING_ENTRIES * ENTRY_SIZE; at += 4) this.#set(RING_OFFSET + at, 0);
  }

  /** Leaves word of how the process ends, in its place. */
  setExitStatus(status: number): void {
    this.#view.setInt32(92, status, true);
  }

  /** The signal that the guest waits to have sent. What else it may ask for is no signal. */
  killRequest(): KillRequest | undefined {
    if (this.#get(172) !== RESULT_PENDING) return undefined;
    const [operation, pid, signal] = [this.#get(160), this.#view.getInt32(164, true), this.#view.getInt32(168, true)];
    return { pid, signal: operation === REQUEST_KILL ? signal : -1 };
  }

  /** The doorbell that the guest waits to have made known. */
  doorbellRequest(): DoorbellRequest | undefined {
    if (this.#get(172) !== RESULT_PENDING || this.#get(160) !== REQUEST_DOORBELL) return undefined;
    return { pid: this.#view.getInt32(164, true), port: this.#get(168) };
  }

  /** The answer to such a request: 0 or -errno. */
  answerRequest(result: number): void {
    this.#view.setInt32(172, result, true);
  }

  /** Puts an event into the ring; false when the guest has taken none of the last RING_ENTRIES. */
  post({ kind, pid, value, cpuTime, frames }: FamilyEvent): boolean {
    const producer = this.#get(96);
    if ((producer - this.#get(100)) >>> 0 >= RING_ENTRIES) return false;
    const at = RING_OFFSET + (producer % RING_ENTRIES) * ENTRY_SIZE;
    this.#set(at, kind);
    this.#set(at + 4, pid);
    this.#set(at + 8, value);
    this.#set(at + 12, 0);
    this.#view.setBigUint64(at + 16, cpuTime, true);
    this.#view.setBigUint64(at + 24, BigInt(frames), true);
    // x86 keeps the order of stores, and an engine does not move them across the call that notifies.
    this.#set(96, (producer + 1) >>> 0);
    return true;
  }

  /** Whether the end of a child is among the last RING_ENTRIES events. */
  hasExit(pid: number): boolean {
    const entries = Array.from({ length: RING_ENTRIES }, (_, i) => RING_OFFSET + i * ENTRY_SIZE);
    return entries.some((at) => this.#get(at) === EVENT_EXIT && this.#get(at + 4) === pid);
  }

  #get(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  #set(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }
}
