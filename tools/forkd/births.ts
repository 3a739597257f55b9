// The making of a child: from a parent's request to a domain that runs, or back to nothing where a step fails. Three ways, tried
// in this order: a shell from the pool; a shell made now, which shares the parent's memory; one to which all memory is copied.
import { describeError } from "../support/errors.ts";
import type { Log } from "../support/log.ts";
import { COUNT, Descriptor, STAGE } from "./descriptor.ts";
import { nameOfFirst, type Member } from "./family.ts";
import { carryOver, changedPages, copyPages } from "./fill.ts";
import { memberOf, type Members } from "./members.ts";
import { Pool, type ReadyShell } from "./pool.ts";
import type { Xen } from "./xen/handles.ts";
import { callCount, errnoOf } from "./xen/library.ts";
import type { Store } from "./xen/store.ts";

const EAGAIN = 11;
const ENOMEM = 12;

/** How children may be made: the best way allowed. */
export const WAYS = ["copy", "share", "pool"] as const;
export type Way = (typeof WAYS)[number];

/** How forkd makes children. */
export interface BirthPolicy {
  readonly way: Way;
  /** How many shells each parent has ready. */
  readonly poolSize: number;
}

/** A shell for a fork, and how it came about. */
interface Chosen {
  readonly shell: ReadyShell;
  readonly changed: ReadonlySet<number>;
  readonly way: Way;
}

/** Makes children for members that ask. */
export class Births {
  readonly #pool: Pool;

  constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly members: Members,
    private readonly log: Log,
    private readonly policy: BirthPolicy,
  ) {
    this.#pool = new Pool(xen, store, log, policy.way === "pool" ? policy.poolSize : 0);
  }

  /** A member can fork from now on. */
  expect(member: Member): void {
    const descendants = this.xen.control.info(member.domain)?.pages ?? 0;
    // A frame that is shared stays on its owner's account until its last user is gone.
    this.xen.control.setMaximum(member.domain, descendants * (member.family.limit + 2));
    this.#pool.refill(member, true);
  }

  /** A member has ended, or is no longer served. */
  async forget(member: Member): Promise<void> {
    await this.#pool.drop(member);
  }

  /** Answers one request; whatever goes wrong, the parent gets an answer. */
  async answer(parent: Member): Promise<void> {
    const stages = new Stages(parent.descriptor);
    let result = -EAGAIN;
    const pid = parent.family.reserve();
    if (pid === undefined) {
      this.log(`${parent.name}: its family has ${parent.family.limit} children, which is its limit`);
    } else {
      try {
        stages.reached(STAGE.admitted);
        const chosen = this.#pool.take(parent) ?? (await this.#makeNow(parent));
        stages.reached(STAGE.shell);
        result = this.#answerWith(parent, pid, chosen, stages);
      } catch (error) {
        if (errnoOf(error) === ENOMEM) result = -ENOMEM;
        this.log(`${parent.name} cannot fork: ${describeError(error)}`);
      }
      parent.family.release();
    }
    if (result < 0) this.#reply(parent, result);
  }

  #reply(parent: Member, result: number): void {
    if (!this.members.serves(parent)) return;
    parent.descriptor.setResult(result);
    this.members.notify(parent);
  }
}
