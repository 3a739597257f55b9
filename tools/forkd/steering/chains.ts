// The rules of a family's port: every frame for the family comes out of it, and goes to the member whose it is. Registers hold the
// key of a flow: remote and local address, remote and local port; behind them the slot, and the member's mark, which is its pid.
//
//   TCP, UDP          1. whose flow it is by name (`tcp4`, `udp4`, `tcp6`, `udp6`)
//                     2. TCP: who was given the connection when it began (`begun4`, `begun6`: the handshake of what goes by slots)
//                     3. the slot of the port, where members share it (`tcp_slots`, `udp_slots`)
//                     4. who has the block of ports that it is for (`blocks`)
//   ICMP errors       the same for the flow that they quote
//   answers of ARP, neighbour and router advertisements   every member
//   all else          the leader: ARP requests, neighbour solicitations, echo requests, DHCP, fragments
//
// What is frequent comes first: a rule costs by its expressions, a lookup is as dear with ten thousand elements as with ten.
import {
  and,
  compare,
  constant,
  drop,
  duplicate,
  EQUAL,
  forward,
  goTo,
  hash,
  hasExtension,
  learn,
  LINK_HEADER,
  load,
  lookup,
  meta,
  META_L4PROTO,
  META_PROTOCOL,
  NETWORK_HEADER,
  AT_MOST,
  NOT_EQUAL,
  TRANSPORT_HEADER,
  type Expression,
} from "../netlink/expressions.ts";
import {
  TYPE_INTERFACE,
  TYPE_IPV4,
  TYPE_IPV6,
  TYPE_MARK,
  TYPE_PORT,
  EGRESS,
  type SetDescription,
  type Transaction,
} from "../netlink/nftables.ts";
import { BLOCK_MASK } from "./port_blocks.ts";
import { TCP, UDP, type Protocol } from "./flow.ts";
import { IPV4, IPV6, outerKey, QUOTED, quotedKey, registers, type Key, type Version } from "./flow_registers.ts";
import { SLOT_SEED, SLOTS } from "./slots.ts";

/** The mark of whoever is the leader. No process has pid 0. */
export const LEADER_MARK = 0;

/** How long what a handshake has settled is remembered, in ms: until the flow can be seen in the member's own list. */
const BEGUN_MS = 30_000;
const BEGUN_MOST = 65_536;

const PROTOCOLS = [TCP, UDP] as const;
const ETHERTYPE_ARP = Buffer.from([0x08, 0x06]);
const ARP_REPLY = Buffer.from([0, 2]);
const ARP_OPERATION = 6;
const SOURCE_MAC = 6;
const FRAGMENT_BITS = Buffer.from([0x3f, 0xff, 0, 0]);
const FRAGMENT_HEADER = 44;
const FLAGS = 13;
const FLAGS_SYN_ACK = Buffer.from([0x12, 0, 0, 0]);
const FLAGS_SYN = Buffer.from([0x02]);
/** Destination unreachable, time exceeded, parameter problem. */
const ICMP_ERRORS = [3, 11, 12] as const;
const ICMPV6_LAST_ERROR = 4;
const ROUTER_ADVERTISEMENT = 134;
const NEIGHBOUR_ADVERTISEMENT = 136;
/** The maps of a family. */
export function familyMaps(): SetDescription[] {
  const flows = [IPV4, IPV6].flatMap(({ version, addressLength }) => {
    const address = version === 4 ? TYPE_IPV4 : TYPE_IPV6;
    const key = [address, address, TYPE_PORT, TYPE_PORT];
    const map = { key, keyLength: 2 * addressLength + 8, data: TYPE_MARK };
    // Without a size: the kernel would take the memory for as many elements at once, 16 MiB for a million.
    const owners = PROTOCOLS.map((protocol) => ({ ...map, name: ownersMap(protocol, version) }));
    return [...owners, { ...map, name: begunMap(version), size: BEGUN_MOST, timeout: BEGUN_MS }];
  });
  const slots = { key: [TYPE_PORT, TYPE_MARK], keyLength: 8, data: TYPE_MARK };
  return [
    ...flows,
    ...PROTOCOLS.map((protocol) => ({ ...slots, name: slotsMap(protocol) })),
    { name: "blocks", key: [TYPE_PORT], keyLength: 4, data: TYPE_MARK },
    { name: "members", key: [TYPE_MARK], keyLength: 4, data: TYPE_INTERFACE },
  ];
}

