// The fork descriptor is written down twice, for the guest (kernel/fork/descriptor.ts) and for forkd
// (tools/forkd/descriptor.ts): both must mean the same bytes.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as forkd from "../../../tools/forkd/descriptor.ts";
import * as events from "../../../tools/forkd/event_ring.ts";
import { compileAssembly } from "../../support/assembly.ts";

interface Guest {
  eventAt(index: number): number;
  stageAt(index: number): number;
}

const { exports } = await WebAssembly.instantiate(await compileAssembly("test/unit/forkd/harness_descriptor.ts"));
const guest = exports as unknown as Guest;

/** The value of the guest's constant, or the offset of its field, of this name. */
function at(name: string): number {
  const constant = exports[name];
  assert.ok(constant instanceof WebAssembly.Global, `the guest has no ${name}`);
  return Number(constant.value);
}

/** A page as the guest has it, and as forkd sees it. */
class Page {
  readonly bytes: Buffer;
  readonly descriptor: forkd.Descriptor;

  constructor(fill = 0) {
    this.bytes = Buffer.alloc(4096, fill);
    this.descriptor = new forkd.Descriptor(this.bytes);
  }

  set(field: string, value: number): void {
    this.bytes.writeUInt32LE(value >>> 0, at(field));
  }

  setLong(field: string, value: bigint): void {
    this.bytes.writeBigUInt64LE(value, at(field));
  }

  get(field: string): number {
    return this.bytes.readInt32LE(at(field));
  }

  /** Where words differ from what they were before `change`. */
  changed(change: (descriptor: forkd.Descriptor) => void): number[] {
    const before = Buffer.from(this.bytes);
    change(this.descriptor);
    const words = Array.from({ length: 1024 }, (_, i) => i * 4);
    return words.filter((word) => before.readUInt32LE(word) !== this.bytes.readUInt32LE(word));
  }
}

test("forkd reads what a guest says of itself", () => {
  const page = new Page();
  page.bytes.write("KFRK", at("magic"));
  page.set("version", at("FORK_VERSION"));
  page.descriptor.check();
  page.setLong("childEntry", 0x123_4567_89abn);
  page.set("address", 0x30_5000);
  page.setLong("p2mList", 0x40_6000n);
  page.setLong("pageCount", 5000n);
  const frames = ["startInfoPfn", "consolePfn", "storePfn", "kernelEndPfn"];
  frames.forEach((field, i) => page.set(field, 11 + i));
  const pages = ["constantFirstPage", "constantEndPage", "appFirstPage"];
  pages.forEach((field, i) => page.set(field, 21 + i));
  page.set("sharedFirstPage", 24);
  page.set("sharedEndPage", 25);
  page.setLong("changeLog", 0x50_7000n);
  page.set("changeLogSize", 512);
  page.setLong("pageStates", 0x60_8123n);
  assert.deepEqual(page.descriptor.request(), {
    childEntry: 0x123_4567_89abn,
    stackPointerAddress: 0x30_5000 + at("stackPointer"),
    p2mPage: 0x406,
    pages: 5000,
    startInfoPfn: 11,
    consolePfn: 12,
    storePfn: 13,
    kernelEndPfn: 14,
    constants: { first: 21, end: 22 },
    appFirstPage: 23,
    common: { first: 24, end: 25 },
    changeLogPage: 0x507,
    changeLogEntries: 512,
    statesPage: 0x608,
    statesOffset: 0x123,
  });
  assert.equal(page.descriptor.pages, 5000);
  assert.equal(page.descriptor.kernelEndPfn, 14);
});

