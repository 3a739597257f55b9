// What parent, child and siblings must not have in common although their memory is the same: random numbers, and the secret behind
// TCP's initial sequence numbers and timestamps (RFC 6528, RFC 7323 5.4). The fake makes no copies: each of them is a run
// of its own with the same seed, the same up to the fork.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER } from "./calls.ts";
import { fork, runProcess } from "./process.ts";

const WAY_COPY = 1;
const RANDOM_BYTES = 16;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** What one process draws. */
interface Secrets {
  readonly random: string;
  readonly isn: number;
  readonly timestamp: number;
}

/** Who goes on behind fork(): the parent, or a child that begins `later` ns after it was asked for. */
type Who = { readonly is: "parent" } | { readonly is: "child"; readonly pid: number; readonly later: number };

/** What a process had before the fork, and what the one behind it has. */
function drawn(who: Who): readonly [before: Secrets, after: Secrets] {
  const found: Secrets[] = [];
  runProcess(kernel, function* ({ calls, guest, host, forkd }) {
    const draw = function* (): ReturnType<typeof fork> {
      const [isn, timestamp] = [yield* calls.call("test_isn"), yield* calls.call("test_timestamp_offset")];
      yield* calls.call("posix_getrandom", BUFFER, RANDOM_BYTES, 0);
      found.push({ random: calls.get(BUFFER, RANDOM_BYTES).toString("hex"), isn, timestamp });
      return 0;
    };
    yield* draw();
    forkd.answers = [2];
    if (who.is === "child") {
      guest.becomeChildAtFork(() => {
        host.world.now += who.later;
        forkd.become(who.pid, WAY_COPY);
      });
    }
    assert.equal(yield* fork(calls), who.is === "parent" ? 2 : 0);
    yield* draw();
  });
  const [first, second] = found;
  assert.ok(first !== undefined && second !== undefined);
  return [first, second];
}

test("parent, child and sibling draw different random numbers and sequence numbers", () => {
  const [before, parent] = drawn({ is: "parent" });
  const [beforeChild, child] = drawn({ is: "child", pid: 2, later: 1000 });
  const [beforeSibling, sibling] = drawn({ is: "child", pid: 3, later: 2000 });
  assert.deepEqual([beforeChild, beforeSibling], [before, before], "all are the same up to the fork");
  // The parent's connections go on, so its secret stays.
  assert.deepEqual([parent.isn, parent.timestamp], [before.isn, before.timestamp]);
  const all = [parent, child, sibling];
  for (const what of ["random", "isn", "timestamp"] as const) {
    const values = all.map((each) => each[what]);
    assert.equal(new Set(values).size, 3, `${what}: ${values.join(" ")}`);
  }
});