/** The map of slots of a protocol. */
export function slotsMap(protocol: Protocol): string {
  return protocol === TCP ? "tcp_slots" : "udp_slots";
}

function ownersMap(protocol: Protocol, version: 4 | 6): string {
  return `${protocol === TCP ? "tcp" : "udp"}${version}`;
}

function begunMap(version: 4 | 6): string {
  return `begun${version}`;
}

/**
 * Adds all chains of the port `device`; its maps are there. `everyone` has no rules yet. Each step of the generator is a part of the work: a program that
 * has just begun takes long for all of it.
 */
export function* addFamilyChains(change: Transaction, device: string, mac: Uint8Array): Generator<void, void> {
  const chains = [
    "leader",
    "everyone",
    ...[4, 6].flatMap((version) => [`ip${version}`, `icmp${version}`, `errors${version}`]),
  ];
  for (const chain of chains) change.addChain(chain);
  change.addDeviceChain("egress", EGRESS, device);
  change.addRule("leader", constant(0, LEADER_MARK), lookup("members", 0, 0), forward(0));
  const isIpv4 = [meta(0, META_PROTOCOL), compare(0, EQUAL, IPV4.etherType)];
  change.addRule("egress", ...isIpv4, ...isProtocol(TCP), ...outerKey(IPV4), ...toOwner(IPV4, ownersMap(TCP, 4)));
  // What a member says to a group comes back here: duplicate address detection would find the leader itself.
  change.addRule("egress", load(0, LINK_HEADER, SOURCE_MAC, 6), compare(0, EQUAL, mac), drop());
  change.addRule("egress", ...isIpv4, goTo("ip4"));
  change.addRule("egress", meta(0, META_PROTOCOL), compare(0, EQUAL, IPV6.etherType), goTo("ip6"));
  const isArp = [meta(0, META_PROTOCOL), compare(0, EQUAL, ETHERTYPE_ARP)];
  const isReply = [load(0, NETWORK_HEADER, ARP_OPERATION, 2), compare(0, EQUAL, ARP_REPLY)];
  change.addRule("egress", ...isArp, ...isReply, goTo("everyone"));
  change.addRule("egress", goTo("leader"));
  for (const ip of [IPV4, IPV6]) {
    for (const add of [addNamed, addBeginning, addIcmp, addErrors]) {
      yield;
      add(change, ip);
    }
  }
}

/** Rules of `everyone`: a copy to each of these interfaces, and the frame itself to the leader. */
export function addCopies(change: Transaction, interfaces: readonly number[]): void {
  change.emptyChain("everyone");
  for (const index of interfaces) change.addRule("everyone", constant(0, index), duplicate(0));
  change.addRule("everyone", goTo("leader"));
}

/** What has a name in a map. */
function addNamed(change: Transaction, ip: Version): void {
  const { version } = ip;
  const chain = `ip${version}`;
  const add = (...expressions: readonly Expression[]): unknown => change.addRule(chain, ...expressions);
  // A later fragment has no ports: so that they come together, all go to the leader.
  if (version === 4) {
    const bits = [load(0, NETWORK_HEADER, 6, 2), and(0, FRAGMENT_BITS), compare(0, NOT_EQUAL, Buffer.alloc(2))];
    add(...isProtocol(UDP), ...bits, goTo("leader"));
  } else {
    add(...isProtocol(TCP), ...outerKey(ip), ...toOwner(ip, ownersMap(TCP, version)));
    add(...isProtocol(UDP), ...hasExtension(0, FRAGMENT_HEADER), goTo("leader"));
  }
  add(...isProtocol(UDP), ...outerKey(ip), ...toOwner(ip, ownersMap(UDP, version)));
  add(...isProtocol(TCP), ...outerKey(ip), ...toOwner(ip, begunMap(version)));
}

