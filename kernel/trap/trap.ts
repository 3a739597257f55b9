// Exceptions. In an app they are the app's end, with a report; in the kernel they are a bug of ours: panic. Which of
// the two was running is told by the event mask: the kernel runs masked, the app does not.
import { eventCallback, failsafeCallback, sharedInfo, trapEntries } from "../boot";
import { consoleDrain } from "../console";
import { ENOMEM } from "../errno";
import { exitStatusLeave } from "../fork/descriptor";
import { LogLine, log } from "../log";
import { APP_BASE, appSpaceSize } from "../memory/app_space";
import { copyOnWrite } from "../memory/copy_on_write";
import { PAGE_SIZE } from "../memory/pages";
import { faultHandled } from "../optional/with_fault";
import { panic } from "../panic";
import { powerOff } from "../power/power_off";
import { SHUTDOWN_crash, schedShutdown, setCallbacks, setTrapTable } from "../xen/hypercall";
import { ARCH_CR2, EVTCHN_UPCALL_MASK } from "../xen/shared_info";
import { showBackTrace, showRegisters } from "./crash_screen";
import { TrapFrame } from "./trap_frame";

const VECTORS: u32 = 20;
const VECTOR_DIVIDE: u64 = 0;
const VECTOR_INVALID_OPCODE: u64 = 6;
const VECTOR_PAGE_FAULT: u64 = 14;
// Signal numbers (asm/signal.h).
const SIGFPE: i32 = 8;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
/** Guest kernel code segment (arch-x86/xen-x86_64.h). */
const FLAT_KERNEL_CS: u16 = 0xe033;
/** trap_info.flags: mask events on entry. */
const TI_MASK_EVENTS: u8 = 4;
const TI_RING3: u8 = 3;
const FAULT_WRITE: u64 = 2;
/** A write to a page that is there. */
const PROTECTION_WRITE: u64 = 3;
const FAULT_FETCH: u64 = 16;
/** App addresses reach this far: a 32-bit index plus a 32-bit offset. */
const GUARD_ZONE_END: u64 = <u64>APP_BASE + 0x200000000;

/** The kinds of failed checks (boot/runtime.h), 0 for an opcode that is invalid by itself. */
const KINDS: u64 = 11;
/** The signals that end a process of POSIX for the same, four bits for each kind: a table in memory would cost every image more. */
const KIND_SIGNALS: u64 = 0x67b44488864;

// trap_info (xen.h): {u8 vector, u8 flags, u16 cs, u32 padding, u64 address}; the last entry is zero.
const table = memory.data(336, 8);

let crashing: u32 = 0;

/** Registers the entries of boot/traps.asm with Xen, which keeps them over a suspend. */
export function trapInit(): void {
  for (let vector: u32 = 0; vector < VECTORS; vector++) {
    const at = table + ((<usize>vector) << 4);
    store<u8>(at, <u8>vector);
    store<u8>(at, TI_RING3 | TI_MASK_EVENTS, 1);
    store<u16>(at, FLAT_KERNEL_CS, 2);
    store<u64>(at, load<u64>(trapEntries() + ((<usize>vector) << 3)), 8);
  }
  if (setTrapTable(table) != 0) panic("Xen refuses the trap table");
  if (setCallbacks(eventCallback(), failsafeCallback()) != 0) panic("Xen refuses the event callback");
}

/** Export: an exception, from boot/traps.asm. Returns when what caused it is mended. */
export function trap(frameAddress: usize): void {
  const frame = changetype<TrapFrame>(frameAddress);
  if (frame.vector == VECTOR_PAGE_FAULT && (frame.error & PROTECTION_WRITE) == PROTECTION_WRITE) {
    const result = copyOnWrite(load<u64>(sharedInfo() + ARCH_CR2));
    if (result == 0) return;
    if (result == -ENOMEM) outOfMemory();
  }
  if (inApp(frame) && faultHandled(frameAddress)) return;
  crash(frame);
}

