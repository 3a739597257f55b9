// Learns which domains offer fork(): each says so by a node below its own home in xenstore, which is watched as long as the domain lives.
// Only these nodes are watched, not all of /local/domain: forkd has no part in what else the host's guests write there, and would be woken by all of it.
import type { Store } from "../xen/store.ts";

/** Where a domain offers fork(): the nodes below it are the offer. */
export function offerPath(domain: number): string {
  return `/local/domain/${domain}/data/fork`;
}

/** The node of an offer that a domain writes last. */
const LAST_NODE = "event-channel";

/** Watches for offers. */
export class Offers {
  readonly #watched = new Set<number>();
  /** Domains of which `offered` has been told, and whose port has not been read since. */
  readonly #unread = new Set<number>();

  /**
   * @param domains the numbers of all domains that there are
   * @param offered is called when a domain may have made an offer, or another one; not again before its port has been read
   */
  constructor(
    private readonly store: Pick<Store, "watch" | "unwatch" | "read">,
    private readonly domains: () => Iterable<number>,
    private readonly offered: (domain: number) => void,
  ) {}

  /** Hears of all domains that are there or come; returns when those that are there are watched. */
  async listen(): Promise<void> {
    await this.store.watch("@introduceDomain", () => void this.#look().catch(() => undefined)); // xenstored's end is told elsewhere
    await this.#look();
  }

  /** The event channel that a domain offers; undefined when it offers none. */
  async port(domain: number): Promise<number | undefined> {
    // xenstored tells of a change before it answers whoever asks after it: what was told until then is in the answer, and no later one is.
    const read = (): void => void this.#unread.delete(domain);
    const port = Number((await this.store.read(`${offerPath(domain)}/${LAST_NODE}`, read)) ?? NaN);
    return Number.isInteger(port) ? port : undefined;
  }

  /** Domains have gone: nothing is watched of them any more. */
  async dropGone(): Promise<void> {
    const there = new Set(this.domains());
    const gone = [...this.#watched].filter((domain) => !there.has(domain));
    for (const domain of gone) this.#watched.delete(domain);
    await Promise.all(gone.map((domain) => this.store.unwatch(`${offerPath(domain)}/${LAST_NODE}`)));
  }

  async #look(): Promise<void> {
    const come = [...this.domains()].filter((domain) => domain !== 0 && !this.#watched.has(domain));
    for (const domain of come) this.#watched.add(domain);
    // xenstored tells of the node once at the beginning, whether it is there or not.
    const watches = come.map((domain) =>
      this.store.watch(`${offerPath(domain)}/${LAST_NODE}`, () => this.#tell(domain)),
    );
    await Promise.all(watches);
  }

  /** A guest that offers time and again fills no queue. */
  #tell(domain: number): void {
    if (this.#unread.has(domain)) return;
    this.#unread.add(domain);
    this.offered(domain);
  }
}
