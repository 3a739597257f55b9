// A map of the kernel's with a mirror here: what is there has to be known before it can be changed, for an element with other data is
// refused and not overwritten. Whoever cannot commit a transaction reads the map anew.
import { u32 } from "../netlink/message.ts";
import type { Tables, Transaction } from "../netlink/nftables.ts";

/** A map to numbers of 32 bits in host order: marks and interface indices. */
export class KernelMap {
  readonly #elements = new Map<string, number>();

  constructor(
    private readonly tables: Pick<Tables, "elements">,
    private readonly table: string,
    private readonly name: string,
  ) {}

  /** Takes what the kernel has. @throws NetlinkError NETLINK_REFUSED */
  read(): void {
    this.#elements.clear();
    for (const { key, data } of this.tables.elements(this.table, this.name) ?? []) {
      if (data !== undefined) this.#elements.set(hexOf(key), Buffer.from(data).readUInt32LE(0));
    }
  }

  get(key: Uint8Array): number | undefined {
    return this.#elements.get(hexOf(key));
  }

  /** Keys and numbers, as they are now: changing the map does not disturb who goes through them. */
  entries(): (readonly [key: Buffer, value: number])[] {
    return [...this.#elements].map(([key, value]) => [Buffer.from(key, "hex"), value]);
  }

  /** Gives keys numbers, in place of others; undefined removes a key, if it is there. */
  change(change: Transaction, entries: Iterable<readonly [key: Uint8Array, value: number | undefined]>): void {
    const changed = [...entries].filter(([key, value]) => this.get(key) !== value);
    const removed = changed.filter(([key]) => this.#elements.delete(hexOf(key)));
    const added = changed.flatMap(([key, value]) => (value === undefined ? [] : [{ key, data: u32(value), value }]));
    change.removeElements(
      this.name,
      removed.map(([key]) => ({ key })),
    );
    change.addElements(this.name, added);
    for (const { key, value } of added) this.#elements.set(hexOf(key), value);
  }

  /** Gives one key a number. */
  set(change: Transaction, key: Uint8Array, value: number | undefined): void {
    this.change(change, [[key, value]]);
  }

  /** Removes all keys of a number. */
  removeAll(change: Transaction, value: number): void {
    this.change(
      change,
      this.entries().flatMap(([key, other]) => (other === value ? [[key, undefined] as const] : [])),
    );
  }
}

function hexOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("hex");
}