/** What begins, or has begun with whoever has its slot or block; and all else. */
function addBeginning(change: Transaction, ip: Version): void {
  const { version } = ip;
  const add = (...expressions: readonly Expression[]): unknown => change.addRule(`ip${version}`, ...expressions);
  const isSyn = [load(0, TRANSPORT_HEADER, FLAGS, 1), and(0, FLAGS_SYN_ACK), compare(0, EQUAL, FLAGS_SYN)];
  const { mark } = registers(ip);
  add(
    ...isProtocol(TCP),
    ...isSyn,
    ...outerKey(ip),
    ...slotMark(ip, TCP),
    learn(begunMap(version), 0, mark),
    ...toMark(mark),
  );
  for (const protocol of PROTOCOLS) addUnowned(add, ip, isProtocol(protocol), outerKey(ip), protocol);
  add(...isProtocol(ip.icmp), goTo(`icmp${version}`));
  add(goTo("leader"));
}

/** For a flow that no map names: its slot, else its block. */
function addUnowned(
  add: (...expressions: readonly Expression[]) => unknown,
  ip: Version,
  condition: readonly Expression[],
  key: Key,
  protocol: Protocol,
): void {
  const { localPort, mark } = registers(ip);
  add(...condition, ...key, ...slotMark(ip, protocol), ...toMark(mark));
  add(...condition, ...key, and(localPort, BLOCK_MASK), lookup("blocks", localPort, mark), ...toMark(mark));
}

function addIcmp(change: Transaction, { version }: Version): void {
  const chain = `icmp${version}`;
  const add = (operator: number, type: number, target: string): unknown =>
    change.addRule(chain, load(0, TRANSPORT_HEADER, 0, 1), compare(0, operator, Uint8Array.of(type)), goTo(target));
  if (version === 4) for (const type of ICMP_ERRORS) add(EQUAL, type, "errors4");
  else {
    for (const type of [NEIGHBOUR_ADVERTISEMENT, ROUTER_ADVERTISEMENT]) add(EQUAL, type, "everyone");
    add(AT_MOST, ICMPV6_LAST_ERROR, "errors6");
  }
  change.addRule(chain, goTo("leader"));
}

function addErrors(change: Transaction, ip: Version): void {
  const chain = `errors${ip.version}`;
  const add = (...expressions: readonly Expression[]): unknown => change.addRule(chain, ...expressions);
  const { firstByte } = ip;
  if (firstByte !== undefined) {
    add(load(0, TRANSPORT_HEADER, QUOTED, 1), compare(0, NOT_EQUAL, Uint8Array.of(firstByte)), goTo("leader"));
  }
  for (const protocol of PROTOCOLS) {
    const condition = [load(0, TRANSPORT_HEADER, QUOTED + ip.protocol, 1), compare(0, EQUAL, Uint8Array.of(protocol))];
    const maps = [ownersMap(protocol, ip.version), ...(protocol === TCP ? [begunMap(ip.version)] : [])];
    for (const map of maps) add(...condition, ...quotedKey(ip), ...toOwner(ip, map));
    addUnowned(add, ip, condition, quotedKey(ip), protocol);
  }
  add(goTo("leader"));
}

function isProtocol(protocol: number): Expression[] {
  return [meta(0, META_L4PROTO), compare(0, EQUAL, Uint8Array.of(protocol))];
}

function toOwner(ip: Version, map: string): Expression[] {
  const { mark } = registers(ip);
  return [lookup(map, 0, mark), ...toMark(mark)];
}

/** The mark of the slot of the flow whose key is loaded. */
function slotMark(ip: Version, protocol: Protocol): Expression[] {
  const { localPort, slot, mark } = registers(ip);
  return [hash(slot, 0, 4 * slot, SLOTS, SLOT_SEED), lookup(slotsMap(protocol), localPort, mark)];
}

function toMark(mark: number): Expression[] {
  return [lookup("members", mark, mark), forward(mark)];
}
