// Doorbells: event channels between processes of a family, one for a pair, by which one tells another that a shared pipe is
// not as it was. Who first has something to tell makes the channel and has forkd tell the other of it, which is the first
// ring as well. A ring does not say which pipe it is about: whoever waits for one looks.
// Which domain a process is, its entries in the pipes say. A number that is wrong makes a channel that nobody binds.
import {
  eventChannelAllocUnbound,
  eventChannelBind,
  eventChannelClose,
  eventChannelHandle,
  eventChannelNotify,
} from "../../../kernel/event_channel";
import { FamilyEvent, REQUEST_DOORBELL } from "../../../kernel/fork/descriptor";
import { forkAsk } from "../../../kernel/fork/request";
import { sharedPipesRung } from "../../../kernel/optional/with_fork_pipe";

/** Port and pid of a pair's channel; free when the pid is 0. Two processes may each make one at the same time. */
@unmanaged
@final
class Doorbell {
  pid: u32;
  port: u32;
}

const DOORBELLS: u32 = 96;
/** Processes that wait and have no doorbell yet. */
const CALLERS: u32 = 96;

const doorbells = memory.data(768, 4);
const callers = memory.data(768, 4); // {u32 pid, u32 domain}
let callerCount: u32 = 0;

function doorbellAt(index: u32): Doorbell {
  return changetype<Doorbell>(doorbells + ((<usize>index) << 3));
}

/** The doorbell of `pid`, or null; with 0 a free place. */
function doorbellOf(pid: u32): Doorbell {
  for (let i: u32 = 0; i < DOORBELLS; i++) if (doorbellAt(i).pid == pid) return doorbellAt(i);
  return changetype<Doorbell>(0);
}

/** Whether there is one between this process and `pid`. */
export function hasDoorbell(pid: u32): bool {
  return changetype<usize>(doorbellOf(pid)) != 0;
}

/** Handler of the channels. */
function onRing(_argument: usize): void {
  sharedPipesRung();
}

function keep(pid: u32, port: u32): bool {
  const place = doorbellOf(0);
  if (changetype<usize>(place) == 0 || eventChannelHandle(port, onRing.index, 0) != 0) {
    eventChannelClose(port);
    return false;
  }
  place.pid = pid;
  place.port = port;
  return true;
}

/** Rings at `pid`, in domain `domain`, or notes that it has to be made known first: doorbellsIntroduce(). Does not block. */
export function doorbellRing(pid: u32, domain: u32): void {
  const doorbell = doorbellOf(pid);
  if (changetype<usize>(doorbell) != 0) return eventChannelNotify(doorbell.port);
  for (let i: u32 = 0; i < callerCount; i++) if (load<u32>(callers + ((<usize>i) << 3)) == pid) return;
  if (callerCount == CALLERS) return; // more than a family has
  store<u32>(callers + ((<usize>callerCount) << 3), pid);
  store<u32>(callers + ((<usize>callerCount) << 3), domain, 4);
  callerCount += 1;
}

/** Has forkd tell those of their doorbells who could not be rung at; false when there were none. Called by a thread; blocks otherwise. */
export function doorbellsIntroduce(): bool {
  if (callerCount == 0) return false;
  while (callerCount != 0) {
    callerCount -= 1;
    const pid = load<u32>(callers + ((<usize>callerCount) << 3));
    introduce(pid, <u16>load<u32>(callers + ((<usize>callerCount) << 3), 4));
  }
  return true;
}

function introduce(pid: u32, domain: u16): void {
  const known = doorbellOf(pid); // another thread, or the other process, was quicker
  if (changetype<usize>(known) != 0) return eventChannelNotify(known.port);
  const port = eventChannelAllocUnbound(domain);
  if (port < 0 || !keep(pid, port)) return;
  if (forkAsk(REQUEST_DOORBELL, <i32>pid, port) != 0) doorbellForget(pid); // it looks by itself, now and then
}

/** Takes in an event of EVENT_DOORBELL. */
export function doorbellTake(event: FamilyEvent): void {
  const port = eventChannelBind(<u16>event.frames, <u32>event.value);
  if (port >= 0) keep(event.pid, port);
}

/** `pid` has gone. */
export function doorbellForget(pid: u32): void {
  for (let i: u32 = 0; i < DOORBELLS; i++) {
    const doorbell = doorbellAt(i);
    if (doorbell.pid != pid) continue;
    doorbell.pid = 0;
    eventChannelClose(doorbell.port);
  }
}

/** In a copy of the domain, which has no channels: there are none. */
export function doorbellsForked(): void {
  memory.fill(doorbells, 0, DOORBELLS << 3);
  callerCount = 0;
}
