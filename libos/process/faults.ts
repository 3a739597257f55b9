// Faults of the app as signals (sigaction(2)): what the processor or the check of an operation finds wrong while a thread runs the app's code
// goes to the handler of SIGSEGV, SIGFPE, SIGILL, SIGBUS or SIGABRT, which runs on the thread's own stack, above the frame of the fault. When it returns the
// operation is tried again. The end of the app as always, with the crash screen: without a handler, while it runs already or is held up by the thread,
// and where there is no stack for it.
import { faultEntry, sharedInfo } from "../../kernel/boot";
import { APP_BASE } from "../../kernel/memory/app_space";
import { PAGE_SIZE } from "../../kernel/memory/pages";
import { STACK_RESERVE, currentThread } from "../../kernel/thread/scheduler";
import { kindOf, signalOf } from "../../kernel/trap/trap";
import { TRAP_FRAME_SIZE, TrapFrame } from "../../kernel/trap/trap_frame";
import { ARCH_CR2 } from "../../kernel/xen/shared_info";
import { SEGV_ACCERR, SEGV_MAPERR, SI_KERNEL } from "../posix/signal_constants";
import { signalFault } from "./signals";

const VECTOR_INVALID_OPCODE: u64 = 6;
const VECTOR_PAGE_FAULT: u64 = 14;
const PAGE_PRESENT: u64 = 1;
/** rflags.DF: compiled code finds it clear. */
const DIRECTION: u64 = 0x400;
/** Of the kinds of checks (boot/runtime.h) the one after which there is no stack for a handler. */
const STACK_OVERFLOW: u32 = 8;
/**
 * si_code by the kind, four bits each: of abort() and unreachable code SI_USER, a process's own wish; then FPE_INTDIV, FPE_INTOVF, FPE_FLTINV, three
 * kinds of ILL_ILLOPN, and BUS_ADRALN.
 */
const KIND_CODES: u64 = 0x01022272102;

/** Export, by kernel/optional/with_fault.ts. */
export function faultHandled(address: usize): bool {
  const frame = changetype<TrapFrame>(address);
  const isCheck = frame.vector == VECTOR_INVALID_OPCODE;
  const thread = currentThread();
  if (!thread.isApp || (isCheck && kindOf(frame) == STACK_OVERFLOW)) return false;
  // Below the frame that Xen and the stub have laid down, which is gone as soon as the stub has gone back by it.
  const at = (address - TRAP_FRAME_SIZE) & ~15;
  const bottom = thread.stack + PAGE_SIZE + STACK_RESERVE;
  if (at < bottom || frame.rsp > <u64>thread.stack + (thread.stackPages + 1) * PAGE_SIZE) return false;
  const isAccess = frame.vector == VECTOR_PAGE_FAULT;
  const where = isAccess ? load<u64>(sharedInfo() + ARCH_CR2) - APP_BASE : frame.rip;
  const code = isAccess
    ? accessCode(frame.error)
    : isCheck
      ? <i32>((KIND_CODES >> ((<u64>kindOf(frame)) << 2)) & 15)
      : SI_KERNEL;
  const next = signalFault(signalOf(frame), code, where);
  if (next == 0) return false;
  memory.copy(at, address, TRAP_FRAME_SIZE);
  frame.rsp = at;
  frame.rip = faultEntry();
  frame.rdi = next;
  frame.rflags &= ~DIRECTION;
  return true;
}

function accessCode(error: u64): i32 {
  return (error & PAGE_PRESENT) != 0 ? SEGV_ACCERR : SEGV_MAPERR;
}
