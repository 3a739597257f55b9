// A host in JavaScript on the fakes' hub: it answers ARP for its address, pings, and sends and collects UDP.
import type { Frame, Hub, Station } from "../../tools/fake-xen/hub.ts";
import type { World } from "../../tools/fake-xen/world.ts";
import {
  BROADCAST_MAC,
  PEER_MAC,
  arp,
  etherType,
  ethernet,
  icmp,
  ipv4Frame,
  parseArp,
  parseIpv4,
  parseUdp,
  udpFrame,
} from "../unit/net/frames.ts";

export const GUEST_MAC = "00:16:3e:00:00:01";
export const GUEST_IP = "10.0.0.2";
export const PEER_IP = "10.0.0.1";

const ARP = 0x0806;
const IPV4 = 0x0800;

export class Peer implements Station {
  /** Sequence numbers of the echo replies that have come. */
  readonly replies: number[] = [];
  /** Payloads of the UDP datagrams that have come. */
  readonly datagrams: Buffer[] = [];

  constructor(
    private readonly world: World,
    private readonly hub: Hub,
  ) {
    hub.join(this);
  }

  private send(bytes: Uint8Array): void {
    this.hub.send(this, { bytes, checksumBlank: false, gsoSize: 0 });
  }

  receive(frame: Frame): void {
    const bytes = Buffer.from(frame.bytes);
    if (etherType(bytes) === ARP) this.answer(bytes);
    if (etherType(bytes) !== IPV4) return;
    const packet = parseIpv4(bytes);
    if (packet.protocol === 1 && packet.payload[0] === 0) this.replies.push(packet.payload.readUInt16BE(6));
    if (packet.protocol === 17) this.datagrams.push(Buffer.from(parseUdp(bytes).data));
  }

  private answer(frame: Buffer): void {
    const asked = parseArp(frame);
    if (asked.operation !== 1 || asked.targetIp !== PEER_IP) return;
    const { senderMac, senderIp } = asked;
    const packet = { operation: 2, senderMac: PEER_MAC, senderIp: PEER_IP, targetMac: senderMac, targetIp: senderIp };
    this.send(ethernet(ARP, arp(packet), senderMac));
  }

  /** Tells everyone its address. */
  announce(): void {
    const packet = {
      operation: 1,
      senderMac: PEER_MAC,
      senderIp: PEER_IP,
      targetMac: BROADCAST_MAC,
      targetIp: PEER_IP,
    };
    this.send(ethernet(ARP, arp(packet), BROADCAST_MAC));
  }

  ping(sequence: number, size = 56): void {
    const message = icmp(8, 0, (0x4b59 << 16) | sequence, Buffer.alloc(size, sequence & 255));
    this.send(ipv4Frame({ source: PEER_IP, destination: GUEST_IP, protocol: 1 }, message, GUEST_MAC));
  }

  sendUdp(port: number, data: Uint8Array): void {
    const fields = { source: PEER_IP, destination: GUEST_IP, sourcePort: 4000, destinationPort: port };
    this.send(udpFrame(fields, data, GUEST_MAC));
  }

  /** Pings until an answer comes. @throws WorldStalled when none does within `limit` ns */
  awaitReply(limit = 10e9): void {
    const before = this.replies.length;
    let over = false;
    let sequence = 1;
    const again = (): void => {
      if (over) return;
      this.ping(sequence++);
      this.world.after(200_000_000, again);
    };
    again();
    try {
      this.world.runUntil(() => this.replies.length > before, limit);
    } finally {
      over = true;
    }
  }
}
