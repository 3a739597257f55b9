// A shell: a domain that waits to become a child of one parent. It has everything that takes time – memory at the parent's frame
// numbers, page tables, pinned, with the parent's pages mapped read-only where they are shared, its start_info, rings and
// virtual CPU – and lacks only what the parent's pages will hold at the fork (fill.ts).
import { setImmediate as giveWay } from "node:timers/promises";
import type { ChangeCount } from "../descriptor.ts";
import { checkCopyable } from "./own_frames.ts";
import { NO_FRAME, p2mFrames, type ParentMemory } from "./parent_memory.ts";
import type { Translate } from "./page_tables.ts";
import { SharedPages, shareAll, type SharedUpdates } from "./shared_pages.ts";
import { childContext, contextRoot, prepareSharedInfo, rewriteStartInfo } from "./start_info.ts";
import { PAGE_SIZE, type ForeignPages } from "../xen/foreign_memory.ts";
import type { Xen } from "../xen/handles.ts";
import { KaryonError } from "../../support/errors.ts";

// What libxl gives a guest.
const LIMITS = { eventChannelPorts: 1023, grantFrames: 64, maptrackFrames: 1024 };

/** What a shell is made for. */
export interface ShellOrder {
  readonly parent: ParentMemory;
  /** How much had changed in the parent's memory when the shell was begun. */
  readonly changes: ChangeCount;
  readonly uuid: string;
  /** The frame numbers at which it has memory of its own. */
  readonly pfns: Uint32Array;
  /** What the parent itself shares with others, as forkd has made it. */
  readonly inherited: SharedPages | undefined;
  /** Other domains whose frames the parent may share: those of its family. */
  readonly relatives: readonly number[];
  /** How many frames the domain may come to have. */
  readonly maximumPages: number;
}

/** A prepared domain, paused. */
export interface Shell {
  readonly order: ShellOrder;
  readonly domain: number;
  /** Its machine frames by pfn. */
  readonly frames: Uint32Array;
  /** How many it has. */
  readonly ownPages: number;
  readonly shared: SharedPages | undefined;
  /** Pages that Xen did not let it share, because they changed just then: to be seen to at the fork. */
  readonly refused: readonly number[];
  /** The pfns whose pages are copied at the fork, where the parent's are in `order.parent.copied`, and these, mapped. */
  readonly copiedPfns: Uint32Array;
  readonly copiedFrom: Uint32Array;
  readonly copied: ForeignPages;
  readonly consoleFrame: number;
  readonly consolePort: number;
  readonly storeFrame: number;
  readonly storePort: number;
}

/**
 * Makes a shell; no domain is left when that fails. Gives way to other work between its steps, for a fork that waits for a
 * shell already made must not wait for the next.
 *
 * @throws KaryonError XEN_CALL, FORK_TABLES
 */
export async function createShell(xen: Xen, order: ShellOrder): Promise<Shell> {
  const { control } = xen;
  const domain = control.create(order.uuid, LIMITS);
  try {
    control.setLimits(domain, order.maximumPages);
    control.copyTime(order.parent.domain, domain);
    const storePort = control.allocateEventChannel(domain);
    const consolePort = control.allocateEventChannel(domain);
    return await furnish(xen, order, { domain, storePort, consolePort });
  } catch (error) {
    control.destroy(domain);
    throw error;
  }
}

/** Applies changes of what a shell shares; the pages that Xen refuses. */
export function applyShared({ tables }: Xen, domain: number, order: ShellOrder, updates: SharedUpdates): number[] {
  return [...updates].flatMap(([owner, ofOwner]) => {
    let refused = tables.apply(domain, owner, ofOwner);
    // A forkd that has begun after the parent does not know what that was given by its relatives.
    for (const relative of order.relatives) if (refused.length > 0) refused = tables.apply(domain, relative, refused);
    return refused.map(({ page }) => page);
  });
}

interface EmptyShell {
  readonly domain: number;
  readonly storePort: number;
  readonly consolePort: number;
}

