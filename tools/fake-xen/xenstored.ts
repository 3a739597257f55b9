// xenstored: the database, the connections of domains over their rings, and watches, of domains and of dom0's own.
import type { Domain } from "./domain.ts";
import { StoreError, StoreTree } from "./store_tree.ts";
import type { World } from "./world.ts";

const XS = {
  ...{ DIRECTORY: 1, READ: 2, WATCH: 4, UNWATCH: 5, TRANSACTION_START: 6, TRANSACTION_END: 7 },
  ...{ WRITE: 11, MKDIR: 12, RM: 13, WATCH_EVENT: 15, ERROR: 16 },
} as const;

const RING_SIZE = 1024;
const REQ_CONS = 2048;
const REQ_PROD = 2052;
const RSP_CONS = 2056;
const RSP_PROD = 2060;
const SERVER_FEATURES = 2064;
const CONNECTION = 2068;
const HEADER = 16;
const PAYLOAD_MAX = 4096;
/** How long the daemon takes to notice a notification. */
const LATENCY = 20_000;

/** Whether an event on `changed` concerns a watch on `watched`. */
function concerns(watched: string, changed: string): boolean {
  return (
    changed === watched || watched === "/" || changed.startsWith(`${watched}/`) || watched.startsWith(`${changed}/`)
  );
}

/** One domain's connection. */
export class StoreConnection {
  private input = Buffer.alloc(0);
  private output = Buffer.alloc(0);
  readonly watches: { readonly path: string; readonly absolute: string; readonly token: string }[] = [];
  private scheduled = false;
  private live = true;
  /** Requests served, by type. */
  readonly served = new Map<number, number>();
  /** While true, requests are read but nothing happens: a store that hangs. */
  silent = false;

  constructor(
    private readonly daemon: Xenstored,
    readonly domain: Domain,
  ) {
    domain.events.bind(domain.ports.store, () => this.schedule());
    this.schedule();
  }

  /** Advertises features (xs_wire.h) to the domain. */
  advertise(features: number): void {
    this.domain.memory.setU32(this.page + SERVER_FEATURES, features);
  }

  close(): void {
    this.live = false;
    this.watches.length = 0;
  }

  private get page(): number {
    return this.domain.layout.store;
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.daemon.world.after(LATENCY, () => {
      this.scheduled = false;
      if (this.live && this.domain.shutdown === undefined) this.serve();
    });
  }

  private serve(): void {
    const { memory } = this.domain;
    if (memory.u32(this.page + CONNECTION) === 1) this.reconnect();
    const produced = memory.u32(this.page + REQ_PROD);
    let consumed = memory.u32(this.page + REQ_CONS);
    const count = (produced - consumed) >>> 0;
    if (count > RING_SIZE) throw new Error("the domain's request indices are impossible");
    if (count > 0) {
      const bytes = Buffer.alloc(count);
      for (let i = 0; i < count; i++, consumed = (consumed + 1) >>> 0) {
        bytes[i] = memory.bytes[this.page + (consumed & (RING_SIZE - 1))] ?? 0;
      }
      memory.setU32(this.page + REQ_CONS, consumed);
      this.input = Buffer.concat([this.input, bytes]);
    }
    this.requests();
    this.flush();
    if (count > 0) this.notify();
  }

  private reconnect(): void {
    const { memory } = this.domain;
    this.input = Buffer.alloc(0);
    this.output = Buffer.alloc(0);
    this.watches.length = 0;
    for (const index of [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD]) memory.setU32(this.page + index, 0);
    memory.setU32(this.page + CONNECTION, 0);
    this.notify();
  }

  private notify(): void {
    this.domain.events.raise(this.domain.ports.store);
  }

  private requests(): void {
    while (!this.silent && this.input.length >= HEADER) {
      const length = this.input.readUInt32LE(12);
      if (length > PAYLOAD_MAX) throw new Error("the domain sent a payload that is too long");
      if (this.input.length < HEADER + length) return;
      const header = this.input.subarray(0, HEADER);
      const payload = this.input.subarray(HEADER, HEADER + length).toString("latin1");
      this.input = this.input.subarray(HEADER + length);
      this.request(header.readUInt32LE(0), header.readUInt32LE(4), header.readUInt32LE(8), payload);
    }
  }

