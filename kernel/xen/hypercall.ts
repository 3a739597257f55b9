// Typed hypercalls (xen/include/public/xen.h, sched.h, event_channel.h, grant_table.h, memory.h, vcpu.h, version.h).
// Every wrapper returns what Xen returns: >= 0, or -errno. Argument structures live in one static, never shared
// scratch area: the kernel is not preempted, and no wrapper calls another while its arguments are in there.
import { hypercall } from "../boot";

const HYPERVISOR_set_trap_table: u32 = 0;
const HYPERVISOR_mmu_update: u32 = 1;
const HYPERVISOR_set_callbacks: u32 = 4;
const HYPERVISOR_memory_op: u32 = 12;
const HYPERVISOR_multicall: u32 = 13;
const HYPERVISOR_update_va_mapping: u32 = 14;
const HYPERVISOR_set_timer_op: u32 = 15;
const HYPERVISOR_grant_table_op: u32 = 20;
const HYPERVISOR_vcpu_op: u32 = 24;
const HYPERVISOR_mmuext_op: u32 = 26;
const HYPERVISOR_sched_op: u32 = 29;
const HYPERVISOR_event_channel_op: u32 = 32;

/** Every operation's own domain. */
export const DOMID_SELF: u16 = 0x7ff0;

/** evtchnStatus: another domain has bound the port (event_channel.h). */
export const EVTCHNSTAT_interdomain: i32 = 2;

/** SCHEDOP_shutdown reasons (sched.h). */
export const SHUTDOWN_poweroff: u32 = 0;
export const SHUTDOWN_reboot: u32 = 1;
export const SHUTDOWN_suspend: u32 = 2;
export const SHUTDOWN_crash: u32 = 3;

/** update_va_mapping flags: invalidate this address in the local TLB. */
export const UVMF_INVLPG: u64 = 2;

const MMUEXT_TLB_FLUSH_LOCAL: u32 = 6;
const MMUEXT_CLEAR_PAGE: u32 = 16;

const XENMEM_decrease_reservation: u64 = 1;
const XENMEM_populate_physmap: u64 = 6;

const SCHEDOP_yield: u64 = 0;
const SCHEDOP_shutdown: u64 = 2;
const SCHEDOP_poll: u64 = 3;

const EVTCHNOP_bind_interdomain: u64 = 0;
const EVTCHNOP_bind_virq: u64 = 1;
const EVTCHNOP_close: u64 = 3;
const EVTCHNOP_send: u64 = 4;
const EVTCHNOP_status: u64 = 5;
const EVTCHNOP_alloc_unbound: u64 = 6;

const GNTTABOP_setup_table: u64 = 2;
const VCPUOP_get_runstate_info: u64 = 4;
const VCPUOP_stop_periodic_timer: u64 = 7;

const scratch = memory.data(64, 16);
const calls = memory.data(128, 16); // two multicall_entry: {u64 op, i64 result, u64 args[6]}

/** Registers the exception entries: an array of trap_info (xen.h) ended by an entry with address 0. */
export function setTrapTable(table: usize): i32 {
  return <i32>hypercall(HYPERVISOR_set_trap_table, table, 0, 0, 0, 0);
}

/** Registers the entries of event upcalls and of failed returns to the guest. */
export function setCallbacks(event: u64, failsafe: u64): i32 {
  return <i32>hypercall(HYPERVISOR_set_callbacks, event, failsafe, 0, 0, 0);
}

/** Applies `count` mmu_update requests {u64 machine address | command, u64 value} at `requests`; all are done or an error comes back. */
export function mmuUpdate(requests: usize, count: u32): i32 {
  store<u32>(scratch, 0);
  return <i32>hypercall(HYPERVISOR_mmu_update, requests, count, scratch, DOMID_SELF, 0);
}

/** mmuUpdate() and mmuextFlushTlb() in one hypercall. */
export function mmuUpdateAndFlush(requests: usize, count: u32): i32 {
  memory.fill(calls, 0, 128);
  store<u32>(scratch, 0);
  store<u64>(calls, HYPERVISOR_mmu_update);
  store<u64>(calls, requests, 16);
  store<u64>(calls, count, 24);
  store<u64>(calls, scratch, 32);
  store<u64>(calls, DOMID_SELF, 40);
  mmuextPrepare(MMUEXT_TLB_FLUSH_LOCAL, 0, scratch + 8);
  store<u64>(calls, HYPERVISOR_mmuext_op, 64);
  store<u64>(calls, scratch + 8, 80);
  store<u64>(calls, 1, 88);
  store<u64>(calls, scratch + 32, 96);
  store<u64>(calls, DOMID_SELF, 104);
  const result = <i32>hypercall(HYPERVISOR_multicall, calls, 2, 0, 0, 0);
  return result != 0 ? result : <i32>load<i64>(calls, 8);
}

/** Writes the L1 entry that maps `address`. */
export function updateVaMapping(address: usize, entry: u64, flags: u64): i32 {
  return <i32>hypercall(HYPERVISOR_update_va_mapping, address, entry, flags, 0, 0);
}

/** Writes a struct mmuext_op at `at` and clears the word behind it, for the number of operations done. */
function mmuextPrepare(command: u32, argument: u64, at: usize): void {
  store<u32>(at, command);
  store<u64>(at, argument, 8);
  store<u64>(at, 0, 16);
  store<u32>(at, 0, 24);
}

function mmuextOp(command: u32, argument: u64): i32 {
  mmuextPrepare(command, argument, scratch);
  return <i32>hypercall(HYPERVISOR_mmuext_op, scratch, 1, scratch + 24, DOMID_SELF, 0);
}