async function furnish(xen: Xen, order: ShellOrder, { domain, storePort, consolePort }: EmptyShell): Promise<Shell> {
  const { control, memory, grants } = xen;
  const { parent, pfns } = order;
  const { request, tables, context, shares } = parent;
  const frames = new Uint32Array(request.pages).fill(NO_FRAME);
  const populated = control.populate(domain, pfns);
  for (let i = 0; i < populated.length; i++) frames[pfns[i] ?? 0] = populated[i] ?? NO_FRAME;
  await giveWay();
  const own = (pfn: number | undefined): number => {
    const frame = pfn === undefined ? NO_FRAME : (frames[pfn] ?? NO_FRAME);
    if (frame !== NO_FRAME) return frame;
    throw new KaryonError("FORK_TABLES", "the forking domain lacks a frame that it says it has");
  };
  const parentPfn = (frame: number): number | undefined => parent.pfn(frame);
  if (!shares) checkCopyable(parent);
  const childOf = (frame: number): number | undefined => {
    const pfn = parentPfn(frame);
    return pfn === undefined || frames[pfn] === NO_FRAME ? undefined : frames[pfn];
  };

  const shared = shares ? new SharedPages(parent.domain, request, tables) : undefined;
  const sharedInfo = control.info(domain)?.sharedInfoFrame ?? 0;
  const parentSharedInfo = parent.sharedInfo;
  const tableFrames = tables.tables.map(({ frame }) => own(parentPfn(frame)));
  writeTables(xen, domain, parent, tableFrames, shares, (frame, page) => {
    if (page !== undefined && shared?.covers(page) === true) return undefined; // mapped when Xen has taken the tables
    return frame === parentSharedInfo ? sharedInfo : childOf(frame);
  });
  await giveWay();
  const [consoleFrame, storeFrame] = [own(request.consolePfn), own(request.storePfn)];
  const startInfoFrame = own(request.startInfoPfn);
  const p2m = p2mFrames(tables, request).map((frame) => own(parentPfn(frame)));
  memory.with(domain, p2m, true, (bytes) => writeFrameList(bytes, frames));
  memory.with(domain, [startInfoFrame], true, (bytes) => {
    bytes.set(parent.page(request.startInfoPfn));
    rewriteStartInfo(bytes, { sharedInfo, store: storeFrame, storePort, console: consoleFrame, consolePort });
  });
  memory.with(domain, [sharedInfo], true, prepareSharedInfo);
  memory.with(domain, [consoleFrame, storeFrame], true, (bytes) => bytes.fill(0));

  await giveWay();
  const root = own(parentPfn(contextRoot(context)));
  control.pinRoot(domain, root);
  await giveWay();
  const refused = shared === undefined ? [] : shareMemory(xen, domain, order, shared, (frame) => own(parentPfn(frame)));
  await giveWay();
  const start = { root, entry: request.childEntry, argument: request.stackPointerAddress };
  control.setContext(domain, childContext(context, start));
  grants.seed(control, domain, consoleFrame, storeFrame);

  const made = new Set([consoleFrame, storeFrame, startInfoFrame, ...p2m, ...tableFrames]);
  const copiedPfns = parent.copiedPfns.filter((pfn) => (frames[pfn] ?? NO_FRAME) !== NO_FRAME && !made.has(own(pfn)));
  const copiedFrom = copiedPfns.map((pfn) => parent.position(pfn));
  const copied = memory.map(domain, copiedPfns.map(own), true);
  const rings = { consoleFrame, consolePort, storeFrame, storePort };
  return { order, domain, frames, ownPages: pfns.length, shared, refused, copiedPfns, copiedFrom, copied, ...rings };
}

/** Maps all shared pages; those that Xen refuses, which are not shared then. */
function shareMemory(
  xen: Xen,
  domain: number,
  order: ShellOrder,
  shared: SharedPages,
  childTable: (frame: number) => number,
): number[] {
  const updates = shareAll(order.parent.tables, shared, order.inherited, childTable);
  const refused = applyShared(xen, domain, order, updates);
  for (const page of refused) shared.forget(page);
  return refused;
}

function writeTables(
  { memory }: Xen,
  domain: number,
  { tables }: ParentMemory,
  frames: readonly number[],
  open: boolean,
  translate: Translate,
): void {
  // Unmapped again at once: a table that domain 0 can write cannot be pinned.
  memory.with(domain, frames, true, (bytes) => {
    for (let i = 0; i < frames.length; i++) {
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset + i * PAGE_SIZE, PAGE_SIZE / 4);
      tables.writeTranslated(i, words, open, translate);
    }
  });
}

function writeFrameList(bytes: Uint8Array, frames: Uint32Array): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, frames.length * 2);
  for (let pfn = 0; pfn < frames.length; pfn++) {
    const frame = frames[pfn] ?? NO_FRAME;
    words[2 * pfn] = frame;
    words[2 * pfn + 1] = frame === NO_FRAME ? NO_FRAME : 0;
  }
}
