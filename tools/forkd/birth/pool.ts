// The pool: shells that stand ready for the next forks of a parent, refilled in the background. The parent's descriptor tells how many there
// are: a guest forks when there is one, and asks for one before when there is none.
import { describeError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import type { Family, Member } from "../family/family.ts";
import { changedPages } from "./fill.ts";
import type { Limits } from "../family/limits.ts";
import type { ReadyShell, ShellMaker } from "./shell_maker.ts";
import type { XenControl } from "../xen/control.ts";

/** A parent may ask for its first fork this long (ms) after its offer without finding a shell: it is still starting. */
const FIRST_FILL_DELAY_MS = 300;

/** A shell and what has changed since it was made. */
export interface Taken {
  readonly shell: ReadyShell;
  readonly changed: ReadonlySet<number>;
}

/** How shells are kept. */
export interface PoolPolicy {
  /** How many a parent has ready. */
  readonly size: number;
  /** Whether they share the parent's memory. */
  readonly shares: boolean;
}

/** The shells of all parents. */
export class Pool {
  readonly #shells = new Map<Member, ReadyShell[]>();
  readonly #timers = new Map<Member, NodeJS.Timeout>();
  /** Parents that are being supplied now, and the shell that is being made for one. */
  readonly #filling = new Map<Member, Promise<void>>();
  readonly #making = new Map<Member, Promise<ReadyShell>>();

  constructor(
    private readonly control: XenControl,
    private readonly maker: ShellMaker,
    private readonly limits: Limits<Family>,
    private readonly log: Log,
    private readonly policy: PoolPolicy,
  ) {}

  /** Whether a shell stands ready or is being made, so that a fork needs no more memory. */
  supplies(parent: Member): boolean {
    return (this.#shells.get(parent)?.length ?? 0) > 0 || this.#making.has(parent);
  }

  /** A shell that fits the parent as it is now, and what has changed since it was made; undefined when there is none. */
  async take(parent: Member): Promise<Taken | undefined> {
    const shells = this.#shells.get(parent) ?? [];
    for (let shell = shells.shift(); shell !== undefined; shell = shells.shift()) {
      this.#tell(parent);
      const changed = changedPages(shell, parent.descriptor);
      if (changed !== undefined) return { shell, changed };
      await this.#throwAway(parent, shell);
    }
    return undefined;
  }

  /** Like take(), but waits for a shell that is being made. */
  async takeNext(parent: Member): Promise<Taken | undefined> {
    await this.#making.get(parent)?.catch(() => undefined);
    return parent.ending ? undefined : this.take(parent);
  }

  /** Memory of a family's shells, those included that are being made; in pages. */
  pagesOf(family: Family): number {
    const ready = [...this.#shells].flatMap(([parent, shells]) => (parent.family === family ? shells : []));
    return ready.reduce((sum, { ownPages }) => sum + ownPages, this.maker.promisedTo(family));
  }

  /** Removes shells whose domains somebody has destroyed, and makes others. */
  async dropDestroyed(): Promise<void> {
    for (const [parent, shells] of this.#shells) {
      const destroyed = shells.filter(({ domain, uuid }) => {
        const info = this.control.info(domain);
        return info?.uuid !== uuid || info.dying;
      });
      if (destroyed.length === 0) continue;
      shells.splice(0, shells.length, ...shells.filter((shell) => !destroyed.includes(shell)));
      this.#tell(parent);
      for (const shell of destroyed) await this.maker.discard(parent, shell);
      this.refill(parent);
    }
  }

  /** Sees to it that a parent has its shells, now or, while it may still be starting, a little later. */
  refill(parent: Member, isNew = false): void {
    if (this.policy.size === 0 || this.#timers.has(parent)) return;
    this.#timers.set(
      parent,
      setTimeout(() => this.#refillNow(parent), isNew ? FIRST_FILL_DELAY_MS : 0),
    );
  }

  /** A parent is about to fork: sees to it that a shell which fits it stands ready; returns when one does, or cannot be had. */
  async supply(parent: Member): Promise<void> {
    if (this.policy.size === 0 || !this.limits.hasPlace(parent.family)) return;
    const shells = this.#shells.get(parent) ?? [];
    const unfit = shells.filter((shell) => changedPages(shell, parent.descriptor) === undefined);
    if (unfit.length < shells.length || (unfit.length > 0 && !this.limits.mayReplace(parent.family))) return;
    shells.length = 0;
    this.#tell(parent);
    // The last first, and none is made before: so the next one gets the number that nobody has had.
    for (const shell of unfit.reverse()) await this.#throwAway(parent, shell);
    this.#refillNow(parent);
    await this.#making.get(parent)?.catch(() => undefined);
  }

  /** Removes a shell that does not fit, and gives its pid back. */
  async #throwAway(parent: Member, shell: ReadyShell): Promise<void> {
    await this.maker.discard(parent, shell);
    parent.family.giveBack(shell.pid);
  }

  #refillNow(parent: Member): void {
    clearTimeout(this.#timers.get(parent));
    this.#timers.delete(parent);
    if (this.#filling.has(parent)) return;
    const filling = this.#fill(parent)
      .catch((error: unknown) => this.log(`no shell for ${parent.name}: ${describeError(error)}`))
      .finally(() => this.#filling.delete(parent));
    this.#filling.set(parent, filling);
  }

  async #fill(parent: Member): Promise<void> {
    const shells = this.#shells.get(parent) ?? [];
    this.#shells.set(parent, shells);
    while (
      shells.length < this.policy.size &&
      !parent.ending &&
      this.limits.room(parent.family, this.maker.pagesFor(parent, this.policy.shares)) === 0
    ) {
      try {
        const making = this.maker.make(parent, this.policy.shares);
        this.#making.set(parent, making);
        const shell = await making;
        if (parent.ending || this.#shells.get(parent) !== shells) return await this.maker.discard(parent, shell);
        shells.push(shell);
        this.#tell(parent);
      } catch (error) {
        return this.log(`no shell for ${parent.name}: ${describeError(error)}`);
      } finally {
        this.#making.delete(parent);
      }
    }
  }

  /** A parent has ended, or is no longer served: its shells go. */
  async drop(parent: Member): Promise<void> {
    clearTimeout(this.#timers.get(parent));
    this.#timers.delete(parent);
    const shells = this.#shells.get(parent) ?? [];
    this.#shells.delete(parent);
    await this.#filling.get(parent);
    this.#tell(parent);
    this.maker.forget(parent);
    for (const shell of shells) await this.maker.discard(parent, shell);
  }

  /** Tells a parent what stands ready for it. */
  #tell(parent: Member): void {
    const shells = this.#shells.get(parent) ?? [];
    const last = shells.at(-1);
    parent.descriptor.setShells(shells.length, last?.order.changes ?? { layout: 0, pages: 0 });
  }
}
