// Copy on write against page tables that are really walked: whatever a process does after a fork, its relatives find what they had.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE } from "./frames.ts";
import { Machine } from "./machine.ts";
import { APP_MOST, ENOMEM, FRAMES, RandomApp, START, fork } from "./random_app.ts";
import { APP } from "./xen.ts";

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
    const app = new RandomApp(machine, seed);
    for (let step = 0; step < 600; step++) {
      const action = app.below(40);
      const size = machine.call.appSpaceSize();
      if (action === 0 && app.children.length < 4) app.fork();
      else if (action === 1 && app.children.length > 0) app.endChild();
      else if (action === 2 && size + 65536 * 4 <= APP_MOST)
        assert.equal(grow(machine, size + 65536 * (1 + app.below(3))), 0);
      else {
        app.write();
      }
      machine.sharers = app.children.length;
    }
    app.check();
  });

  test(`a copy that shares all its memory writes, grows and forks (seed ${seed})`, async () => {
    const machine = await machineWithApp();
    const app = new RandomApp(machine, seed);
    const parent = app.becomeCopy();
    for (let step = 0; step < 500; step++) {
      const size = machine.call.appSpaceSize();
      if (step === 200) app.fork();
      if (step % 97 === 0 && size + 65536 <= APP_MOST) assert.equal(grow(machine, size + 65536), 0);
      app.write();
    }
    app.check(parent);
    assert.equal(app.children.length, 1);
  });
}
