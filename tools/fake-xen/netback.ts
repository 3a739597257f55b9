// Netback: the other end of netfront, as Linux's driver behaves, on the real rings (xen/include/public/io/netif.h).
// `mischief` hooks let tests play a back end that lies.
import { ReceiveRing } from "./back_receive.ts";
import { BackEnd } from "./back_end.ts";
import type { BackRing, Mischief, RingOwner } from "./back_ring.ts";
import { TransmitRing, type HeldSlot } from "./back_transmit.ts";
import type { Domain } from "./domain.ts";
import type { Frame, Hub, Station } from "./hub.ts";
import type { Xenstored } from "./xenstored.ts";

/** How long the back end takes to notice a notification. */
const LATENCY = 5_000;
const QUEUE_LIMIT = 1000;

interface Connection {
  readonly tx: TransmitRing;
  readonly rx: ReceiveRing;
  readonly txRef: number;
  readonly rxRef: number;
  readonly txPort: number;
  readonly rxPort: number;
}

export interface NetbackSettings {
  readonly mac: string;
  readonly device?: number;
  readonly mtu?: number;
  readonly split?: boolean;
  readonly segmentation?: boolean;
  /** False: it refuses frames whose checksum is blank. */
  readonly checksums?: boolean;
  readonly backendDomain?: number;
}

export class Netback extends BackEnd<Connection> implements Station, RingOwner {
  mischief: Mischief = {};
  /** Frames passed to the hub, to the guest, and dropped for want of buffers; notifications of the guest, and of its own. */
  readonly counts = { transmitted: 0, received: 0, dropped: 0, notifications: 0, raised: 0 };
  private readonly queue: Frame[] = [];
  private scheduled = false;

  constructor(
    store: Xenstored,
    domain: Domain,
    private readonly hub: Hub,
    private readonly settings: NetbackSettings,
  ) {
    const { device: number = 0, backendDomain, mac, mtu } = settings;
    super(store, domain, {
      kind: "vif",
      number,
      backendDomain,
      frontNodes: mtu === undefined ? { mac } : { mtu, mac },
    });
  }

  // ---- xenbus ----

  protected offer(): void {
    const { tree } = this.store;
    const segmentation = this.settings.segmentation === false ? "0" : "1";
    for (const feature of ["sg", "gso-tcpv4", "gso-tcpv6"]) tree.write(`${this.back}/feature-${feature}`, segmentation);
    tree.write(`${this.back}/feature-ipv6-csum-offload`, "1");
    if (this.settings.checksums === false) tree.write(`${this.back}/feature-no-csum-offload`, "1");
    tree.write(`${this.back}/feature-rx-copy`, "1");
    if (this.settings.split !== false) tree.write(`${this.back}/feature-split-event-channels`, "1");
  }

  protected open(): Connection | undefined {
    const number = (node: string): number => {
      const value = this.frontNumber(node);
      if (value === undefined) throw new Error(`the front end did not write ${node}`);
      return value;
    };
    const split = this.frontNumber("event-channel-tx") !== undefined && this.settings.split !== false;
    const txPort = number(split ? "event-channel-tx" : "event-channel");
    const rxPort = split ? number("event-channel-rx") : txPort;
    if (number("request-rx-copy") !== 1) throw new Error("the front end does not want copies");
    const txRef = number("tx-ring-ref");
    const rxRef = number("rx-ring-ref");
    const { grants, events } = this.domain;
    const connection: Connection = {
      tx: new TransmitRing(this, grants.map(txRef, this.backendDomain)),
      rx: new ReceiveRing(this, grants.map(rxRef, this.backendDomain)),
      ...{ txRef, rxRef, txPort, rxPort },
    };
    for (const port of new Set([txPort, rxPort])) {
      if (events.bind(port, () => this.schedule())) continue;
      if (!this.malicious) throw new Error(`event channel ${port} cannot be bound`);
      this.close(connection);
      return undefined;
    }
    return connection;
  }

  protected opened(): void {
    this.hub.join(this);
    this.schedule();
  }

