// forkd's limits: what a family and a host may have, and with which error more is refused.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import {
  familyLimits,
  Limits,
  limitsText,
  parseCount,
  parsePages,
  type FamilyLimits,
  type HostLimits,
  type LimitedFamily,
} from "../../../tools/forkd/family/limits.ts";

const EAGAIN = -11;
const ENOMEM = -12;
const GENEROUS: HostLimits = { children: 1000, leastFreePages: 0, forksPerSecond: Infinity };

class FakeFamily implements LimitedFamily {
  readonly limits: FamilyLimits;

  constructor(
    readonly name: string,
    limits: Partial<FamilyLimits> = {},
    public children = 0,
    public pages = 0,
  ) {
    this.limits = { children: 1000, pages: Infinity, forksPerSecond: Infinity, ...limits };
  }
}

let time = 0;
let free = 1_000_000;
let measured = 0;
let said: string[] = [];

beforeEach(() => {
  [time, free, measured, said] = [0, 1_000_000, 0, []];
});

function limitsOf(host: Partial<HostLimits>, ...families: readonly FakeFamily[]): Limits<FakeFamily> {
  const view = {
    families: () => families,
    pagesOf: ({ pages }: FakeFamily) => (measured++, pages),
    freePages: () => (measured++, free),
    now: () => time,
  };
  return new Limits({ ...GENEROUS, ...host }, view, (text) => said.push(text));
}

test("a family has no more children than it may", () => {
  const family = new FakeFamily("a", { children: 2 }, 1);
  const limits = limitsOf({}, family);
  assert.equal(limits.admit(family, 1), 0);
  family.children = 2;
  assert.equal(limits.admit(family, 1), EAGAIN);
  family.children = 1;
  assert.equal(limits.admit(family, 1), 0);
});

test("the families of a host have together no more children than it may", () => {
  const [a, b] = [new FakeFamily("a", {}, 2), new FakeFamily("b", {}, 0)];
  const limits = limitsOf({ children: 3 }, a, b);
  assert.equal(limits.admit(b, 1), 0);
  b.children = 1;
  assert.equal(limits.admit(a, 1), EAGAIN);
  assert.equal(limits.admit(b, 1), EAGAIN);
  assert.deepEqual([limits.hasPlace(a), limits.hasPlace(b)], [false, false]);
  b.children = 0;
  assert.deepEqual([limits.hasPlace(a), limits.hasPlace(b)], [true, true]);
});

test("a family's memory, the child's included, stays within its limit", () => {
  const family = new FakeFamily("a", { pages: 100 }, 1, 90);
  const limits = limitsOf({}, family);
  assert.equal(limits.admit(family, 10), 0);
  assert.equal(limits.admit(family, 11), ENOMEM);
  assert.equal(limits.room(family, 11), ENOMEM);
  assert.equal(limits.room(family, 10), 0);
});

test("the host keeps memory free", () => {
  const family = new FakeFamily("a");
  const limits = limitsOf({ leastFreePages: 1000 }, family);
  free = 1010;
  assert.equal(limits.admit(family, 10), 0);
  assert.equal(limits.admit(family, 11), ENOMEM);
});

test("memory is measured only where it is limited and wanted", () => {
  const family = new FakeFamily("a", { pages: 1 }, 0, 100);
  assert.equal(limitsOf({ leastFreePages: 1000 }, family).admit(family, 0), 0);
  const unlimited = new FakeFamily("b");
  assert.equal(limitsOf({}, unlimited).admit(unlimited, 10), 0);
  assert.equal(measured, 0);
});

test("a rate allows one second's forks at once and then as many as time gives", () => {
  const family = new FakeFamily("a", { forksPerSecond: 4 });
  const limits = limitsOf({}, family);
  const burst = (): number[] => Array.from({ length: 5 }, () => limits.admit(family, 1));
  assert.deepEqual(burst(), [0, 0, 0, 0, EAGAIN]);
  time = 0.5;
  assert.deepEqual(burst(), [0, 0, EAGAIN, EAGAIN, EAGAIN]);
  time = 100;
  assert.deepEqual(burst(), [0, 0, 0, 0, EAGAIN]);
});

