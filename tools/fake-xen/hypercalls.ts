// Hypercalls, as far as a PV kernel of ours makes them. What only concerns page tables is checked and otherwise
// nothing, since a guest-virtual address is always its frame's here.
import { SHUTDOWN_REASONS, type Domain } from "./domain.ts";
import { PAGE_SIZE } from "./guest_memory.ts";

const EINVAL = -22n;
const ENOSYS = -38n;

type Handler = (domain: Domain, args: readonly bigint[]) => bigint;

function argument(args: readonly bigint[], index: number): number {
  return Number(args[index] ?? 0n);
}

function mmuUpdate(domain: Domain, args: readonly bigint[]): bigint {
  const { memory } = domain;
  const requests = argument(args, 0);
  const count = argument(args, 1);
  for (let i = 0; i < count; i++) {
    const pointer = memory.u64(requests + i * 16);
    const pfn = memory.pfn(Number(pointer >> 12n));
    if (pfn < 0) return EINVAL;
    memory.setU64(pfn * PAGE_SIZE + Number(pointer & 0xff8n), memory.u64(requests + i * 16 + 8));
  }
  return 0n;
}

function updateVaMapping(domain: Domain, args: readonly bigint[]): bigint {
  const entry = args[1] ?? 0n;
  const mfn = (entry & 1n) === 0n ? 0 : Number((entry & 0x000f_ffff_ffff_f000n) >> 12n);
  return domain.memory.map(argument(args, 0), mfn) ? 0n : EINVAL;
}

function mmuextOp(domain: Domain, args: readonly bigint[]): bigint {
  const MMUEXT_CLEAR_PAGE = 16;
  const { memory } = domain;
  const operations = argument(args, 0);
  for (let i = 0; i < argument(args, 1); i++) {
    if (memory.u32(operations + i * 24) !== MMUEXT_CLEAR_PAGE) continue;
    const pfn = memory.pfn(Number(memory.u64(operations + i * 24 + 8)));
    if (pfn < 0) return EINVAL;
    memory.slice(pfn * PAGE_SIZE, PAGE_SIZE).fill(0);
  }
  return 0n;
}

function schedOp(domain: Domain, args: readonly bigint[]): bigint {
  const at = argument(args, 1);
  switch (argument(args, 0)) {
    case 0: // SCHEDOP_yield
      return 0n;
    case 2: // SCHEDOP_shutdown
      return domain.stop(SHUTDOWN_REASONS[domain.memory.u32(at)] ?? "crash");
    case 3: {
      // SCHEDOP_poll
      const list = Number(domain.memory.u64(at));
      const count = domain.memory.u32(at + 8);
      if (count > 128) return EINVAL;
      const ports = Array.from({ length: count }, (_, i) => domain.memory.u32(list + i * 4));
      return domain.poll(ports, Number(domain.memory.u64(at + 16)));
    }
    default:
      return ENOSYS;
  }
}

function eventChannelOp(domain: Domain, args: readonly bigint[]): bigint {
  const { memory, events } = domain;
  const at = argument(args, 1);
  switch (argument(args, 0)) {
    case 1: // EVTCHNOP_bind_virq
      memory.setU32(at + 8, events.bindVirq(memory.u32(at)));
      return 0n;
    case 3: // EVTCHNOP_close
      return events.close(memory.u32(at)) ? 0n : EINVAL;
    case 4: // EVTCHNOP_send
      return events.send(memory.u32(at)) ? 0n : EINVAL;
    case 5: // EVTCHNOP_status
      memory.setU32(at + 8, events.isBound(memory.u32(at + 4)) ? 2 : 1); // EVTCHNSTAT_interdomain, _unbound
      return 0n;
    case 6: // EVTCHNOP_alloc_unbound
      memory.setU32(at + 4, events.allocateUnbound());
      return 0n;
    default:
      return ENOSYS;
  }
}

function grantTableOp(domain: Domain, args: readonly bigint[]): bigint {
  const GNTTABOP_setup_table = 2;
  if (argument(args, 0) !== GNTTABOP_setup_table) return ENOSYS;
  const { memory } = domain;
  const at = argument(args, 1);
  const list = Number(memory.u64(at + 16));
  domain.grants.setup(memory.u32(at + 4)).forEach((mfn, i) => memory.setU64(list + i * 8, mfn));
  memory.setU16(at + 8, 0);
  return 0n;
}

/** {u64 op, i64 result, u64 args[6]} for each call. */
function multicall(domain: Domain, args: readonly bigint[]): bigint {
  const { memory } = domain;
  for (let i = 0; i < argument(args, 1); i++) {
    const at = argument(args, 0) + i * 64;
    const given = Array.from({ length: 6 }, (_, index) => memory.u64(at + 16 + index * 8));
    memory.setU64(at + 8, BigInt.asUintN(64, dispatch(domain, Number(memory.u64(at)), given)));
  }
  return 0n;
}

const HANDLERS: Readonly<Record<number, Handler>> = {
  0: () => 0n, // set_trap_table
  1: mmuUpdate,
  4: () => 0n, // set_callbacks
  13: multicall,
  14: updateVaMapping,
  15: (domain, args) => {
    domain.setTimer(argument(args, 0));
    return 0n;
  },
  18: () => -1n, // console_io: not for guests
  20: grantTableOp,
  24: () => 0n, // vcpu_op: stop_periodic_timer
  26: mmuextOp,
  29: schedOp,
  32: eventChannelOp,
};

/** Performs hypercall `number` for `domain`. */
export function dispatch(domain: Domain, number: number, args: readonly bigint[]): bigint {
  return HANDLERS[number]?.(domain, args) ?? ENOSYS;
}
