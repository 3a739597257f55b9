// Way 1 of forking: the child gets a copy of every frame at once. The parent waits in its fork() meanwhile, on its only
// virtual CPU, so its memory rests without being paused – and goes on by itself should forkd die here.
import { Descriptor, type ForkRequest } from "./descriptor.ts";
import { FrameList, p2mFrames, PageTables } from "./page_tables.ts";
import { createShell, type Shell } from "./shell.ts";
import { childContext, prepareSharedInfo, rewriteStartInfo, sharedInfoFrame } from "./start_info.ts";
import type { XenControl } from "./xen/control.ts";
import { PAGE_SIZE, type ForeignMemory } from "./xen/foreign_memory.ts";
import type { GrantSeed } from "./xen/grant_seed.ts";

/** Frames copied with one mapping. */
const CHUNK = 4096;
const ROOT_OFFSET = 4984 + 3 * 8;

/** Everything that reaches into Xen. */
export interface Xen {
  readonly control: XenControl;
  readonly memory: ForeignMemory;
  readonly grants: GrantSeed;
}

/** Who is copied, and as whom. */
export interface CopyOrder {
  readonly parent: number;
  readonly descriptorFrame: number;
  readonly request: ForkRequest;
  readonly uuid: string;
  readonly pid: number;
  readonly parentPid: number;
}

/** A finished copy: paused, not yet in xenstore. */
export interface CopiedDomain {
  readonly domain: number;
  readonly descriptorFrame: number;
  readonly consoleFrame: number;
  readonly consolePort: number;
  readonly storeFrame: number;
  readonly storePort: number;
  readonly pages: number;
}

/** Copies a domain that waits in fork(); no domain is left when that fails. */
export function copyDomain(xen: Xen, order: CopyOrder): CopiedDomain {
  const { parent, request } = order;
  const context = xen.control.context(parent);
  const root = Number(context.readBigUInt64LE(ROOT_OFFSET) >> 12n);
  const tables = PageTables.read(xen.memory, parent, root);
  const frames = FrameList.read(xen.memory, parent, tables, request.p2mAddress, request.pages);
  const shell = createShell(xen.control, parent, frames, order.uuid);
  try {
    return fillShell(xen, order, { context, root, tables, frames, shell });
  } catch (error) {
    xen.control.destroy(shell.domain);
    throw error;
  }
}

interface Parts {
  readonly context: Buffer;
  readonly root: number;
  readonly tables: PageTables;
  readonly frames: FrameList;
  readonly shell: Shell;
}

function fillShell(xen: Xen, order: CopyOrder, { context, root, tables, frames, shell }: Parts): CopiedDomain {
  const { control, memory, grants } = xen;
  const { parent, request } = order;
  const own = shell.frames;
  const childOf = (frame: number): number | undefined => {
    const pfn = frames.pfn(frame);
    return pfn === undefined ? undefined : own.frame(pfn);
  };
  copyFrames(memory, parent, shell.domain, frames, own, tables);
  const parentSharedInfo = memory.with(parent, [frames.frame(request.startInfoPfn)], false, sharedInfoFrame);
  writeTables(memory, shell, tables, (frame) => (frame === parentSharedInfo ? shell.sharedInfo : childOf(frame)));
  const p2m = p2mFrames(tables, request.p2mAddress, request.pages).map((frame) => childOf(frame) ?? 0);
  memory.with(shell.domain, p2m, true, (bytes) => writeFrameList(bytes, request.p2mAddress, own));

  const consoleFrame = own.frame(request.consolePfn);
  const storeFrame = own.frame(request.storePfn);
  const { sharedInfo, storePort, consolePort } = shell;
  memory.with(shell.domain, [own.frame(request.startInfoPfn)], true, (bytes) =>
    rewriteStartInfo(bytes, { sharedInfo, store: storeFrame, storePort, console: consoleFrame, consolePort }),
  );
  memory.with(shell.domain, [sharedInfo], true, prepareSharedInfo);
  memory.with(shell.domain, [consoleFrame, storeFrame], true, (bytes) => bytes.fill(0));
  const descriptorFrame = childOf(order.descriptorFrame) ?? 0;
  memory.with(shell.domain, [descriptorFrame], true, (bytes) =>
    new Descriptor(bytes).becomeChild(order.pid, order.parentPid),
  );

  const childRoot = childOf(root) ?? 0;
  control.pinRoot(shell.domain, childRoot);
  control.setContext(shell.domain, childContext(context, childRoot, request.childEntry, request.stackPointer));
  grants.seed(control, shell.domain, consoleFrame, storeFrame);
  const pages = own.pfns.length;
  return { domain: shell.domain, descriptorFrame, consoleFrame, consolePort, storeFrame, storePort, pages };
}

/** Copies every frame but the page tables. */
function copyFrames(
  memory: ForeignMemory,
  parent: number,
  child: number,
  from: FrameList,
  to: FrameList,
  { tables }: PageTables,
): void {
  const isTable = new Set(tables.map(({ frame }) => frame));
  const pfns = from.pfns.filter((pfn) => !isTable.has(from.frame(pfn)));
  for (let at = 0; at < pfns.length; at += CHUNK) {
    const chunk = pfns.subarray(at, at + CHUNK);
    const sources = chunk.map((pfn) => from.frame(pfn));
    const targets = chunk.map((pfn) => to.frame(pfn));
    memory.with(parent, sources, false, (source) => memory.with(child, targets, true, (target) => target.set(source)));
  }
}

function writeTables(
  memory: ForeignMemory,
  shell: Shell,
  tables: PageTables,
  translate: (frame: number) => number | undefined,
): void {
  const targets = tables.tables.map(({ frame }) => translate(frame) ?? 0);
  // Unmapped again at once: a table that domain 0 can write cannot be pinned.
  memory.with(shell.domain, targets, true, (bytes) => {
    for (let i = 0; i < targets.length; i++) {
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset + i * PAGE_SIZE, PAGE_SIZE / 4);
      tables.writeTranslated(i, words, translate);
    }
  });
}

function writeFrameList(bytes: Uint8Array, address: bigint, { frames }: FrameList): void {
  const start = Number(address & BigInt(PAGE_SIZE - 1));
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, frames.length * 2);
  for (const [pfn, frame] of frames.entries()) {
    words[2 * pfn] = frame;
    words[2 * pfn + 1] = frame === 0xffffffff ? 0xffffffff : 0;
  }
}
