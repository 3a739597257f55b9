// Families of processes on real Xen: test/apps/family under a forkd, in every way that forkd has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bootFamily, familyPassed, runFamily, WAYS, type Way } from "./family_support.ts";
import { startForkd, type Forkd } from "./forkd_support.ts";
import { useLab } from "./support.ts";

const TIMEOUT_MS = 900_000;
const PART_MS = 240_000;
const OUTPUT_LINES = 60;

const lab = useLab();

/** Parts of the test, each on a family of its own below one forkd. */
const PARTS: readonly (readonly [what: string, run: (forkd: Forkd, way: Way) => Promise<void>])[] = [
  [
    "memory is a copy: neither side sees what the other writes",
    (forkd) => passes(forkd, "values bothWrite=2 childWrites parentWrites growth"),
  ],
  ["three generations, and one whose parent has ended", (forkd) => passes(forkd, "deep orphaned")],
  ["twenty children at once, each with a console", wide],
  ["random activity between forks, in every generation", (forkd, way) => passes(forkd, `stale=${way.stale}`)],
  ["forks one after another", (forkd, { rounds }) => passes(forkd, `rounds=${rounds}`)],
  ["two parents fork at the same time", twoParents],
  ["forks while threads compute, timers fire and children end", (forkd) => passes(forkd, "busy=8 exitrace=8")],
  ["time goes on, files are open where they were", (forkd) => passes(forkd, "time=3 files")],
  ["random numbers and process ids differ", randomness],
  ["each line of output appears once, where it belongs", output],
  ["xv6: exit and wait", (forkd) => passes(forkd, "exitwait=4 twochildren=3 forkfork=3 copyout stacktest mem")],
  ["xv6: orphans", (forkd) => passes(forkd, "reparent=3 reparent2=3")],
  ["xv6: fork until it fails", (forkd) => passes(forkd, "forktest=2 forkforkfork=10", 6)],
  ["forks under HTTP traffic", traffic],
];

/** What is about memory; the rest is the same however a child is made, and tried with the best way only. */
const OF_EVERY_WAY = /memory|generations|random activity|one after another/;

for (const way of WAYS) {
  test(`families by ${way.name}`, { timeout: TIMEOUT_MS }, async (t) => {
    await using forkd = await startForkd(lab(), { args: way.args });
    const parts = way === WAYS.at(-1) ? PARTS : PARTS.filter(([what]) => OF_EVERY_WAY.test(what));
    for (const [what, run] of parts) await t.test(what, { timeout: PART_MS }, () => run(forkd, way));
    await forkd.end();
  });
}

async function passes(forkd: Forkd, cases: string, children?: number): Promise<void> {
  await runFamily(forkd, cases, children === undefined ? {} : { children });
}

async function wide(forkd: Forkd): Promise<void> {
  await using guest = await bootFamily(forkd, "wide=20");
  await guest.console.waitFor(/children wait/, PART_MS);
  // Domains that stand ready for later forks have consoles, too, and may go meanwhile.
  const type = "echo > $(xenstore-read /local/domain/$i/console/tty)";
  const release = `case $(xenstore-read /local/domain/$i/name) in ${guest.name}-*) (${type});; esac`;
  await guest.lab.run(`(for i in $(xenstore-list /local/domain); do ${release}; done) 2>/dev/null; true`);
  await familyPassed(forkd, guest, PART_MS);
}

async function twoParents(forkd: Forkd): Promise<void> {
  const cases = "rounds=8 bothWrite deep";
  await using first = await bootFamily(forkd, cases);
  await using second = await bootFamily(forkd, cases);
  await Promise.all([familyPassed(forkd, first, PART_MS), familyPassed(forkd, second, PART_MS)]);
}

async function randomness(forkd: Forkd): Promise<void> {
  const consoles = await runFamily(forkd, "random=2");
  const found = consoles.flatMap((text) => [...text.matchAll(/^random (\d+) ([0-9a-f]{32})$/gm)]);
  const [pids, values] = [found.map(([, pid]) => pid), found.map(([, , value]) => value)];
  // Two by the parent, two by each child, one by each grandchild.
  assert.equal(values.length, 8);
  assert.equal(new Set(values).size, values.length, "two processes drew the same");
  assert.equal(new Set(pids).size, 5);
}

/** The numbers of the lines "output <what> <number> …" of a console, in their order. */
function linesOf(text: string, what: string): number[] {
  return [...text.matchAll(new RegExp(`^output ${what} (\\d+) \\.{40}\\r?$`, "gm"))].map(([, n]) => Number(n));
}

async function output(forkd: Forkd): Promise<void> {
  const [first = "", ...children] = await runFamily(forkd, "output=2");
  const all = Array.from({ length: OUTPUT_LINES }, (_, i) => i);
  assert.equal(children.length, 2);
  for (const [round, child] of children.entries()) {
    for (const what of [`before ${round}`, `parent ${round}`]) assert.deepEqual(linesOf(first, what), all, what);
    assert.deepEqual(linesOf(child, `child ${round}`), all);
    assert.doesNotMatch(child, /before|parent \d/);
  }
  assert.doesNotMatch(first, /child \d/);
}

async function traffic(forkd: Forkd): Promise<void> {
  await using guest = await bootFamily(forkd, "traffic=4", { children: 4, network: true });
  const address = await guest.address();
  await guest.keepNeighbour();
  await guest.console.waitFor(/serving/, PART_MS);
  const counts = "/tmp/traffic";
  const request = `curl -s -m 30 -o /tmp/answer -w '%{http_code} %{size_download}\\n' http://${address}/ >> ${counts} || echo failed >> ${counts}`;
  const loop = `for i in $(seq 5000); do [ -e /tmp/enough ] && break; ${request}; done`;
  const requests = guest.lab.run(`rm -f /tmp/enough ${counts}; ${loop}`, { timeoutMs: PART_MS });
  try {
    await guest.console.waitFor(/forked with traffic/, PART_MS);
  } finally {
    await guest.lab.run("touch /tmp/enough");
    await requests;
  }
  await guest.lab.type(guest.name, "\n");
  const results = (await guest.lab.run(`cat ${counts}`)).split("\n");
  assert.ok(results.length >= 5, `only ${results.length} requests`);
  assert.deepEqual(
    [...new Set(results)].map((result) => result.replace(/ \d+$/, "")),
    ["200"],
    results.join(", "),
  );
  assert.equal(new Set(results).size, 1, "answers of different lengths");
  await familyPassed(forkd, guest, PART_MS);
}
