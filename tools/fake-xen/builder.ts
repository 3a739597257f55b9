// Lays a domain out as libxc's PV domain builder does: kernel image, p2m list, start_info, xenstore ring, console ring,
// page tables, boot stack; everything mapped up to the next 4 MiB.
import { PAGE_SIZE, type GuestMemory } from "./guest_memory.ts";

const PRESENT_WRITABLE = 0x67n; // present, writable, user, accessed, dirty
const KERNEL_STACK_PAGES = 4;
const START_INFO_CMD_LINE = 128;

/** What the fake's "boot" imports answer. */
export interface Layout {
  readonly textStart: number;
  readonly textEnd: number;
  readonly rodataEnd: number;
  readonly sharedInfo: number;
  readonly bootStack: number;
  readonly trapStack: number;
  readonly trapEntries: number;
  readonly symbols: number;
  readonly filesStart: number;
  readonly mfnList: number;
  readonly startInfo: number;
  readonly store: number;
  readonly console: number;
  readonly pageTables: number;
  readonly pageTableCount: number;
}

export interface Ports {
  readonly store: number;
  readonly console: number;
}

function align(address: number): number {
  return (address + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

/** Decides where everything stands. The kernel's static data ends before `staticEnd`. */
export function layOut(staticEnd: number, filesLength: number, pages: number): Layout {
  let next = align(staticEnd);
  const take = (count: number): number => {
    const address = next;
    next += count * PAGE_SIZE;
    return address;
  };
  const textStart = take(1);
  const textEnd = next;
  const tables = take(1); // trap entries and an empty symbol table
  const filesStart = take(align(Math.max(filesLength, 8)) / PAGE_SIZE);
  const rodataEnd = next;
  const sharedInfo = take(1);
  const bootStack = take(KERNEL_STACK_PAGES);
  const trapStack = take(KERNEL_STACK_PAGES);
  const mfnList = take(align(pages * 8) / PAGE_SIZE);
  const startInfo = take(1);
  const store = take(1);
  const console = take(1);
  const pageTables = next;
  const mapped = Math.ceil((next + 0x80000) / 0x400000) * 0x400000;
  const pageTableCount = 3 + Math.ceil(mapped / 0x200000);
  return {
    ...{ textStart, textEnd, rodataEnd, sharedInfo, bootStack, trapStack },
    ...{ trapEntries: tables, symbols: tables + 1024, filesStart, mfnList, startInfo, store, console },
    ...{ pageTables, pageTableCount },
  };
}

function writePageTables(memory: GuestMemory, layout: Layout): void {
  const entry = (address: number): bigint => (BigInt(memory.mfn(address / PAGE_SIZE)) << 12n) | PRESENT_WRITABLE;
  const l4 = layout.pageTables;
  const l3 = l4 + PAGE_SIZE;
  const l2 = l3 + PAGE_SIZE;
  memory.setU64(l4, entry(l3));
  memory.setU64(l3, entry(l2));
  const l1Count = layout.pageTableCount - 3;
  for (let i = 0; i < l1Count; i++) {
    const l1 = l2 + (i + 1) * PAGE_SIZE;
    memory.setU64(l2 + i * 8, entry(l1));
    for (let j = 0; j < 512; j++) {
      const pfn = i * 512 + j;
      if (pfn < memory.pages) memory.setU64(l1 + j * 8, entry(pfn * PAGE_SIZE));
    }
  }
}

/** Writes what a new or restored domain's start_info and p2m list say. */
export function writeStartInfo(memory: GuestMemory, layout: Layout, sharedInfoMfn: number, ports: Ports): void {
  for (let pfn = 0; pfn < memory.pages; pfn++) memory.setU64(layout.mfnList + pfn * 8, memory.mfn(pfn));
  const at = layout.startInfo;
  memory.setU64(at + 32, memory.pages);
  memory.setU64(at + 40, BigInt(sharedInfoMfn) << 12n);
  memory.setU64(at + 56, memory.mfn(layout.store / PAGE_SIZE));
  memory.setU32(at + 64, ports.store);
  memory.setU64(at + 72, memory.mfn(layout.console / PAGE_SIZE));
  memory.setU32(at + 80, ports.console);
  memory.setU64(at + 88, layout.pageTables);
  memory.setU64(at + 96, layout.pageTableCount);
  memory.setU64(at + 104, layout.mfnList);
}

/** Builds the domain in `memory`, which already holds the kernel's static data. */
export function build(
  memory: GuestMemory,
  layout: Layout,
  sharedInfoMfn: number,
  ports: Ports,
  commandLine: string,
  files: Uint8Array,
): void {
  memory.bytes.set(Buffer.from("xen-3.0-x86_64\0", "latin1"), layout.startInfo);
  memory.bytes.set(Buffer.from(`${commandLine}\0`, "latin1"), layout.startInfo + START_INFO_CMD_LINE);
  if (files.length === 0) memory.bytes.set(Buffer.from("KFS1\0\0\0\0", "latin1"), layout.filesStart);
  else memory.bytes.set(files, layout.filesStart);
  writePageTables(memory, layout);
  writeStartInfo(memory, layout, sharedInfoMfn, ports);
}
