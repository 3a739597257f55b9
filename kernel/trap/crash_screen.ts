// What a person sees of a crash: what happened, where, the registers and a back trace with function names. Written
// with the kernel's log, synchronously; nothing here allocates or blocks on a thread.
import { LogLine, log } from "../log";
import { bootStack, textEnd, textStart, trapStack } from "../boot";
import { PAGE_SIZE } from "../memory/pages";
import { currentThread } from "../thread/scheduler";
import { symbolAddress, symbolFind, symbolFolder, symbolFolderLength, symbolName, symbolNameLength } from "./symbols";
import { TrapFrame } from "./trap_frame";

const MAXIMUM_FRAMES: u32 = 32;
const FIXED_STACK_PAGES: u32 = 5; // guard and four pages (boot/xen.inc)

let stackStart: u64 = 0;
let stackEnd: u64 = 0;

function line(): LogLine {
  return log("crash").text("  ");
}

function appendFunction(to: LogLine, address: u64): LogLine {
  const entry = symbolFind(address);
  if (entry == 0) return to.text("0x").hex(address);
  const folderLength = symbolFolderLength(entry);
  if (folderLength > 0) to.bytes(symbolFolder(entry), folderLength).text("/");
  return to
    .bytes(symbolName(entry), symbolNameLength(entry))
    .text("+0x")
    .hex(address - symbolAddress(entry));
}

/** The registers, four to a line. */
export function showRegisters(frame: TrapFrame): void {
  line().text("rip ").hex(frame.rip, 16).text("  rsp ").hex(frame.rsp, 16).text("  rbp ").hex(frame.rbp, 16).end();
  line().text("rax ").hex(frame.rax, 16).text("  rbx ").hex(frame.rbx, 16).text("  rcx ").hex(frame.rcx, 16).end();
  line().text("rdx ").hex(frame.rdx, 16).text("  rsi ").hex(frame.rsi, 16).text("  rdi ").hex(frame.rdi, 16).end();
  line().text("r8  ").hex(frame.r8, 16).text("  r9  ").hex(frame.r9, 16).text("  r10 ").hex(frame.r10, 16).end();
  line().text("r11 ").hex(frame.r11, 16).text("  r12 ").hex(frame.r12, 16).text("  r13 ").hex(frame.r13, 16).end();
  line().text("r14 ").hex(frame.r14, 16).text("  r15 ").hex(frame.r15, 16).text("  flags ").hex(frame.rflags, 8).end();
}

/** Chooses the stack that `pointer` lies in; only inside it are frame pointers followed. */
function chooseStack(pointer: u64): void {
  const thread = currentThread();
  if (changetype<usize>(thread) != 0 && thread.stack != 0) {
    stackStart = thread.stack + PAGE_SIZE;
    stackEnd = stackStart + thread.stackPages * PAGE_SIZE;
    if (pointer >= stackStart && pointer < stackEnd) return;
  }
  stackStart = bootStack() + PAGE_SIZE;
  stackEnd = bootStack() + FIXED_STACK_PAGES * PAGE_SIZE;
  if (pointer >= stackStart && pointer < stackEnd) return;
  stackStart = trapStack() + PAGE_SIZE;
  stackEnd = trapStack() + FIXED_STACK_PAGES * PAGE_SIZE;
}

/** Follows the chain of frame pointers from the interrupted function outwards. A broken chain ends the trace. */
export function showBackTrace(frame: TrapFrame): void {
  line().text("back trace:").end();
  appendFunction(line().text("  "), frame.rip).end();
  chooseStack(frame.rbp);
  let pointer = frame.rbp;
  for (let depth: u32 = 0; depth < MAXIMUM_FRAMES; depth++) {
    if (pointer < stackStart || pointer + 16 > stackEnd || (pointer & 7) != 0) return;
    const returnAddress = load<u64>(<usize>pointer + 8);
    const next = load<u64>(<usize>pointer);
    if (returnAddress < textStart() || returnAddress >= textEnd()) return;
    appendFunction(line().text("  "), returnAddress - 1).end();
    if (next <= pointer) return;
    pointer = next;
  }
  line().text("  (more)").end();
}
