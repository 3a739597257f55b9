// Who may fork how often: limits of a family, which the administrator writes into the guest's command line, and limits of
// the host, which forkd is started with. Nothing here reaches outside: what is used is told by a HostView.
import { KaryonError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import { commandLineOption } from "./command_line.ts";

const EAGAIN = 11;
const ENOMEM = 12;
const PAGE_SIZE = 4096;
const UNITS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 };
/** A family that is refused time and again says so once in this many seconds. */
const QUIET_SECONDS = 10;

/** What a family may have; Infinity where nothing is said. */
export interface FamilyLimits {
  /** Processes besides the first. */
  readonly children: number;
  /** Memory of all its domains together, in pages. */
  readonly pages: number;
  readonly forksPerSecond: number;
}

/** Of a family whose limits are not known. */
export const NO_CHILDREN: FamilyLimits = { children: 0, pages: Infinity, forksPerSecond: Infinity };

/** What all families of a host may have together. */
export interface HostLimits {
  readonly children: number;
  /** Memory of the host that forks leave free, in pages. */
  readonly leastFreePages: number;
  readonly forksPerSecond: number;
}

/** What the limits need to know of a family. */
export interface LimitedFamily {
  readonly name: string;
  readonly limits: FamilyLimits;
  /** Processes besides the first, those that are being made included. */
  readonly children: number;
}

/** What is used at this moment. */
export interface HostView<F extends LimitedFamily> {
  families(): Iterable<F>;
  /** Memory of a family's domains, in pages. */
  pagesOf(family: F): number;
  freePages(): number;
  /** Time in seconds; never goes back. */
  now(): number;
}

/** Tells of every fork whether it may be. */
export class Limits<F extends LimitedFamily> {
  readonly #rates = new WeakMap<object, Rate>();
  readonly #replacements = new WeakMap<F, Rate>();
  readonly #lastSaid = new WeakMap<F, number>();

  constructor(
    private readonly host: HostLimits,
    private readonly view: HostView<F>,
    private readonly log: Log,
  ) {}

  /**
   * Whether `family` may have one more child now, for which `pagesWanted` pages must be found (0: they are there already).
   * A fork that is admitted counts towards the rates.
   *
   * @returns 0, -EAGAIN (children, forks per second) or -ENOMEM (memory)
   */
  admit(family: F, pagesWanted: number): number {
    const { forksPerSecond } = family.limits;
    const full = this.#full(family);
    if (full !== undefined) return this.#refuse(family, EAGAIN, full);
    const short = this.#shortOf(family, pagesWanted);
    if (short !== undefined) return this.#refuse(family, ENOMEM, short);
    const now = this.view.now();
    const own = this.#rate(family, forksPerSecond);
    const all = this.#rate(this, this.host.forksPerSecond);
    if (!own.has(now)) return this.#refuse(family, EAGAIN, `${forksPerSecond} forks per second (fork-rate=)`);
    if (!all.has(now)) return this.#refuse(family, EAGAIN, `${this.host.forksPerSecond} forks per second (--rate)`);
    own.take();
    all.take();
    return 0;
  }

  /** Whether `family` could have one more child, as far as their number goes. Says nothing. */
  hasPlace(family: F): boolean {
    return this.#full(family) === undefined;
  }

  #full(family: F): string | undefined {
    const { children } = family.limits;
    if (family.children >= children) return `it has ${children} children (fork=)`;
    if (this.#childrenOfAll() < this.host.children) return undefined;
    return `the host has ${this.host.children} children (--children)`;
  }

  /** Whether what was prepared for a fork of `family` may be made anew now: as often as it may fork. Counts when it may. */
  mayReplace(family: F): boolean {
    const rate = this.#replacements.get(family) ?? new Rate(family.limits.forksPerSecond);
    this.#replacements.set(family, rate);
    const may = rate.has(this.view.now());
    if (may) rate.take();
    return may;
  }

  /** Whether `pages` more may be spent on `family`, for something that is no fork. 0 or -ENOMEM; says nothing. */
  room(family: F, pages: number): number {
    return this.#shortOf(family, pages) === undefined ? 0 : -ENOMEM;
  }

