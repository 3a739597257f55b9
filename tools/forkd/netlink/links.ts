// Network devices of Linux, by rtnetlink (linux/rtnetlink.h, if_link.h, neighbour.h): what forkd needs of `ip link` and `bridge`.
import {
  attribute,
  decodeAttributes,
  nested,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  textAttribute,
  textOf,
  u32Attribute,
  u8Attribute,
  type Message,
} from "./message.ts";
import { NetlinkError, NetlinkSocket } from "./socket.ts";

const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const RTM_NEWNEIGH = 28;
const AF_UNSPEC = 0;
const AF_BRIDGE = 7;
const AF_INET6 = 10;
const IFF_UP = 1;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_PROTINFO = 12;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const IFLA_BRPORT_LEARNING = 8;
const IFLA_BRPORT_UNICAST_FLOOD = 9;
const IFLA_BRPORT_MCAST_FLOOD = 27;
const IFLA_BRPORT_BCAST_FLOOD = 30;
const NUD_NOARP = 0x40;
const NTF_MASTER = 0x04;
const NTF_STICKY = 0x40;
const NDA_LLADDR = 2;
const LINK_HEADER_SIZE = 16;
const NEIGHBOUR_HEADER_SIZE = 12;
const ENODEV = 19;

/** A network device. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** Index of the bridge it is a port of; 0 without one. */
  readonly master: number;
}

/** What a port of a bridge takes part in. */
export interface PortFlags {
  readonly learning: boolean;
  /** Frames to addresses that the bridge does not know, to groups, to all. */
  readonly flood: boolean;
  readonly groups: boolean;
  readonly broadcasts: boolean;
}

/** Reads and changes network devices. Methods throw NetlinkError NETLINK_REFUSED. */
export class Links {
  readonly #socket = new NetlinkSocket(NETLINK_ROUTE);

  /** All devices. */
  all(): Link[] {
    return this.#socket.dump("list network devices", linkMessage(RTM_GETLINK, {})).map(decodeLink);
  }

  /** The device of a name; undefined without one. */
  find(name: string): Link | undefined {
    const message = linkMessage(RTM_GETLINK, {}, textAttribute(IFLA_IFNAME, name));
    return unlessGone(() => decodeLink(this.#socket.query(`look for network device ${name}`, message)));
  }

  /** Makes a dummy device, up, as a port of a bridge, that says nothing by itself. */
  addDummy(name: string, mac: Uint8Array, mtu: number, master: number): void {
    this.#socket.request(`make network device ${name}`, dummyMessage(name, mac, mtu));
    this.#socket.request(`keep IPv6 from network device ${name}`, quietMessage(name));
    this.#socket.request(`put network device ${name} on the bridge`, portMessage(name, master, IFF_UP));
  }

  /** Removes a device, if it is there. */
  remove(name: string): void {
    const message = linkMessage(RTM_DELLINK, {}, textAttribute(IFLA_IFNAME, name));
    unlessGone(() => this.#socket.request(`remove network device ${name}`, message));
  }

  /** Makes a device a port of a bridge. */
  join({ name }: Link, master: number): void {
    this.#socket.request(`put network device ${name} on the bridge`, portMessage(name, master, 0));
  }

  /** Brings a device up. */
  start({ name, master }: Link): void {
    this.#socket.request(`bring network device ${name} up`, portMessage(name, master, IFF_UP));
  }

  /** Sets what a port of a bridge takes part in. */
  setPortFlags({ name, index }: Link, flags: PortFlags): void {
    this.#socket.request(`set the bridge's flags of ${name}`, portFlagsMessage(index, flags));
  }

  /** Tells the bridge that an address is behind a port, whatever it hears elsewhere. */
  pinAddress(mac: Uint8Array, { name, index }: Link): void {
    this.#socket.request(`pin an address to ${name}`, pinMessage(mac, index));
  }

  close(): void {
    this.#socket.close();
  }
}

/** What `work` gives; undefined when the device that it names is not there. */
function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENODEV) return undefined;
    throw error;
  }
}

interface LinkHeader {
  readonly family?: number;
  readonly index?: number;
  readonly flags?: number;
}

function linkMessage(type: number, header: LinkHeader, ...attributes: readonly Buffer[]): Message {
  const { family = AF_UNSPEC, index = 0, flags = 0 } = header;
  const bytes = Buffer.alloc(LINK_HEADER_SIZE);
  bytes.writeUInt8(family, 0);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(flags, 12);
  return { type, flags: 0, body: Buffer.concat([bytes, ...attributes]) };
}

/** Exported for its test, like the next four. */
export function dummyMessage(name: string, mac: Uint8Array, mtu: number): Message {
  const message = linkMessage(
    RTM_NEWLINK,
    {},
    textAttribute(IFLA_IFNAME, name),
    attribute(IFLA_ADDRESS, mac),
    u32Attribute(IFLA_MTU, mtu),
    nested(IFLA_LINKINFO, textAttribute(IFLA_INFO_KIND, "dummy")),
  );
  return { ...message, flags: NLM_F_CREATE | NLM_F_EXCL };
}

/** No address of its own on the link, and so nothing to say there. Not heeded in the message that makes a device. */
export function quietMessage(name: string): Message {
  const mode = nested(AF_INET6, u8Attribute(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE));
  return linkMessage(RTM_SETLINK, {}, textAttribute(IFLA_IFNAME, name), nested(IFLA_AF_SPEC, mode));
}

export function portMessage(name: string, master: number, flags: number): Message {
  return linkMessage(RTM_SETLINK, { flags }, textAttribute(IFLA_IFNAME, name), u32Attribute(IFLA_MASTER, master));
}

export function portFlagsMessage(index: number, { learning, flood, groups, broadcasts }: PortFlags): Message {
  const flags = nested(
    IFLA_PROTINFO,
    u8Attribute(IFLA_BRPORT_LEARNING, Number(learning)),
    u8Attribute(IFLA_BRPORT_UNICAST_FLOOD, Number(flood)),
    u8Attribute(IFLA_BRPORT_MCAST_FLOOD, Number(groups)),
    u8Attribute(IFLA_BRPORT_BCAST_FLOOD, Number(broadcasts)),
  );
  return linkMessage(RTM_SETLINK, { family: AF_BRIDGE, index }, flags);
}

export function pinMessage(mac: Uint8Array, index: number): Message {
  const header = Buffer.alloc(NEIGHBOUR_HEADER_SIZE);
  header.writeUInt8(AF_BRIDGE, 0);
  header.writeInt32LE(index, 4);
  header.writeUInt16LE(NUD_NOARP, 8);
  header.writeUInt8(NTF_MASTER | NTF_STICKY, 10);
  const flags = NLM_F_CREATE | NLM_F_REPLACE;
  return { type: RTM_NEWNEIGH, flags, body: Buffer.concat([header, attribute(NDA_LLADDR, mac)]) };
}

/** Exported for its test. */
export function decodeLink(body: Buffer): Link {
  const attributes = new Map(decodeAttributes(body.subarray(LINK_HEADER_SIZE)));
  const number = (type: number): number => attributes.get(type)?.readUInt32LE(0) ?? 0;
  const name = textOf(attributes.get(IFLA_IFNAME) ?? Buffer.alloc(0));
  return { index: body.readInt32LE(4), name, mtu: number(IFLA_MTU), master: number(IFLA_MASTER) };
}
