// How a domain offers itself to forkd: a page, an event channel, and three nodes below its own data/fork that name them
//   version = 5, descriptor = <address of the page in this domain>, event-channel = <port>
// of which the last completes the offer. forkd binds the channel, maps the page and sets `ready`. From then on an event
// says that a request is answered or that something happened in the family. Offered at boot, and again by each copy of the domain.
import { EIO, ENOMEM, ETIMEDOUT } from "../errno";
import { eventChannelAllocUnbound, eventChannelBound, eventChannelHandle, eventChannelNotify } from "../event_channel";
import { log } from "../log";
import { appMaximumPages } from "../boot";
import { APP_BASE, APP_LIMIT } from "../memory/app_space";
import { copyOnWriteInit } from "../memory/copy_on_write";
import { pageChangesStart } from "../memory/page_changes";
import { pageEntriesExpose } from "../memory/page_table";
import { PAGE_SHIFT, PAGE_SIZE, pageAlloc } from "../memory/pages";
import { spareFramesInit } from "../memory/spare_frames";
import { suspendRegister } from "../power/suspend";
import { TextBuffer, textBuffer } from "../text";
import { WaitQueue, waitOn, wakeAll } from "../thread/wait_queue";
import { monotonicNow } from "../time/clock";
import { familyEvent, mailboxTake } from "../optional/with_fork";
import { sharedPipesCopied } from "../optional/with_fork_pipe";
import { startInfo } from "../xen/start_info";
import { StoreBatch, batchInit } from "../xenbus/batch";
import {
  FAMILY_EVENTS,
  FORK_VERSION,
  ForkDescriptor,
  STAGE_CHILD_NETWORK,
  eventEntry,
  forkDescriptor,
  forkDescriptorInit,
  forkDescriptorRenew,
  stageReached,
} from "./descriptor";
import { mailboxInit } from "./mailbox";

const path = changetype<TextBuffer>(memory.data(16, 8));
const pathBytes = memory.data(16);

const WASM_PAGE_SHIFT: u64 = 16;

/** How long forkd has to answer an offer before fork() fails, in ns: there may be none … */
const BOOT_PATIENCE: u64 = 5_000_000_000;
/** … but whoever has just been made by it can wait until it has time. */
const CHILD_PATIENCE: u64 = 60_000_000_000;

const answered = changetype<WaitQueue>(memory.data(8, 4));
let patienceEnd: u64 = 0; // monotonic time
let batch = changetype<StoreBatch>(0);
let port: u32 = 0;

/**
 * Offers fork from now on. Call once; does not block.
 * @returns 0, -ENOMEM, or -EIO when Xen gives no event channel
 */
export function forkOffer(): i32 {
  const page = pageAlloc();
  if (page == 0 || !forkDescriptorInit() || !mailboxInit() || !prepareSharing()) return -ENOMEM;
  batch = batchInit(page, onOffered.index, 0);
  suspendRegister(onSuspend.index, onResume.index);
  return offer(BOOT_PATIENCE);
}

/** What sharing memory with children needs, before there is an app. */
function prepareSharing(): bool {
  const descriptor = forkDescriptor();
  const changes = pageAlloc();
  const most = min((<u64>appMaximumPages()) << WASM_PAGE_SHIFT, startInfo().nr_pages << PAGE_SHIFT);
  const end = APP_BASE + <usize>min(most, <u64>APP_LIMIT);
  if (changes == 0 || pageEntriesExpose(APP_BASE, end) != 0 || !spareFramesInit()) return false;
  descriptor.changeLog = changes;
  descriptor.changeLogSize = PAGE_SIZE >> 2;
  const at = changetype<usize>(descriptor);
  pageChangesStart(
    changes,
    PAGE_SIZE >> 2,
    at + offsetof<ForkDescriptor>("changeProducer"),
    at + offsetof<ForkDescriptor>("layout"),
  );
  return copyOnWriteInit(at + offsetof<ForkDescriptor>("sharers"));
}

/** In a copy of the domain, which forkd does not know yet: offers fork anew. */
function offerAgain(): void {
  forkDescriptorRenew();
  offer(forkDescriptor().way != 0 ? CHILD_PATIENCE : BOOT_PATIENCE);
}

function offer(patience: u64): i32 {
  const allocated = eventChannelAllocUnbound(0);
  if (allocated < 0) return -EIO;
  port = allocated;
  eventChannelHandle(port, onEvent.index, 0);
  const directory = textBuffer(path, pathBytes, 16).text("data/fork");
  batch.reset();
  batch.write(directory, "version", FORK_VERSION);
  batch.write(directory, "descriptor", changetype<usize>(forkDescriptor()));
  batch.write(directory, "event-channel", port);
  batch.submit();
  patienceEnd = monotonicNow() + patience;
  return 0;
}

function onOffered(_argument: usize): void {
  if (batch.error() != 0) log("fork").text("cannot be offered: xenstore says ").signed(batch.error()).end();
}

function onSuspend(): void {
  // Nothing is under way with forkd: a fork runs to its end before any other thread does.
}

function onResume(restored: bool): void {
  if (!restored) return;
  sharedPipesCopied();
  if (batch.pending == 0) offerAgain();
}

function onEvent(_argument: usize): void {
  eventsTake();
}

/** Hands on what forkd has told of the family, and lets those look who wait for an answer. */
export function eventsTake(): void {
  const descriptor = forkDescriptor();
  const produced = atomic.load<u32>(changetype<usize>(descriptor) + offsetof<ForkDescriptor>("eventProducer"));
  let consumed = descriptor.eventConsumer;
  for (let left = FAMILY_EVENTS; left != 0 && consumed != produced; left--) {
    familyEvent(changetype<usize>(eventEntry(consumed)));
    consumed += 1;
  }
  atomic.store<u32>(changetype<usize>(descriptor) + offsetof<ForkDescriptor>("eventConsumer"), consumed);
  mailboxTake();
  wakeAll(answered);
}

/** Lets forkd know the address of the network interface, in host order; 0 = none. */
export function forkTellAddress(address: u32): void {
  const descriptor = forkDescriptor();
  if (changetype<usize>(descriptor) == 0) return;
  atomic.store<u32>(changetype<usize>(descriptor) + offsetof<ForkDescriptor>("networkAddress"), address);
  if (address != 0) stageReached(STAGE_CHILD_NETWORK);
  if (forkServed()) eventChannelNotify(port); // otherwise forkd looks when it begins to serve
}

/** Woken on each event from forkd. */
export function forkAnswers(): WaitQueue {
  return answered;
}

/** The event channel to forkd. */
export function forkPort(): u32 {
  return port;
}

/** True when forkd has said that it serves this domain. */
export function forkServed(): bool {
  const descriptor = forkDescriptor();
  if (changetype<usize>(descriptor) == 0) return false;
  return atomic.load<u32>(changetype<usize>(descriptor) + offsetof<ForkDescriptor>("ready")) != 0;
}

/** Like forkServed(), but asks Xen: a daemon that died has left its end of the event channel. */
export function forkStillServed(): bool {
  if (!forkServed()) return false;
  if (eventChannelBound(port)) return true;
  forkDescriptor().ready = 0;
  // A forkd that came between the two lines has said so for nothing.
  if (!eventChannelBound(port)) return false;
  forkDescriptor().ready = 1;
  return true;
}

/** Like forkServed(), but waits while the offer is new. Called by a thread. */
export function forkAwaitServed(): bool {
  if (changetype<usize>(forkDescriptor()) == 0) return false;
  while (!forkServed()) {
    if (waitOn(answered, patienceEnd) == -ETIMEDOUT) return forkServed();
  }
  return true;
}
