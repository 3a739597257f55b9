// A guest whose kernel lies about more than where its memory is, on real Xen: frames of others in its frame list, requests for signals
// to others, counters of events that are anything, offers that cannot be, a size that it has not. As in fork_hostile.test.ts it hurts
// nobody but its own family.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HostileScene } from "./hostile_support.ts";
import { useLab } from "./support.ts";

const limit = { timeout: 400_000 };
const PENDING = 0x7fffffff;

const lab = useLab();

const KERNEL_PFN = 100;

for (const way of ["share", "copy"]) {
  test(`frames of others in the frame list, by ${way}`, limit, async () => {
    await using scene = await HostileScene.begin(lab(), way);
    for (const [owner, frame] of Object.entries(await scene.framesOfOthers())) {
      const what = `frame ${frame} of ${owner} in the place of the kernel's`;
      const answer = await scene.lie(what, { frames: [{ pfn: KERNEL_PFN, frame }] });
      assert.match(answer, /errno/, what);
    }
    await scene.end();
  });
}

test("signals to pids of others, and counters of events that are anything", limit, async () => {
  await using scene = await HostileScene.begin(lab(), "pool");
  for (const pid of [-1, 3, -0x80000000]) {
    const asked = [1, pid >>> 0, 9, PENDING].map((value, i) => ({ offset: 160 + 4 * i, values: [value] }));
    await scene.lie(`kill ${pid}`, { words: asked });
  }
  for (const [offset, value] of [
    [96, 0xffffffff],
    [100, 0x12345678],
  ] as const) {
    await scene.lie(`word ${offset} is ${value}`, { words: [{ offset, values: [value] }] });
  }
  await scene.end();
});

test("offers that cannot be", limit, async () => {
  await using scene = await HostileScene.begin(lab(), "pool");
  const numbers = [
    "0",
    "-1",
    "1",
    "4096",
    "3145728",
    "4294967295",
    "1e300",
    "nonsense",
    "281474976710655",
    "99999999999999999999",
  ];
  for (const number of numbers) {
    await scene.offer({ descriptor: number, "event-channel": "1" });
    await scene.offer({ descriptor: "3145728", "event-channel": number });
  }
  await scene.end();
});

test("a guest that says how big it is does not grow by that", limit, async () => {
  await using scene = await HostileScene.begin(lab(), "pool");
  const honest = await scene.offerAgain({});
  assert.ok(honest > 0);
  for (const pages of [1, 0x100000, 0xffffff]) {
    assert.equal(await scene.offerAgain({ words: [{ offset: 40, values: [pages] }] }), honest, `${pages} frames`);
  }
  await scene.end();
});
