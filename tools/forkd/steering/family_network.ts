// The network of a family: one Ethernet address and one set of IP addresses for all its members (docs/fork.md, "One address"). A port
// of its own on the bridge, a dummy device, takes all frames for the family, and rules at its exit send each to the member whose it is.
// Everything is in the kernel: members' frames flow on while there is no forkd, and the next one finds how it was.
import { setImmediate as giveWay } from "node:timers/promises";
import { KaryonError } from "../../support/errors.ts";
import type { Link, Links } from "../netlink/links.ts";
import { u32 } from "../netlink/message.ts";
import { Transaction, type Tables } from "../netlink/nftables.ts";
import { FamilyAddresses } from "./addresses.ts";
import { addOriginChain, ADDRESS_SETS, originChain } from "./anti_spoof.ts";
import { addCopies, addFamilyChains, familyMaps, LEADER_MARK, slotsMap } from "./chains.ts";
import { TCP, type Flow, type OwnedFlow, type Protocol, UDP } from "./flow.ts";
import { FlowOwners, type NamedOwner } from "./flow_owners.ts";
import { KernelMap } from "./kernel_map.ts";
import { blockFor, blockKey, type PortBlock } from "./port_blocks.ts";
import { SharedPorts } from "./shared_ports.ts";
import { assignSlots, type Acceptor } from "./slots.ts";

/** Xen's address for interfaces that nobody addresses: a bridge does not take it for its own. */
const PORT_MAC = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff]);

/** Ways into the kernel. */
export interface Kernel {
  readonly links: Links;
  readonly tables: Tables;
}

/** One family's network. Methods throw NetlinkError NETLINK_REFUSED, and change nothing then. */
export class FamilyNetwork {
  /** Interfaces of the members by pid. */
  readonly #members = new Map<number, Link>();
  /** Marks, which are pids, and interfaces; LEADER_MARK is the leader's. */
  readonly #marks: KernelMap;
  readonly #owners: FlowOwners;
  readonly #blocks: KernelMap;
  readonly #ports: SharedPorts;
  /** From which members may send. */
  readonly addresses: FamilyAddresses;
  #leader = LEADER_MARK;

  private constructor(
    private readonly kernel: Kernel,
    /** The name of the device and of the table. */
    readonly name: string,
    readonly mac: Uint8Array,
    /** Index of the bridge. */
    readonly bridge: number,
  ) {
    const map = (of: string): KernelMap => new KernelMap(kernel.tables, name, of);
    this.#marks = map("members");
    this.#blocks = map("blocks");
    this.#owners = new FlowOwners(kernel.tables, name);
    this.addresses = new FamilyAddresses(kernel.tables, name);
    this.#ports = new SharedPorts(map(slotsMap(TCP)), map(slotsMap(UDP)));
  }

  /** Takes over what an earlier forkd has made; undefined when there is none. Members are to be added anew. */
  static find(kernel: Kernel, name: string, mac: Uint8Array): FamilyNetwork | undefined {
    const port = kernel.links.find(name);
    if (port === undefined || !kernel.tables.names().includes(name)) return undefined;
    const network = new FamilyNetwork(kernel, name, mac, port.master);
    network.#read();
    return network;
  }

  /**
   * Makes a network without members, beside the interface `like`, which is a port of the bridge.
   *
   * @throws KaryonError NO_BRIDGE
   */
  static async create(kernel: Kernel, name: string, mac: Uint8Array, like: Link): Promise<FamilyNetwork> {
    if (like.master === 0) {
      const mend = 'a family\'s members need a bridge in domain 0 (xl.cfg: vif = ["bridge=xenbr0"])';
      throw new KaryonError("NO_BRIDGE", `${like.name} is no port of a bridge`, mend);
    }
    const network = new FamilyNetwork(kernel, name, mac, like.master);
    network.close(); // what may be left of one that was half made
    try {
      kernel.links.addDummy(name, PORT_MAC, like.mtu, like.master);
      const change = new Transaction(name).addTable();
      for (const set of [...familyMaps(), ...ADDRESS_SETS]) change.addSet(set);
      // Others' forks do not wait for all of this.
      for (const chains = addFamilyChains(change, name, mac); chains.next().done !== true;) await giveWay();
      network.#commit("make the rules", change);
    } catch (error) {
      network.close();
      throw error;
    }
    return network;
  }