test("forkd reads how far a guest is", () => {
  const page = new Page();
  page.set("result", at("FORK_PENDING"));
  page.set("layout", 31);
  page.set("changeProducer", 32);
  page.set("exitStatus", -33);
  page.set("lastChild", 34);
  page.set("networkAddress", 0x0a00_020f);
  const { descriptor } = page;
  assert.equal(descriptor.pending, true);
  assert.deepEqual(descriptor.changes, { layout: 31, pages: 32 });
  assert.equal(descriptor.exitStatus, -33);
  assert.deepEqual([descriptor.knowsChild(34), descriptor.knowsChild(35)], [true, false]);
  page.set("result", 35);
  assert.deepEqual([descriptor.pending, descriptor.knowsChild(35)], [false, true]);
  assert.equal(descriptor.address, "10.0.2.15");
  page.set("networkAddress", 0);
  assert.equal(descriptor.address, undefined);
  page.set("mailbox", 0x70_9000);
  assert.equal(descriptor.mailboxPage, 0x709);
  for (const way of ["WAY_COPY", "WAY_SHARE", "WAY_POOL"]) {
    page.set("way", at(way));
    assert.equal(descriptor.sharesFrames, way !== "WAY_COPY", way);
  }
  assert.equal(descriptor.lastGiven, 35);
  page.set("result", -11);
  assert.equal(descriptor.lastGiven, 0);
  page.set("result", at("FORK_PENDING"));
  assert.equal(descriptor.lastGiven, 0);
  assert.deepEqual([descriptor.hasCommonPages, descriptor.locked], [false, false]);
  page.set("sharedEndPage", 1);
  page.set("locked", 1);
  assert.deepEqual([descriptor.hasCommonPages, descriptor.locked], [true, true]);
  assert.equal(descriptor.killRequest(), undefined);
  page.set("requestOperation", at("REQUEST_KILL"));
  page.set("requestPid", -35);
  page.set("requestValue", 9);
  page.set("requestResult", at("FORK_PENDING"));
  assert.deepEqual(descriptor.killRequest(), { pid: -35, signal: 9 });
  page.set("requestData", -6);
  page.set("requestOperation", at("REQUEST_QUEUE"));
  assert.deepEqual(descriptor.killRequest(), { pid: -35, signal: 9, value: -6 });
  assert.equal(descriptor.doorbellRequest(), undefined);
  page.set("requestOperation", at("REQUEST_DOORBELL"));
  assert.deepEqual(descriptor.doorbellRequest(), { pid: -35, port: 9 });
  assert.equal(descriptor.groupRequest(), undefined);
  for (const [name, what] of [
    ["REQUEST_JOIN", "join"],
    ["REQUEST_SESSION", "begin"],
    ["REQUEST_GROUP_OF", "groupOf"],
    ["REQUEST_SESSION_OF", "sessionOf"],
  ] as const) {
    page.set("requestOperation", at(name));
    assert.deepEqual(descriptor.groupRequest(), { what, pid: -35, group: 9 });
  }
  page.set("group", 36);
  page.set("session", 37);
  assert.deepEqual(descriptor.belonging, { group: 36, session: 37 });
  page.set("requestResult", 0);
  assert.equal(descriptor.doorbellRequest(), undefined);
  assert.equal(descriptor.groupRequest(), undefined);
});

test("forkd writes what a guest reads, and nothing else", () => {
  const page = new Page();
  const writes: readonly [fields: Readonly<Record<string, number>>, write: (descriptor: forkd.Descriptor) => void][] = [
    [{ sharers: 3 }, (descriptor) => descriptor.setSharers(3)],
    [{ ready: 1 }, (descriptor) => descriptor.setReady(true)],
    [{ pid: 5, parentPid: 4 }, (descriptor) => descriptor.setIdentity(5, 4)],
    [{ domain: 6 }, (descriptor) => descriptor.setDomain(6)],
    [{ childWay: 2 }, (descriptor) => descriptor.setChildWay(2)],
    [{ exitStatus: 0x100 }, (descriptor) => descriptor.setExitStatus(0x100)],
    [{ shells: 3, shellLayout: 4, shellChanges: 5 }, (descriptor) => descriptor.setShells(3, { layout: 4, pages: 5 })],
    [{ group: 7, session: 8 }, (descriptor) => descriptor.setBelonging({ group: 7, session: 8 })],
    [{ requestResult: -3 }, (descriptor) => descriptor.answerRequest(-3)],
  ];
  for (const [fields, write] of writes) {
    assert.deepEqual(page.changed(write), Object.keys(fields).map(at));
    for (const [field, value] of Object.entries(fields)) assert.equal(page.get(field), value, field);
  }
});

test("forkd answers a guest that waits, and no other", () => {
  const page = new Page();
  assert.deepEqual(
    page.changed((descriptor) => assert.equal(descriptor.answer(7), false)),
    [],
  );
  page.set("result", at("FORK_PENDING"));
  assert.deepEqual(
    page.changed((descriptor) => assert.equal(descriptor.answer(-11), true)),
    [at("result")],
  );
  assert.equal(page.get("result"), -11);
});

