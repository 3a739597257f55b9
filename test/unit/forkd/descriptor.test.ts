// What forkd makes of a fork descriptor that a hostile guest kernel has written: every number that it uses is in range, or the
// request is refused with one clear error; nothing it writes itself leaves the page's places.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Descriptor } from "../../../tools/forkd/descriptor.ts";
import { EVENT_EXIT, type FamilyEvent } from "../../../tools/forkd/event_ring.ts";
import type { ForkRequest } from "../../../tools/forkd/fork_request.ts";
import { KaryonError } from "../../../tools/support/errors.ts";
import { Random } from "../../support/random.ts";

const PAGE_BYTES = 4096;
const MOST_PAGES = 1 << 24;
const PAGES_32BIT = 1 << 20;
const PENDING = 0x7fffffff;
const RING = 2048;

/** What a guest may write into a field of 32 bits. */
const LIES = [0, 1, 2, 511, 512, 4095, 4096, 0xfffff, 0x100000, 0xffffff, 0x1000000, PENDING, 0x80000000, 0xffffffff];
/** The fields of 32 bits that forkd reads for a request, the halves of longer ones among them. */
const FIELDS = [
  16, 20, 24, 28, 32, 36, 40, 44, 48, 64, 68, 76, 112, 116, 120, 124, 128, 132, 136, 140, 144, 148, 152, 156, 184, 188,
];

/** A page as an honest guest of 1024 frames fills it in. */
function honestPage(): DataView {
  const page = new DataView(new ArrayBuffer(PAGE_BYTES));
  const words = { 0: 0x4b52464b, 4: 5, 24: 0x301000, 32: 0x340000, 40: 1024, 48: 70, 64: 71, 68: 72, 76: 0x345000 };
  const sharing = {
    120: 0x346000,
    128: 1024,
    132: 200,
    136: 0x300,
    140: 0x340,
    144: 0x40000,
    148: 0x40100,
    152: 0x347010,
  };
  for (const [offset, value] of Object.entries({ ...words, ...sharing })) page.setUint32(Number(offset), value, true);
  return page;
}

function descriptorOn(page: DataView): Descriptor {
  return new Descriptor(new Uint8Array(page.buffer));
}

/** The request, or undefined when it is refused as such. */
function requestOf(page: DataView): ForkRequest | undefined {
  try {
    return descriptorOn(page).request();
  } catch (error) {
    assert.ok(error instanceof KaryonError && error.code === "FORK_DESCRIPTOR", String(error));
    return undefined;
  }
}

function isBetween(value: number, low: number, end: number): boolean {
  return Number.isInteger(value) && value >= low && value < end;
}

/** Whatever the page says, forkd can use these numbers as sizes, indices and addresses. */
function assertUsable(request: ForkRequest): void {
  const { pages, p2mPage, appFirstPage, constants, common } = request;
  assert.ok(isBetween(pages, 1, MOST_PAGES + 1), `pages ${pages}`);
  for (const pfn of [request.startInfoPfn, request.consolePfn, request.storePfn]) assert.ok(isBetween(pfn, 0, pages));
  assert.ok(isBetween(request.kernelEndPfn, 0, pages + 1), `kernelEndPfn ${request.kernelEndPfn}`);
  assert.ok(isBetween(p2mPage, 0, 2 ** 36), `p2mPage ${p2mPage}`);
  for (const { first, end } of [constants, common]) {
    assert.ok(isBetween(end, 0, PAGES_32BIT + 1) && isBetween(first, 0, end + 1), `range ${first} to ${end}`);
  }
  assert.ok(isBetween(appFirstPage, 0, PAGES_32BIT), `appFirstPage ${appFirstPage}`);
  for (const page of [request.changeLogPage, request.statesPage]) assert.ok(isBetween(page, 0, PAGES_32BIT));
  assert.ok(isBetween(request.changeLogEntries, 0, PAGE_BYTES / 4 + 1));
  assert.ok(isBetween(request.statesOffset, 0, PAGE_BYTES));
  assert.ok(isBetween(request.stackPointerAddress, 16, 2 ** 32 + 16));
  assert.ok(request.childEntry >= 0n && request.childEntry < 1n << 64n);
}

test("an honest request is read as it was written", () => {
  const request = requestOf(honestPage());
  assert.deepEqual(request, {
    childEntry: 0x301000n,
    stackPointerAddress: 0x345010,
    p2mPage: 0x340,
    pages: 1024,
    startInfoPfn: 70,
    consolePfn: 71,
    storePfn: 72,
    kernelEndPfn: 200,
    constants: { first: 0x300, end: 0x340 },
    appFirstPage: 0x40000,
    common: { first: 0, end: 0 },
    changeLogPage: 0x346,
    changeLogEntries: 1024,
    statesPage: 0x347,
    statesOffset: 0x10,
  });
});

