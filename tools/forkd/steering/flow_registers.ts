// How rules load the key of a flow into registers, from either version of IP: remote and local address, remote and local port, the first
// in register 0, each port in a register of its own. Behind them are the slot and the member's mark.
import { load, NETWORK_HEADER, TRANSPORT_HEADER, type Expression } from "../netlink/expressions.ts";

/** Where an ICMP error quotes the packet that it is about. */
export const QUOTED = 8;

/** One of the two versions of IP: where its headers have what, and which registers hold it. */
export interface Version {
  readonly version: 4 | 6;
  readonly etherType: Buffer;
  /** Its ICMP as a protocol. */
  readonly icmp: number;
  readonly addressLength: number;
  /** Offsets in the IP header. */
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  /** The first byte of a header without options, where the length of the header can differ. */
  readonly firstByte: number | undefined;
  readonly headerLength: number;
}

export const IPV4: Version = {
  version: 4,
  etherType: Buffer.from([0x08, 0x00]),
  icmp: 1,
  addressLength: 4,
  source: 12,
  destination: 16,
  protocol: 9,
  firstByte: 0x45,
  headerLength: 20,
};

export const IPV6: Version = {
  version: 6,
  etherType: Buffer.from([0x86, 0xdd]),
  icmp: 58,
  addressLength: 16,
  source: 8,
  destination: 24,
  protocol: 6,
  firstByte: undefined,
  headerLength: 40,
};

/** Tells whose flow a rule is about: the frame's own, or the one that an error quotes. */
export type Key = readonly Expression[];

/** A lookup of slots takes port and slot together: they are neighbours. */
export function registers({
  addressLength,
}: Version): Readonly<Record<"localAddress" | "remotePort" | "localPort" | "slot" | "mark", number>> {
  const words = addressLength / 4;
  return {
    localAddress: words,
    remotePort: 2 * words,
    localPort: 2 * words + 1,
    slot: 2 * words + 2,
    mark: 2 * words + 3,
  };
}

/** The flow of the frame itself. */
export function outerKey(ip: Version): Key {
  const { remotePort, localPort } = registers(ip);
  return [
    load(0, NETWORK_HEADER, ip.source, 2 * ip.addressLength),
    load(remotePort, TRANSPORT_HEADER, 0, 2),
    load(localPort, TRANSPORT_HEADER, 2, 2),
  ];
}

/** The flow of which an error quotes a packet that we have sent: its source is us. */
export function quotedKey(ip: Version): Key {
  const { localAddress, remotePort, localPort } = registers(ip);
  const ports = QUOTED + ip.headerLength;
  return [
    load(0, TRANSPORT_HEADER, QUOTED + ip.destination, ip.addressLength),
    load(localAddress, TRANSPORT_HEADER, QUOTED + ip.source, ip.addressLength),
    load(remotePort, TRANSPORT_HEADER, ports + 2, 2),
    load(localPort, TRANSPORT_HEADER, ports, 2),
  ];
}