/** TI_MASK_EVENTS has masked events by now; the interrupted context's flag is in the saved rflags (IF). */
function inApp(frame: TrapFrame): bool {
  return ((frame.rflags >> 9) & 1) != 0;
}

/** POSIX has no word for a write that finds no memory; Linux kills the process, too. */
function outOfMemory(): void {
  exitStatusLeave(SIGKILL);
  log("fork").text("the host has no memory left for a copy of a shared page: the process ends").end();
  powerOff(SHUTDOWN_crash);
}

function crash(frame: TrapFrame): void {
  store<u8>(sharedInfo() + EVTCHN_UPCALL_MASK, 1);
  crashing += 1;
  const isApp = inApp(frame);
  if (isApp) exitStatusLeave(signalOf(frame));
  // A crash while a crash is shown: say no more than that.
  if (crashing == 1) {
    describe(log("crash").text(isApp ? "the app: " : "the kernel: "), frame).end();
    showRegisters(frame);
    showBackTrace(frame);
  } else if (crashing == 2) {
    describe(log("crash").text("while showing it: "), frame).end();
  }
  consoleDrain();
  for (;;) schedShutdown(SHUTDOWN_crash, 0);
}

/** What POSIX has for a fault: its signal. */
export function signalOf(frame: TrapFrame): i32 {
  if (frame.vector == VECTOR_INVALID_OPCODE) return <i32>((KIND_SIGNALS >> ((<u64>kindOf(frame)) << 2)) & 15);
  return frame.vector == VECTOR_DIVIDE ? SIGFPE : SIGSEGV;
}

/** Which check of compiled code (boot/runtime.h) an invalid opcode is the end of; 0 for none of them. */
export function kindOf(frame: TrapFrame): u32 {
  return frame.rdi < KINDS ? <u32>frame.rdi : 0;
}

function describe(to: LogLine, frame: TrapFrame): LogLine {
  if (frame.vector == VECTOR_PAGE_FAULT) return describePageFault(to, frame);
  if (frame.vector == VECTOR_INVALID_OPCODE) return describeWasmTrap(to, <u32>frame.rdi);
  return to.text("exception ").decimal(frame.vector).text(", error code 0x").hex(frame.error);
}

function describePageFault(to: LogLine, frame: TrapFrame): LogLine {
  const address = load<u64>(sharedInfo() + ARCH_CR2);
  to.text(frame.error & FAULT_WRITE ? "store to " : frame.error & FAULT_FETCH ? "jump to " : "load from ");
  if (address < APP_BASE || address >= GUARD_ZONE_END) {
    to.text("kernel address 0x").hex(address);
    return address < PAGE_SIZE ? to.text(" (null pointer)") : to;
  }
  const offset = address - APP_BASE;
  to.text("address 0x").hex(offset);
  if (offset < PAGE_SIZE) return to.text(" (null pointer)");
  if (offset >= appSpaceSize()) return to.text(", out of bounds: its memory ends at 0x").hex(appSpaceSize());
  return to;
}

/** The kinds are those of boot/runtime.h. */
function describeWasmTrap(to: LogLine, kind: u32): LogLine {
  if (kind == 1) return to.text("unreachable code reached (abort, failed assertion or throw)");
  if (kind == 2) return to.text("integer division by zero");
  if (kind == 3) return to.text("integer overflow");
  if (kind == 4) return to.text("conversion of a number out of range to an integer");
  if (kind == 5) return to.text("indirect call through an index outside the function table");
  if (kind == 6) return to.text("indirect call through an empty function table slot");
  if (kind == 7) return to.text("indirect call of a function with another signature");
  if (kind == 8) return to.text("stack overflow");
  if (kind == 9) return to.text("unaligned atomic access");
  if (kind == 10) return to.text("abort() called");
  return to.text("invalid instruction");
}
