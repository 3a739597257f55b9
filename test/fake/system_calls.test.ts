// The end of a system call: mostly the kernel has nothing more to do; events and timers are not lost for that.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { Host } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, Calls, type Piece } from "./calls.ts";

const MSG_DONTWAIT = 0x40;
const VIRQ_TIMER = 0;
/** What a timer may be late while the app computes (kernel/work.ts). */
const TIMER_SLACK = 5e6;

const kernel = await fakeKernel();

interface Scene {
  readonly calls: Calls;
  readonly domain: Domain;
  readonly host: Host;
}

/** Runs `body` as the app of a domain. */
function run(body: (scene: Scene) => Piece<void>): void {
  const host = new Host(kernel, 5);
  let failure: unknown;
  let done = false;
  const { domain } = host.create({
    commandLine: "ip=off",
    app: function* (itself) {
      try {
        yield* body({ calls: new Calls(itself), domain: itself, host });
        done = true;
      } catch (error) {
        failure = error;
      }
      return 7;
    },
  });
  host.world.runUntil(() => domain.shutdown !== undefined, 600e9);
  if (failure !== undefined) throw failure;
  assert.ok(done);
}

test("a call after which nothing is to be done goes straight back to the app", () => {
  run(function* ({ calls, domain }) {
    yield* calls.call("posix_getpid"); // whatever the start of the app has left to do
    const before = domain.quickReturns;
    for (let i = 0; i < 10; i++) yield* calls.call("posix_getpid");
    assert.equal(domain.quickReturns - before, 10);
  });
});

test("an event that came during a call is handled at its end", () => {
  run(function* ({ calls, domain }) {
    yield* calls.call("posix_getpid");
    const before = domain.quickReturns;
    domain.events.raise(domain.ports.store);
    assert.ok(domain.events.isPending(domain.ports.store));
    yield* calls.call("posix_getpid");
    assert.ok(!domain.events.isPending(domain.ports.store));
    assert.equal(domain.quickReturns, before);
  });
});

test("a packet to ourselves is there after the call that sent it", () => {
  run(function* ({ calls }) {
    const receiver = yield* calls.socket("udp");
    yield* calls.bind(receiver, 7);
    const sender = yield* calls.socket("udp");
    assert.equal(yield* calls.connect(sender, "127.0.0.1", 7), 0);
    calls.put(BUFFER, Buffer.from("here"));
    assert.equal(yield* calls.call("posix_write", sender, BUFFER, 4), 4);
    assert.equal(yield* calls.call("posix_recvfrom", receiver, BUFFER + 16, 16, MSG_DONTWAIT, 0), 4);
    assert.equal(calls.get(BUFFER + 16, 4).toString(), "here");
  });
});

test("a timer that another thread waits for interrupts an app that computes", (context) => {
  run(function* ({ calls, domain, host }) {
    let slept = false;
    domain.threadEntries.set(1, function* () {
      yield* calls.sleep(0.1);
      slept = true;
      yield* calls.call("posix_thread_exit");
      return 0;
    });
    const setTimer = context.mock.method(domain, "setTimer");
    const start = host.world.now;
    assert.ok((yield* calls.call("posix_thread_create", 1, 0, 32768, 0)) > 0);
    yield* calls.call("posix_sched_yield");
    const programmed = setTimer.mock.calls.at(-1)?.arguments[0] ?? NaN;
    assert.ok(Math.abs(programmed - (start + 1e8 + TIMER_SLACK)) < 1e6, `programmed for ${programmed - start} ns`);

    host.world.now = programmed;
    domain.events.raiseVirq(VIRQ_TIMER);
    yield* calls.call("posix_getpid");
    yield* calls.call("posix_sched_yield");
    assert.ok(slept);
  });
});
