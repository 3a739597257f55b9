// Event channels, two-level ABI (xen/include/public/event_channel.h, xen.h): a bit per port in shared_info, a selector
// bit per word of them in vcpu_info. Invariant: a port without a handler is masked.
import { sharedInfo } from "./boot";
import { ENOSPC } from "./errno";
import { EVTCHNSTAT_interdomain, evtchnAllocUnbound, evtchnBindInterdomain, evtchnBindVirq } from "./xen/hypercall";
import { evtchnClose, evtchnSend, evtchnStatus } from "./xen/hypercall";
import { EVTCHN_MASK, EVTCHN_PENDING, EVTCHN_PENDING_SEL, EVTCHN_UPCALL_PENDING } from "./xen/shared_info";

/** Xen gives the lowest free port, and a guest uses few: more than this is refused. */
const MAXIMUM_PORT: u32 = 128;

const handlers = memory.data(1024, 8); // {u32 function index, u32 argument} by port
const ports = memory.data(512, 8); // the handled ports, u32 each, for SCHEDOP_poll
let portsCount: u32 = 0;

function setMasked(port: u32, masked: bool): void {
  const word = sharedInfo() + EVTCHN_MASK + (((<usize>port) >> 6) << 3);
  const bit = (<u64>1) << (port & 63);
  if (masked) atomic.or<u64>(word, bit);
  else atomic.and<u64>(word, ~bit);
}

function makePending(port: u32): void {
  atomic.or<u64>(sharedInfo() + EVTCHN_PENDING_SEL, (<u64>1) << (port >> 6));
  atomic.store<u8>(sharedInfo() + EVTCHN_UPCALL_PENDING, 1);
}

/** Masks every port and forgets the handlers: at boot and after a restore, when all ports are gone. */
export function eventChannelsReset(): void {
  for (let i: usize = 0; i < 64; i++) store<u64>(sharedInfo() + EVTCHN_MASK + (i << 3), u64.MAX_VALUE);
  memory.fill(handlers, 0, (<usize>MAXIMUM_PORT) << 3);
  portsCount = 0;
}

/** A new port that domain `remote` may bind to; -errno from Xen. */
export function eventChannelAllocUnbound(remote: u16): i32 {
  return evtchnAllocUnbound(remote);
}

/** A port that leads to `remotePort` of domain `remote`, which has it for this domain; -errno from Xen. */
export function eventChannelBind(remote: u16, remotePort: u32): i32 {
  return evtchnBindInterdomain(remote, remotePort);
}

/** A port for virtual interrupt `virq`; -errno from Xen. */
export function eventChannelBindVirq(virq: u32): i32 {
  return evtchnBindVirq(virq);
}

/** Calls the function (argument: usize): void with table index `handler` for each event on `port`; 0 or -ENOSPC. It must not block. */
export function eventChannelHandle(port: u32, handler: u32, argument: usize): i32 {
  if (port >= MAXIMUM_PORT) return -ENOSPC;
  const slot = handlers + ((<usize>port) << 3);
  if (load<u32>(slot) == 0) {
    store<u32>(ports + ((<usize>portsCount) << 2), port);
    portsCount += 1;
  }
  store<u32>(slot, handler);
  store<u32>(slot, argument, 4);
  setMasked(port, false);
  // An event that arrived while the port was masked has set its bit but no selector.
  const word = atomic.load<u64>(sharedInfo() + EVTCHN_PENDING + (((<usize>port) >> 6) << 3));
  if ((word >> (port & 63)) & 1) makePending(port);
  return 0;
}

/** Masks `port` and forgets its handler; the port itself stays open. */
function eventChannelUnbind(port: u32): void {
  if (port >= MAXIMUM_PORT || load<u32>(handlers + ((<usize>port) << 3)) == 0) return;
  setMasked(port, true);
  store<u32>(handlers + ((<usize>port) << 3), 0);
  for (let i: u32 = 0; i < portsCount; i++) {
    if (load<u32>(ports + ((<usize>i) << 2)) != port) continue;
    portsCount -= 1;
    store<u32>(ports + ((<usize>i) << 2), load<u32>(ports + ((<usize>portsCount) << 2)));
    return;
  }
}

/** Forgets an event that has arrived on `port`, so that SCHEDOP_poll waits for the next one. */
export function eventChannelClear(port: u32): void {
  atomic.and<u64>(sharedInfo() + EVTCHN_PENDING + (((<usize>port) >> 6) << 3), ~((<u64>1) << (port & 63)));
}

/** True while another domain has bound the other end of `port`. */
export function eventChannelBound(port: u32): bool {
  return evtchnStatus(port) == EVTCHNSTAT_interdomain;
}

/** Notifies the other end of `port`. */
export function eventChannelNotify(port: u32): void {
  evtchnSend(port);
}

/** Forgets the handler and closes the port. */
export function eventChannelClose(port: u32): void {
  eventChannelUnbind(port);
  evtchnClose(port);
}

/** The handled ports, u32 each. */
export function eventPorts(): usize {
  return ports;
}

/** How many ports are handled; SCHEDOP_poll takes up to 128. */
export function eventPortsCount(): u32 {
  return portsCount;
}

/** True when an event waits. */
export function eventsPending(): bool {
  return atomic.load<u8>(sharedInfo() + EVTCHN_UPCALL_PENDING) != 0;
}

/** Calls the handlers of all pending events. */
export function eventsRun(): void {
  if (!eventsPending()) return;
  // The flag goes first, then the selector, then the bits: an event arriving in between sets all three again.
  atomic.store<u8>(sharedInfo() + EVTCHN_UPCALL_PENDING, 0);
  let selector = atomic.xchg<u64>(sharedInfo() + EVTCHN_PENDING_SEL, 0);
  while (selector != 0) {
    const word = <usize>ctz(selector);
    selector &= selector - 1;
    runWord(word);
  }
}

function runWord(word: usize): void {
  const pendingAt = sharedInfo() + EVTCHN_PENDING + (word << 3);
  let bits = atomic.load<u64>(pendingAt) & ~atomic.load<u64>(sharedInfo() + EVTCHN_MASK + (word << 3));
  while (bits != 0) {
    const bit = ctz(bits);
    bits &= bits - 1;
    atomic.and<u64>(pendingAt, ~((<u64>1) << bit));
    const port = ((<u32>word) << 6) | (<u32>bit);
    if (port >= MAXIMUM_PORT) continue;
    const slot = handlers + ((<usize>port) << 3);
    if (load<u32>(slot) != 0) call_indirect<void>(load<u32>(slot), load<u32>(slot, 4));
  }
}
