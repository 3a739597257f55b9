// What an epoll watches: an entry for each pair of a descriptor and its description, and in it the places in the queues that are woken when the
// readiness changes. Most descriptions have one queue; a socket of AF_UNIX has its own and those of the ends of the pipes that it reads and writes
// now, which come and go as it is connected and shut down.
// Invariants: a Watch is in a queue, and in the list of the description whose queue that is, exactly while its `file` is not 0; the first Watch of an
// entry is that of the entry's own description, as long as the entry is there. Both vanish with the description, which they hold no reference of.
import { ListNode, listInsertTail, listRemove } from "../../../kernel/list";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { WAITER_SIZE, Waiter, waiterRemove, waiterWatch } from "../../../kernel/thread/wait_queue";
import { KIND_SHARED_PIPE, NO_FILE, OpenFile } from "../../process/open_file";
import { pipeNote } from "../../optional/with_pipe";
import { EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP } from "../constants";
import { openFileQueue } from "../readiness";
import { Epoll } from "./epoll";

/** Of an entry's events what says how it is told, not what. */
export const MANNER: u32 = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;

const WATCH_LINKS: usize = <usize>WAITER_SIZE;

/** A place in a queue: a Waiter without a thread, and behind it what follows. */
@unmanaged
@final
export class Watch {
  private get links(): usize {
    return changetype<usize>(this) + WATCH_LINKS;
  }

  get waiter(): Waiter {
    return changetype<Waiter>(this);
  }

  /** The next one of the same description. */
  get next(): usize {
    return load<usize>(this.links);
  }

  set next(watch: usize) {
    store<usize>(this.links, watch);
  }

  get previous(): usize {
    return load<usize>(this.links, 4);
  }

  set previous(watch: usize) {
    store<usize>(this.links, watch, 4);
  }

  /** The description whose queue it is in; NO_FILE when it is in none. */
  get file(): OpenFile {
    return changetype<OpenFile>(load<usize>(this.links, 8));
  }

  set file(file: OpenFile) {
    store<usize>(this.links, changetype<usize>(file), 8);
  }

  get entry(): EpollEntry {
    return changetype<EpollEntry>(load<usize>(this.links, 12));
  }

  set entry(entry: EpollEntry) {
    store<usize>(this.links, changetype<usize>(entry), 12);
  }
}

const WATCH_SIZE: usize = WATCH_LINKS + 16;
const WATCHES: usize = 40;
const PLACES: usize = 3;

@unmanaged
@final
export class EpollEntry {
  private readyNext: usize; // ListNode in the ready list; must come first
  private readyPrevious: usize;
  private nextOfAll: usize;
  private previousOfAll: usize;
  private epollAddress: usize;
  private fileAddress: usize;
  fd: i32;
  /** EPOLL… that it is told of, and the MANNER; only that when it has been told once and was to be. */
  events: u32;
  /** The app's own. */
  data: u64;

  get readyNode(): ListNode {
    return changetype<ListNode>(this);
  }

  get epoll(): Epoll {
    return changetype<Epoll>(this.epollAddress);
  }

  get file(): OpenFile {
    return changetype<OpenFile>(this.fileAddress);
  }

  /** Fills in what it is an entry of, and begins to watch. */
  begin(epoll: Epoll, file: OpenFile, fd: i32): void {
    this.epollAddress = changetype<usize>(epoll);
    this.fileAddress = changetype<usize>(file);
    this.fd = fd;
    listInsertTail(epoll.entries, changetype<ListNode>(changetype<usize>(this) + offsetof<EpollEntry>("nextOfAll")));
    watchBegin(this.watch(0), this, file);
  }

  /** Place `index` of PLACES. */
  watch(index: usize): Watch {
    return changetype<Watch>(changetype<usize>(this) + WATCHES + index * WATCH_SIZE);
  }
}

/** No entry. */
export const NO_ENTRY: EpollEntry = changetype<EpollEntry>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;

/** A new entry, in no list, all zero; NO_ENTRY without memory. */
export function entryAlloc(): EpollEntry {
  if (!initialised) {
    slabInit(slab, <u32>(WATCHES + PLACES * WATCH_SIZE));
    initialised = true;
  }
  return changetype<EpollEntry>(slab.alloc());
}

/** The entry whose link among all of its epoll `node` is. */
export function entryOfAll(node: usize): EpollEntry {
  return changetype<EpollEntry>(node - offsetof<EpollEntry>("nextOfAll"));
}

/** The entry of `epoll` for the descriptor `fd` of `file`; NO_ENTRY when there is none. */
export function entryFind(epoll: Epoll, file: OpenFile, fd: i32): EpollEntry {
  for (let at = file.watches; at != 0; at = changetype<Watch>(at).next) {
    const entry = changetype<Watch>(at).entry;
    if (entry.epoll == epoll && entry.fd == fd && entry.file == file) return entry;
  }
  return NO_ENTRY;
}

/** Ends an entry: nothing is watched for it any more. */
export function entryFree(entry: EpollEntry): void {
  listRemove(entry.readyNode);
  listRemove(changetype<ListNode>(changetype<usize>(entry) + offsetof<EpollEntry>("nextOfAll")));
  for (let i: usize = 0; i < PLACES; i++) watchEnd(entry.watch(i));
  slab.free(changetype<usize>(entry));
}

/** Puts an idle watch into the queue of `file`, which has one. */
function watchBegin(watch: Watch, entry: EpollEntry, file: OpenFile): void {
  watch.entry = entry;
  watch.file = file;
  watch.previous = 0;
  watch.next = file.watches;
  if (file.watches != 0) changetype<Watch>(file.watches).previous = changetype<usize>(watch);
  file.watches = changetype<usize>(watch);
  waiterWatch(openFileQueue(file), watch.waiter);
}

/** Takes a watch out of its queue; does nothing when it is idle. */
export function watchEnd(watch: Watch): void {
  const file = watch.file;
  if (file == NO_FILE) return;
  if (watch.previous != 0) changetype<Watch>(watch.previous).next = watch.next;
  else file.watches = watch.next;
  if (watch.next != 0) changetype<Watch>(watch.next).previous = watch.previous;
  watch.file = NO_FILE;
  waiterRemove(watch.waiter);
}

/** Has place `index` of an entry be in the queue of the pipe's end `end`, in none for NO_FILE. */
export function entryWatchPipe(entry: EpollEntry, index: usize, end: OpenFile): void {
  const watch = entry.watch(index);
  if (watch.file != end) {
    watchEnd(watch);
    if (end != NO_FILE) watchBegin(watch, entry, end);
  }
  if (end != NO_FILE && end.kind == KIND_SHARED_PIPE) pipeNote(end);
}
