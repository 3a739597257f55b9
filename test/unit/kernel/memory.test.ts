import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { KernelParts } from "./kernel.ts";

const START = 0x200000;
const END = 0x600000;

async function withPages(): Promise<KernelParts> {
  const kernel = await KernelParts.create();
  kernel.call.pagesInit(START, END);
  return kernel;
}

test("pages_are_aligned_disjoint_and_inside_the_region", async () => {
  const { call } = await withPages();
  const seen = new Set<number>();
  for (let order = 0; order <= 10; order++) {
    const block = call.pagesAlloc(order);
    if (block === 0) continue;
    assert.ok(block >= START && block + (4096 << order) <= END);
    for (let page = block; page < block + (4096 << order); page += 4096) {
      assert.ok(!seen.has(page), `page ${page.toString(16)} twice`);
      seen.add(page);
    }
  }
});

test("random_allocations_never_overlap_and_all_come_back", async () => {
  const { call } = await withPages();
  const random = new Random(11);
  const all = call.pagesFreeCount();
  const owned = new Map<number, number>(); // page → block
  const blocks = new Map<number, number>(); // block → order
  for (let step = 0; step < 20_000; step++) {
    if (random.u32() % 2 === 0) {
      const order = random.u32() % 5;
      const block = call.pagesAlloc(order);
      if (block === 0) continue;
      blocks.set(block, order);
      for (let i = 0; i < 1 << order; i++) {
        assert.ok(!owned.has(block + i * 4096));
        owned.set(block + i * 4096, block);
      }
    } else if (blocks.size > 0) {
      const block = [...blocks.keys()][random.u32() % blocks.size] as number;
      const order = blocks.get(block) as number;
      call.pagesFree(block, order);
      blocks.delete(block);
      for (let i = 0; i < 1 << order; i++) owned.delete(block + i * 4096);
    }
    assert.equal(call.pagesFreeCount(), all - owned.size);
  }
  for (const [block, order] of blocks) call.pagesFree(block, order);
  assert.equal(call.pagesFreeCount(), all);
  // Everything has merged again: a block as large as before is to be had.
  assert.notEqual(call.pagesAlloc(9), 0);
});

test("an_exhausted_region_gives_zero_and_recovers", async () => {
  const { call } = await withPages();
  const taken: number[] = [];
  for (let page = call.pagesAlloc(0); page !== 0; page = call.pagesAlloc(0)) taken.push(page);
  assert.equal(call.pagesFreeCount(), 0);
  assert.equal(call.pagesAlloc(3), 0);
  for (const page of taken) call.pagesFree(page, 0);
  assert.equal(call.pagesFreeCount(), taken.length);
});

test("order_for_bytes", async () => {
  const { call } = await withPages();
  const cases = [1, 4096, 4097, 8192, 8193, 65536, 65537].map((bytes) => [bytes, call.orderFor(bytes)]);
  assert.deepEqual(cases, [
    [1, 0],
    [4096, 0],
    [4097, 1],
    [8192, 1],
    [8193, 2],
    [65536, 4],
    [65537, 5],
  ]);
});

test("slab_objects_are_zeroed_disjoint_and_reused", async () => {
  for (const size of [8, 24, 100, 512, 2040]) {
    const kernel = await withPages();
    const { call } = kernel;
    const pages = call.pagesFreeCount();
    const random = new Random(size);
    call.slabPrepare(size);
    const live: number[] = [];
    for (let step = 0; step < 3000; step++) {
      if (random.u32() % 3 !== 0) {
        const object = call.slabAlloc();
        assert.notEqual(object, 0);
        assert.equal(object % 8, 0);
        assert.ok(kernel.read(object, size).every((byte) => byte === 0));
        assert.ok(live.every((other) => Math.abs(other - object) >= size));
        kernel.read(object, size).fill(0xa5);
        live.push(object);
      } else if (live.length > 0) {
        const [object] = live.splice(random.u32() % live.length, 1);
        call.slabFree(object as number);
      }
    }
    assert.equal(call.slabUsed(), live.length);
    for (const object of live) call.slabFree(object);
    assert.equal(call.slabUsed(), 0);
    assert.ok(pages - call.pagesFreeCount() <= 1, "one empty page may be kept");
  }
});
