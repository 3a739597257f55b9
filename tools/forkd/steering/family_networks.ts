// The networks of all families: which family has one, who is in it, who leads. A family gets its network when its first process offers
// fork, so that its first fork need not wait for it; where the kernel cannot do it, the log says why and children have no network device.
import { createHash } from "node:crypto";
import { describeError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import { commandLineOption } from "../family/command_line.ts";
import { FIRST_PID, type Family, type Member } from "../family/family.ts";
import { Links, type Link } from "../netlink/links.ts";
import { Tables } from "../netlink/nftables.ts";
import type { Store } from "../xen/store.ts";
import { addedDevice, networkDevices, type NetworkDevice } from "../xenstore_nodes.ts";
import { addressBytes } from "./address_text.ts";
import { FamilyNetwork, type Kernel } from "./family_network.ts";
import { connectDevice } from "./hotplug.ts";
import type { PortBlock } from "./port_blocks.ts";

/** "kf" and as much of a hash of the family's uuid as an interface's name has room for: the same for every forkd. */
const NAME = /^kf[0-9a-f]{12}$/;

/** The name of a family's port and table. */
export function networkName({ uuid }: Pick<Family, "uuid">): string {
  return `kf${createHash("sha256").update(uuid).digest("hex").slice(0, 12)}`;
}

/** What a shell gets of its family's network. */
export interface Place {
  readonly device: NetworkDevice;
  /** The ports for flows that it will begin. */
  readonly ports: PortBlock | undefined;
}

/** Who hears of the networks. */
export interface NetworkListener {
  /** A family has got a network, which knows neither all its addresses nor the ports that it shares. */
  readonly made: (family: Family) => void;
  /** A member speaks for its family from now on. */
  readonly leads: (member: Member) => void;
}

/** The networks of the families that this forkd serves. */
export class FamilyNetworks {
  readonly #networks = new Map<Family, FamilyNetwork>();
  readonly #making = new Map<Family, Promise<FamilyNetwork | undefined>>();
  readonly #told = new Set<string>();
  #kernel: Kernel | undefined;
  #listener: NetworkListener | undefined;

  constructor(
    private readonly store: Store,
    private readonly log: Log,
  ) {}

  /** Lets `listener` hear of the networks from now on. */
  listen(listener: NetworkListener): void {
    this.#listener = listener;
  }

  /** The network of a family that has one. */
  of(family: Family): FamilyNetwork | undefined {
    return this.#networks.get(family);
  }

  /** Goes on with what an earlier forkd left: networks of families that live, with those of their members that do. Others are removed. */
  async recover(families: Iterable<Family>): Promise<void> {
    try {
      const kernel = this.#open();
      const living = new Map([...families].map((family) => [networkName(family), family]));
      const names = new Set([...kernel.links.all().map(({ name }) => name), ...kernel.tables.names()]);
      for (const name of names) {
        const family = living.get(name);
        if (family !== undefined) {
          if ((await this.#find(family)) !== undefined) await this.#attachAll(family);
        } else if (NAME.test(name)) {
          kernel.links.remove(name);
          kernel.tables.remove(name);
        }
      }
    } catch (error) {
      this.#tell(error);
    }
  }

  /**
   * Makes the network of a family whose first process has come: its first fork is not to wait for it. A family without an address has none to wait for: what
   * it would get could not be used until somebody let it pass.
   */
  async prepare({ family, domain }: Member): Promise<void> {
    try {
      if ((await this.#addresses(family)).length === 0) return;
      const [device] = await networkDevices(this.store, domain);
      if (device !== undefined) await this.#sole(family, domain, device);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** A place in the parent's network for a child with this pid; undefined when it has none, or there can be none. */
  async place(parent: Member, pid: number): Promise<Place | undefined> {
    const { family, domain } = parent;
    const [device] = await networkDevices(this.store, domain);
    if (device === undefined) return undefined;
    try {
      const network = await this.#sole(family, domain, device);
      if (network === undefined) return undefined;
      // A first domain that was rebooted or restored has another interface.
      const link = this.#open().links.find(addedDevice(domain, device).interfaceName);
      if (link !== undefined && !network.has(parent.pid, link)) this.#join(network, parent.pid, link);
      this.#elect(family, network);
      return { device, ports: network.reserve(pid) };
    } catch (error) {
      this.#tell(error);
      return undefined;
    }
  }

  /** Connects the interface of a shell as soon as netback has made it, which nobody waits for here. */
  attach(family: Family, pid: number, domain: number, device: NetworkDevice): void {
    const added = addedDevice(domain, device);
    void connectDevice(this.store, added, () => this.#connect(family, pid, added.interfaceName), this.log);
  }

  /** Children began to run under an earlier forkd, perhaps before their interfaces were connected. The first domain's is libxl's. */
  async #attachAll(family: Family): Promise<void> {
    for (const { pid, domain } of family.members.values()) {
      const [device] = pid === FIRST_PID ? [] : await networkDevices(this.store, domain);
      if (device !== undefined) this.attach(family, pid, domain, device);
    }
  }

  /** False when there is no interface yet. @throws NetlinkError */
  #connect(family: Family, pid: number, interfaceName: string): boolean {
    const network = this.#networks.get(family);
    const link = this.#kernel?.links.find(interfaceName);
    if (network === undefined || link === undefined) return false;
    this.#join(network, pid, link);
    this.#elect(family, network);
    return true;
  }

  /** A member or a shell is going, or has gone. */
  leave(family: Family, pid: number): void {
    const network = this.#networks.get(family);
    if (network === undefined) return;
    this.#try(() => {
      network.removeMember(pid);
      this.#elect(family, network);
    });
  }

  /** A family has ended. */
  close(family: Family): void {
    const network = this.#networks.get(family);
    this.#networks.delete(family);
    if (network !== undefined) this.#try(() => network.close());
  }

  /** The network of a family, which is made once, whoever asks meanwhile. */
  async #sole(family: Family, domain: number, device: NetworkDevice): Promise<FamilyNetwork | undefined> {
    const making = this.#making.get(family);
    if (making !== undefined) return making;
    const found = this.#networks.get(family);
    if (found !== undefined) return found;
    const make = this.#find(family).then(async (network) => {
      const made = network ?? (await this.#create(family, domain, device));
      if (family.members.size === 0) this.close(family); // it has ended meanwhile
      return made;
    });
    this.#making.set(family, make);
    return make.finally(() => this.#making.delete(family));
  }

  #open(): Kernel {
    this.#kernel ??= { links: new Links(), tables: new Tables() };
    return this.#kernel;
  }

  async #create(family: Family, domain: number, device: NetworkDevice): Promise<FamilyNetwork | undefined> {
    const kernel = this.#open();
    const link = kernel.links.find(addedDevice(domain, device).interfaceName);
    if (link === undefined) return undefined;
    const network = await FamilyNetwork.create(kernel, networkName(family), macBytes(device.mac), link);
    return this.#populate(family, network);
  }

  async #find(family: Family): Promise<FamilyNetwork | undefined> {
    const first = [...family.members.values()][0];
    const [device] = first === undefined ? [] : await networkDevices(this.store, first.domain);
    if (device === undefined) return undefined;
    const network = FamilyNetwork.find(this.#open(), networkName(family), macBytes(device.mac));
    return network === undefined ? undefined : this.#populate(family, network);
  }

  /** Sees to it that a network has just the members that the family has. */
  async #populate(family: Family, network: FamilyNetwork): Promise<FamilyNetwork> {
    const known = await this.#addresses(family);
    const pids: number[] = [];
    const attached: (readonly [pid: number, link: Link])[] = [];
    for (const { pid, domain } of family.members.values()) {
      const [device] = await networkDevices(this.store, domain);
      if (device === undefined) continue;
      pids.push(pid); // also one whose interface is still to come: it knows its ports already
      const link = this.#open().links.find(addedDevice(domain, device).interfaceName);
      if (link !== undefined) attached.push([pid, link]);
    }
    for (const pid of network.strangers(pids)) network.removeMember(pid);
    // Before anybody's frames are looked at: whatever becomes of this forkd, they pass.
    network.addresses.set([...network.addresses.all, ...known]);
    for (const [pid, link] of attached) this.#join(network, pid, link);
    this.#networks.set(family, network);
    this.#elect(family, network);
    this.#listener?.made(family);
    return network;
  }

  #join(network: FamilyNetwork, pid: number, link: Link): void {
    const { links } = this.#open();
    const port = link.master === network.bridge ? link : { ...link, master: network.bridge };
    links.join(port, network.bridge);
    network.addMember(pid, port);
    links.start(port);
  }

  /** The eldest member that has an interface leads. */
  #elect(family: Family, network: FamilyNetwork): void {
    const living = network.members.filter((pid) => family.members.get(pid)?.ending === false);
    const eldest = Math.min(...living);
    if (living.length === 0 || eldest === network.leader) return;
    network.setLeader(eldest);
    const leader = family.members.get(eldest);
    if (leader !== undefined) this.#listener?.leads(leader);
  }

  /** What is known of a family's addresses: the IPv6 one that the toolstack gave its first domain, and the IPv4 one that its eldest member has. */
  async #addresses({ uuid, members }: Family): Promise<Uint8Array[]> {
    const commandLine = (await this.store.read(`/vm/${uuid}/image/cmdline`)) ?? "";
    const configured = (commandLineOption(commandLine, "ip6") ?? "").replace(/[/,].*$/, "");
    const living = [...members.values()].filter(({ ending }) => !ending).sort((a, b) => a.pid - b.pid);
    return [configured, living[0]?.descriptor.address ?? ""].flatMap((text) => addressBytes(text) ?? []);
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.log(describeError(error));
    }
  }

  /** Says once what keeps children from having a network. */
  #tell(error: unknown): void {
    const text = `children have no network device: ${describeError(error)}`;
    if (!this.#told.has(text)) this.log(text);
    this.#told.add(text);
  }
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(":", ""), "hex");
}
