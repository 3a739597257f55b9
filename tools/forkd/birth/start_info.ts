// What a copied domain finds different from its parent: start_info, shared_info and the context of its virtual CPU
// (xen/xen.h and xen/arch-x86/xen.h).

const PAGE_SHIFT = 12n;

// struct start_info
const START_SHARED_INFO = 40;
const START_STORE_FRAME = 56;
const START_STORE_PORT = 64;
const START_CONSOLE_FRAME = 72;
const START_CONSOLE_PORT = 80;

// struct shared_info
const SHARED_UPCALL_MASK = 1;
const SHARED_EVENT_MASK = 2560;
const SHARED_EVENT_MASK_SIZE = 512;

// struct vcpu_guest_context
const CONTEXT_FLAGS = 512;
const CONTEXT_REGISTERS = 520;
const CONTEXT_GDT_ENTRIES = 4960;
const CONTEXT_USER_ROOT = 4984 + 8;
const CONTEXT_ROOT = 4984 + 3 * 8;
const VGCF_I387_VALID = 1n << 0n;
const VGCF_IN_KERNEL = 1n << 2n;
const VGCF_online = 1n << 5n;
const REGISTER_RDI = 14 * 8;
const REGISTER_RIP = 128;

/** The machine frame of the top page table in a context. */
export function contextRoot(context: Buffer): number {
  return Number(context.readBigUInt64LE(CONTEXT_ROOT) >> PAGE_SHIFT);
}

/** Where a new domain's own rings and pages are. */
export interface OwnFrames {
  readonly sharedInfo: number;
  readonly store: number;
  readonly storePort: number;
  readonly console: number;
  readonly consolePort: number;
}

/** The machine frame of a domain's shared_info, as its start_info tells. */
export function sharedInfoFrame(startInfo: Uint8Array): number {
  return Number(viewOf(startInfo).getBigUint64(START_SHARED_INFO, true) >> PAGE_SHIFT);
}

/** Makes the copy of a parent's start_info the child's. */
export function rewriteStartInfo(startInfo: Uint8Array, own: OwnFrames): void {
  const view = viewOf(startInfo);
  view.setBigUint64(START_SHARED_INFO, BigInt(own.sharedInfo) << PAGE_SHIFT, true);
  view.setBigUint64(START_STORE_FRAME, BigInt(own.store), true);
  view.setUint32(START_STORE_PORT, own.storePort, true);
  view.setBigUint64(START_CONSOLE_FRAME, BigInt(own.console), true);
  view.setUint32(START_CONSOLE_PORT, own.consolePort, true);
}

/** No event reaches the child before it is ready; Xen has filled in the clock. */
export function prepareSharedInfo(sharedInfo: Uint8Array): void {
  sharedInfo[SHARED_UPCALL_MASK] = 1;
  sharedInfo.fill(0xff, SHARED_EVENT_MASK, SHARED_EVENT_MASK + SHARED_EVENT_MASK_SIZE);
}

/** Where the child's virtual CPU begins. */
export interface ChildStart {
  /** Machine frame of its top page table. */
  readonly root: number;
  readonly entry: bigint;
  /** What its entry finds in rdi. */
  readonly argument: number;
}

/** The parent's context – traps and callbacks stay as they are – made the start of the child. */
export function childContext(parent: Buffer, { root, entry, argument }: ChildStart): Buffer {
  const context = Buffer.from(parent);
  context.writeBigUInt64LE(VGCF_I387_VALID | VGCF_IN_KERNEL | VGCF_online, CONTEXT_FLAGS);
  context.writeBigUInt64LE(BigInt(argument), CONTEXT_REGISTERS + REGISTER_RDI);
  context.writeBigUInt64LE(entry, CONTEXT_REGISTERS + REGISTER_RIP);
  context.writeBigUInt64LE(0n, CONTEXT_GDT_ENTRIES);
  context.writeBigUInt64LE(0n, CONTEXT_USER_ROOT);
  context.writeBigUInt64LE(BigInt(root) << PAGE_SHIFT, CONTEXT_ROOT);
  return context;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
