// The app's memory when programs take each other's place, among forks, against page tables that are really walked: what begins is empty, relatives find what they
// had, and no frame is lost or used twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AT, INVALID, PAGE } from "./frames.ts";
import { Machine } from "./machine.ts";
import { APP_MOST, ENOMEM, FRAMES, RandomApp, START, fork } from "./random_app.ts";
import { APP } from "./xen.ts";

/** Grows the app's memory, whose new pages have to be empty and the domain's own. */
function grow(machine: Machine, size: number): number {
  const before = machine.call.appSpaceSize();
  const result = machine.call.appSpaceGrowAgain(size);
  if (result !== 0) return result;
  machine.frames.takeWrites(APP + before, APP + size);
  for (let page = APP + Math.max(before, PAGE); page < APP + size; page += PAGE) {
    const { mfn = 0, writable = false } = machine.frames.walk(page) ?? {};
    const frame = machine.frames.all.get(mfn);
    assert.ok(writable && frame?.own === true, "a new page is not the app's to write");
    assert.ok(
      frame.bytes.every((byte) => byte === 0),
      "a new page is not empty",
    );
  }
  return 0;
}

/** Another program begins with `size` bytes. */
function renew(machine: Machine, size: number): void {
  assert.equal(machine.call.appSpacePrepare(size), 0);
  const pages = [...machine.appPages()];
  machine.call.appSpaceDiscard();
  assert.equal(machine.call.appSpaceSize(), 0);
  for (const page of pages) assert.equal(machine.frames.walk(page), undefined, "a page is left");
  assert.equal(grow(machine, size), 0);
  const seen = new Set<number>();
  for (const page of machine.appPages()) {
    const mfn = machine.frames.walk(page)?.mfn ?? 0;
    assert.ok(!seen.has(mfn), "a frame is mapped twice");
    seen.add(mfn);
    const pfn = machine.frames.all.get(mfn)?.pfn ?? 0;
    assert.equal(machine.frames.mfn(pfn), mfn, "the p2m list does not know the frame");
  }
}

async function machineWithApp(size = START): Promise<Machine> {
  const machine = await Machine.create(FRAMES, APP_MOST);
  assert.equal(machine.call.appSpacePrepare(size), 0);
  assert.equal(grow(machine, size), 0);
  return machine;
}

function fill(machine: Machine, value: number): void {
  for (const page of machine.appPages()) assert.equal(machine.write(page + (value % PAGE), value), 0);
}

test("programs follow each other in the same frames, though two of them had no room", async () => {
  const machine = await machineWithApp(APP_MOST);
  for (let round = 1; round < 6; round++) {
    fill(machine, round);
    renew(machine, round % 2 === 0 ? APP_MOST : START);
    if (round % 2 === 1) assert.equal(grow(machine, APP_MOST), 0);
  }
});

test("a program that has no room is refused before anything has gone", async () => {
  const machine = await machineWithApp();
  fill(machine, 9);
  assert.equal(machine.call.appSpacePrepare(FRAMES * PAGE), -ENOMEM);
  assert.equal(machine.call.appSpaceSize(), START);
  assert.equal(machine.read(APP + PAGE + 9), 9);
});

test("a parent's frames that its child uses go back to Xen, and live there", async () => {
  const machine = await machineWithApp(2 << 20);
  fill(machine, 3);
  const child = fork(machine);
  machine.sharers = 1;
  const own = [...machine.appPages()].map((page) => machine.frames.walk(page)?.mfn);
  renew(machine, START);
  fill(machine, 4);
  assert.equal(machine.changedFor(child), undefined);
  for (const page of machine.appPages()) assert.ok(!own.includes(machine.frames.walk(page)?.mfn));
  machine.end(child);
  machine.sharers = 0;
  assert.equal(grow(machine, APP_MOST), 0);
});

test("a host without memory behind the frames: no growth, nothing changed; with memory it goes on", async () => {
  const machine = await machineWithApp();
  const child = fork(machine);
  machine.sharers = 1;
  assert.equal(machine.call.appSpacePrepare(START), 0);
  machine.call.appSpaceDiscard();
  machine.frames.left = 0;
  assert.equal(machine.call.appSpaceGrowAgain(START), -ENOMEM);
  assert.equal(machine.call.appSpaceSize(), 0);
  machine.frames.left = Infinity;
  assert.equal(grow(machine, START), 0);
  assert.equal(machine.changedFor(child), undefined);
});

for (const seed of [1, 2, 3, 4]) {
  test(`random programs, writes, growth and forks (seed ${seed})`, async () => {
    const machine = await machineWithApp();
    const app = new RandomApp(machine, seed);
    for (let step = 0; step < 500; step++) {
      const action = app.below(40);
      const size = machine.call.appSpaceSize();
      if (action < 2 && app.children.length < 3) app.fork();
      else if (action === 2 && app.children.length > 0) app.endChild();
      else if (action === 3 && size + 65536 * 4 <= APP_MOST) assert.equal(grow(machine, size + 65536 * 3), 0);
      else if (action === 4) {
        renew(machine, 65536 * (1 + app.below(24)));
        app.forget();
      } else {
        app.write();
      }
      machine.sharers = app.children.length;
    }
    app.check();
  });

  test(`a copy that shares all its memory becomes another program (seed ${seed})`, async () => {
    const machine = await machineWithApp();
    const app = new RandomApp(machine, seed);
    const parent = app.becomeCopy();
    for (let i = 0; i < 20; i++) machine.write(APP + PAGE + app.below(START - PAGE), app.below(256));
    const withoutMemory = (): number => {
      let count = 0;
      for (let pfn = 0; pfn < FRAMES; pfn++) if (machine.frames.u64(AT.p2m * PAGE + pfn * 8) === INVALID) count += 1;
      return count;
    };
    assert.ok(withoutMemory() > 0);
    for (const size of [65536 * 2, START, APP_MOST - 65536, 65536]) {
      renew(machine, size);
      fill(machine, app.below(256));
      const child = fork(machine);
      machine.sharers = 2;
      fill(machine, app.below(256));
      assert.equal(machine.changedFor(child), undefined);
      machine.end(child);
      machine.sharers = 1;
    }
    assert.equal(machine.changedFor(parent), undefined);
  });
}
