// forkd with a hostile guest, for tests: the same program, but before it reads what a guest's kernel has written, this writes
// there what a hostile kernel could have written, and again at each call that forkd makes meanwhile. SIGUSR2 reads the forgery from
// FORGERY_FILE and says "forgery armed" on standard error. When a fork is answered, the guest finds again what it wrote itself.
import { readFileSync } from "node:fs";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { XenControl } from "../../../tools/forkd/xen/control.ts";
import { ForeignMemory, PAGE_SIZE, type ForeignPages } from "../../../tools/forkd/xen/foreign_memory.ts";
import { PageTableUpdates } from "../../../tools/forkd/xen/page_table_updates.ts";
import { FORGERY_FILE, type Forgery } from "./forgery.ts";
import { intercept } from "./intercept.ts";

const MAGIC = 0x4b52464b;
/** Offset of the p2m list's address in the descriptor. */
const P2M_LIST = 32;

let forgery: Forgery = { domain: -1 };
let turn = 0;
/** Whether a call is this program's own. */
let busy = false;
/** Descriptor pages of first processes, by domain. */
const pages = new Map<number, ForeignPages>();
/** What the guest itself wrote into its descriptor, by offset, and how to put its list in order. */
const originals = new Map<number, number>();
let undoFrames: (() => void)[] | undefined;

const control = new XenControl();
const memory = new ForeignMemory();

process.on("SIGUSR2", () => {
  restore();
  forgery = JSON.parse(readFileSync(FORGERY_FILE, "utf8")) as Forgery;
  process.stderr.write("forgery armed\n");
});

/** The hostile guest's descriptor; undefined when it has none, or has ended. */
function descriptorPage(): DataView | undefined {
  try {
    return viewOf(pages.get(forgery.domain));
  } catch {
    return undefined;
  }
}

function viewOf(page: ForeignPages | undefined): DataView | undefined {
  return page && new DataView(page.bytes.buffer, page.bytes.byteOffset, PAGE_SIZE);
}

function forgeWords(): void {
  const page = descriptorPage();
  if (page === undefined) return;
  turn += 1;
  for (const { offset, values } of forgery.words ?? []) {
    if (!originals.has(offset)) originals.set(offset, page.getUint32(offset, true));
    page.setUint32(offset, values[turn % values.length] ?? 0, true);
  }
}

function forgeFrames(): void {
  const page = descriptorPage();
  if (page === undefined || undoFrames !== undefined) return;
  const list = page.getBigUint64(P2M_LIST, true);
  undoFrames = (forgery.frames ?? []).map(({ pfn, frame }) => {
    const address = list + BigInt(pfn * 8);
    const mapped = memory.map(forgery.domain, [control.translate(forgery.domain, address)], true);
    const at = Number(address % BigInt(PAGE_SIZE));
    const original = viewOf(mapped)?.getBigUint64(at, true) ?? 0n;
    viewOf(mapped)?.setBigUint64(at, BigInt(frame), true);
    return () => {
      viewOf(mapped)?.setBigUint64(at, original, true);
      mapped.unmap();
    };
  });
}

function restore(): void {
  const page = descriptorPage();
  for (const [offset, value] of originals) page?.setUint32(offset, value, true);
  originals.clear();
  for (const undo of undoFrames ?? []) undo();
  undoFrames = undefined;
}

/** Does `work`, whose own calls are not forkd's. */
function apart<T>(work: () => T): T {
  const before = busy;
  busy = true;
  try {
    return work();
  } finally {
    busy = before;
  }
}

for (const type of [XenControl, PageTableUpdates, ForeignMemory]) {
  intercept(type, ["with"], (name, call, values) => {
    if (!busy) apart(forgeWords);
    const result = call();
    if (name === "ForeignMemory.map" && !busy) know(values[0], result as ForeignPages);
    return result;
  });
}

/** A domain's descriptor is mapped alone, and known by its first word. */
function know(domain: unknown, mapped: ForeignPages): void {
  if (mapped.bytes.length !== PAGE_SIZE || viewOf(mapped)?.getUint32(0, true) !== MAGIC) return;
  pages.set(Number(domain), mapped);
}

intercept(Descriptor, ["detach", "check"], (name, call) => {
  if (name === "Descriptor.request") apart(forgeFrames);
  if (["Descriptor.request", "Descriptor.killRequest", "Descriptor.post"].includes(name)) apart(forgeWords);
  const result = call();
  if (name === "Descriptor.setResult") apart(restore);
  return result;
});

await import("../../../tools/forkd/main.ts");
