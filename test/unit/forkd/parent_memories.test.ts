// What forkd keeps of a parent's memory between two shells: it is brought up to date while that can be done page by page, read anew
// otherwise, and let go of with its last user.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { ParentMemories, type KnownMemory } from "../../../tools/forkd/birth/parent_memories.ts";
import { DOMAIN, FIRST_FRAME, FIRST_PAGE, GuestMemory, PFN } from "./guest_memory.ts";

/** Places in the descriptor. */
const [LAYOUT, PAGES_CHANGED, CONSTANTS_END] = [112, 116, 140];
const LOG_ENTRIES = 1024;
const PAGE = FIRST_PAGE + 9;

let guest: GuestMemory;
let memories: ParentMemories;
let parent: { readonly domain: number; readonly descriptor: Descriptor; ending: boolean };
let reads: number;

beforeEach(() => {
  guest = new GuestMemory();
  reads = 0;
  const context = (): Buffer => {
    reads += 1;
    return guest.context();
  };
  memories = new ParentMemories({ control: { context, info: () => guest.info() }, memory: guest });
  const descriptor = new Descriptor(new Uint8Array(guest.view(PFN.descriptor).buffer));
  parent = { domain: DOMAIN, descriptor, ending: false };
});

/** The guest maps `page` to its frame `pfn`, and tells of it as `times` changes. */
function remap(page: number, pfn: number, times = 1): void {
  guest.setEntry(PFN.root + 3, page % 512, FIRST_FRAME + pfn);
  const descriptor = guest.view(PFN.descriptor);
  for (let i = 0; i < times; i++) {
    const produced = descriptor.getUint32(PAGES_CHANGED, true);
    guest.view(PFN.log).setUint32((produced % LOG_ENTRIES) * 4, page, true);
    descriptor.setUint32(PAGES_CHANGED, produced + 1, true);
  }
  guest.show();
}

/** What the tables say of a page that a shell would be made by. */
function known(shares = true): KnownMemory & { readonly frame: number } {
  const now = memories.of(parent, shares);
  return { ...now, frame: now.memory.tables.frameAt(PAGE) - FIRST_FRAME };
}

test("memory is read once; the next shell finds the pages that have changed, and an older one knows since when they have", () => {
  const first = known();
  const { changes } = first.memory;
  assert.equal(first.frame, 9);
  remap(PAGE, 20);
  const second = known();
  assert.equal(second.memory, first.memory);
  assert.equal(second.frame, 20);
  assert.deepEqual(second.memory.changes, { layout: 0, pages: 1 });
  assert.deepEqual(first.memory.changedSince(parent.descriptor, changes), [PAGE]);
  assert.deepEqual(first.memory.changedSince(parent.descriptor, second.memory.changes), []);
  assert.equal(reads, 1);
});

test("a log that is just full is enough, one that has come round is not", () => {
  known();
  remap(PAGE, 20, LOG_ENTRIES);
  assert.equal(known().frame, 20);
  assert.equal(reads, 1);
  remap(PAGE, 21, LOG_ENTRIES + 1);
  assert.equal(known().frame, 21);
  assert.equal(reads, 2);
});

test("where more than pages has changed memory is read anew, and the old one serves the shells that were made by it", () => {
  for (const [at, value] of [
    [LAYOUT, 7],
    [CONSTANTS_END, FIRST_PAGE + 4],
  ] as const) {
    const before = known();
    guest.view(PFN.descriptor).setUint32(at, value, true);
    const after = known();
    assert.notEqual(after.memory, before.memory);
    assert.notEqual(before.memory.entry(PAGE), undefined);
    before.memory.close();
    assert.equal(before.memory.entry(PAGE), undefined);
    after.memory.close();
  }
  assert.equal(reads, 3); // the second round begins with what the first has left
});

test("pages that are nowhere are no pages", () => {
  known();
  for (const page of [0, FIRST_PAGE - 512, 0xfffff, 0xffffffff]) {
    const descriptor = guest.view(PFN.descriptor);
    const produced = descriptor.getUint32(PAGES_CHANGED, true);
    guest.view(PFN.log).setUint32(produced * 4, page, true);
    descriptor.setUint32(PAGES_CHANGED, produced + 1, true);
  }
  guest.show();
  assert.equal(known().frame, 9);
  assert.equal(reads, 1);
});

test("nothing stays mapped: not of who is forgotten, nor of who is ending, nor of who is copied", () => {
  const shells = [known(), known()];
  memories.forget(parent);
  assert.ok(guest.mapped > 0);
  for (const { memory } of shells) memory.close();
  assert.equal(guest.mapped, 0);
  known(false).memory.close();
  assert.equal(guest.mapped, 0);
  parent.ending = true;
  known().memory.close();
  assert.equal(guest.mapped, 0);
});
