// The memory that processes have in common for a pipe: the ring, the table of its holders, what becomes of both when one of them
// ends, and its lock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileAssembly } from "../../support/assembly.ts";
import { Random } from "../../support/random.ts";

const STATE = 0x200000;
const DATA = 0x210000;
const [READ, WRITE] = [1, 2];
const OWN_PID = 1;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly FORMING: WebAssembly.Global;
  readonly HOLDERS: WebAssembly.Global;
  readonly SHARED_CAPACITY: WebAssembly.Global;
  sharedPut(state: number, source: number, count: number): void;
  sharedTake(state: number, target: number, count: number): void;
  sharedLength(state: number): number;
  sharedRoom(state: number): number;
  holderAdd(state: number, pid: number, ends: number): number;
  holderDrop(state: number, index: number, ends: number): void;
  holderPid(state: number, index: number): number;
  readEnds(state: number): number;
  writeEnds(state: number): number;
  died(pid: number, heir: number): void;
  hasDied(pid: number): number;
  deathsClear(state: number): void;
  sharedLock(state: number): void;
  sharedTryLock(state: number): number;
  sharedUnlock(state: number): void;
  ownerOf(state: number): number;
  setOwner(state: number, pid: number): void;
  spoil(state: number, written: bigint, taken: bigint, entries: number): void;
}

const module = await compileAssembly("test/unit/posix/harness_shared_pipe.ts");

/** A kernel whose hypercalls are counted and do what `hypercall` does. */
async function create(hypercall: () => void = () => undefined): Promise<Exports> {
  const boot: Record<string, (...args: readonly bigint[]) => unknown> = {};
  const imports: WebAssembly.Imports = { boot };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = () => 0;
  }
  boot["hypercall"] = () => {
    hypercall();
    return 0n;
  };
  boot["machineToPhys"] = () => 0n;
  const { exports } = await WebAssembly.instantiate(module, imports);
  return exports as unknown as Exports;
}

test("bytes come out as they went in, over many rounds of the ring", async () => {
  const call = await create();
  const bytes = new Uint8Array(call.memory.buffer);
  const random = new Random(3);
  const capacity = Number(call.SHARED_CAPACITY.value);
  assert.ok(capacity >= 4096);
  let held = Buffer.alloc(0);
  for (let step = 0; step < 3000; step++) {
    assert.equal(call.sharedLength(STATE), held.length);
    assert.equal(call.sharedRoom(STATE), capacity - held.length);
    if (random.between(0, 1) === 0) {
      const data = Buffer.from(random.bytes(random.between(0, capacity - held.length)));
      bytes.set(data, DATA);
      call.sharedPut(STATE, DATA, data.length);
      held = Buffer.concat([held, data]);
    } else {
      const count = random.between(0, held.length);
      call.sharedTake(STATE, DATA, count);
      assert.deepEqual(Buffer.from(bytes.slice(DATA, DATA + count)), held.subarray(0, count));
      held = held.subarray(count);
    }
  }
});

test("who has which end is counted; places are used again; a full table takes no more", async () => {
  const call = await create();
  const most = Number(call.HOLDERS.value);
  for (let i = 0; i < most; i++) assert.equal(call.holderAdd(STATE, 100 + i, i === 0 ? READ : WRITE), i);
  assert.equal(call.holderAdd(STATE, 7, READ | WRITE), -1);
  assert.deepEqual([call.readEnds(STATE), call.writeEnds(STATE)], [1, most - 1]);
  call.holderDrop(STATE, 5, WRITE);
  assert.equal(call.writeEnds(STATE), most - 2);
  assert.equal(call.holderAdd(STATE, 7, READ | WRITE), 5);
  call.holderDrop(STATE, 5, READ);
  assert.deepEqual([call.readEnds(STATE), call.writeEnds(STATE), call.holderPid(STATE, 5)], [1, most - 1, 7]);
});

test("the ends of who has ended are nobody's; a child that was being made keeps its own if it lives", async () => {
  const call = await create();
  const forming = Number(call.FORMING.value);
  for (const pid of [1, 2, forming + 2, 3, forming + 3]) call.holderAdd(STATE, pid, READ | WRITE);
  call.died(2, 9);
  call.died(3, 0);
  call.deathsClear(STATE);
  const pids = [0, 1, 2, 3, 4].map((index) => call.holderPid(STATE, index));
  assert.deepEqual(pids, [1, 0, 9, 0, 0]);
  assert.deepEqual([call.readEnds(STATE), call.writeEnds(STATE)], [2, 2]);
  call.died(9, 0);
  call.deathsClear(STATE);
  assert.equal(call.writeEnds(STATE), 1);
  for (let pid = 1000; pid < 1128; pid++) call.died(pid, 0);
  assert.deepEqual([call.hasDied(1000), call.hasDied(1127), call.hasDied(9)], [1, 1, 0], "the last 128 are known");
});

test("the lock is waited for, and taken over from who has ended with it", async () => {
  let calls = 0;
  const call = await create(() => {
    calls += 1;
    if (calls === 150) made.call?.setOwner(STATE, 0);
    if (calls === 500) made.call?.died(5, 0);
  });
  const made: { call?: Exports } = { call };
  call.holderAdd(STATE, 6, WRITE);
  call.sharedLock(STATE);
  assert.deepEqual([call.ownerOf(STATE), calls], [OWN_PID, 0]);
  assert.equal(call.sharedTryLock(STATE), 0);
  call.sharedUnlock(STATE);
  call.setOwner(STATE, 4);
  call.sharedLock(STATE); // 4 lets it go
  assert.deepEqual([call.ownerOf(STATE), calls], [OWN_PID, 150]);
  call.setOwner(STATE, 5);
  call.sharedLock(STATE); // 5 ends
  assert.equal(call.ownerOf(STATE), OWN_PID);
  assert.ok(calls >= 500 && calls < 510, `${calls} hypercalls`);
});

test("numbers that cannot be lead to no address outside the pages", async () => {
  const call = await create();
  const bytes = new Uint8Array(call.memory.buffer);
  bytes.fill(0xaa, STATE + 8192, STATE + 3 * 8192);
  const random = new Random(5);
  for (let i = 0; i < 500; i++) {
    const number = (): bigint => Buffer.from(random.bytes(8)).readBigUInt64LE();
    call.spoil(STATE, number(), number(), random.u32());
    const [length, room] = [call.sharedLength(STATE), call.sharedRoom(STATE)];
    assert.ok(length + room === Number(call.SHARED_CAPACITY.value));
    call.sharedPut(STATE, DATA, room);
    call.sharedTake(STATE, DATA, Math.min(length, call.sharedLength(STATE)));
    call.holderAdd(STATE, 3, READ);
    call.deathsClear(STATE);
  }
  assert.ok(bytes.subarray(STATE + 8192, STATE + 3 * 8192).every((byte) => byte === 0xaa));
});
