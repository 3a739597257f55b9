// An epoll (epoll(7)) as a description: the list of what it watches, of what of that may be ready, and who waits for it. Looking costs as much as
// there is in the ready list, however much is watched: who changes a readiness puts the entry there (ready.ts).
// Invariant: an entry that is not in the ready list is not ready, was told edge-triggered or once already, or will be put there by a wake-up.
import { ListNode, listEmpty, listFirst, listInit, listInsertTail, listRemove } from "../../../kernel/list";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { WaitQueue } from "../../../kernel/thread/wait_queue";
import { READABLE } from "../../net/poll_events";
import { OpenFile } from "../../process/open_file";
import { EpollEntry, Watch, entryFree, entryOfAll, watchEnd } from "./entry";
import { entryLook } from "./look";

@unmanaged
@final
export class Epoll {
  private nextEpoll: usize; // ListNode of all epolls; must come first
  private previousEpoll: usize;
  private readyNext: usize;
  private readyPrevious: usize;
  private entriesNext: usize;
  private entriesPrevious: usize;
  private threadsFirst: usize;
  private threadsLast: usize;
  private pollersFirst: usize;
  private pollersLast: usize;
  fileAddress: usize;
  /** The last round of wake-ups in which its pollers were told (ready.ts). */
  round: u32;
  /** The last check for which `depth` was found out (nesting.ts). */
  check: u32;
  depth: u32;

  /** Entries that may be ready, which come first first. */
  get ready(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + offsetof<Epoll>("readyNext"));
  }

  /** All entries. */
  get entries(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + offsetof<Epoll>("entriesNext"));
  }

  /** Threads in epoll_wait: one of them is woken at a time. */
  get threads(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + offsetof<Epoll>("threadsFirst"));
  }

  /** Who polls its descriptor, and other epolls that watch it. */
  get pollers(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + offsetof<Epoll>("pollersFirst"));
  }

  get file(): OpenFile {
    return changetype<OpenFile>(this.fileAddress);
  }
}

/** No epoll. */
export const NO_EPOLL: Epoll = changetype<Epoll>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const all = changetype<ListNode>(memory.data(8, 4));
let initialised = false;

/** An epoll that watches nothing, still without a description; NO_EPOLL without memory. */
export function epollCreate(): Epoll {
  if (!initialised) {
    slabInit(slab, offsetof<Epoll>());
    listInit(all);
    initialised = true;
  }
  const epoll = changetype<Epoll>(slab.alloc());
  if (epoll == NO_EPOLL) return NO_EPOLL;
  listInit(epoll.ready);
  listInit(epoll.entries);
  listInsertTail(all, changetype<ListNode>(epoll));
  return epoll;
}

/** Ends an epoll and its entries. */
export function epollFree(epoll: Epoll): void {
  for (let node = listFirst(epoll.entries); node != 0; node = listFirst(epoll.entries)) entryFree(entryOfAll(node));
  listRemove(changetype<ListNode>(epoll));
  slab.free(changetype<usize>(epoll));
}

/** The epoll behind `epoll` in the list of all, the first behind NO_EPOLL; NO_EPOLL behind the last. */
export function epollNext(epoll: Epoll): Epoll {
  if (!initialised) return NO_EPOLL;
  const next = epoll == NO_EPOLL ? all.next : changetype<ListNode>(epoll).next;
  return next == changetype<usize>(all) ? NO_EPOLL : changetype<Epoll>(next);
}

export function epollOf(file: OpenFile): Epoll {
  return changetype<Epoll>(file.object);
}

/** Export, by libos/optional/with_epoll.ts. */
export function watchesEnd(file: OpenFile): void {
  while (file.watches != 0) {
    const watch = changetype<Watch>(file.watches);
    if (watch.entry.file == file) entryFree(watch.entry);
    else watchEnd(watch);
  }
}

/** Export, by libos/optional/with_epoll.ts. What turns out not to be ready leaves the ready list. */
export function epollEvents(file: OpenFile): u32 {
  const ready = epollOf(file).ready;
  while (!listEmpty(ready)) {
    const entry = changetype<EpollEntry>(ready.next);
    if (entryLook(entry) != 0) return READABLE;
    listRemove(entry.readyNode);
  }
  return 0;
}

/** Export, by libos/optional/with_epoll.ts. */
export function epollQueue(file: OpenFile): WaitQueue {
  return epollOf(file).pollers;
}

/** Export, by libos/optional/with_epoll.ts. */
export function epollClose(file: OpenFile): void {
  epollFree(epollOf(file));
}
