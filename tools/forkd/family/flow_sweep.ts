// Removes from the kernel what it knows of connections that have ended. Their owners say nothing of their ends: that would cost every
// connection a message. They list them no more (flow_pages.ts), and what is not listed twice in a row has ended; once may be a new
// owner that has just been named.
import type { Family } from "./family.ts";
import type { ListedFlow } from "./flow_pages.ts";

const INTERVAL_MS = 30_000;

/** A connection whose owner the kernel knows by name. */
export interface NamedFlow {
  /** The same for the same connection. */
  readonly id: string;
  readonly pid: number;
}

/** What the kernel knows. */
export interface NamedFlows {
  of(family: Family): readonly NamedFlow[];
  /** As of() gives it for connections with named owners. */
  idOf(flow: ListedFlow): string;
  forget(family: Family, flows: readonly NamedFlow[]): void;
}

/** Forgets the owners of ended connections. */
export class FlowSweep {
  #suspects = new WeakMap<Family, Set<string>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly named: NamedFlows,
    /** Whether it is known what a member lists. */
    private readonly isKnown: (family: Family, pid: number) => boolean,
  ) {}

  /** Does it time and again; `work` gives the families of the moment, and may do more at the same times. */
  start(work: () => Iterable<Family>): void {
    this.#timer ??= setInterval(() => this.sweep(work()), INTERVAL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  sweep(families: Iterable<Family>): void {
    for (const family of families) this.#sweep(family);
  }

  #sweep(family: Family): void {
    const unlisted = this.named.of(family).filter(this.#isUnlisted(family));
    const before = this.#suspects.get(family) ?? new Set();
    const ended = unlisted.filter(({ id, pid }) => before.has(`${pid} ${id}`));
    this.#suspects.set(family, new Set(unlisted.map(({ id, pid }) => `${pid} ${id}`)));
    if (ended.length > 0) this.named.forget(family, ended);
  }

  #isUnlisted(family: Family): (flow: NamedFlow) => boolean {
    const lists = new Map<number, ReadonlySet<string>>();
    return ({ id, pid }) => {
      if (!this.isKnown(family, pid)) return false;
      const flows =
        lists.get(pid) ??
        new Set(
          family.members
            .get(pid)
            ?.flows?.owned()
            .map((flow) => this.named.idOf(flow)),
        );
      lists.set(pid, flows);
      return !flows.has(id);
    };
  }
}
