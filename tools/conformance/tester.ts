// The tester as a host on the bridge: it has a MAC and an IPv4 address, answers ARP, and otherwise sends only what a case says.
import { setTimeout as sleep } from "node:timers/promises";
import { KaryonError } from "../support/errors.ts";
import { decodeIcmp, ECHO_REPLY, ECHO_REQUEST, encodeIcmp, type IcmpMessage } from "./packets/icmp.ts";
import {
  decodeArp,
  decodeIpv4,
  DONT_FRAGMENT,
  encodeArp,
  encodeIpv4,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  type Ipv4Packet,
} from "./packets/ipv4.ts";
import { decodeSegment, type Segment } from "./packets/tcp.ts";
import type { Link } from "./relay/link.ts";

export const TESTER_ADDRESS = "10.0.2.77";
const MAC = Buffer.from([0x02, 0, 0, 0, 0, 0x77]);
const BROADCAST = Buffer.alloc(6, 0xff);
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
/** For anything that ought to come: long, because machines are busy. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 2;
const FIRST_PORT = 20_000;

/** A segment that has arrived. */
export interface Arrival {
  readonly segment: Segment;
  readonly packet: Ipv4Packet;
  /** Of performance.now(). */
  readonly at: number;
}

/** What a case may say of a packet; the rest is as it should be. */
export type PacketFields = Partial<Ipv4Packet> & Pick<Ipv4Packet, "protocol" | "payload">;

/** The tester's host. */
export class Tester {
  #subjectMac: Buffer | undefined;
  readonly #arrived = new Map<number, Arrival[]>();
  readonly #messages: IcmpMessage[] = [];
  #port = FIRST_PORT;
  #identification = 0;
  #echo = 0;

  private constructor(
    private readonly link: Link,
    readonly subjectAddress: string,
  ) {
    link.onFrame((frame) => this.#take(frame));
  }

  /** The host, once it knows the subject's MAC address. */
  static async open(link: Link, subjectAddress: string): Promise<Tester> {
    const tester = new Tester(link, subjectAddress);
    const question = { operation: ARP_REQUEST, senderMac: MAC, sender: TESTER_ADDRESS, target: subjectAddress };
    await tester.until("an answer to ARP", async () => {
      if (tester.#subjectMac === undefined) await link.send(encodeArp(question, BROADCAST));
      return tester.#subjectMac;
    });
    return tester;
  }

  /** A port of ours that no case has used. */
  newPort(): number {
    this.#port += 1;
    this.#arrived.set(this.#port, []);
    return this.#port;
  }

  /** The segments that have come to a port of ours and that nobody has taken. */
  arrivals(port: number): Arrival[] {
    return this.#arrived.get(port) ?? [];
  }

  /** Sends a packet, as a frame for the subject unless the case says otherwise. */
  async send(fields: PacketFields, wrong?: (frame: Buffer) => void): Promise<void> {
    await this.link.send(this.#frame(fields, wrong));
  }

  #frame(fields: PacketFields, wrong?: (frame: Buffer) => void): Buffer {
    this.#identification = (this.#identification + 1) & 0xffff;
    const packet: Ipv4Packet = {
      destinationMac: this.#subjectMac ?? BROADCAST,
      sourceMac: MAC,
      source: TESTER_ADDRESS,
      destination: this.subjectAddress,
      typeOfService: 0,
      timeToLive: 64,
      identification: this.#identification,
      fragment: DONT_FRAGMENT,
      options: Buffer.alloc(0),
      ...fields,
    };
    return encodeIpv4(packet, wrong);
  }

  /** Waits until the subject has handled everything that was sent before: it answers an echo request behind that. */
  async fence(): Promise<void> {
    this.#echo += 1;
    const word = 0x7e570000 + (this.#echo & 0xffff);
    const payload = encodeIcmp({ type: ECHO_REQUEST, code: 0, word, data: Buffer.from("fence") });
    await this.send({ protocol: PROTOCOL_ICMP, payload });
    await this.message(({ type, word: answered }) => type === ECHO_REPLY && answered === word);
  }

  /** The next ICMP message that `wanted` says yes to; others before it are forgotten. */
  message(wanted: (message: IcmpMessage) => boolean): Promise<IcmpMessage> {
    return this.until("an ICMP message", () => {
      for (let message = this.#messages.shift(); message !== undefined; message = this.#messages.shift()) {
        if (wanted(message)) return message;
      }
      return undefined;
    });
  }

  /** Waits for what `look` finds; @throws KaryonError CONFORMANCE when it finds nothing in time. */
  async until<T>(
    what: string,
    look: () => T | undefined | Promise<T | undefined>,
    milliseconds = PATIENCE_MS,
  ): Promise<T> {
    for (const end = performance.now() + milliseconds; ;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > end) throw new KaryonError("CONFORMANCE", `${what} does not come`);
      await sleep(LOOK_MS);
    }
  }

  #take(frame: Buffer): void {
    const arp = decodeArp(frame);
    if (arp !== undefined) return this.#answerArp(arp.operation, arp.senderMac, arp.sender, arp.target);
    const packet = decodeIpv4(frame);
    if (packet?.destination !== TESTER_ADDRESS || packet.source !== this.subjectAddress) return;
    if (packet.protocol === PROTOCOL_ICMP) {
      const message = decodeIcmp(packet.payload);
      if (message !== undefined) this.#messages.push(message);
    } else if (packet.protocol === PROTOCOL_TCP) {
      const segment = decodeSegment(packet.payload, packet.source, packet.destination);
      if (segment === undefined) return;
      this.#arrived.get(segment.destinationPort)?.push({ segment, packet, at: performance.now() });
    }
  }

  #answerArp(operation: number, senderMac: Buffer, sender: string, target: string): void {
    if (sender === this.subjectAddress) this.#subjectMac = Buffer.from(senderMac);
    if (operation !== ARP_REQUEST || target !== TESTER_ADDRESS) return;
    const answer = { operation: ARP_REPLY, senderMac: MAC, sender: TESTER_ADDRESS, target: sender };
    void this.link.send(encodeArp(answer, Buffer.from(senderMac)));
  }
}