  /** The pids of those that have an interface. */
  get members(): readonly number[] {
    return [...this.#members.keys()];
  }

  /** Who answers for the family; 0 before there is one. */
  get leader(): number {
    return this.#leader;
  }

  /** Whether a member is connected by this interface. */
  has(pid: number, { index }: Link): boolean {
    return this.#members.get(pid)?.index === index;
  }

  /** The ports that a member may take for flows which it begins; undefined when there are none left. */
  reserve(pid: number): PortBlock | undefined {
    const block = blockFor(pid, this.#blocks);
    const change = new Transaction(this.name);
    if (block !== undefined) this.#blocks.set(change, blockKey(block), pid);
    this.#commit(`reserve ports for process ${pid}`, change);
    return block;
  }

  /** Who is known here, but is not among `pids`. */
  strangers(pids: readonly number[]): number[] {
    const known = [
      ...this.#marks.entries().map(([key]) => key.readUInt32LE(0)),
      ...this.#blocks.entries().map(([, pid]) => pid),
    ];
    return [...new Set(known)].filter((pid) => pid !== LEADER_MARK && !pids.includes(pid));
  }

  /** Connects the interface of a member before it sends anything, or again after a restart. */
  addMember(pid: number, link: Link): void {
    const change = new Transaction(this.name);
    addOriginChain(change, link.name, this.mac, pid === this.#leader);
    this.#marks.set(change, u32(pid), link.index);
    if (pid === this.#leader) this.#marks.set(change, u32(LEADER_MARK), link.index);
    addCopies(change, this.#interfaces({ pid, link }));
    this.#commit(`connect process ${pid}`, change);
    this.#members.set(pid, link);
    this.kernel.links.setPortFlags(link, { learning: false, flood: false, groups: false, broadcasts: false });
  }

  /**
   * A member is going, or has gone: what is for it goes to the leader from now on, who refuses what he does not know. Its slots are
   * the other acceptors'.
   */
  removeMember(pid: number): void {
    const link = this.#members.get(pid);
    this.#members.delete(pid);
    const change = new Transaction(this.name);
    this.#marks.set(change, u32(pid), undefined);
    this.#ports.remove(change, pid);
    this.#owners.removeAll(change, pid);
    this.#blocks.removeAll(change, pid);
    addCopies(change, this.#interfaces());
    this.#commit(`disconnect process ${pid}`, change);
    if (link !== undefined) this.#removeOrigin(link);
  }

  /** Who answers ARP, holds the lease and gets what is nobody's. */
  setLeader(pid: number): void {
    const [before, now] = [this.#leader, pid];
    const [old, link] = [this.#members.get(before), this.#members.get(now)];
    if (link === undefined) throw new KaryonError("NO_MEMBER", `process ${pid} is not in ${this.name}`);
    const change = new Transaction(this.name);
    this.#marks.set(change, u32(LEADER_MARK), link.index);
    addOriginChain(change, link.name, this.mac, true);
    if (old !== undefined && before !== now) addOriginChain(change, old.name, this.mac, false);
    this.#leader = now;
    try {
      addCopies(change, this.#interfaces());
      this.#commit(`make process ${pid} the leader`, change);
    } catch (error) {
      this.#leader = before;
      throw error;
    }
    const port = this.kernel.links.find(this.name);
    if (port !== undefined) this.kernel.links.pinAddress(this.mac, port);
  }

  /** Whether a flow can be the family's: its local address is. */
  covers({ local }: Flow): boolean {
    return this.addresses.has(local);
  }

  /** From now on the flow's frames go to this member. */
  setOwner(flow: Flow, pid: number): void {
    const change = new Transaction(this.name);
    this.#owners.set(change, [{ flow, pid }]);
    this.#commit("name the owner of a flow", change);
  }

  /** A flow is forgotten: should another frame come, it goes where a new flow's would. */
  dropOwner(flow: Flow): void {
    const change = new Transaction(this.name);
    this.#owners.drop(change, flow);
    this.#commit("forget the owner of a flow", change);
  }

  /** Who has been named the flow's owner. */
  ownerOf(flow: Flow): number | undefined {
    return this.#owners.get(flow);
  }

  /** The TCP connections whose owners have been named. */
  named(): NamedOwner[] {
    return this.#owners.connections();
  }

  /** Forgets owners that are as they were when named() gave them. */
  forget(owners: readonly NamedOwner[]): void {
    const change = new Transaction(this.name);
    this.#owners.forget(change, owners);
    this.#commit("forget the owners of flows that have ended", change);
  }

  /** To whom a flow goes whose owner has not been named. */
  newOwnerOf(flow: Flow): number {
    return this.#ports.memberOf(flow) ?? this.#leader;
  }

  /**
   * Spreads new flows to a port over these members; over none of them: they go to the leader.
   *
   * @param flows the flows to this port that members have: those that the change would take from them stay theirs
   */
  setAcceptors(protocol: Protocol, port: number, acceptors: readonly Acceptor[], flows: readonly OwnedFlow[]): void {
    const change = new Transaction(this.name);
    const slots = assignSlots(acceptors);
    this.#pin(change, flows, (flow) => this.#ports.memberOf(flow, slots) ?? this.#leader);
    this.#ports.set(change, protocol, port, slots);
    this.#commit(`share port ${port}`, change);
  }

  /** Names the owners of those flows that would not come to them otherwise: what began while slots changed. */
  pin(flows: readonly OwnedFlow[]): void {
    const change = new Transaction(this.name);
    this.#pin(change, flows, (flow) => this.newOwnerOf(flow));
    this.#commit("keep flows with their owners", change);
  }

  /** Removes the network: nothing of it remains. Can be repeated. */
  close(): void {
    this.kernel.links.remove(this.name);
    this.kernel.tables.remove(this.name);
  }

  #pin(change: Transaction, flows: readonly OwnedFlow[], otherwise: (flow: Flow) => number): void {
    this.#owners.set(
      change,
      flows.filter(({ flow, pid }) => this.ownerOf(flow) === undefined && otherwise(flow) !== pid),
    );
  }

  /** The interfaces of all members but the leader. */
  #interfaces(added?: { readonly pid: number; readonly link: Link }): number[] {
    const links = new Map(this.#members);
    if (added !== undefined) links.set(added.pid, added.link);
    links.delete(this.#leader);
    return [...links.values()].map(({ index }) => index);
  }

  /** The chain has gone with the interface, if that has. */
  #removeOrigin(link: Link): void {
    if (this.kernel.links.find(link.name) === undefined) return;
    const chain = originChain(link.name);
    this.#commit(`disconnect ${link.name}`, new Transaction(this.name).emptyChain(chain).removeChain(chain));
  }

  #commit(what: string, change: Transaction): void {
    try {
      this.kernel.tables.commit(`${what} in ${this.name}`, change);
    } catch (error) {
      this.#read();
      throw error;
    }
  }

  #read(): void {
    for (const map of [this.#marks, this.#blocks, this.#owners]) map.read();
    this.#ports.read();
    this.addresses.read();
  }
}