  private request(type: number, id: number, transaction: number, payload: string): void {
    this.served.set(type, (this.served.get(type) ?? 0) + 1);
    try {
      const reply = this.perform(type, transaction, payload);
      this.send(type, id, transaction, reply);
      if (type === XS.WATCH) {
        const watch = this.watches.at(-1);
        if (watch !== undefined) this.send(XS.WATCH_EVENT, 0, 0, `${watch.path}\0${watch.token}\0`);
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.send(XS.ERROR, id, transaction, `${error.message}\0`);
    }
  }

  private absolute(path: string): string {
    return path.startsWith("/") || path.startsWith("@") ? path : `/local/domain/${this.domain.id}/${path}`;
  }

  private perform(type: number, transaction: number, payload: string): string {
    const [first = "", second = ""] = payload.split("\0");
    const path = this.absolute(first);
    const { tree } = this.daemon;
    switch (type) {
      case XS.READ:
        return tree.read(path, transaction);
      case XS.DIRECTORY:
        return tree
          .directory(path, transaction)
          .map((name) => `${name}\0`)
          .join("");
      case XS.WRITE:
        tree.write(path, payload.slice(first.length + 1), transaction);
        return "OK\0";
      case XS.MKDIR:
        if (!tree.exists(path, transaction)) tree.write(path, "", transaction);
        return "OK\0";
      case XS.RM:
        tree.remove(path, transaction);
        return "OK\0";
      case XS.TRANSACTION_START:
        return `${tree.begin()}\0`;
      case XS.TRANSACTION_END:
        tree.end(transaction, first === "T");
        return "OK\0";
      case XS.WATCH:
        if (this.watches.some((watch) => watch.path === first && watch.token === second))
          throw new StoreError("EEXIST");
        this.watches.push({ path: first, absolute: path, token: second });
        return "OK\0";
      case XS.UNWATCH: {
        const index = this.watches.findIndex((watch) => watch.path === first && watch.token === second);
        if (index < 0) throw new StoreError("ENOENT");
        this.watches.splice(index, 1);
        return "OK\0";
      }
      default:
        throw new StoreError("ENOSYS");
    }
  }

  /** Tells the domain of a change. */
  event(changed: string): void {
    for (const watch of this.watches) {
      if (!concerns(watch.absolute, changed)) continue;
      const below = changed.startsWith(watch.absolute) ? changed.slice(watch.absolute.length) : "";
      this.send(XS.WATCH_EVENT, 0, 0, `${watch.path}${below}\0${watch.token}\0`);
    }
    this.schedule();
  }

  /** Queues a message, of which nothing need make sense: tests use it to play a broken daemon. */
  send(type: number, id: number, transaction: number, payload: string): void {
    const body = Buffer.from(payload, "latin1");
    const header = Buffer.alloc(HEADER);
    [type, id, transaction, body.length].forEach((value, i) => header.writeUInt32LE(value >>> 0, i * 4));
    this.sendRaw(Buffer.concat([header, body]));
  }

  sendRaw(bytes: Buffer): void {
    this.output = Buffer.concat([this.output, bytes]);
    this.schedule();
  }

  private flush(): void {
    const { memory } = this.domain;
    let produced = memory.u32(this.page + RSP_PROD);
    const room = RING_SIZE - ((produced - memory.u32(this.page + RSP_CONS)) >>> 0);
    const count = Math.min(room, this.output.length);
    for (let i = 0; i < count; i++, produced = (produced + 1) >>> 0) {
      memory.bytes[this.page + 1024 + (produced & (RING_SIZE - 1))] = this.output[i] ?? 0;
    }
    this.output = this.output.subarray(count);
    memory.setU32(this.page + RSP_PROD, produced);
    if (count > 0) this.notify();
  }
}

/** The daemon. */
export class Xenstored {
  readonly tree: StoreTree;
  private readonly connections = new Set<StoreConnection>();
  private readonly watches: { readonly path: string; readonly action: () => void }[] = [];

  constructor(readonly world: World) {
    this.tree = new StoreTree((path) => this.changed(path));
  }

  private changed(path: string): void {
    for (const connection of this.connections) connection.event(path);
    for (const watch of this.watches) if (concerns(watch.path, path)) this.world.after(LATENCY, watch.action);
  }

  /** Introduces a domain, or a restored one. */
  introduce(domain: Domain): StoreConnection {
    const connection = new StoreConnection(this, domain);
    this.connections.add(connection);
    return connection;
  }

  release(connection: StoreConnection): void {
    connection.close();
    this.connections.delete(connection);
  }

  /** A watch of dom0's own: `action` happens some time after each change, and once at first. */
  watch(path: string, action: () => void): () => void {
    const watch = { path, action };
    this.watches.push(watch);
    this.world.after(LATENCY, action);
    return () => void this.watches.splice(this.watches.indexOf(watch), 1);
  }

  /** A node's value, or undefined. */
  get(path: string): string | undefined {
    return this.tree.exists(path) ? this.tree.read(path) : undefined;
  }
}
