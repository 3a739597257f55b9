// The connections of a member, as it lists them in pages of its own memory (libos/net/family/flow_list.ts has the guest's side). The
// mapping keeps them when the domain has been destroyed. What they say concerns the member's own family only: whoever uses a flow
// checks that its local address is the family's.
import type { ForeignPages } from "../xen/foreign_memory.ts";

const FLOW_BYTES = 40;
const FLOWS_PER_PAGE = 102;
const PROTOCOL = 36;
const MOST_PAGES = 1024;
const TCP = 6;

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

  /** The connections that are listed now. */
  flows(): ListedFlow[] {
    return [...this.#pages.values()].flatMap(({ bytes }) => flowsIn(Buffer.from(bytes)));
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

function flowsIn(page: Buffer): ListedFlow[] {
  const entries = Array.from({ length: FLOWS_PER_PAGE }, (_, i) => i * FLOW_BYTES);
  const used = entries.filter((at) => page[at + PROTOCOL] === TCP);
  return used.map((at) => ({
    protocol: TCP,
    remote: page.subarray(at, at + 16),
    local: page.subarray(at + 16, at + 32),
    remotePort: page.readUInt16LE(at + 32),
    localPort: page.readUInt16LE(at + 34),
  }));
}
