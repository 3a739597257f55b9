// What every back end does on xenbus (xen/include/public/io/xenbus.h): its nodes, the states of both ends, and its ways to go.
import type { Domain } from "./domain.ts";
import type { Xenstored } from "./xenstored.ts";

const STATE = { INITIALISING: 1, INIT_WAIT: 2, CONNECTED: 4, CLOSING: 5, CLOSED: 6 } as const;

/** Where a device is, and what the toolstack says of it to the front end. */
export interface Device {
  readonly kind: "vif" | "vbd";
  readonly number: number;
  /** The domain of the back end; 0 if absent. */
  readonly backendDomain: number | undefined;
  readonly frontNodes?: Readonly<Record<string, string | number>>;
}

/** A back end, which has a `Connection` while the front end is connected. */
export abstract class BackEnd<Connection> {
  readonly front: string;
  readonly back: string;
  readonly backendDomain: number;
  /** Rings that it has spoilt itself, and a connection that fails, are nothing to it; an honest one throws. */
  malicious = false;
  /** How often the front end has connected. */
  connections = 0;
  protected connection: Connection | undefined;
  private unwatch: (() => void) | undefined;

  constructor(
    protected readonly store: Xenstored,
    readonly domain: Domain,
    private readonly device: Device,
  ) {
    this.backendDomain = device.backendDomain ?? 0;
    this.front = `/local/domain/${domain.id}/device/${device.kind}/${device.number}`;
    this.back = `/local/domain/${this.backendDomain}/backend/${device.kind}/${domain.id}/${device.number}`;
  }

  /** Writes what the back end can, before the front end is asked. */
  protected abstract offer(): void;

  /** The front end is connected: makes `connection` of what it has written; undefined when that fails. Throws where an honest back end need not expect that. */
  protected abstract open(): Connection | undefined;

  /** Lets go of what a connection held. */
  protected abstract close(connection: Connection): void;

  /** The connection has begun, and the front end is told by the state. */
  protected abstract opened(): void;

  /** The toolstack's part: the device's directories. */
  plug(): void {
    const { front, back } = this;
    const write = (path: string, value: string | number) => this.store.tree.write(path, String(value));
    write(`${back}/frontend`, front);
    write(`${back}/frontend-id`, this.domain.id);
    write(`${back}/online`, 1);
    write(`${back}/state`, STATE.INITIALISING);
    for (const [name, value] of Object.entries(this.device.frontNodes ?? {})) write(`${front}/${name}`, value);
    write(`${front}/backend-id`, this.backendDomain);
    write(`${front}/state`, STATE.INITIALISING);
    write(`${front}/backend`, back);
    this.start();
  }

  /** The driver probes the device. */
  start(): void {
    this.offer();
    this.setState(STATE.INIT_WAIT);
    this.unwatch = this.store.watch(`${this.front}/state`, () => this.frontChanged());
  }

  /** The driver goes away without a word to the guest but its state (unbind, or the back end's domain crashed). */
  kill(): void {
    this.stopWatching();
    this.disconnect();
    this.setState(STATE.CLOSED);
  }

  /** xl network-detach or block-detach: the device goes offline and, once the front end has let go, disappears. */
  unplug(): void {
    this.store.tree.write(`${this.back}/online`, "0");
    this.setState(STATE.CLOSING);
  }

  /** The guest was suspended and its copy goes on elsewhere: this end is forgotten with everything it held. */
  abandon(): void {
    this.stopWatching();
    this.connection = undefined;
  }

  /** What the front end has written to `node`, as a number. */
  protected frontNumber(node: string): number | undefined {
    const value = this.store.get(`${this.front}/${node}`);
    return value === undefined ? undefined : Number(value);
  }

  protected disconnect(): void {
    const connection = this.connection;
    this.connection = undefined;
    if (connection !== undefined) this.close(connection);
  }

  private stopWatching(): void {
    this.unwatch?.();
    this.unwatch = undefined;
  }

  private setState(state: number): void {
    this.store.tree.write(`${this.back}/state`, String(state));
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

  private connect(): void {
    this.connection = this.open();
    if (this.connection === undefined) return;
    this.connections += 1;
    this.setState(STATE.CONNECTED);
    this.opened();
  }

  private removeNodes(): void {
    this.stopWatching();
    this.store.tree.remove(this.front);
    this.store.tree.remove(this.back);
  }
}
