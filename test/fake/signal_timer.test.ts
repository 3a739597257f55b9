// The interval timer of setitimer and alarm, on the whole kernel.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, type Calls, type Piece } from "./calls.ts";
import { runProcess } from "./process.ts";
import { catches } from "./sigaction.ts";

const [EINTR, EFAULT, EINVAL] = [4, 14, 22];
const SIGALRM = 14;
const WORD = 0x3000;
const SECOND = 1e9;

const kernel = await fakeKernel();

function* timer(calls: Calls, first: number, interval = 0): Piece<number> {
  const times = [interval, first].flatMap((time) => [Math.floor(time), Math.round((time % 1) * 1e6)]);
  calls.put(BUFFER, new Uint8Array(BigInt64Array.from(times, BigInt).buffer));
  return yield* calls.call("posix_setitimer", 0, BUFFER, BUFFER + 32);
}

function timesAt(calls: Calls, at: number): number[] {
  const words = Array.from({ length: 4 }, (_, i) => Number(calls.get(at + 8 * i, 8).readBigInt64LE()));
  const [seconds = 0, microseconds = 0, first = 0, rest = 0] = words;
  return [seconds + microseconds / 1e6, first + rest / 1e6];
}

describe("the interval timer", () => {
  test("expires once, or again and again, and says what is left", () => {
    runProcess(kernel, function* (scene) {
      const { calls, host } = scene;
      const seen = yield* catches(scene, SIGALRM);
      assert.equal(yield* timer(calls, 2.5), 0);
      assert.deepEqual(timesAt(calls, BUFFER + 32), [0, 0]);
      const start = host.world.now;
      assert.equal(yield* calls.sleep(1), 0);
      assert.equal(yield* calls.call("posix_getitimer", 0, WORD), 0);
      const [, left = 0] = timesAt(calls, WORD);
      assert.ok(left > 1.4 && left <= 1.5, String(left));
      assert.equal(yield* calls.sleep(60), -EINTR);
      assert.ok(Math.abs(host.world.now - start - 2.5 * SECOND) < SECOND / 10);
      assert.equal(yield* calls.sleep(5), 0, "once");
      assert.equal(yield* timer(calls, 1, 0.5), 0);
      const again = host.world.now;
      for (let i = 0; i < 4; i++) assert.equal(yield* calls.sleep(60), -EINTR);
      assert.ok(Math.abs(host.world.now - again - 2.5 * SECOND) < SECOND / 10);
      assert.equal(yield* timer(calls, 0), 0);
      assert.equal(timesAt(calls, BUFFER + 32)[0], 0.5);
      assert.equal(yield* calls.sleep(5), 0, "never more");
      assert.equal(seen.length, 5);
    });
  });

  test("refuses what is no time and no clock of its", () => {
    runProcess(kernel, function* ({ calls }) {
      for (const which of [1, 2, 3, -1]) {
        assert.equal(yield* calls.call("posix_getitimer", which, WORD), -EINVAL);
        assert.equal(yield* calls.call("posix_setitimer", which, BUFFER, 0), -EINVAL);
      }
      for (const [index, value] of [
        [0, -1n],
        [1, -1n],
        [1, 1_000_000n],
        [2, -1n],
        [3, 1_000_000n],
      ] as const) {
        // prettier-ignore
        calls.put(BUFFER, Buffer.alloc(32));
        const bad = Buffer.alloc(8);
        bad.writeBigInt64LE(value);
        calls.put(BUFFER + 8 * index, bad);
        assert.equal(yield* calls.call("posix_setitimer", 0, BUFFER, 0), -EINVAL, `${index}: ${value}`);
      }
      assert.equal(yield* calls.call("posix_setitimer", 0, 8, 0), -EFAULT);
      assert.equal(yield* calls.call("posix_setitimer", 0, BUFFER, 8), -EFAULT);
      assert.equal(yield* calls.call("posix_getitimer", 0, 8), -EFAULT);
    });
  });
});
