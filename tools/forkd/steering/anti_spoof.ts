// What a member may send: frames with the family's Ethernet address and IP addresses, and nothing else. The leader alone speaks for the
// family where it has no address yet – DHCP, ARP probes, duplicate address detection – and joins its groups.
import {
  accept,
  compare,
  drop,
  EQUAL,
  isIn,
  LINK_HEADER,
  load,
  meta,
  META_L4PROTO,
  META_PROTOCOL,
  NETWORK_HEADER,
  TRANSPORT_HEADER,
  type Expression,
} from "../netlink/expressions.ts";
import { INGRESS, TYPE_IPV4, TYPE_IPV6, type SetDescription, type Transaction } from "../netlink/nftables.ts";
import { UDP } from "./flow.ts";

const ETHERTYPE_IP = Buffer.from([0x08, 0x00]);
const ETHERTYPE_ARP = Buffer.from([0x08, 0x06]);
const ETHERTYPE_IPV6 = Buffer.from([0x86, 0xdd]);
const IPPROTO_ICMPV6 = Uint8Array.of(58);
const MLD2_REPORT = Uint8Array.of(143);
const DHCP_SERVER = Buffer.from([0, 67]);
const SOURCE_MAC = 6;
const IP_SOURCE = 12;
const IPV6_SOURCE = 8;
const ARP_SENDER_MAC = 8;
const ARP_SENDER_IP = 14;
const NO_IPV4 = Buffer.alloc(4);
const NO_IPV6 = Buffer.alloc(16);

/** The family's addresses of each version. */
export const ADDRESS_SETS: readonly SetDescription[] = [
  { name: "addresses4", key: [TYPE_IPV4], keyLength: 4 },
  { name: "addresses6", key: [TYPE_IPV6], keyLength: 16 },
];

/** The chain of what comes from a member's interface. */
export function originChain(interfaceName: string): string {
  return `from_${interfaceName}`;
}

/** Makes a member's chain, or makes it anew. */
export function addOriginChain(change: Transaction, interfaceName: string, mac: Uint8Array, isLeader: boolean): void {
  const chain = originChain(interfaceName);
  change.addDeviceChain(chain, INGRESS, interfaceName).emptyChain(chain);
  const add = (...expressions: readonly Expression[]): unknown => change.addRule(chain, ...expressions);
  const from = [load(0, LINK_HEADER, SOURCE_MAC, 6), compare(0, EQUAL, mac), meta(0, META_PROTOCOL)];
  const [ip, ip6, arp] = [ETHERTYPE_IP, ETHERTYPE_IPV6, ETHERTYPE_ARP].map((type) => [
    ...from,
    compare(0, EQUAL, type),
  ]);
  if (ip === undefined || ip6 === undefined || arp === undefined) return;
  add(...ip, load(0, NETWORK_HEADER, IP_SOURCE, 4), isIn("addresses4", 0), accept());
  const icmp6 = [meta(0, META_L4PROTO), compare(0, EQUAL, IPPROTO_ICMPV6)];
  // Else a bridge that listens to the family's groups would send what is for them past its port.
  if (!isLeader) add(...ip6, ...icmp6, load(0, TRANSPORT_HEADER, 0, 1), compare(0, EQUAL, MLD2_REPORT), drop());
  // Link-local and autoconfigured addresses end with what is made of the Ethernet address, whatever the prefix.
  add(...ip6, load(0, NETWORK_HEADER, IPV6_SOURCE + 8, 8), compare(0, EQUAL, interfaceIdentifier(mac)), accept());
  add(...ip6, load(0, NETWORK_HEADER, IPV6_SOURCE, 16), isIn("addresses6", 0), accept());
  const ownArp = [
    ...arp,
    load(0, NETWORK_HEADER, ARP_SENDER_MAC, 6),
    compare(0, EQUAL, mac),
    load(0, NETWORK_HEADER, ARP_SENDER_IP, 4),
  ];
  add(...ownArp, isIn("addresses4", 0), accept());
  if (!isLeader) return;
  add(...ownArp, compare(0, EQUAL, NO_IPV4), accept());
  const unnamed = [...ip, load(0, NETWORK_HEADER, IP_SOURCE, 4), compare(0, EQUAL, NO_IPV4)];
  const isUdp = [meta(0, META_L4PROTO), compare(0, EQUAL, Uint8Array.of(UDP))];
  add(...unnamed, ...isUdp, load(0, TRANSPORT_HEADER, 2, 2), compare(0, EQUAL, DHCP_SERVER), accept());
  add(...ip6, ...icmp6, load(0, NETWORK_HEADER, IPV6_SOURCE, 16), compare(0, EQUAL, NO_IPV6), accept());
}

/** The modified EUI-64 of an Ethernet address (RFC 4291, appendix A). */
export function interfaceIdentifier(mac: Uint8Array): Buffer {
  const [first = 0, ...rest] = mac;
  return Buffer.from([first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)]);
}
