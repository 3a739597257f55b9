// The flows of a family whose owners have been named, in the kernel's maps: what the rules look for first (chains.ts).
import type { Tables, Transaction } from "../netlink/nftables.ts";
import { flowKey, ownersOf, type Flow, type OwnedFlow } from "./flow.ts";
import { KernelMap } from "./kernel_map.ts";

const MAPS = ["tcp4", "tcp6", "udp4", "udp6"] as const;

/** A flow's owner as the kernel has it. */
export interface NamedOwner {
  /** As idOf() gives it for the flow. */
  readonly id: string;
  readonly map: string;
  readonly key: Uint8Array;
  readonly pid: number;
}

/** What identifies a flow among those with named owners. */
export function idOf(flow: Flow): string {
  return namedId(ownersOf(flow), flowKey(flow));
}

function namedId(map: string, key: Uint8Array): string {
  return `${map} ${Buffer.from(key).toString("hex")}`;
}

/** The named owners of one family. */
export class FlowOwners {
  readonly #maps: ReadonlyMap<string, KernelMap>;

  constructor(tables: Pick<Tables, "elements">, table: string) {
    this.#maps = new Map(MAPS.map((map) => [map, new KernelMap(tables, table, map)]));
  }

  read(): void {
    for (const map of this.#maps.values()) map.read();
  }

  get(flow: Flow): number | undefined {
    return this.#maps.get(ownersOf(flow))?.get(flowKey(flow));
  }

  set(change: Transaction, flows: readonly OwnedFlow[]): void {
    for (const [name, map] of this.#maps) {
      const some = flows.filter(({ flow }) => ownersOf(flow) === name);
      if (some.length > 0) {
        const entries = some.map(({ flow, pid }) => [flowKey(flow), pid] as const);
        map.change(change, entries);
      }
    }
  }

  drop(change: Transaction, flow: Flow): void {
    this.#maps.get(ownersOf(flow))?.set(change, flowKey(flow), undefined);
  }

  /** Forgets all flows of a member. */
  removeAll(change: Transaction, pid: number): void {
    for (const map of this.#maps.values()) map.removeAll(change, pid);
  }

  /** Those of TCP connections. */
  connections(): NamedOwner[] {
    return MAPS.filter((map) => map.startsWith("tcp")).flatMap((map) => {
      const entries = this.#maps.get(map)?.entries() ?? [];
      return entries.map(([key, pid]) => ({ id: namedId(map, key), map, key, pid }));
    });
  }

  /** Forgets those that are as they were when connections() gave them. */
  forget(change: Transaction, owners: readonly NamedOwner[]): void {
    for (const { map, key, pid } of owners) {
      const elements = this.#maps.get(map);
      if (elements?.get(key) === pid) elements.set(change, key, undefined);
    }
  }
}
