// poll_oneoff: waits for the first of several subscriptions, to clocks and to descriptors. Each is looked at; when none has come about, the thread
// waits for all descriptors at once, until the first clock, and looks again. A subscription that cannot be waited for has come about, with its error.
// How much there is to read is told of regular files; of others it is 1, for "something".
import { ENOMEM } from "../../kernel/errno";
import { NEVER, monotonicNow, wallClockNow } from "../../kernel/time/clock";
import { contentsSize } from "../fs/contents";
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from "../net/poll_events";
import { ReadinessWait, openFileEvents, readinessBlock } from "../posix/readiness";
import { descriptorFile } from "../process/descriptors";
import { KIND_FILE, NO_FILE, OpenFile } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { isWord, tellWord } from "./answer";
import { WASI_BADF, WASI_FAULT, WASI_INVAL, WASI_SUCCESS, wasiError } from "./errno";
import { EVENT_SIZE, PollEvent, SUBSCRIPTION_SIZE, Subscription } from "./layout";
import { CLOCK_REALTIME, clockError } from "./process";

/** `eventtype`. */
const CLOCK: u32 = 0;
const FD_READ: u32 = 1;
const FD_WRITE: u32 = 2;
/** `subclockflags`: the time is one by the clock, not from now on. */
const ABSTIME: u32 = 1;
/** `eventrwflags`. */
const HANGUP: u16 = 1;
/** The most subscriptions: as many as descriptors. */
const MOST: u32 = 1024;

// Used between two points where the thread may change.
const wait = changetype<ReadinessWait>(memory.data(12, 4));

function subscriptionAt(subscriptions: usize, index: u32): Subscription {
  return changetype<Subscription>(subscriptions + <usize>index * SUBSCRIPTION_SIZE);
}

/** When a subscription to a clock comes about, by the monotonic clock; the call began at `begin`, when the wall clock was `wall`. */
function deadlineOf(subscription: Subscription, begin: u64, wall: u64): u64 {
  const timeout = subscription.timeout;
  let duration = timeout;
  if ((subscription.flags & ABSTIME) != 0) {
    if (subscription.clock != CLOCK_REALTIME) return timeout;
    duration = timeout > wall ? timeout - wall : 0;
  }
  return duration >= NEVER - begin ? NEVER : begin + duration;
}

/** How much can be read from `file`. */
function readable(file: OpenFile): u64 {
  if (file.kind != KIND_FILE) return 1;
  const size = contentsSize(file);
  return size > <i64>file.position ? <u64>size - file.position : 0;
}

/** Fills `event`, which is zero, if the subscription to a descriptor has come about. */
function lookDescriptor(subscription: Subscription, event: PollEvent): bool {
  const file = descriptorFile(subscription.descriptor);
  if (file == NO_FILE) {
    event.error = <u16>WASI_BADF;
    return true;
  }
  const events = openFileEvents(file);
  const reading = subscription.type == FD_READ;
  if ((events & (POLLHUP | POLLERR | (reading ? POLLIN : POLLOUT))) == 0) return false;
  event.bytes = reading ? readable(file) : 1;
  event.flags = (events & POLLHUP) != 0 ? HANGUP : 0;
  return true;
}

function lookClock(subscription: Subscription, event: PollEvent, begin: u64, wall: u64): bool {
  const error = clockError(subscription.clock);
  event.error = <u16>error;
  return error != 0 || monotonicNow() >= deadlineOf(subscription, begin, wall);
}

/** Writes an event for each subscription that has come about; how many. */
function look(subscriptions: usize, events: usize, count: u32, begin: u64, wall: u64): u32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const subscription = subscriptionAt(subscriptions, i);
    const at = events + <usize>found * EVENT_SIZE;
    memory.fill(at, 0, EVENT_SIZE);
    const event = changetype<PollEvent>(at);
    event.data = subscription.data;
    event.type = subscription.type;
    const isClock = subscription.type == CLOCK;
    if (isClock ? lookClock(subscription, event, begin, wall) : lookDescriptor(subscription, event)) found += 1;
  }
  return found;
}

/** Waits until one of them may have come about: 0, -ETIMEDOUT, -EINTR, -ENOMEM. */
function block(subscriptions: usize, count: u32, begin: u64, wall: u64): i32 {
  let deadline = NEVER;
  if (!wait.begin(count)) return -ENOMEM;
  for (let i: u32 = 0; i < count; i++) {
    const subscription = subscriptionAt(subscriptions, i);
    if (subscription.type == CLOCK) {
      deadline = min(deadline, deadlineOf(subscription, begin, wall));
      continue;
    }
    const file = descriptorFile(subscription.descriptor);
    if (file != NO_FILE) wait.add(file);
  }
  return readinessBlock(wait.slots, wait.count, wait.order, deadline);
}

export function wasi_poll_oneoff(input: u32, output: u32, count: u32, told: u32): u32 {
  if (count == 0 || count > MOST) return WASI_INVAL;
  const subscriptions = userBuffer(input, count * SUBSCRIPTION_SIZE);
  const events = userBuffer(output, count * EVENT_SIZE);
  if (subscriptions == 0 || events == 0 || !isWord(told)) return WASI_FAULT;
  for (let i: u32 = 0; i < count; i++) if (subscriptionAt(subscriptions, i).type > FD_WRITE) return WASI_INVAL;
  const begin = monotonicNow();
  const wall = wallClockNow();
  while (true) {
    const found = look(subscriptions, events, count, begin, wall);
    if (found != 0) return tellWord(told, found);
    const result = block(subscriptions, count, begin, wall);
    if (result == -ENOMEM) return wasiError(result);
  }
  return WASI_SUCCESS;
}
