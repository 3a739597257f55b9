// The connections of a member, as it lists them in pages of its own memory (libos/net/family/flow_list.ts has the guest's side). The
// mapping keeps them when the domain has been destroyed. What they say concerns the member's own family only: whoever uses a flow
// checks that its local address is the family's.
import type { ForeignPages } from "../xen/foreign_memory.ts";

/** The length of an entry, and of a connection's name in a message. */
export const FLOW_BYTES = 40;
const FLOWS_PER_PAGE = 102;
const FLOW_WORDS = FLOW_BYTES / 4;
/** Either port is half of this word; the addresses are the words before it. */
const PORTS_WORD = 8;
const PROTOCOL = 36;
const HOLD_AT = 37;
const MOST_PAGES = 1024;
const TCP = 6;

/** How a process holds a connection that it lists: it has the connection itself, or descriptors of one that another process has. */
export const HOLD = { owner: 0, inherited: 1 } as const;

/** A connection of a member's. */
export interface ListedFlow {
  readonly protocol: typeof TCP;
  /** 16 bytes; IPv4 addresses are mapped. */
  readonly remote: Uint8Array;
  readonly remotePort: number;
  readonly local: Uint8Array;
  readonly localPort: number;
}

/** The pages of one member. */
export class FlowPages {
  readonly #pages = new Map<number, Pick<ForeignPages, "bytes" | "unmap">>();

  /**
   * Adds a page, once.
   *
   * @param page its guest-virtual address >> 12
   */
  add(page: number, map: () => Pick<ForeignPages, "bytes" | "unmap">): void {
    if (!this.#pages.has(page) && this.#pages.size < MOST_PAGES) this.#pages.set(page, map());
  }

  /** The connections of which the member is the owner now. */
  owned(): ListedFlow[] {
    return [...this.#pages.values()].flatMap(({ bytes }) => ownedIn(Buffer.from(bytes)));
  }

  /** How the member holds a connection now: one of HOLD; undefined when it does not list it. */
  holdOf(id: FlowId): number | undefined {
    const wanted = Buffer.alloc(FLOW_BYTES);
    wanted.write(id, "latin1");
    for (const { bytes } of this.#pages.values()) {
      const at = entryAt(bytes, wanted);
      if (at >= 0) return bytes[at + HOLD_AT];
    }
    return undefined;
  }

  /** Lets go of the pages. */
  close(): void {
    for (const page of this.#pages.values()) page.unmap();
    this.#pages.clear();
  }
}

/** An entry of the list. */
export function flowEntry({ remote, remotePort, local, localPort, protocol }: ListedFlow): Buffer {
  const entry = Buffer.alloc(FLOW_BYTES);
  entry.set(remote, 0);
  entry.set(local, 16);
  entry.writeUInt16LE(remotePort, 32);
  entry.writeUInt16LE(localPort, 34);
  entry.writeUInt8(protocol, PROTOCOL);
  return entry;
}

/** What names a connection in its family: the bytes of its entry up to and with the protocol, one character each. */
export type FlowId = string;

export function flowId(flow: ListedFlow): FlowId {
  return flowEntry(flow).toString("latin1", 0, HOLD_AT);
}

/** The connection with which a message begins; undefined when it does not begin with one. */
export function flowOf(payload: Uint8Array): ListedFlow | undefined {
  if (payload.length < FLOW_BYTES || payload[PROTOCOL] !== TCP) return undefined;
  return flowAt(Buffer.from(payload.subarray(0, FLOW_BYTES)), 0);
}

/** The bytes as 32-bit words; they begin at a multiple of four. */
function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength >> 2);
}

/** Where in a page the entry with these ends is; -1 when there is none. Ports are looked at first: many connections differ in nothing else. */
function entryAt(page: Uint8Array, wanted: Uint8Array): number {
  const [words, ends] = [wordsOf(page), wordsOf(wanted)];
  const ports = ends[PORTS_WORD];
  for (let at = 0; at < FLOWS_PER_PAGE * FLOW_WORDS; at += FLOW_WORDS) {
    if (words[at + PORTS_WORD] !== ports) continue;
    let word = 0;
    while (word < PORTS_WORD && words[at + word] === ends[word]) word++;
    if (word === PORTS_WORD && page[4 * at + PROTOCOL] === wanted[PROTOCOL]) return 4 * at;
  }
  return -1;
}

function ownedIn(page: Buffer): ListedFlow[] {
  const owned: ListedFlow[] = [];
  for (let at = 0; at < FLOWS_PER_PAGE * FLOW_BYTES; at += FLOW_BYTES) {
    if (page[at + PROTOCOL] === TCP && page[at + HOLD_AT] === HOLD.owner) owned.push(flowAt(page, at));
  }
  return owned;
}

function flowAt(page: Buffer, at: number): ListedFlow {
  return {
    protocol: TCP,
    remote: page.subarray(at, at + 16),
    local: page.subarray(at + 16, at + 32),
    remotePort: page.readUInt16LE(at + 32),
    localPort: page.readUInt16LE(at + 34),
  };
}
