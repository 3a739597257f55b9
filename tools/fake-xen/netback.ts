// Netback: the other end of netfront, as Linux's driver behaves, on the real rings (xen/include/public/io/netif.h).
// `mischief` hooks let tests play a back end that lies.
import { ReceiveRing } from "./back_receive.ts";
import type { BackRing, Mischief, RingOwner } from "./back_ring.ts";
import { TransmitRing, type HeldSlot } from "./back_transmit.ts";
import type { Domain } from "./domain.ts";
import type { Frame, Hub, Station } from "./hub.ts";
import type { Xenstored } from "./xenstored.ts";

const STATE = { INITIALISING: 1, INIT_WAIT: 2, CONNECTED: 4, CLOSING: 5, CLOSED: 6 } as const;
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

export class Netback implements Station, RingOwner {
  readonly front: string;
  readonly back: string;
  mischief: Mischief = {};
  /** Rings that it has spoilt itself, and a connection that fails, are nothing to it; an honest one throws. */
  malicious = false;
  /** Frames passed to the hub, to the guest, and dropped for want of buffers; notifications of the guest, and of its own. */
  readonly counts = { transmitted: 0, received: 0, dropped: 0, notifications: 0, raised: 0 };
  /** How often the front end has connected. */
  connections = 0;
  private connection: Connection | undefined;
  private readonly queue: Frame[] = [];
  private scheduled = false;
  private unwatch: (() => void) | undefined;

  constructor(
    private readonly store: Xenstored,
    readonly domain: Domain,
    private readonly hub: Hub,
    private readonly settings: NetbackSettings,
  ) {
    const device = settings.device ?? 0;
    this.front = `/local/domain/${domain.id}/device/vif/${device}`;
    this.back = `/local/domain/${this.backendDomain}/backend/vif/${domain.id}/${device}`;
  }

  get backendDomain(): number {
    return this.settings.backendDomain ?? 0;
  }

  // ---- xenbus ----

  /** The toolstack's part: the device's directories. */
  plug(): void {
    const { tree } = this.store;
    const write = (path: string, value: string | number) => tree.write(path, String(value));
    write(`${this.back}/frontend`, this.front);
    write(`${this.back}/frontend-id`, this.domain.id);
    write(`${this.back}/online`, 1);
    write(`${this.back}/state`, STATE.INITIALISING);
    if (this.settings.mtu !== undefined) write(`${this.front}/mtu`, this.settings.mtu);
    write(`${this.front}/backend-id`, this.backendDomain);
    write(`${this.front}/mac`, this.settings.mac);
    write(`${this.front}/state`, STATE.INITIALISING);
    write(`${this.front}/backend`, this.back);
    this.start();
  }

  /** The driver probes the device. */
  start(): void {
    const { tree } = this.store;
    const segmentation = this.settings.segmentation === false ? "0" : "1";
    for (const feature of ["sg", "gso-tcpv4", "gso-tcpv6"]) tree.write(`${this.back}/feature-${feature}`, segmentation);
    tree.write(`${this.back}/feature-ipv6-csum-offload`, "1");
    if (this.settings.checksums === false) tree.write(`${this.back}/feature-no-csum-offload`, "1");
    tree.write(`${this.back}/feature-rx-copy`, "1");
    if (this.settings.split !== false) tree.write(`${this.back}/feature-split-event-channels`, "1");
    this.setState(STATE.INIT_WAIT);
    this.unwatch = this.store.watch(`${this.front}/state`, () => this.frontChanged());
  }

  /** The driver goes away without a word to the guest but its state (unbind, or the back end's domain crashed). */
  kill(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    this.disconnect();
    this.setState(STATE.CLOSED);
  }

  /** xl network-detach: the device goes offline and, once the front end has let go, disappears. */
  unplug(): void {
    this.store.tree.write(`${this.back}/online`, "0");
    this.setState(STATE.CLOSING);
  }

  private setState(state: number): void {
    this.store.tree.write(`${this.back}/state`, String(state));
  }

  private frontNumber(node: string): number | undefined {
    const value = this.store.get(`${this.front}/${node}`);
    return value === undefined ? undefined : Number(value);
  }

  private frontChanged(): void {
    if (this.unwatch === undefined) return;
    const state = this.frontNumber("state");
    const own = Number(this.store.get(`${this.back}/state`));
    if (state === STATE.INITIALISING) {
      if (own === STATE.CLOSED) this.setState(STATE.INIT_WAIT);
    } else if (state === STATE.CONNECTED) {
      if (this.connection === undefined) this.connect();
    } else if (state === STATE.CLOSED || state === STATE.CLOSING || state === undefined) {
      this.disconnect();
      if (own !== STATE.CLOSED) this.setState(STATE.CLOSED);
      if (this.store.get(`${this.back}/online`) === "0") this.removeNodes();
    }
  }

  private removeNodes(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    this.hub.leave(this);
    this.store.tree.remove(this.front);
    this.store.tree.remove(this.back);
  }

  private connect(): void {
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
    this.connection = {
      tx: new TransmitRing(this, grants.map(txRef, this.backendDomain)),
      rx: new ReceiveRing(this, grants.map(rxRef, this.backendDomain)),
      ...{ txRef, rxRef, txPort, rxPort },
    };
    for (const port of new Set([txPort, rxPort])) {
      if (events.bind(port, () => this.schedule())) continue;
      if (!this.malicious) throw new Error(`event channel ${port} cannot be bound`);
      return this.disconnect();
    }
    this.connections += 1;
    this.hub.join(this);
    this.setState(STATE.CONNECTED);
    this.schedule();
  }

  private disconnect(): void {
    const connection = this.connection;
    if (connection === undefined) return;
    this.connection = undefined;
    this.hub.leave(this);
    this.queue.length = 0;
    this.domain.grants.unmap(connection.txRef);
    this.domain.grants.unmap(connection.rxRef);
    this.domain.events.unbind(connection.txPort);
    this.domain.events.unbind(connection.rxPort);
  }

  /** The guest was suspended and its copy goes on elsewhere: this end is forgotten with everything it held. */
  abandon(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    this.connection = undefined;
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
