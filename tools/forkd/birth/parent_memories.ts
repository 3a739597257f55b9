// What forkd knows of the memory of each parent, kept from one shell to the next: reading it takes long, and while a parent forks time and again
// only single pages of it change.
import type { Member } from "../family/family.ts";
import { ownPfns } from "./own_frames.ts";
import { ParentMemory, type ReadableXen } from "./parent_memory.ts";

/** What has to be known of a parent. */
type Parent = Pick<Member, "domain" | "descriptor" | "ending">;

/** What a shell is made by. */
export interface KnownMemory {
  readonly memory: ParentMemory;
  /** The frame numbers at which a shell has memory of its own. */
  readonly pfns: Uint32Array;
}

/** The memory of all parents that share it. */
export class ParentMemories {
  readonly #known = new Map<Parent, KnownMemory>();

  constructor(private readonly xen: ReadableXen) {}

  /**
   * The memory of a parent as it is now. The caller closes it.
   *
   * @throws KaryonError FORK_DESCRIPTOR, FORK_TABLES, XEN_CALL
   */
  of(parent: Parent, shares: boolean): KnownMemory {
    const known = this.#known.get(parent);
    if (known?.memory.shares === shares && known.memory.refresh(parent.descriptor)) {
      known.memory.retain();
      return known;
    }
    this.forget(parent);
    const memory = ParentMemory.read(this.xen, parent.domain, parent.descriptor, shares);
    const now = { memory, pfns: ownPfns(memory) };
    // A copy's is all of the parent's memory. Of one that is ending nobody would forget it.
    if (shares && !parent.ending) {
      memory.retain();
      this.#known.set(parent, now);
    }
    return now;
  }

  /** A parent makes no more children: what is mapped of it would keep its memory alive. */
  forget(parent: Parent): void {
    this.#known.get(parent)?.memory.close();
    this.#known.delete(parent);
  }
}