test("shells are thrown away for fresh ones as often as there may be forks, besides the forks", () => {
  const family = new FakeFamily("a", { forksPerSecond: 2 });
  const limits = limitsOf({}, family);
  const burst = (): boolean[] => Array.from({ length: 3 }, () => limits.mayReplace(family));
  assert.deepEqual(burst(), [true, true, false]);
  assert.equal(limits.admit(family, 1), 0);
  time = 0.5;
  assert.deepEqual(burst(), [true, false, false]);
});

test("one family that uses up its rate leaves the host's to others", () => {
  const [bomb, other] = [new FakeFamily("bomb", { forksPerSecond: 2 }), new FakeFamily("other")];
  const limits = limitsOf({ forksPerSecond: 10 }, bomb, other);
  const admitted = Array.from({ length: 100 }, () => limits.admit(bomb, 1)).filter((result) => result === 0);
  assert.equal(admitted.length, 2);
  const others = Array.from({ length: 100 }, () => limits.admit(other, 1)).filter((result) => result === 0);
  assert.equal(others.length, 8);
});

test("a fork that is refused for another reason does not count towards the rate", () => {
  const family = new FakeFamily("a", { forksPerSecond: 1, pages: 10 });
  const limits = limitsOf({}, family);
  assert.equal(limits.admit(family, 11), ENOMEM);
  assert.equal(limits.admit(family, 10), 0);
});

test("a family that is refused time and again is named once in a while", () => {
  const family = new FakeFamily("bomb", { children: 0 });
  const limits = limitsOf({}, family);
  for (let i = 0; i < 100; i++) limits.admit(family, 1);
  assert.deepEqual(said, ["bomb may not fork now: it has 0 children (fork=)"]);
  time = 11;
  limits.admit(family, 1);
  assert.equal(said.length, 2);
});

test("limits come from the command line", () => {
  assert.equal(familyLimits("ip=off", "a"), undefined);
  assert.equal(familyLimits("fork-memory=64M", "a"), undefined);
  assert.deepEqual(familyLimits("fork=8", "a"), { children: 8, pages: Infinity, forksPerSecond: Infinity });
  const all = { children: 8, pages: 16384, forksPerSecond: 100 };
  assert.deepEqual(familyLimits("ip=off fork=8 fork-memory=64M fork-rate=100 -- fork=9", "a"), all);
});

test("limits that are not understood are no limits at all, and no fork either", () => {
  for (const text of [
    "fork=many",
    "fork=0",
    "fork=-1",
    "fork=8 fork-memory=64",
    "fork=8 fork-rate=1e9",
    "fork=999999",
  ]) {
    assert.throws(() => familyLimits(text, "a"), { code: "FORK_LIMITS", message: /^a cannot fork, because of fork/ });
  }
});

test("limits survive being written and read", () => {
  for (const text of [
    "fork=8",
    "fork=8 fork-memory=64M",
    "fork=1 fork-memory=1020K fork-rate=7",
    "fork=2 fork-rate=1",
  ]) {
    const limits = familyLimits(text, "a");
    assert.ok(limits !== undefined);
    assert.equal(limitsText(limits), text);
  }
});

test("numbers and sizes are checked", () => {
  assert.equal(parseCount("65535"), 65535);
  assert.equal(parsePages("4K"), 1);
  assert.equal(parsePages("2G"), 524288);
  assert.equal(parsePages("0M"), 0);
  for (const text of ["", "0", "65536", "1.5", "x"]) assert.throws(() => parseCount(text), /1 to 65535/);
  for (const text of ["", "12", "1T", "M", "-1M"]) assert.throws(() => parsePages(text), /such as "64M"/);
});
