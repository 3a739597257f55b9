// As whose frames a child's shared pages are given to Xen: those of a relative only where forkd itself has shared them so, every
// other as the parent's, whatever the parent's tables say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { PageTables } from "../../../tools/forkd/birth/page_tables.ts";
import { SharedPages, type EntryWords, type SharedUpdates } from "../../../tools/forkd/birth/shared_pages.ts";
import { DOMAIN, FIRST_FRAME, FIRST_PAGE, GuestMemory, PFN } from "./guest_memory.ts";

const PLACE = { table: 1, index: 0 };
const [FIRST, SECOND, THIRD] = [DOMAIN, 7, 8];
/** A page of the constants, which are shared. */
const PAGE = FIRST_PAGE + 1;

/** Pages that parent and child have in common, just below the app's. */
const COMMON = { first: 0x3f400, end: 0x3f600 };

function sharedBy(domain: number): SharedPages {
  const guest = new GuestMemory();
  guest.view(PFN.descriptor).setUint32(184, COMMON.first, true);
  guest.view(PFN.descriptor).setUint32(188, COMMON.end, true);
  const request = new Descriptor(new Uint8Array(guest.view(PFN.descriptor).buffer)).request();
  return new SharedPages(domain, request, PageTables.read(guest, DOMAIN, FIRST_FRAME + PFN.root));
}

/** A present, writable entry. */
function entryOf(frame: number): EntryWords {
  return [((frame << 12) | 3) >>> 0, frame >>> 20];
}

/** Shares PAGE of `parent`, which maps `frame` there; the owner that Xen is told. */
function share(shared: SharedPages, frame: number, inherited?: SharedPages): number {
  const updates: SharedUpdates = new Map();
  shared.share(updates, PAGE, entryOf(frame), PLACE, inherited);
  const [[owner, changes] = [-1, []], ...others] = [...updates];
  assert.deepEqual(others, []);
  assert.deepEqual(changes, [{ page: PAGE, ...PLACE, low: ((frame << 12) | 1) >>> 0, high: frame >>> 20 }]);
  return owner;
}

test("a frame is the first process's in all generations, as long as nobody has written", () => {
  const first = sharedBy(FIRST);
  assert.equal(share(first, 0x500), FIRST);
  const second = sharedBy(SECOND);
  assert.equal(share(second, 0x500, first), FIRST);
  const third = sharedBy(THIRD);
  assert.equal(share(third, 0x500, second), FIRST);
  assert.equal(third.owner(PAGE), FIRST);
});

test("a page that was written is its writer's from then on", () => {
  const first = sharedBy(FIRST);
  share(first, 0x500);
  const second = sharedBy(SECOND);
  assert.equal(share(second, 0x501, first), SECOND);
  const third = sharedBy(THIRD);
  assert.equal(share(third, 0x501, second), SECOND);
});

test("a frame at another page than it was shared, or of nobody known, is the parent's for Xen to check", () => {
  const first = sharedBy(FIRST);
  share(first, 0x500);
  const second = sharedBy(SECOND);
  const updates: SharedUpdates = new Map();
  second.share(updates, FIRST_PAGE, entryOf(0x500), PLACE, first);
  assert.deepEqual([...updates.keys()], [SECOND]);
  assert.equal(share(second, 0xdead, first), SECOND);
});

test("a page that Xen has refused is not known afterwards", () => {
  const first = sharedBy(FIRST);
  share(first, 0x500);
  first.forget(PAGE);
  assert.equal(share(sharedBy(SECOND), 0x500, first), SECOND);
});

test("pages in common may be written as far as the parent may, whoever's they are; no other page", () => {
  const first = sharedBy(FIRST);
  const updates: SharedUpdates = new Map();
  first.share(updates, COMMON.first, entryOf(0x700), PLACE, undefined);
  first.share(updates, COMMON.end - 1, [0x701001, 0], PLACE, undefined); // read-only for the parent
  first.share(updates, PAGE, entryOf(0x702), PLACE, undefined);
  const rights = updates.get(FIRST)?.map(({ low }) => low & 3);
  assert.deepEqual(rights, [3, 1, 1]);
  const second = sharedBy(SECOND);
  const inherited: SharedUpdates = new Map();
  second.share(inherited, COMMON.first, entryOf(0x700), PLACE, first);
  second.share(inherited, COMMON.first + 1, entryOf(0x703), PLACE, first);
  assert.deepEqual(inherited.get(FIRST), [{ page: COMMON.first, ...PLACE, low: 0x700003, high: 0 }]);
  assert.deepEqual(inherited.get(SECOND), [{ page: COMMON.first + 1, ...PLACE, low: 0x703003, high: 0 }]);
  assert.deepEqual([first.covers(COMMON.first - 1), first.covers(COMMON.first)], [false, true]);
});

test("nothing is taken for a mapped page that is none", () => {
  const shared = sharedBy(FIRST);
  const updates: SharedUpdates = new Map();
  shared.share(updates, PAGE, [0x500000, 0], PLACE, undefined);
  assert.deepEqual(updates.get(FIRST), [{ page: PAGE, ...PLACE, low: 0, high: 0 }]);
  assert.equal(shared.get(PAGE), 0);
});
