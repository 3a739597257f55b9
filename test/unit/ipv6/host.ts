// One stack with IPv6, host 1, on a link where the test is everybody else; in virtual time.
import { Stack, type StackOptions } from "../tcp/stack.ts";
import { internetSum } from "../../support/segmentation.ts";
import {
  ICMP,
  hex,
  icmp,
  ip6,
  linkLocal,
  macOf,
  packetFrame,
  readFrame,
  solicitedNode,
  type Packet,
  type Read,
} from "./frames.ts";

export const HARNESS = "test/unit/ipv6/harness.ts";
export const US = linkLocal(1);
export const PEER = linkLocal(2);
const HOP_BY_HOP = 0;
/** Where addresses are written for calls. */
const ADDRESS = 0x20000;

const SECOND = 1_000_000_000n;

export class Host {
  /** What has been said of groups since the last look. */
  readonly #reports: Read[] = [];

  private constructor(readonly stack: Stack) {}

  /** `option` is the value of ip6=. */
  static async create(option = "auto", options: StackOptions = {}): Promise<Host> {
    const host = new Host(await Stack.create(1, { harness: HARNESS, ...options }));
    const result = host.stack.call("startIpv6", host.#text(option), option.length, host.stack.now);
    if (result !== 0) throw new Error(`ip6=${option}: ${result}`);
    return host;
  }

  /** A host whose addresses are its own already, with nothing sent since. */
  static async settled(option = "auto", options: StackOptions = {}): Promise<Host> {
    const host = await Host.create(option, options);
    host.pass(20_000);
    host.reports();
    return host;
  }

  #text(text: string): number {
    this.stack.write(this.stack.scratch, Buffer.from(text));
    return this.stack.scratch;
  }

  /** The address in memory, for a call. */
  address(text: string): number {
    this.stack.write(ADDRESS, ip6(text));
    return ADDRESS;
  }

  /** What a pointer to an address shows, in hexadecimal digits. */
  shown(pointer: number): string {
    return Buffer.from(this.stack.bytes(pointer, 16)).toString("hex");
  }

  isOurs(text: string): boolean {
    return this.stack.call("ipv6IsLocal", this.address(text)) !== 0;
  }

  pathMtu(text: string): number {
    return this.stack.call("ipv6PathMtu", this.address(text));
  }

  /** Gives the stack frames and runs it. */
  input(...packets: readonly (Packet | Uint8Array)[]): Read[] {
    for (const packet of packets) {
      const frame = packet instanceof Uint8Array ? packet : packetFrame(packet);
      this.stack.receive(frame, this.stack.now);
      this.stack.run(this.stack.now);
    }
    return this.take();
  }

  /** Lets time pass; what is sent meanwhile is returned. */
  pass(milliseconds: number): Read[] {
    const end = this.stack.now + (BigInt(milliseconds) * SECOND) / 1000n;
    for (let left = 10_000; left > 0; left--) {
      const next = this.stack.deadline(this.stack.now);
      if (next > end) break;
      this.stack.run(next);
    }
    this.stack.run(end);
    return this.take();
  }

  /** The IPv6 packets sent since the last call, reports of groups apart. */
  take(): Read[] {
    const all = this.stack.transmitted
      .splice(0)
      .map(readFrame)
      .filter((read) => read !== null);
    this.#reports.push(...all.filter(({ next }) => next === HOP_BY_HOP));
    return all.filter(({ next }) => next !== HOP_BY_HOP);
  }

  /** The reports of groups sent since the last call. */
  reports(): Read[] {
    this.take();
    return this.#reports.splice(0);
  }

  /** Answers a solicitation for `address` with the Ethernet address of host 2. */
  answer(address: string, flags = 0x60): Read[] {
    return this.input(advertisement(address, flags));
  }

  /** Makes the stack know the station of `address`. */
  learn(address: string): void {
    this.input(solicitation(address, US));
    this.answer(address);
    this.take();
  }
}

/** A neighbour solicitation from `source` for `target`. */
export function solicitation(source: string, target: string, destination = solicitedNode(target)): Packet {
  const option = source === "::" ? Buffer.alloc(0) : Buffer.concat([Buffer.from([1, 1]), macOf(2)]);
  return icmp(source, destination, 135, 0, Buffer.concat([Buffer.alloc(4), ip6(target), option]));
}

/** A neighbour advertisement of `target` with the Ethernet address of host 2. */
export function advertisement(target: string, flags: number, destination = US): Packet {
  const body = Buffer.concat([Buffer.from([flags, 0, 0, 0]), ip6(target), Buffer.from([2, 1]), macOf(2)]);
  return icmp(target, destination, 136, 0, body);
}

export interface Prefix {
  readonly prefix: string;
  readonly length?: number;
  readonly flags?: number;
  readonly valid?: number;
  readonly preferred?: number;
}

/** A router advertisement of host 2, or of another one with the same Ethernet address. */
export function routerAdvertisement(
  prefixes: readonly Prefix[],
  lifetime = 1800,
  options: Uint8Array = Buffer.alloc(0),
  router = PEER,
): Packet {
  const head = Buffer.alloc(12);
  head[0] = 50;
  head.writeUInt16BE(lifetime, 2);
  const parts = prefixes.map(({ prefix, length = 64, flags = 0xc0, valid = 86400, preferred = 14400 }) => {
    const option = Buffer.alloc(32);
    option.set([3, 4, length, flags]);
    option.writeUInt32BE(valid, 4);
    option.writeUInt32BE(preferred, 8);
    option.set(ip6(prefix), 16);
    return option;
  });
  const link = Buffer.concat([Buffer.from([1, 1]), macOf(2)]);
  return icmp(router, "ff02::1", 134, 0, Buffer.concat([head, link, ...parts, options]));
}

/** What a report of groups says, as "143 4:ff02::…"; that it is well-formed. */
export function told(read: Read): string[] {
  const [type = 0] = read.payload.subarray(8);
  if (read.payload.toString("hex", 0, 8) !== "3a00050200000100") throw new Error("no router alert");
  if (read.hopLimit !== 1) throw new Error(`hop limit ${read.hopLimit}`);
  const message = read.payload.subarray(8);
  const ends = Buffer.from(read.source + read.destination, "hex");
  const pseudo = internetSum(ends, 0, 32, message.length + ICMP);
  if (internetSum(message, 0, message.length, pseudo) !== 0xffff) throw new Error("wrong checksum");
  if (type !== 143) return [`${type} ${message.toString("hex", 8, 24)}`];
  const count = message.readUInt16BE(6);
  if (message.length !== 8 + count * 20) throw new Error(`${count} records in ${message.length} bytes`);
  return Array.from({ length: count }, (_, i) => {
    const record = message.subarray(8 + i * 20);
    return `${type} ${record[0]}:${record.toString("hex", 4, 20)}`;
  });
}

/** Type and target of a neighbour message, as "135 fe80…". */
export function brief(read: Read): string {
  return `${read.payload[0]} ${read.payload.toString("hex", 8, 24)}`;
}

export { hex };
