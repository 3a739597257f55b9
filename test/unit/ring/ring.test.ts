// kernel/ring.ts against a peer that is played on the shared page, byte by byte after xen/include/public/io/ring.h.
import assert from "node:assert/strict";
import { before, beforeEach, test } from "node:test";
import { compileAssembly } from "../../support/assembly.ts";

const EPROTO = 71;
const [REQ_PROD, REQ_EVENT, RSP_PROD, RSP_EVENT] = [0, 4, 8, 12];

interface Ring {
  readonly memory: WebAssembly.Memory;
  pageAddress(): number;
  init(entrySize: number): void;
  setIndices(index: number): void;
  entries(): number;
  free(): number;
  request(): number;
  push(): number;
  responses(): number;
  entry(index: number): number;
  consume(count: number): void;
  notifyAfter(count: number): number;
}

let ring: Ring;
let page: DataView;
before(async () => {
  const instance = await WebAssembly.instantiate(await compileAssembly("test/unit/ring/harness.ts"), {});
  ring = instance.exports as unknown as Ring;
});
beforeEach(() => {
  ring.init(12);
  page = new DataView(ring.memory.buffer, ring.pageAddress(), 4096);
});

function get(index: number): number {
  return page.getUint32(index, true);
}

function set(index: number, value: number): void {
  page.setUint32(index, value >>> 0, true);
}

test("has the entries that fit, rounded down to a power of two", () => {
  for (const [size, count] of [
    [12, 256],
    [8, 256],
    [112, 32],
    [16, 128],
  ] as const) {
    ring.init(size);
    assert.equal(ring.entries(), count);
    assert.equal(ring.entry(1) - ring.entry(0), size);
    assert.equal(ring.entry(0), ring.pageAddress() + 64);
    assert.equal(ring.entry(count), ring.entry(0));
  }
});

test("an empty ring asks for the first event of either side", () => {
  assert.deepEqual([REQ_PROD, REQ_EVENT, RSP_PROD, RSP_EVENT].map(get), [0, 1, 0, 1]);
  assert.equal(ring.free(), 256);
  assert.equal(ring.responses(), 0);
});

test("requests are visible after push, and the peer is notified exactly when its event index lies among them", () => {
  ring.request();
  ring.request();
  assert.equal(get(REQ_PROD), 0);
  assert.equal(ring.push(), 1);
  assert.equal(get(REQ_PROD), 2);
  assert.equal(ring.push(), 0, "nothing new");
  ring.request();
  assert.equal(ring.push(), 0, "the event index has passed");
  set(REQ_EVENT, 5);
  ring.request();
  assert.equal(ring.push(), 0, "the event index is not reached");
  ring.request();
  assert.equal(ring.push(), 1);
});

test("responses come up to the number of requests shown; more are a lie", () => {
  for (let i = 0; i < 4; i++) ring.request();
  ring.push();
  ring.request();
  set(RSP_PROD, 4);
  assert.equal(ring.responses(), 4);
  for (const lie of [5, 6, 257, 0x8000_0000, -1]) {
    set(RSP_PROD, lie);
    assert.equal(ring.responses(), -EPROTO, String(lie));
  }
  set(RSP_PROD, 4);
  ring.consume(3);
  assert.equal(ring.responses(), 1);
  set(RSP_PROD, 2);
  assert.equal(ring.responses(), -EPROTO, "an index that goes back");
});

test("indices wrap at 2^32", () => {
  ring.setIndices(0xffff_fffe);
  set(RSP_PROD, 0xffff_fffe);
  set(REQ_EVENT, 1);
  for (let i = 0; i < 4; i++) ring.request();
  assert.equal(ring.free(), 252);
  assert.equal(ring.push(), 1);
  assert.equal(get(REQ_PROD), 2);
  set(RSP_PROD, 1);
  assert.equal(ring.responses(), 3);
  ring.consume(3);
  assert.equal(ring.free(), 255);
});

test("a wish for a notification says when the responses are there already", () => {
  for (let i = 0; i < 8; i++) ring.request();
  ring.push();
  assert.equal(ring.notifyAfter(1), 0);
  assert.equal(get(RSP_EVENT), 1);
  set(RSP_PROD, 3);
  assert.equal(ring.notifyAfter(3), 1);
  assert.equal(ring.notifyAfter(4), 0);
  assert.equal(get(RSP_EVENT), 4);
  assert.equal(ring.notifyAfter(257), 0, "never: more than can be under way");
});