  /**
   * Makes sure that `pages` more may be spent on a fork that takes more than it was admitted for.
   *
   * @throws KaryonError FORK_MEMORY, whose errno is ENOMEM
   */
  demand(family: F, pages: number): void {
    const short = this.#shortOf(family, Math.max(pages, 0));
    if (short !== undefined) throw new MemoryLimitError(`${family.name} may not fork now: ${short}`);
  }

  #childrenOfAll(): number {
    let sum = 0;
    for (const { children } of this.view.families()) sum += children;
    return sum;
  }

  /** What memory is short of; measured only where there is a limit, for measuring costs hypercalls. */
  #shortOf(family: F, pagesWanted: number): string | undefined {
    if (pagesWanted === 0) return undefined;
    const { pages } = family.limits;
    if (pages !== Infinity && this.view.pagesOf(family) + pagesWanted > pages) {
      return `it would have more than ${sizeText(pages)} of memory (fork-memory=)`;
    }
    const { leastFreePages } = this.host;
    if (leastFreePages === 0 || this.view.freePages() - pagesWanted >= leastFreePages) return undefined;
    return `the host would have less than ${sizeText(leastFreePages)} free (--keep-free)`;
  }

  #rate(of: object, perSecond: number): Rate {
    const rate = this.#rates.get(of) ?? new Rate(perSecond);
    this.#rates.set(of, rate);
    return rate;
  }

  #refuse(family: F, errno: number, why: string): number {
    const now = this.view.now();
    if (now - (this.#lastSaid.get(family) ?? -Infinity) >= QUIET_SECONDS) {
      this.#lastSaid.set(family, now);
      this.log(`${family.name} may not fork now: ${why}`);
    }
    return -errno;
  }
}

class MemoryLimitError extends KaryonError {
  readonly errno = ENOMEM;

  constructor(message: string) {
    super("FORK_MEMORY", message);
  }
}

/** So many in a second, and never more than those of one second at once. */
class Rate {
  #left: number;
  #seen = -Infinity;

  constructor(private readonly perSecond: number) {
    this.#left = perSecond;
  }

  /** Whether one is left at a time in seconds. */
  has(now: number): boolean {
    if (now > this.#seen) this.#left = Math.min(this.perSecond, this.#left + (now - this.#seen) * this.perSecond);
    this.#seen = now;
    return this.#left >= 1;
  }

  take(): void {
    this.#left -= 1;
  }
}

/**
 * The limits in a guest's command line, `fork=8 fork-memory=64M fork-rate=100`; undefined when it may not fork at all.
 *
 * @param name the guest's, for messages
 * @throws KaryonError FORK_LIMITS when one of them is not understood
 */
export function familyLimits(commandLine: string, name: string): FamilyLimits | undefined {
  const option = (key: string, parse: (text: string) => number): number | undefined => {
    const text = commandLineOption(commandLine, key);
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      const why = error instanceof Error ? error.message : "";
      const message = `${name} cannot fork, because of ${key}=${text} in its command line: ${why}`;
      throw new KaryonError("FORK_LIMITS", message, "", { cause: error });
    }
  };
  const children = option("fork", parseCount);
  const pages = option("fork-memory", parsePages);
  const forksPerSecond = option("fork-rate", parseCount);
  if (children === undefined) return undefined;
  return { children, pages: pages ?? Infinity, forksPerSecond: forksPerSecond ?? Infinity };
}

/** Limits as familyLimits() reads them. */
export function limitsText({ children, pages, forksPerSecond }: FamilyLimits): string {
  const words = [`fork=${children}`];
  if (pages !== Infinity) words.push(`fork-memory=${sizeText(pages)}`);
  if (forksPerSecond !== Infinity) words.push(`fork-rate=${forksPerSecond}`);
  return words.join(" ");
}

/** A number from 1 to 65535. @throws Error that says what was expected */
export function parseCount(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 65535) throw new Error("expected a number from 1 to 65535");
  return value;
}

/** A size such as "64M" in pages. @throws Error that says what was expected */
export function parsePages(text: string): number {
  const [, digits, unit] = /^(\d{1,9})([KMG])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) throw new Error('expected a size such as "64M"');
  return Math.floor((Number(digits) * (UNITS[unit] ?? 1)) / PAGE_SIZE);
}

/** Pages as a size such as "64M". */
export function sizeText(pages: number): string {
  const kib = (pages * PAGE_SIZE) / 1024;
  return kib % 1024 === 0 ? `${kib / 1024}M` : `${kib}K`;
}