test("forkd says to a guest that wants a shell that it has one", () => {
  const page = new Page();
  assert.equal(page.descriptor.wantsShell, false);
  page.set("shellAnswer", at("FORK_PENDING"));
  assert.equal(page.descriptor.wantsShell, true);
  assert.deepEqual(
    page.changed((descriptor) => descriptor.answerShell()),
    [at("shellAnswer")],
  );
  assert.equal(page.descriptor.wantsShell, false);
});

test("forkd turns a parent's page into a child's", () => {
  const page = new Page(0xff);
  const values: Readonly<Record<string, number>> = {
    ...{ result: 0, ready: 0, pid: 5, parentPid: 4, exitStatus: 0, eventProducer: 0, eventConsumer: 0 },
    ...{
      way: at("WAY_POOL"),
      requestOperation: 0,
      requestPid: 0,
      requestValue: 0,
      requestResult: 0,
      networkAddress: 0,
      locked: 0,
      shellAnswer: 0,
      shells: 0,
      requestData: 0,
      firstPort: 32_768 | (128 << 16),
    },
  };
  const changed = page.changed((descriptor) =>
    descriptor.becomeChild(5, 4, at("WAY_POOL"), { first: 32_768, count: 128 }),
  );
  for (const [field, value] of Object.entries(values)) assert.equal(page.get(field), value, field);
  const ring = guest.eventAt(0);
  const inRing = changed.filter((word) => word >= ring);
  assert.deepEqual(
    changed.filter((word) => word < ring),
    Object.keys(values)
      .map(at)
      .sort((a, b) => a - b),
  );
  assert.equal(inRing.length * 4, at("FAMILY_EVENTS") * (guest.eventAt(1) - ring));
});

test("events stand where the guest looks for them", () => {
  const page = new Page();
  const { descriptor } = page;
  assert.deepEqual(
    [events.EVENT_EXIT, events.EVENT_STOPPED, events.EVENT_CONTINUED, events.EVENT_SIGNAL, events.EVENT_ADOPTED],
    ["EVENT_EXIT", "EVENT_STOPPED", "EVENT_CONTINUED", "EVENT_SIGNAL", "EVENT_ADOPTED"].map(at),
  );
  assert.deepEqual(
    [events.EVENT_GONE, events.EVENT_DOORBELL, events.EVENT_GROUP, events.EVENT_QUEUED],
    ["EVENT_GONE", "EVENT_DOORBELL", "EVENT_GROUP", "EVENT_QUEUED"].map(at),
  );
  const count = at("FAMILY_EVENTS");
  for (let i = 0; i < count; i++) {
    const event = {
      kind: events.EVENT_EXIT,
      pid: 100 + i,
      value: i << 8,
      data: 3 - i,
      cpuTime: BigInt(i) << 33n,
      frames: 7,
    } as const;
    assert.equal(descriptor.post(event), true);
    assert.equal(page.get("eventProducer"), i + 1);
    const entry = guest.eventAt(i);
    assert.equal(page.bytes.readUInt32LE(entry + at("eventKind")), event.kind);
    assert.equal(page.bytes.readInt32LE(entry + at("eventPid")), event.pid);
    assert.equal(page.bytes.readInt32LE(entry + at("eventValue")), event.value);
    assert.equal(page.bytes.readInt32LE(entry + at("eventData")), event.data);
    assert.equal(page.bytes.readBigUInt64LE(entry + at("eventCpuTime")), event.cpuTime);
    assert.equal(page.bytes.readBigUInt64LE(entry + at("eventFrames")), 7n);
    assert.equal(descriptor.hasExit(event.pid), true);
  }
  const late = { kind: events.EVENT_STOPPED, pid: 1, value: 19, data: 0, cpuTime: 0n, frames: 0 } as const;
  assert.equal(descriptor.post(late), false);
  page.set("eventConsumer", 1);
  assert.equal(descriptor.post(late), true);
  assert.equal(page.bytes.readUInt32LE(guest.eventAt(count) + at("eventKind")), events.EVENT_STOPPED);
});

test("forkd leaves its times behind the guest's, each at a place of its own", () => {
  const page = new Page();
  const places = [...Object.values(forkd.STAGE), ...Object.values(forkd.COUNT)];
  assert.equal(new Set(places).size, places.length);
  for (const place of places) {
    assert.ok(place >= at("STAGES") && place < 2 * at("STAGES"), `${place}`);
    page.descriptor.setStage(place, place);
    assert.equal(page.bytes.readBigUInt64LE(guest.stageAt(place)), BigInt(place));
  }
  assert.ok(guest.stageAt(2 * at("STAGES")) <= guest.eventAt(0));
});
