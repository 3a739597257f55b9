// How forkd reads a guest that lies: page tables in circles and without end, a frame list with frames of others, places that are
// nowhere. Each ends with an error or with numbers in range, and nothing stays mapped.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { PageTables } from "../../../tools/forkd/birth/page_tables.ts";
import { ParentMemory } from "../../../tools/forkd/birth/parent_memory.ts";
import { SharedPages } from "../../../tools/forkd/birth/shared_pages.ts";
import { Random } from "../../support/random.ts";
import { DOMAIN, FIRST_FRAME, FIRST_PAGE, GuestMemory, PAGES, PFN } from "./guest_memory.ts";

const ROOT = FIRST_FRAME + PFN.root;
const MOST_TABLES = 33_000;
const LIES = [0, 1, 2, 511, 512, 4095, 0xfffff, 0x100000, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff];

function read(guest: GuestMemory, shares = true): ParentMemory {
  const descriptor = descriptorOf(guest);
  return ParentMemory.read({ control: guest, memory: guest }, DOMAIN, descriptor, shares);
}

function descriptorOf(guest: GuestMemory): Descriptor {
  return new Descriptor(new Uint8Array(guest.view(PFN.descriptor).buffer));
}

test("an honest guest is read as it is", () => {
  const guest = new GuestMemory();
  const memory = read(guest);
  assert.equal(memory.tables.tables.length, 4);
  assert.deepEqual([...memory.copiedPfns], [...Array(PAGES).keys()]);
  assert.equal(memory.sharedInfo, 0x99);
  assert.equal(memory.pfnAt(FIRST_PAGE + 9), 9);
  assert.equal(memory.tablePfn(FIRST_PAGE), PFN.root + 3);
  memory.close();
  assert.equal(guest.mapped, 0);
});

test("tables that lead back to themselves are read once each", () => {
  for (const [table, target] of [
    [0, 0],
    [1, 1],
    [2, 1],
    [2, 0],
    [1, 3],
  ] as const) {
    const guest = new GuestMemory();
    for (const index of [5, 6, 511]) guest.setEntry(PFN.root + table, index, ROOT + target);
    const tables = PageTables.read(guest, DOMAIN, ROOT);
    assert.ok(tables.tables.length < 4 * PAGES, `${tables.tables.length} tables`);
    assert.equal(tables.frameAt(FIRST_PAGE + 9), FIRST_FRAME + 9);
    assert.equal(guest.mapped, 0);
  }
});

test("more tables than a domain can use are not read", () => {
  const guest = new GuestMemory();
  let next = 0x100000;
  const fill = (table: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => {
      guest.addFrame(++next);
      guest.setEntryOf(table, i + 10, next);
      return next;
    });
  // L2 tables, each full of L1 tables that are one and the same, and then of as many as it takes.
  const upper = fill(ROOT + 1, 70);
  const [shared = 0] = fill(upper[0] ?? 0, 1);
  for (const table of upper) for (let i = 0; i < 512; i++) guest.setEntryOf(table, i, shared);
  assert.ok(PageTables.read(guest, DOMAIN, ROOT).tables.length < 100);
  // Their contents do not matter: reading ends before.
  for (const table of upper) {
    for (let i = 0; i < 512; i++) guest.setEntryOf(table, i, ++next);
  }
  assert.ok(70 * 512 > MOST_TABLES);
  assert.throws(() => PageTables.read(guest, DOMAIN, ROOT), { code: "FORK_TABLES" });
  assert.equal(guest.mapped, 0);
});

test("Xen's own slots of the root are nobody's", () => {
  const guest = new GuestMemory();
  for (let slot = 256; slot < 272; slot++) guest.setEntry(PFN.root, slot, 0xdead);
  assert.equal(PageTables.read(guest, DOMAIN, ROOT).tables.length, 4);
});

