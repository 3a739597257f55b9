// The xenstore client against a daemon that is slow, interfered with, reset, broken or replaced.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host, type Guest } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";
import { Calls, type Piece } from "./calls.ts";

const ENOENT = 2;
const EAGAIN = 11;
const EIO = 5;
const RECONNECTION = 1;

const kernel = await fakeKernel();

/** Runs `body` as a guest's app and waits for its end. */
function run(body: (calls: Calls, host: Host, guest: () => Guest) => Piece<void>, features = 0): Host {
  const host = new Host(kernel, 3);
  let failure: unknown;
  let done = false;
  const guest: Guest = host.create({
    commandLine: "ip=off",
    app: function* (domain) {
      try {
        yield* body(new Calls(domain), host, () => guest);
        done = true;
      } catch (error) {
        failure = error;
      }
      return 0;
    },
  });
  guest.connection.advertise(features);
  host.world.runUntil(() => guest.domain.shutdown !== undefined || failure !== undefined);
  if (failure !== undefined) throw failure;
  assert.ok(done, guest.console);
  return host;
}

test("reads, writes, lists and removes", () => {
  const host = run(function* (calls) {
    assert.equal(yield* calls.storeRead("data/absent"), -ENOENT);
    assert.equal(yield* calls.storeWrite("data/a", "one"), 0);
    assert.equal(yield* calls.storeWrite("data/b/c", ""), 0);
    assert.equal(yield* calls.storeRead("data/a"), "one");
    assert.equal(yield* calls.storeRead("data/b/c"), "");
    assert.deepEqual(yield* calls.storeDirectory("data"), ["a", "b"]);
    assert.equal(yield* calls.storeRemove("data/b"), 0);
    assert.deepEqual(yield* calls.storeDirectory("data"), ["a"]);
  });
  assert.equal(host.store.get("/local/domain/1/data/a"), "one");
});

test("carries values longer than the ring, both ways", () => {
  run(function* (calls) {
    const long = "0123456789".repeat(200);
    assert.equal(yield* calls.storeWrite("data/long", long), 0);
    assert.equal(yield* calls.storeRead("data/long"), long);
  });
});

test("a transaction shows its own writes and becomes visible at its end", () => {
  run(function* (calls, host) {
    const transaction = yield* calls.call("test_begin");
    assert.ok(transaction > 0);
    assert.equal(yield* calls.storeWrite("data/x", "1", transaction), 0);
    assert.equal(yield* calls.storeRead("data/x", transaction), "1");
    assert.equal(host.store.get("/local/domain/1/data/x"), undefined);
    assert.equal(yield* calls.call("test_end", transaction, 1), 0);
    assert.equal(host.store.get("/local/domain/1/data/x"), "1");
  });
});

test("a transaction that others interfered with ends with EAGAIN, an aborted one leaves nothing", () => {
  run(function* (calls, host) {
    const first = yield* calls.call("test_begin");
    yield* calls.storeWrite("data/y", "mine", first);
    host.store.tree.write("/local/domain/1/data/y", "theirs");
    assert.equal(yield* calls.call("test_end", first, 1), -EAGAIN);
    const second = yield* calls.call("test_begin");
    yield* calls.storeWrite("data/y", "mine", second);
    assert.equal(yield* calls.call("test_end", second, 0), 0);
    assert.equal(yield* calls.storeRead("data/y"), "theirs");
  });
});

test("a watch fires at once, at each change below it, and not after its end", () => {
  run(function* (calls, host) {
    assert.equal(yield* calls.storeWatch("data"), 0);
    yield* calls.sleep(0.1);
    assert.equal(yield* calls.call("test_events"), 1);
    host.store.tree.write("/local/domain/1/data/a/b", "1");
    yield* calls.sleep(0.1);
    assert.equal(yield* calls.call("test_events"), 2);
    host.store.tree.write("/local/domain/1/elsewhere", "1");
    yield* calls.sleep(0.1);
    assert.equal(yield* calls.call("test_events"), 2);
    yield* calls.call("test_unwatch");
    yield* calls.sleep(0.1);
    const after = yield* calls.call("test_events");
    host.store.tree.write("/local/domain/1/data/a/b", "2");
    yield* calls.sleep(0.1);
    assert.equal(yield* calls.call("test_events"), after);
  });
});

test("watches are set again after a restore, and requests go on", () => {
  const host = new Host(kernel, 3);
  const counts: number[] = [];
  const guest = host.create({
    commandLine: "ip=off",
    app: function* (domain) {
      const calls = new Calls(domain);
      yield* calls.storeWatch("data");
      for (;;) {
        yield* calls.sleep(1);
        counts.push(yield* calls.call("test_events"));
        yield* calls.storeWrite("round", String(counts.length));
      }
    },
  });
  host.world.pass(2.5e9);
  guest.saveAndRestore();
  host.world.pass(2e9);
  const before = counts.at(-1)!;
  host.store.tree.write("/local/domain/1/data/z", "1");
  host.world.pass(2e9);
  assert.equal(counts.at(-1), before + 1);
  assert.equal(host.store.get("/local/domain/1/round"), String(counts.length));
});

test("messages that nobody asked for are skipped", () => {
  run(function* (calls, _host, guest) {
    guest().connection.send(2, 4711, 0, "unasked");
    guest().connection.send(15, 0, 0, "data\0" + "ffffffff\0");
    guest().connection.send(15, 0, 0, "no token");
    assert.equal(yield* calls.storeWrite("data/a", "1"), 0);
    assert.equal(yield* calls.storeRead("data/a"), "1");
  });
});

test("a broken stream is reset where the daemon can: requests and watches survive", () => {
  run(function* (calls, host, guest) {
    yield* calls.storeWatch("data");
    yield* calls.sleep(0.1);
    guest().connection.sendRaw(Buffer.alloc(16, 0xff)); // a header with an impossible length
    assert.equal(yield* calls.storeWrite("data/a", "1"), 0);
    yield* calls.sleep(0.1);
    const before = yield* calls.call("test_events");
    host.store.tree.write("/local/domain/1/data/q", "1");
    yield* calls.sleep(0.1);
    assert.equal(yield* calls.call("test_events"), before + 1);
  }, RECONNECTION);
});

test("a broken stream that cannot be reset fails every request and stops nothing", () => {
  run(function* (calls, _host, guest) {
    guest().connection.sendRaw(Buffer.alloc(16, 0xff));
    yield* calls.sleep(0.1);
    assert.equal(yield* calls.storeWrite("data/a", "1"), -EIO);
    assert.equal(yield* calls.storeRead("data/a"), -EIO);
  });
});
