// Ports that several members serve: the slots of each, as the kernel has them.
import { u32 } from "../netlink/message.ts";
import type { Transaction } from "../netlink/nftables.ts";
import { portKey, TCP, type Flow, type Protocol } from "./flow.ts";
import type { KernelMap } from "./kernel_map.ts";
import { assignSlots, slotOf, SLOTS } from "./slots.ts";

/** The shared ports of a family. */
export class SharedPorts {
  constructor(
    private readonly tcp: KernelMap,
    private readonly udp: KernelMap,
  ) {}

  read(): void {
    for (const map of [this.tcp, this.udp]) map.read();
  }

  /** Gives a port these slots; it is shared no more without any. */
  set(change: Transaction, protocol: Protocol, port: number, slots: readonly number[]): void {
    const keys = Array.from({ length: SLOTS }, (_, slot) => slotKey(port, slot));
    this.#map(protocol).change(
      change,
      keys.map((key, slot) => [key, slots[slot]] as const),
    );
  }

  /** To whom a new flow would go, by `slots` instead of those of its port; undefined when its port is not shared. */
  memberOf(flow: Flow, slots?: readonly number[]): number | undefined {
    const slot = slotOf(flow);
    return slots === undefined ? this.#map(flow.protocol).get(slotKey(flow.localPort, slot)) : slots[slot];
  }

  /** Takes a member's slots from it: they are the others' that serve the port. */
  remove(change: Transaction, pid: number): void {
    for (const map of [this.tcp, this.udp]) {
      const ports = new Set(map.entries().flatMap(([key, owner]) => (owner === pid ? [key.readUInt16BE(0)] : [])));
      for (const port of ports) this.#removeFrom(change, map, port, pid);
    }
  }

  #removeFrom(change: Transaction, map: KernelMap, port: number, pid: number): void {
    const members = Array.from({ length: SLOTS }, (_, slot) => map.get(slotKey(port, slot)));
    const shares = new Map<number, number>();
    for (const member of members)
      if (member !== undefined && member !== pid) shares.set(member, (shares.get(member) ?? 0) + 1);
    const next = assignSlots([...shares].map(([other, weight]) => ({ pid: other, weight })));
    const own = members.flatMap((member, slot) => (member === pid ? [slot] : []));
    map.change(
      change,
      own.map((slot) => [slotKey(port, slot), next[slot]] as const),
    );
  }

  #map(protocol: Protocol): KernelMap {
    return protocol === TCP ? this.tcp : this.udp;
  }
}

function slotKey(port: number, slot: number): Buffer {
  return Buffer.concat([portKey(port), u32(slot)]);
}
