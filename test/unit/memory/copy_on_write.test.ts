// Copy on write against page tables that are really walked: whatever a process does after a fork, its relatives find what they had.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { PAGE } from "./frames.ts";
import { Machine, type Relative } from "./machine.ts";
import { APP } from "./xen.ts";

const ENOMEM = 12;
const FRAMES = 2200;
const APP_MOST = 5 << 20;
const START = 1 << 20;

async function machineWithApp(): Promise<Machine> {
  const machine = await Machine.create(FRAMES, APP_MOST);
  grow(machine, START);
  return machine;
}

function grow(machine: Machine, size: number): number {
  const before = machine.call.appSpaceSize();
  const result = machine.call.appSpaceGrow(size);
  if (result === 0) {
    for (let page = APP + Math.max(before, PAGE); page < APP + size; page += PAGE) {
      assert.equal(machine.frames.walk(page)?.writable, true, "a new page cannot be written");
    }
    machine.frames.takeWrites(APP + before, APP + size);
  }
  return result;
}

function fork(machine: Machine): Relative {
  machine.call.copyOnWriteProtect();
  return machine.share();
}

test("a fork of an untouched app takes one hypercall, whatever its size", async () => {
  const machine = await machineWithApp();
  const before = machine.xen.hypercalls;
  fork(machine);
  assert.equal(machine.xen.hypercalls - before, 3); // a multicall and the two calls in it
});

test("while others share, a write goes to a copy; alone again, it goes in place", async () => {
  const machine = await machineWithApp();
  machine.write(APP + PAGE, 1);
  const child = fork(machine);
  machine.sharers = 1;
  const frame = machine.frames.walk(APP + PAGE)?.mfn;
  const { producer } = machine.changes(0);
  assert.equal(machine.write(APP + PAGE, 2), 0);
  assert.notEqual(machine.frames.walk(APP + PAGE)?.mfn, frame);
  assert.equal(machine.changedFor(child), undefined);
  assert.deepEqual([...machine.changes(producer).pages], [APP + PAGE]);
  machine.end(child);
  machine.sharers = 0;
  const other = machine.frames.walk(APP + 5 * PAGE)?.mfn;
  assert.equal(machine.write(APP + 5 * PAGE, 3), 0);
  assert.equal(machine.frames.walk(APP + 5 * PAGE)?.mfn, other);
});

test("at the next fork only what was written since is protected again", async () => {
  const machine = await machineWithApp();
  const children = [fork(machine)];
  machine.sharers = 1;
  for (let i = 1; i <= 10; i++) machine.write(APP + i * PAGE, i);
  children.push(fork(machine));
  for (let i = 1; i <= 3; i++) machine.write(APP + i * PAGE, 2 * i);
  children.push(fork(machine));
  for (const child of children) assert.equal(machine.changedFor(child), undefined);
});

test("a host without memory: ENOMEM, nothing changed; with memory it goes on", async () => {
  const machine = await machineWithApp();
  const child = fork(machine);
  machine.sharers = 1;
  machine.frames.left = 0;
  let result = 0;
  let page = APP;
  while (result === 0) result = machine.write((page += PAGE), 7);
  assert.equal(result, -ENOMEM);
  assert.equal(machine.changedFor(child), undefined);
  machine.frames.left = Infinity;
  assert.equal(machine.write(page, 7), 0);
  assert.equal(machine.read(page), 7);
});

for (const seed of [1, 2, 3, 4]) {
  test(`random writes, growth, forks and ends (seed ${seed})`, async () => {
    const machine = await machineWithApp();
    const random = new Random(seed);
    const contents = new Map<number, number>();
    const children: Relative[] = [];
    const below = (limit: number): number => random.between(0, limit - 1);
    for (let step = 0; step < 600; step++) {
      const action = below(40);
      const size = machine.call.appSpaceSize();
      if (action === 0 && children.length < 4) children.push(fork(machine));
      else if (action === 1 && children.length > 0)
        machine.end(children.splice(below(children.length), 1)[0] as Relative);
      else if (action === 2 && size + 65536 * 4 <= APP_MOST)
        assert.equal(grow(machine, size + 65536 * (1 + below(3))), 0);
      else {
        const address = APP + PAGE + below(size - PAGE);
        const value = below(256);
        assert.equal(machine.write(address, value), 0);
        contents.set(address, value);
      }
      machine.sharers = children.length;
    }
    for (const [address, value] of contents) assert.equal(machine.read(address), value);
    for (const child of children) assert.equal(machine.changedFor(child), undefined);
  });

  test(`a copy that shares all its memory writes, grows and forks (seed ${seed})`, async () => {
    const machine = await machineWithApp();
    const random = new Random(seed);
    const below = (limit: number): number => random.between(0, limit - 1);
    for (let i = 0; i < 100; i++) machine.write(APP + PAGE + below(START - PAGE), below(256));
    machine.call.copyOnWriteProtect();
    const parent = machine.becomeCopy();
    machine.sharers = 1;
    const contents = new Map<number, number>();
    let child: Relative | undefined;
    for (let step = 0; step < 500; step++) {
      const size = machine.call.appSpaceSize();
      if (step === 200) child = fork(machine);
      if (step % 97 === 0 && size + 65536 <= APP_MOST) assert.equal(grow(machine, size + 65536), 0);
      const address = APP + PAGE + below(size - PAGE);
      const value = below(256);
      assert.equal(machine.write(address, value), 0);
      contents.set(address, value);
    }
    for (const [address, value] of contents) assert.equal(machine.read(address), value);
    assert.equal(machine.changedFor(parent), undefined);
    assert.ok(child !== undefined && machine.changedFor(child) === undefined);
  });
}
