// A DHCP server for the tests, written after RFC 2131 and independently of the client. It answers what the stack has
// sent; what it does wrong or differently is set by its options.
import { PEER_IP, ip, ipText, mac, parseUdp, u32, udpFrame } from "./frames.ts";
import type { Stack } from "./stack.ts";

export const DISCOVER = 1;
export const OFFER = 2;
export const REQUEST = 3;
export const DECLINE = 4;
export const ACK = 5;
export const NAK = 6;

export interface DhcpMessage {
  readonly type: number;
  readonly transaction: number;
  readonly seconds: number;
  readonly broadcast: boolean;
  readonly clientAddress: string;
  readonly hardware: string;
  readonly options: ReadonlyMap<number, Buffer>;
  readonly linkDestination: string;
  readonly source: string;
  readonly destination: string;
}

export function parseDhcp(frame: Uint8Array): DhcpMessage | null {
  if (Buffer.from(frame).readUInt16BE(12) !== 0x0800) return null;
  const datagram = parseUdp(frame);
  if (datagram.protocol !== 17 || datagram.destinationPort !== 67 || datagram.sourcePort !== 68) return null;
  const m = datagram.data;
  if (m.readUInt32BE(236) !== 0x63825363 || m.length < 300 || !datagram.checksumRight) {
    throw new Error("malformed DHCP message");
  }
  const options = new Map<number, Buffer>();
  for (let at = 240; m[at] !== 255; at += 2 + (m[at + 1] ?? 0)) {
    options.set(m[at] ?? 0, m.subarray(at + 2, at + 2 + (m[at + 1] ?? 0)));
  }
  return {
    type: options.get(53)?.[0] ?? 0,
    transaction: m.readUInt32BE(4),
    seconds: m.readUInt16BE(8),
    broadcast: (m.readUInt16BE(10) & 0x8000) !== 0,
    clientAddress: ipText(m.readUInt32BE(12)),
    hardware: m.subarray(28, 34).toString("hex"),
    options,
    linkDestination: datagram.linkDestination,
    source: datagram.source,
    destination: datagram.destination,
  };
}

export interface ReplyFields {
  readonly type: number;
  readonly address?: string;
  readonly options?: readonly (readonly [number, Uint8Array])[];
  readonly transaction?: number;
  readonly hardware?: string;
  readonly server?: string;
  /** Puts the options after the message type into the file field (option 52). */
  readonly overload?: boolean;
}

function encode(options: readonly (readonly [number, Uint8Array])[]): Buffer {
  return Buffer.concat(options.map(([code, data]) => Buffer.concat([Buffer.from([code, data.length]), data])));
}

/** A server's message to `request`. */
export function reply(request: DhcpMessage, fields: ReplyFields): Buffer {
  const address = fields.address ?? "0.0.0.0";
  const server = fields.server ?? PEER_IP;
  const fixed = Buffer.alloc(240);
  fixed.set([2, 1, 6, 0]);
  fixed.writeUInt32BE(fields.transaction ?? request.transaction, 4);
  fixed.set(u32(ip(address)), 16);
  fixed.set(mac(fields.hardware ?? request.hardware), 28);
  fixed.writeUInt32BE(0x63825363, 236);
  const first: [number, Uint8Array][] = [[53, Buffer.from([fields.type])]];
  const rest: (readonly [number, Uint8Array])[] = [[54, u32(ip(server))], ...(fields.options ?? [])];
  if (fields.overload ?? false) {
    fixed.set(encode(rest), 108);
    fixed[108 + encode(rest).length] = 255;
    first.push([52, Buffer.from([1])]);
  } else {
    first.push(...(rest as [number, Uint8Array][]));
  }
  const message = Buffer.concat([fixed, encode(first), Buffer.from([255])]);
  const toBroadcast = fields.type === NAK || request.broadcast;
  const destination = toBroadcast
    ? "255.255.255.255"
    : request.clientAddress === "0.0.0.0"
      ? address
      : request.clientAddress;
  const link = toBroadcast ? "ff:ff:ff:ff:ff:ff" : "00:16:3e:00:00:01";
  return udpFrame({ sourcePort: 67, destinationPort: 68, source: server, destination }, message, link);
}

/** How the server behaves; every field may be changed while it runs. */
export class DhcpServer {
  address = "10.0.2.15";
  leaseSeconds = 3600;
  extra: (readonly [number, Uint8Array])[] = [];
  overload = false;
  /** Answers REQUESTs with NAK. */
  refuse = false;
  /** Number of messages that get lost on the way to the server. */
  lose = 0;
  silent = false;
  readonly seen: DhcpMessage[] = [];

  constructor(private readonly stack: Stack) {}

  private options(): (readonly [number, Uint8Array])[] {
    return [
      [51, u32(this.leaseSeconds)],
      [1, u32(ip("255.255.255.0"))],
      [3, u32(ip("10.0.2.2"))],
      [6, Buffer.concat([u32(ip("10.0.2.3")), u32(ip("10.0.2.4"))])],
      ...this.extra,
    ];
  }

  private answer(request: DhcpMessage): Buffer | null {
    const common = { address: this.address, options: this.options(), overload: this.overload };
    if (request.type === DISCOVER) return reply(request, { type: OFFER, ...common });
    if (request.type !== REQUEST) return null;
    return this.refuse ? reply(request, { type: NAK }) : reply(request, { type: ACK, ...common });
  }

  /** Answers everything that the stack has sent, and what it sends in turn. */
  serve(): void {
    for (let rounds = 0; rounds < 8; rounds++) {
      const requests = this.stack.take().flatMap((frame) => parseDhcp(frame) ?? []);
      if (requests.length === 0) return;
      for (const request of requests) this.handle(request);
    }
  }

  private handle(request: DhcpMessage): void {
    this.seen.push(request);
    if (this.silent) return;
    if (this.lose > 0) {
      this.lose -= 1;
      return;
    }
    const frame = this.answer(request);
    if (frame !== null) this.stack.input(frame);
  }

  /** Lets time pass in steps of `step` and serves after each. */
  run(nanoseconds: bigint, step = 250_000_000n): void {
    for (let done = 0n; done < nanoseconds; done += step) {
      this.stack.advance(step);
      this.serve();
    }
  }
}