test("each field with each lie: in range or refused", () => {
  let refused = 0;
  for (const field of FIELDS) {
    for (const lie of LIES) {
      const page = honestPage();
      page.setUint32(field, lie, true);
      const request = requestOf(page);
      if (request === undefined) refused += 1;
      else assertUsable(request);
    }
  }
  assert.ok(refused > 50, `only ${refused} refused`);
});

test("pages full of anything: in range or refused", () => {
  const random = new Random(4711);
  let taken = 0;
  for (let round = 0; round < 5000; round++) {
    const page = honestPage();
    const lies = random.between(1, FIELDS.length);
    for (let i = 0; i < lies; i++) {
      const field = FIELDS[random.between(0, FIELDS.length - 1)] ?? 0;
      // Small numbers, too: among large ones only, all would be refused for the same reason.
      page.setUint32(field, random.u32() >>> random.between(0, 31), true);
    }
    const request = requestOf(page);
    if (request === undefined) continue;
    taken += 1;
    assertUsable(request);
  }
  assert.ok(taken > 50, `only ${taken} taken`);
});

test("frames at the very edge", () => {
  const page = honestPage();
  page.setUint32(48, 1023, true);
  page.setUint32(132, 1024, true);
  assert.equal(requestOf(page)?.kernelEndPfn, 1024);
  page.setUint32(48, 1024, true);
  assert.equal(requestOf(page), undefined);
  for (const pages of [0n, BigInt(MOST_PAGES) + 1n, 1n << 32n, (1n << 64n) - 1n]) {
    const other = honestPage();
    other.setBigUint64(40, pages, true);
    assert.equal(requestOf(other), undefined, `${pages} pages`);
  }
});

test("a page that is no descriptor, or of another version, is refused", () => {
  for (const [offset, value] of [
    [0, 0],
    [0, 0x4b46524b],
    [4, 1],
    [4, 2],
    [4, 3],
    [4, 4],
    [4, 6],
    [4, 0xffffffff],
  ] as const) {
    const page = honestPage();
    page.setUint32(offset, value, true);
    assert.throws(() => descriptorOn(page).check(), { code: "FORK_DESCRIPTOR" });
  }
  descriptorOn(honestPage()).check();
});

test("events stay within the ring, whatever the counters say", () => {
  const event: FamilyEvent = { kind: EVENT_EXIT, pid: 7, value: 9, data: 3, cpuTime: 1n, frames: 2 };
  for (const producer of LIES) {
    for (const consumer of LIES) {
      const page = honestPage();
      page.setUint32(96, producer, true);
      page.setUint32(100, consumer, true);
      const before = new Uint8Array(page.buffer.slice(0));
      const posted = descriptorOn(page).post(event);
      assert.equal(posted, (producer - consumer) >>> 0 < 64, `${producer} ${consumer}`);
      const after = new Uint8Array(page.buffer);
      const changed = [...after.keys()].filter((at) => after[at] !== before[at]);
      const place = RING + (producer % 64) * 32;
      assert.ok(changed.every((at) => (at >= 96 && at < 100) || (at >= place && at < place + 32)));
    }
  }
});

test("what is asked besides forks: only a whole number leaves the page, and only a kill is a signal", () => {
  for (const operation of LIES) {
    for (const pid of LIES) {
      const page = honestPage();
      for (const [offset, value] of [
        [160, operation],
        [164, pid],
        [168, 9],
        [172, PENDING],
      ] as const) {
        page.setUint32(offset, value, true);
      }
      assert.deepEqual(descriptorOn(page).killRequest(), { pid: pid | 0, signal: operation === 1 ? 9 : -1 });
    }
  }
  assert.equal(descriptorOn(honestPage()).killRequest(), undefined);
});

test("what a parent's page says of its children and itself does not reach a child", () => {
  const page = honestPage();
  new Uint8Array(page.buffer).fill(0xff, 80, 112);
  new Uint8Array(page.buffer).fill(0xff, 160, 180);
  new Uint8Array(page.buffer).fill(0xff, RING);
  const child = descriptorOn(page);
  child.becomeChild(5, 4, 3, { first: 32_768, count: 128 });
  assert.equal(page.getUint32(84, true), 5);
  assert.deepEqual([child.exitStatus, child.pending, child.address], [0, false, undefined]);
  assert.equal(child.killRequest(), undefined);
  assert.ok(!child.hasExit(-1) && !child.hasExit(0xffffffff));
  assert.ok(child.post({ kind: EVENT_EXIT, pid: 6, value: 0, data: 0, cpuTime: 0n, frames: 0 }));
});