/** Zeroes machine frame `mfn`, which must not be mapped writable as a page table. */
export function mmuextClearPage(mfn: u64): i32 {
  return mmuextOp(MMUEXT_CLEAR_PAGE, mfn);
}

/** Flushes this vCPU's TLB. */
export function mmuextFlushTlb(): i32 {
  return mmuextOp(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

/** struct xen_memory_reservation about `count` single frames at `frames` (u64 each). */
function memoryOp(operation: u64, frames: usize, count: u32): i32 {
  store<u64>(scratch, frames);
  store<u64>(scratch, count, 8);
  store<u64>(scratch, 0, 16);
  store<u64>(scratch, DOMID_SELF, 24);
  return <i32>hypercall(HYPERVISOR_memory_op, operation, scratch, 0, 0, 0);
}

/** Gives `count` machine frames (u64 each at `frames`) back to Xen; how many it took. */
export function memoryRelease(frames: usize, count: u32): i32 {
  return memoryOp(XENMEM_decrease_reservation, frames, count);
}

/** Gets memory for the `count` pfns (u64 each) at `frames`, which become mfns; for how many there was some. */
export function memoryPopulate(frames: usize, count: u32): i32 {
  return memoryOp(XENMEM_populate_physmap, frames, count);
}

/** Ends the domain; does not return, except for a suspend: 0 in a restored copy, 1 when the suspend was cancelled. `start_info` mfn rides in the third argument. */
export function schedShutdown(reason: u32, startInfoMfn: u64): i32 {
  store<u32>(scratch, reason);
  return <i32>hypercall(HYPERVISOR_sched_op, SCHEDOP_shutdown, scratch, startInfoMfn, 0, 0);
}

/** Sleeps until one of the `count` ports (u32 each) at `ports` is pending, or until system time `timeout` in ns (0: none). Works with event delivery masked. */
export function schedPoll(ports: usize, count: u32, timeout: u64): i32 {
  store<u64>(scratch, ports);
  store<u32>(scratch, count, 8);
  store<u64>(scratch, timeout, 16);
  return <i32>hypercall(HYPERVISOR_sched_op, SCHEDOP_poll, scratch, 0, 0, 0);
}

/** Lets other virtual CPUs run first. */
export function schedYield(): void {
  hypercall(HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
}

/** Asks for VIRQ_TIMER at system time `deadline` in ns; 0 cancels. */
export function setTimer(deadline: u64): i32 {
  return <i32>hypercall(HYPERVISOR_set_timer_op, deadline, 0, 0, 0, 0);
}

/** Stops the 100 Hz tick Xen gives a new vCPU. */
export function stopPeriodicTimer(): i32 {
  return <i32>hypercall(HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0, 0);
}

/** How long, in ns, this vCPU has run (vcpu.h, struct vcpu_runstate_info). */
export function vcpuRunningTime(): u64 {
  store<u64>(scratch, 0, 16); // time[RUNSTATE_running], behind the state and when it was entered
  hypercall(HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, scratch, 0, 0);
  return load<u64>(scratch, 16);
}

/** A new port that `remote` may bind to; the port, or -errno. */
export function evtchnAllocUnbound(remote: u16): i32 {
  store<u16>(scratch, DOMID_SELF);
  store<u16>(scratch, remote, 2);
  store<u32>(scratch, 0, 4);
  const result = <i32>hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, scratch, 0, 0, 0);
  return result < 0 ? result : <i32>load<u32>(scratch, 4);
}

/** A port that leads to `remotePort` of domain `remote`, which offers that to this one; the port, or -errno. */
export function evtchnBindInterdomain(remote: u16, remotePort: u32): i32 {
  store<u16>(scratch, remote);
  store<u32>(scratch, remotePort, 4);
  store<u32>(scratch, 0, 8);
  const result = <i32>hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, scratch, 0, 0, 0);
  return result < 0 ? result : <i32>load<u32>(scratch, 8);
}

/** A port on which virtual interrupt `virq` arrives; the port, or -errno. */
export function evtchnBindVirq(virq: u32): i32 {
  store<u32>(scratch, virq);
  store<u32>(scratch, 0, 4);
  store<u32>(scratch, 0, 8);
  const result = <i32>hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, scratch, 0, 0, 0);
  return result < 0 ? result : <i32>load<u32>(scratch, 8);
}

/** Closes a port. */
export function evtchnClose(port: u32): i32 {
  store<u32>(scratch, port);
  return <i32>hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_close, scratch, 0, 0, 0);
}

/** Notifies the other end of a port. */
export function evtchnSend(port: u32): i32 {
  store<u32>(scratch, port);
  return <i32>hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_send, scratch, 0, 0, 0);
}

/** What `port` is bound to: EVTCHNSTAT_*, or -errno. */
export function evtchnStatus(port: u32): i32 {
  store<u16>(scratch, DOMID_SELF);
  store<u32>(scratch, port, 4);
  const result = <i32>hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_status, scratch, 0, 0, 0);
  return result < 0 ? result : <i32>load<u32>(scratch, 8);
}

/** Makes the grant table `frames` frames long; their mfns (u64 each) are written at `list`. */
export function grantSetupTable(frames: u32, list: usize): i32 {
  store<u16>(scratch, DOMID_SELF);
  store<u32>(scratch, frames, 4);
  store<i16>(scratch, 0, 8);
  store<u64>(scratch, list, 16);
  const result = <i32>hypercall(HYPERVISOR_grant_table_op, GNTTABOP_setup_table, scratch, 1, 0, 0);
  return result < 0 ? result : <i32>load<i16>(scratch, 8);
}