  protected close(connection: Connection): void {
    this.hub.leave(this);
    this.queue.length = 0;
    this.domain.grants.unmap(connection.txRef);
    this.domain.grants.unmap(connection.rxRef);
    this.domain.events.unbind(connection.txPort);
    this.domain.events.unbind(connection.rxPort);
  }

  override abandon(): void {
    super.abandon();
    this.hub.leave(this);
  }

  // ---- rings ----

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.store.world.after(LATENCY, () => {
      this.scheduled = false;
      const { connection } = this;
      if (connection === undefined || this.domain.shutdown !== undefined) return;
      this.counts.notifications += 1;
      if (!connection.tx.frozen) this.bear(connection.tx, () => this.serveTransmit(connection));
      if (!connection.rx.frozen) this.bear(connection.rx, () => this.serveReceive(connection));
    });
  }

  /** Does `work` on a ring; what a malicious back end finds in one where it has lied does not disturb it. */
  private bear(ring: BackRing, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!this.malicious) throw error;
      ring.frozen = true;
    }
  }

  private serveTransmit({ tx, txPort }: Connection): void {
    const wanted = tx.serve((frame) => {
      this.counts.transmitted += 1;
      this.hub.send(this, frame);
    });
    if (wanted) this.raise(txPort);
  }

  private serveReceive({ rx, rxPort }: Connection): void {
    const before = this.queue.length;
    const wanted = rx.serve(this.queue);
    this.counts.received += before - this.queue.length;
    if (wanted) this.raise(rxPort);
  }

  private raise(port: number): void {
    this.counts.raised += 1;
    this.domain.events.raise(port);
  }

  /** The guest's page behind a grant, for the rings. */
  page(reference: number, write: boolean): Uint8Array {
    return this.domain.grants.page(reference, this.backendDomain, write);
  }

  receive(frame: Frame): void {
    if (this.queue.length >= QUEUE_LIMIT) {
      this.counts.dropped += 1;
      return;
    }
    this.queue.push(frame);
    this.schedule();
  }

  // ---- a slow interface ----

  /** From now on takes frames and does not answer them; what they refer to. */
  holdTransmitted(): readonly HeldSlot[] {
    this.present.tx.holding = true;
    return this.present.tx.held;
  }

  /** Answers them all. */
  answerTransmitted(): void {
    const { tx, txPort } = this.present;
    if (tx.answerHeld()) this.domain.events.raise(txPort);
  }

  // ---- lies ----

  private get present(): Connection {
    if (this.connection === undefined) throw new Error("not connected");
    return this.connection;
  }

  /** Claims `count` receive responses that nobody asked for. */
  claimResponses(count: number): void {
    const { rx, rxPort } = this.present;
    rx.frozen = true;
    rx.responsesProduced += count;
    rx.push();
    this.domain.events.raise(rxPort);
  }

  /** Answers with a frame whose extra info does not end. */
  sendEndlessExtraInfo(): void {
    this.present.rx.giveEndlessExtraInfo();
    this.claimResponses(0);
  }

  /** Sets the index of transmit responses to any value. */
  claimTransmitted(index: number): void {
    const { tx, txPort } = this.present;
    tx.frozen = true;
    tx.pushTo(index);
    this.domain.events.raise(txPort);
  }

  /** Answers the last `count` transmit requests a second time. */
  answerTwice(count: number): void {
    const { tx, txPort } = this.present;
    tx.answerAgain(count);
    tx.push();
    this.domain.events.raise(txPort);
  }

  /** Writes rubbish over one of the rings. */
  scribble(random: () => number): void {
    const { tx, rx, txPort, rxPort } = this.present;
    (random() & 1 ? tx : rx).scribble(random);
    this.domain.events.raise(txPort);
    this.domain.events.raise(rxPort);
  }

  /** Raises events without a reason. */
  raiseEvents(count: number): void {
    const { txPort, rxPort } = this.present;
    for (let i = 0; i < count; i++) this.domain.events.raise(i % 2 === 0 ? rxPort : txPort);
  }

  /** Writes anything to a node of its own in xenstore. */
  claim(node: string, value: string): void {
    this.store.tree.write(`${this.back}/${node}`, value);
  }

  /** Whether the rings are in use. */
  get connected(): boolean {
    return this.connection !== undefined;
  }
}
