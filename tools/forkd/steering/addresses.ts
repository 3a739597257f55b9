// The IP addresses of a family, from which alone its members may send.
import { Transaction, type Tables } from "../netlink/nftables.ts";
import { ADDRESS_SETS } from "./anti_spoof.ts";
import { isIpv4, mapped } from "./flow.ts";

const IPV4_IN_MAPPED = 12;
const IPV4_LENGTH = 4;

/** The addresses of one family, 16 bytes each. */
export class FamilyAddresses {
  #present: readonly string[] = [];

  constructor(
    private readonly tables: Pick<Tables, "commit" | "elements">,
    private readonly table: string,
  ) {}

  /** Takes what the kernel has. */
  read(): void {
    const keys = ADDRESS_SETS.flatMap(({ name }) => this.tables.elements(this.table, name) ?? []);
    this.#present = distinct(keys.map(({ key }) => (key.length === IPV4_LENGTH ? mapped(key) : key)));
  }

  get all(): Uint8Array[] {
    return this.#present.map((text) => Buffer.from(text, "hex"));
  }

  /** These and no others. @throws NetlinkError NETLINK_REFUSED */
  set(addresses: readonly Uint8Array[]): void {
    const wanted = distinct(addresses);
    if (wanted.join() === this.#present.join()) return;
    const change = new Transaction(this.table);
    const keys = wanted.map((text) => Buffer.from(text, "hex"));
    for (const { name, keyLength } of ADDRESS_SETS) {
      const ofIpv4 = keyLength === IPV4_LENGTH;
      const some = keys.filter((address) => isIpv4(address) === ofIpv4);
      const elements = some.map((address) => ({ key: ofIpv4 ? address.subarray(IPV4_IN_MAPPED) : address }));
      change.emptySet(name).addElements(name, elements);
    }
    this.tables.commit(`set the addresses of ${this.table}`, change);
    this.#present = wanted;
  }

  has(address: Uint8Array): boolean {
    return this.#present.includes(Buffer.from(address).toString("hex"));
  }
}

function distinct(addresses: readonly Uint8Array[]): string[] {
  return [...new Set(addresses.map((address) => Buffer.from(address).toString("hex")))].sort();
}
