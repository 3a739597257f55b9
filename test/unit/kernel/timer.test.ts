import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { KernelParts } from "./kernel.ts";

const COUNT = 100;
const NEVER = -1n; // u64.MAX_VALUE, as JavaScript sees an i64

async function withTimers(): Promise<KernelParts> {
  const kernel = await KernelParts.create();
  for (let i = 0; i < COUNT; i++) kernel.call.timerPrepare(i);
  return kernel;
}

test("timers_run_in_order_of_their_deadlines", async () => {
  const { call, fired } = await withTimers();
  const random = new Random(3);
  const deadlines = Array.from({ length: COUNT }, () => random.u32() % 10_000);
  deadlines.forEach((deadline, i) => call.timerStart(i, BigInt(deadline)));
  call.timersRun(20_000n);
  assert.equal(fired.length, COUNT);
  const order = fired.map((i) => deadlines[i] as number);
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.equal(call.timersNextDeadline(), NEVER);
});

test("a_model_agrees_over_random_sets_moves_and_cancels", async () => {
  const { call, fired } = await withTimers();
  const random = new Random(4);
  const model = new Map<number, number>();
  let now = 0;
  for (let step = 0; step < 20_000; step++) {
    const index = random.u32() % COUNT;
    const action = random.u32() % 10;
    if (action < 6) {
      const deadline = now + 1 + (random.u32() % 500);
      call.timerStart(index, BigInt(deadline));
      model.set(index, deadline);
    } else if (action < 8) {
      call.timerStop(index);
      model.delete(index);
    } else {
      now += random.u32() % 50;
      fired.length = 0;
      call.timersRun(BigInt(now));
      const due = [...model].filter(([, deadline]) => deadline <= now).map(([i]) => i);
      for (const i of due) model.delete(i);
      assert.deepEqual([...fired].sort(), due.sort());
    }
    const earliest = model.size === 0 ? NEVER : BigInt(Math.min(...model.values()));
    assert.equal(call.timersNextDeadline(), earliest);
  }
});

test("never_is_no_deadline", async () => {
  const { call, fired } = await withTimers();
  call.timerStart(0, 5n);
  call.timerStart(0, NEVER);
  call.timersRun(1_000_000n);
  assert.deepEqual(fired, []);
});
