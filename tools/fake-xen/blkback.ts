// Blkback: the other end of blkfront, as Linux's driver behaves, on the real ring (xen/include/public/io/blkif.h). Requests are answered in any
// order, each after a time of its own, and it reads what is to be written at once or later: that must be whole when it is sent, and stay so.
// `mischief` lets tests play a back end that lies.
import { BackEnd } from "./back_end.ts";
import { BackRing } from "./back_ring.ts";
import type { Domain } from "./domain.ts";
import type { FakeDisk } from "./fake_disk.ts";
import { seededRandom } from "./world.ts";
import type { Xenstored } from "./xenstored.ts";

const OPERATION = { READ: 0, WRITE: 1, BARRIER: 2, FLUSH: 3 } as const;
const STATUS = { OKAY: 0, ERROR: -1, UNSUPPORTED: -2 } as const;
const RING_ENTRIES = 32;
const SLOT = 112;
const SEGMENTS = 24;
const SECTOR = 512;
const PAGE_SECTORS = 8;
const MOST_SEGMENTS = 11;
/** How long a request may take, ns. */
const LATENCY = 200_000;

export interface BlkbackSettings {
  readonly disk: FakeDisk;
  /** xvda if absent. */
  readonly device?: number;
  /** How the front end can have it keep what is written; "cache" if absent. */
  readonly flush?: "cache" | "barrier" | "none";
  readonly sectorSize?: number;
  readonly readOnly?: boolean;
  readonly backendDomain?: number;
  readonly seed?: number;
}

/** What a lying back end does at its next chance. */
export interface BlockMischief {
  /** Changes a response just before it is written. */
  respond?: (response: { id: bigint; status: number }) => void;
  /** What is asked is never answered. */
  silent?: boolean;
  /** Changes what the nodes of the back end say. */
  node?: (name: string, value: string) => string;
}

interface Request {
  readonly operation: number;
  readonly id: bigint;
  readonly sector: number;
  readonly segments: readonly Segment[];
  /** What is to be written, when the request was taken. */
  readonly written: readonly Buffer[];
}

interface Segment {
  readonly reference: number;
  readonly first: number;
  readonly last: number;
}

interface Connection {
  readonly ring: BackRing;
  readonly reference: number;
  readonly port: number;
  underWay: number;
}

export class Blkback extends BackEnd<Connection> {
  mischief: BlockMischief = {};
  readonly disk: FakeDisk;
  private readonly random: () => number;

  constructor(
    store: Xenstored,
    domain: Domain,
    private readonly settings: BlkbackSettings,
  ) {
    super(store, domain, { kind: "vbd", number: settings.device ?? 51712, backendDomain: settings.backendDomain });
    this.disk = settings.disk;
    this.random = seededRandom(settings.seed ?? 1);
  }

  protected offer(): void {
    // What it can do it tells when the front end is connected.
  }

  protected open(): Connection {
    const reference = this.frontNumber("ring-ref");
    const port = this.frontNumber("event-channel");
    const protocol = this.store.get(`${this.front}/protocol`);
    if (reference === undefined || port === undefined || protocol !== "x86_64-abi") {
      throw new Error("the front end did not write ring-ref, event-channel and protocol");
    }
    const { grants, events } = this.domain;
    const ring = new BackRing(grants.map(reference, this.backendDomain), SLOT, RING_ENTRIES);
    if (!events.bind(port, () => this.schedule())) throw new Error(`event channel ${port} cannot be bound`);
    this.tell();
    return { ring, reference, port, underWay: 0 };
  }

  protected opened(): void {
    this.schedule();
  }

  private tell(): void {
    const { flush = "cache", sectorSize = SECTOR, readOnly = false } = this.settings;
    const nodes = {
      sectors: this.disk.sectors,
      "sector-size": sectorSize,
      info: readOnly ? 4 : 0,
      "feature-flush-cache": flush === "cache" ? 1 : 0,
      "feature-barrier": flush === "barrier" ? 1 : 0,
      "feature-persistent": 1,
    };
    for (const [name, value] of Object.entries(nodes)) {
      this.store.tree.write(`${this.back}/${name}`, this.mischief.node?.(name, String(value)) ?? String(value));
    }
  }

