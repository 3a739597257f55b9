// Slab allocator (Bonwick, "The Slab Allocator", 1994) for objects of one size up to half a page. A slab is one
// page: a header, then objects. Free objects are chained through their first word.
// Invariants: a slab with a free object is in `partial`; a wholly free slab is given back at once, except the last.
import { ListNode, listEmpty, listInit, listInsertTail, listRemove } from "../list";
import { PAGE_SIZE, pageAlloc, pagesFree } from "./pages";

/** Bytes of a Slab structure, for static instances. */
export const SLAB_SIZE: i32 = 24;

/** At the start of each page: the list link, then the free chain and the number of objects in use. */
@unmanaged
@final
class SlabPage {
  next: usize;
  previous: usize;
  firstFree: usize;
  used: u32;
}

const HEADER: u32 = 16;

/** Allocator for objects of one size. */
@unmanaged
@final
export class Slab {
  partialNext: usize; // list head of pages with a free object
  partialPrevious: usize;
  objectSize: u32;
  perPage: u32;
  /** Objects in use now. */
  used: u32;
  pages: u32;

  private partial(): ListNode {
    return changetype<ListNode>(this);
  }

  private addPage(): bool {
    const page = pageAlloc();
    if (page == 0) return false;
    const header = changetype<SlabPage>(page);
    header.used = 0;
    header.firstFree = page + HEADER;
    let object = page + HEADER;
    for (let left = this.perPage; left > 1; left--) {
      store<usize>(object, object + this.objectSize);
      object += this.objectSize;
    }
    store<usize>(object, 0);
    listInsertTail(this.partial(), changetype<ListNode>(page));
    this.pages += 1;
    return true;
  }

  /** A zeroed object; 0 when memory is exhausted. */
  alloc(): usize {
    if (listEmpty(this.partial()) && !this.addPage()) return 0;
    const page = changetype<SlabPage>(this.partialNext);
    const object = page.firstFree;
    page.firstFree = load<usize>(object);
    page.used += 1;
    this.used += 1;
    if (page.firstFree == 0) listRemove(changetype<ListNode>(page));
    memory.fill(object, 0, this.objectSize);
    return object;
  }

  /** Gives back an object from alloc(). */
  free(object: usize): void {
    const page = changetype<SlabPage>(object & ~(<usize>PAGE_SIZE - 1));
    if (page.firstFree == 0) listInsertTail(this.partial(), changetype<ListNode>(page));
    store<usize>(object, page.firstFree);
    page.firstFree = object;
    page.used -= 1;
    this.used -= 1;
    if (page.used == 0 && this.pages > 1) {
      listRemove(changetype<ListNode>(page));
      this.pages -= 1;
      pagesFree(changetype<usize>(page), 0);
    }
  }
}

/** Prepares `slab` for objects of `objectSize` bytes (1 … 2040), which will be 8-byte aligned. */
export function slabInit(slab: Slab, objectSize: u32): void {
  listInit(changetype<ListNode>(slab));
  slab.objectSize = (objectSize + 7) & ~7;
  slab.perPage = (PAGE_SIZE - HEADER) / slab.objectSize;
  slab.used = 0;
  slab.pages = 0;
}