test("a frame list with frames of others ends with Xen's refusal, and nothing stays mapped", () => {
  for (const frame of [0, 1, 0xdead, 0xfffffffe]) {
    const guest = new GuestMemory();
    guest.setP2m(20, frame);
    assert.throws(() => read(guest), /is not domain 3's/);
    assert.equal(guest.mapped, 0);
  }
});

test("a frame list that says nothing, or the same time and again", () => {
  const empty = new GuestMemory();
  for (let pfn = 0; pfn < PAGES; pfn++) empty.setP2m(pfn, 0xffffffff);
  const nothing = read(empty);
  assert.equal(nothing.copiedPfns.length, 0);
  assert.throws(() => nothing.sharedInfo, { code: "FORK_TABLES" });
  assert.equal(nothing.tablePfn(FIRST_PAGE), undefined);
  nothing.close();
  const same = new GuestMemory();
  for (let pfn = 0; pfn < PAGES; pfn++) same.setP2m(pfn, FIRST_FRAME + 1);
  const memory = read(same);
  assert.equal(memory.pfn(FIRST_FRAME + 1), PAGES - 1);
  memory.close();
  assert.equal(same.mapped, 0);
});

test("places that are nowhere", () => {
  const guest = new GuestMemory();
  guest.view(PFN.descriptor).setBigUint64(32, 0x7fff_0000_0000n, true);
  assert.throws(() => read(guest), { code: "FORK_TABLES" });
  assert.equal(guest.mapped, 0);
});

test("more frames than the domain may have", () => {
  for (const pages of [4 * PAGES + 1, 1 << 24]) {
    const guest = new GuestMemory();
    // A list of any length: the same frame at each of its pages.
    const { root, p2m } = PFN;
    for (let index = 264; index < 512; index++) guest.setEntry(root + 3, index, FIRST_FRAME + p2m);
    for (let index = 2; index < 512; index++) guest.setEntry(root + 2, index, FIRST_FRAME + root + 3);
    guest.view(PFN.descriptor).setUint32(40, pages, true);
    assert.throws(() => read(guest), { code: "FORK_DESCRIPTOR" });
    assert.equal(guest.mapped, 0);
  }
});

test("whatever the descriptor says, reading ends with an error or with numbers in range", () => {
  const random = new Random(99);
  const fields = [32, 36, 40, 44, 48, 64, 68, 120, 124, 128, 132, 136, 140, 144, 148, 152, 156];
  let readable = 0;
  for (let round = 0; round < 400; round++) {
    const guest = new GuestMemory();
    for (let lies = random.between(1, 3); lies > 0; lies--) {
      const field = fields[random.between(0, fields.length - 1)] ?? 0;
      const lie = LIES[random.between(0, LIES.length - 1)] ?? 0;
      guest
        .view(PFN.descriptor)
        .setUint32(field, random.between(0, 1) === 0 ? lie : random.between(0, 2 * PAGES), true);
    }
    readable += isReadable(guest, round % 2 === 0) ? 1 : 0;
    assert.equal(guest.mapped, 0);
  }
  assert.ok(readable > 100, `only ${readable}`);
});

/** Reads a guest and asks all that forkd asks of its memory. */
function isReadable(guest: GuestMemory, shares: boolean): boolean {
  let memory: ParentMemory;
  try {
    memory = read(guest, shares);
  } catch {
    return false;
  }
  const { request } = memory;
  const shared = new SharedPages(DOMAIN, request, memory.tables);
  for (const page of [0, FIRST_PAGE, request.statesPage, request.changeLogPage, request.appFirstPage]) {
    const bytes = memory.pageAt(page);
    assert.ok(bytes === undefined || bytes.length === 4096);
    assert.equal(typeof shared.covers(page), "boolean");
  }
  assert.ok(memory.copiedPfns.every((pfn) => pfn < request.pages && (!shares || pfn < request.kernelEndPfn)));
  memory.close();
  return true;
}
