// A guest whose kernel lies, on real Xen (dom0/forging_forkd.ts writes what it could have written): it hurts nobody but its own
// family. forkd lives and answers, another family forks well meanwhile, a third domain's memory is untouched, and when the hostile
// family has gone, the host is as it was before.
//
// Some lies are told, the same in each run. FORK_LIES=all tells every one: FORK_LIES=all npm test -- lab/fork_hostile
import { test } from "node:test";
import { Random } from "../support/random.ts";
import type { Forgery, ForgedWord } from "./dom0/forgery.ts";
import { HostileScene } from "./hostile_support.ts";
import { useLab } from "./support.ts";

const ALL = process.env["FORK_LIES"] === "all";
const limit = { timeout: ALL ? 7_200_000 : 400_000 };

const lab = useLab();

/** What is forged, and what of it. */
type Lie = readonly [what: string, forgery: Omit<Forgery, "domain">];

const NUMBERS = [0, 1, 0x7fff, 0x100000, 0x1000000, 0x7fffffff, 0xffffffff];
/** The words of the descriptor that say where things are, by the names of docs/fork.md. */
const FIELDS: Readonly<Record<string, number>> = {
  "the child's entry": 24,
  "the child's entry, high": 28,
  "address of the p2m list": 32,
  "address of the p2m list, high": 36,
  "frame numbers": 40,
  "frame numbers, high": 44,
  "pfn of start_info": 48,
  "pfn of the console ring": 64,
  "pfn of the xenstore ring": 68,
  "the descriptor's address": 76,
  layout: 112,
  "changed pages": 116,
  "address of the log": 120,
  "address of the log, high": 124,
  "entries of the log": 128,
  "end of the kernel's frames": 132,
  "first page of constants": 136,
  "end of constants": 140,
  "first page of the app": 144,
  "end of the app": 148,
  "address of the page states": 152,
  "address of the mailbox": 180,
};

/** Each field with each number, alone. */
function fieldLies(): Lie[] {
  return Object.entries(FIELDS).flatMap(([field, offset]) =>
    NUMBERS.map((value): Lie => [`${field} is ${value}`, { words: [{ offset, values: [value] }] }]),
  );
}

/** A field that is another each time it is read. */
function togglingLies(): Lie[] {
  const pairs = {
    40: [1024, 0xffffff],
    132: [0, 500],
    112: [0, 1],
    116: [0, 1000],
    128: [0, 1024],
    148: [0x40000, 0xfffff],
  };
  return Object.entries(pairs).map(([offset, values]) => [
    `word ${offset} is ${values.join(" and ")} in turns`,
    { words: [{ offset: Number(offset), values }] },
  ]);
}

/** Several fields at once, from a fixed seed. */
function randomLies(count: number): Lie[] {
  const random = new Random(20_01);
  const offsets = Object.values(FIELDS);
  const word = (): ForgedWord => ({
    offset: offsets[random.between(0, offsets.length - 1)] ?? 0,
    values: Array.from({ length: random.between(1, 3) }, () => random.u32() >>> random.between(0, 31)),
  });
  return Array.from({ length: count }, (_, i) => [`random lies ${i}`, { words: [word(), word(), word()] }]);
}

/** One in `step` of them, or all. */
function some(lies: readonly Lie[], step: number): Lie[] {
  return ALL ? [...lies] : lies.filter((_, i) => i % step === step - 1);
}

test("lies about where things are, to a forkd that reads them at the fork", limit, async (t) => {
  await using scene = await HostileScene.begin(lab(), "share");
  for (const [what, forgery] of [...some(fieldLies(), 12), ...some(togglingLies(), 2), ...randomLies(ALL ? 200 : 2)]) {
    t.diagnostic(`${what}: ${await scene.lie(what, forgery)}`);
  }
  await scene.end();
});

test("lies about where things are, to a forkd that copies", limit, async (t) => {
  await using scene = await HostileScene.begin(lab(), "copy");
  for (const [what, forgery] of some(fieldLies(), 30)) t.diagnostic(`${what}: ${await scene.lie(what, forgery)}`);
  await scene.end();
});

test("lies about what has changed since a domain stands ready", limit, async (t) => {
  await using scene = await HostileScene.begin(lab(), "pool");
  for (const [what, forgery] of [...some(fieldLies().slice(70), 12), ...some(togglingLies(), 2)]) {
    t.diagnostic(`${what}: ${await scene.lie(what, forgery)}`);
  }
  await scene.end();
});