  protected close(connection: Connection): void {
    this.domain.grants.unmap(connection.reference);
    this.domain.events.unbind(connection.port);
  }

  private schedule(): void {
    const connection = this.connection;
    const serve = (): void => {
      if (connection === undefined || connection !== this.connection || this.domain.shutdown !== undefined) return;
      this.serve(connection);
    };
    if (this.random() < 0.5) serve();
    else this.store.world.after(LATENCY / 10, serve);
  }

  /** Takes all requests; each is done some time later. */
  private serve(connection: Connection): void {
    const { ring } = connection;
    do {
      while (ring.requests > 0) {
        const request = this.take(ring);
        connection.underWay += 1;
        this.store.world.after(LATENCY * this.random(), () => {
          if (connection !== this.connection || this.domain.shutdown !== undefined) return;
          connection.underWay -= 1;
          this.answer(connection, request, this.perform(request));
        });
      }
    } while (!ring.finalCheck());
  }

  private take(ring: BackRing): Request {
    const { view, at } = ring.entry(ring.requestsConsumed++);
    const count = view.getUint8(at + 1);
    if (count > MOST_SEGMENTS) throw new Error(`a request with ${count} segments`);
    const operation = view.getUint8(at);
    const segments = Array.from({ length: count }, (_, index) => {
      const segment = at + SEGMENTS + index * 8;
      return {
        reference: view.getUint32(segment, true),
        first: view.getUint8(segment + 4),
        last: view.getUint8(segment + 5),
      };
    });
    return {
      operation,
      id: view.getBigUint64(at + 8, true),
      sector: Number(view.getBigUint64(at + 16, true)),
      segments,
      written: operation === OPERATION.WRITE ? segments.map((segment) => Buffer.from(this.bytes(segment, false))) : [],
    };
  }

  /** The guest's memory that a segment is. */
  private bytes({ reference, first, last }: Segment, writable: boolean): Uint8Array {
    if (first > last || last >= PAGE_SECTORS) throw new Error(`a segment of sectors ${first} to ${last}`);
    const page = this.domain.grants.page(reference, this.backendDomain, writable);
    return page.subarray(first * SECTOR, (last + 1) * SECTOR);
  }

  private perform({ operation, sector, segments, written }: Request): number {
    const { flush = "cache" } = this.settings;
    if (operation === OPERATION.FLUSH || operation === OPERATION.BARRIER) {
      if (flush !== (operation === OPERATION.FLUSH ? "cache" : "barrier")) return STATUS.UNSUPPORTED;
      return this.disk.flush() ? STATUS.OKAY : STATUS.ERROR;
    }
    if (operation !== OPERATION.READ && operation !== OPERATION.WRITE) return STATUS.UNSUPPORTED;
    if (segments.length === 0) return STATUS.ERROR;
    let at = sector;
    for (const [index, segment] of segments.entries()) {
      const sectors = segment.last - segment.first + 1;
      if (at + sectors > this.disk.sectors) return STATUS.ERROR;
      const bytes = this.bytes(segment, operation === OPERATION.READ);
      if (written[index]?.equals(bytes) === false) throw new Error(`sector ${at}: changed while it was being written`);
      const done = operation === OPERATION.READ ? this.disk.read(at, bytes) : this.disk.write(at, bytes);
      if (!done) return STATUS.ERROR;
      at += sectors;
    }
    return STATUS.OKAY;
  }

  private answer(connection: Connection, { id, operation }: Request, status: number): void {
    if (this.mischief.silent === true) return;
    const { ring, port } = connection;
    const response = { id, status };
    this.mischief.respond?.(response);
    const { view, at } = ring.entry(ring.responsesProduced++);
    view.setBigUint64(at, response.id, true);
    view.setUint8(at + 8, operation);
    view.setInt16(at + 10, response.status, true);
    if (ring.push()) this.domain.events.raise(port);
  }

  /** A lie: the index of responses says anything. */
  pushTo(index: number): void {
    if (this.connection === undefined) return;
    this.connection.ring.pushTo(index);
    this.domain.events.raise(this.connection.port);
  }
}
