// Large text goes out of the transport's own memory: what the back end finds there, when, and for how long.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { MESSAGE, scene, SENDER_MAC } from "./bulk.ts";

const kernel = await fakeKernel();

test("a page that an unanswered frame refers to is not used for anything else", () => {
  const s = scene(kernel, { rounds: 40 });
  s.allow = 1;
  s.sending.awaitConsole("connected to domain 0");
  const netback = s.sending.netback!;
  const held = netback.holdTransmitted();
  s.await(1);
  const first = [...held].filter(({ live }) => live.length > 0);
  assert.ok(first.reduce((sum, { live }) => sum + live.length, 0) > MESSAGE / 2);
  s.allow = 3; // acknowledged, closed and forgotten: only the back end still refers to the text of the first
  s.await(3);
  for (const { live, taken } of first) assert.deepEqual(live, taken);
  netback.answerTransmitted();
  s.allow = 40;
  s.await(40);
  assert.deepEqual(
    s.received,
    Array.from({ length: 40 }, (_, value) => ({ value, length: MESSAGE })),
  );
});

test("no grant is made or ended while text flows through a buffer that has grown", () => {
  const s = scene(kernel, { rounds: 2, length: 12_000_000 });
  s.allow = 1;
  s.await(1);
  s.allow = 2;
  s.awaitSent(8_000_000); // the send buffer has grown to what the path takes
  const table = s.sending.domain.grants.snapshot();
  s.awaitSent(2_000_000);
  assert.deepEqual(s.sending.domain.grants.snapshot(), table);
  s.await(2);
  assert.deepEqual(s.received[1], { value: 1, length: 12_000_000 });
});

test("a guest of four MiB sends large frames too", () => {
  const s = scene(kernel, { rounds: 3, length: 1_000_000, memory: 4 });
  s.await(3);
  assert.ok(s.host.hub.capture.some((frame) => frame.data.length > 20_000));
});

test("is restored with text under way, which arrives", () => {
  const s = scene(kernel, { rounds: 1, length: 2_000_000 });
  s.awaitSent(500_000);
  s.sending.saveAndRestore({ mac: SENDER_MAC });
  s.await(1);
  assert.deepEqual(s.received, [{ value: 0, length: 2_000_000 }]);
});

test("a back end that restarts with text under way gets it again", () => {
  const s = scene(kernel, { rounds: 1, length: 2_000_000 });
  s.awaitSent(500_000);
  s.sending.netback!.holdTransmitted();
  s.host.world.pass(50e6);
  s.sending.netback!.kill();
  s.host.world.pass(100e6);
  s.sending.netback!.start();
  s.await(1);
  assert.deepEqual(s.received, [{ value: 0, length: 2_000_000 }]);
});
