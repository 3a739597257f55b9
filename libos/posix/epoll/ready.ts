// The ready list of an epoll: how entries come there, and how they are told to the app.
// An entry comes there when a queue is woken in which it stands, and when it is added or changed and is ready. A level-triggered one goes back
// behind the others when it has been told, to be looked at again: so those take turns that there is no room for.
import { listEmpty, listFirst, listInsertTail, listLinked, listRemove } from "../../../kernel/list";
import { wakeAll, wakeOne } from "../../../kernel/thread/wait_queue";
import { EPOLLET, EPOLLONESHOT } from "../constants";
import { EPOLL_EVENT_SIZE, EpollEvent } from "../layout";
import { EpollEntry, MANNER, Watch } from "./entry";
import { Epoll } from "./epoll";
import { entryLook, entryReadiness } from "./look";

/** What has an entry told once only. */
const ONCE: u32 = EPOLLET | EPOLLONESHOT;

/** Counts wake-ups of epolls that others watch: in each, an epoll's pollers are told once, however many ways lead to it. */
let round: u32 = 0;
/** How many epolls are being told of the present one, one by the other. */
let depth: u32 = 0;

/** Export, by kernel/optional/with_epoll.ts. */
export function watchWoken(waiter: usize): void {
  entryReady(changetype<Watch>(waiter).entry);
}

/** Puts an entry into the ready list, unless it has been told once and was to be, and tells who waits for its epoll. */
export function entryReady(entry: EpollEntry): void {
  if ((entry.events & ~MANNER) == 0) return;
  const epoll = entry.epoll;
  if (!listLinked(entry.readyNode)) {
    listInsertTail(epoll.ready, entry.readyNode);
    if (epoll.threads.first != 0) wakeThread(epoll);
  }
  // Also when it was there already: who watches the epoll edge-triggered has not heard of this.
  if (epoll.pollers.first != 0) pollersTell(epoll);
}

function wakeThread(epoll: Epoll): void {
  wakeOne(epoll.threads);
}

function pollersTell(epoll: Epoll): void {
  if (depth == 0) round += 1;
  if (epoll.round == round) return;
  epoll.round = round;
  depth += 1;
  wakeAll(epoll.pollers);
  depth -= 1;
}

/** Writes up to `maximum` EpollEvents, which is not 0, of what is ready to `target`: how many. */
export function epollCollect(epoll: Epoll, target: usize, maximum: u32): i32 {
  const ready = epoll.ready;
  // What comes behind it has come, or has been put back, since.
  const last = ready.previous;
  let count: u32 = 0;
  for (let node = listFirst(ready); node != 0 && count < maximum; node = listFirst(ready)) {
    const entry = changetype<EpollEntry>(node);
    listRemove(entry.readyNode);
    const events = entryLook(entry);
    if (events != 0) {
      tell(entry, events, target + <usize>count * EPOLL_EVENT_SIZE);
      count += 1;
      told(entry);
    }
    if (node == last) break;
  }
  // One thread is woken at a time: the next one may find what this one has left.
  if (!listEmpty(ready) && epoll.threads.first != 0) wakeThread(epoll);
  return count;
}

/**
 * Writes an EpollEvent of what is ready to `target`, when that is a single entry that is told as long as it is ready, as most often: 1. 0 when
 * epollCollect() has to look.
 */
export function epollCollectOnly(epoll: Epoll, target: usize): i32 {
  const first = epoll.ready.next;
  if (first != epoll.ready.previous || first == changetype<usize>(epoll.ready)) return 0;
  const entry = changetype<EpollEntry>(first);
  if ((entry.events & ONCE) != 0) return 0;
  const events = entryReadiness(entry) & entry.events;
  if (events == 0) return 0;
  tell(entry, events, target); // it stays in the list, at the end
  if (epoll.threads.first != 0) wakeThread(epoll);
  return 1;
}

function tell(entry: EpollEntry, events: u32, target: usize): void {
  const event = changetype<EpollEvent>(target);
  event.events = events;
  event.data = entry.data;
}

function told(entry: EpollEntry): void {
  if ((entry.events & EPOLLONESHOT) != 0) {
    entry.events &= MANNER;
    listRemove(entry.readyNode); // the look itself may have woken something
  } else if ((entry.events & EPOLLET) == 0 && !listLinked(entry.readyNode)) {
    listInsertTail(entry.epoll.ready, entry.readyNode);
  }
}
