// How long connections to the whole server live and what ends them: deadlines, resets, lingering, too many at once; and that
// they leave no memory behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { get } from "./requests.ts";
import { run, statuses } from "./site.ts";

test("slow clients: 408 for a head or body that does not come, silence for a connection at rest", async () => {
  await run(
    function* (world) {
      const silent = world.connect();
      const slowHead = world.connect();
      slowHead.send("GET / HT");
      const slowBody = world.connect();
      slowBody.send(get("/", "Content-Length: 5\r\n") + "hel");
      const resting = world.connect();
      resting.send(get("/"));
      for (let i = 0; i < 4; i++) {
        slowHead.send("X");
        yield 1000;
      }
      assert.equal(resting.ending, "open");
      yield 1500;
      assert.equal(resting.ending, "closed");
      yield 5000;
      assert.deepEqual(statuses(slowHead), [408]);
      assert.equal(silent.ending, "closed");
      assert.equal(silent.text, "");
      yield 10_000;
      assert.deepEqual(statuses(slowBody), [408]);
      assert.equal(slowBody.ending, "shutdown");
      yield 3100;
      assert.equal(slowBody.ending, "closed");
      assert.equal(world.descriptors, 0);
    },
    { arguments: ["poll", "--idle-timeout", "5"] },
  );
});

test("a head that drips is cut off by its own deadline", async () => {
  await run(function* (world) {
    const client = world.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    for (let i = 0; i < 15; i++) {
      yield 1000;
      client.send("X: y\r\n");
    }
    assert.deepEqual(statuses(client), [408]);
  });
});

test("a client that takes nothing of its answer is reset", async () => {
  await run(function* (world) {
    const client = world.connect();
    client.window = 5000;
    client.send(get("/large.bin"));
    yield 20_000;
    client.window = 5000;
    yield 20_000;
    assert.equal(client.ending, "open");
    assert.equal(client.received.length, 10_000);
    yield 11_000;
    assert.equal(client.ending, "reset");
  });
});

test("a lingering close reads what still comes, and ends with the client or after a while", async () => {
  await run(function* (world) {
    const polite = world.connect();
    polite.send(get("/", "Content-Length: 2000000\r\n"));
    yield;
    assert.equal(polite.ending, "shutdown");
    for (let i = 0; i < 20; i++) {
      polite.send(Buffer.alloc(100_000));
      yield;
    }
    assert.equal(polite.unread, 0);
    polite.end();
    yield;
    assert.equal(polite.ending, "closed");
    const endless = world.connect();
    endless.send("\n");
    for (let i = 0; i < 40; i++) {
      yield 100;
      endless.send("x".repeat(1000));
    }
    assert.equal(endless.ending, "closed");
    assert.deepEqual(statuses(endless), [400]);
  });
});

test("a client that resets at any moment leaves nothing behind", async () => {
  await run(function* (world) {
    for (const begun of ["", "GET", get("/"), get("/large.bin"), get("/", "Content-Length: 9\r\n") + "a"]) {
      const client = world.connect();
      client.window = 200;
      client.send(begun);
      yield;
      client.reset();
      yield;
      assert.equal(client.accepted, true);
    }
    // The large file's own descriptor stays open for the next one who asks for it.
    assert.equal(world.descriptors, 1);
  });
});

test("too many connections: one at rest makes room, else the newcomer is told", async () => {
  await run(
    function* (world) {
      const busy = [world.connect(), world.connect(), world.connect()];
      for (const client of busy) client.send(get("/", "Content-Length: 5\r\n") + "hel");
      const resting = world.connect();
      resting.send(get("/"));
      yield;
      const fifth = world.connect();
      fifth.send(get("/"));
      yield;
      assert.equal(resting.ending, "closed");
      assert.deepEqual(statuses(fifth), [200]);
      fifth.send("GET");
      yield;
      const sixth = world.connect();
      sixth.send(get("/"));
      yield;
      assert.deepEqual(statuses(sixth), [503]);
      assert.match(sixth.text, /\r\nRetry-After: 1\r\n/);
      const crowd = Array.from({ length: 40 }, () => world.connect());
      yield;
      assert.equal(crowd.filter((client) => client.accepted).length, 15);
      yield 3100;
      assert.ok(crowd.filter((client) => client.accepted).length > 15);
      for (const client of busy) {
        assert.equal(client.ending, "open");
        client.send("lo");
      }
      yield;
      for (const client of busy) assert.deepEqual(statuses(client), [200]);
    },
    { arguments: ["poll", "--max-connections", "4"] },
  );
});

test("hundreds that never finish a head shut nobody out, and the slowest goes first", async () => {
  await run(function* (world) {
    const slow = Array.from({ length: 256 }, () => world.connect());
    for (const client of slow) client.send("GET / HTTP/1.1\r\n");
    yield 900;
    const early = world.connect();
    early.send(get("/"));
    yield;
    assert.deepEqual(statuses(early), [503]); // a second is not too long for a head
    yield 200;
    for (let i = 0; i < 300; i++) {
      const client = world.connect();
      client.send(get("/", "Connection: close\r\n"));
      const another = world.connect();
      another.send("GET");
      yield 10;
      assert.deepEqual(statuses(client), [200], `client ${i}`);
    }
    assert.equal(slow[0]?.ending, "closed");
    yield 11_000;
    assert.equal(slow.filter((client) => client.ending === "open").length, 0);
  });
});

test("accept that fails for want of descriptors pauses and goes on later", async () => {
  await run(function* (world) {
    world.refuseAccept = true;
    const client = world.connect();
    client.send(get("/"));
    const before = world.calls;
    yield 1000;
    assert.ok(world.calls - before < 100, `${world.calls - before} calls in a second`);
    world.refuseAccept = false;
    yield 200;
    assert.deepEqual(statuses(client), [200]);
  });
});

test("memory does not grow with the number of requests and connections", async () => {
  await run(function* (world) {
    const rounds = function* (count: number): Generator<number | undefined, void, void> {
      for (let i = 0; i < count; i++) {
        const clients = Array.from({ length: 50 }, () => world.connect());
        for (const client of clients) client.send(get("/") + get("/large.bin") + get("/nothing") + "GET / HT");
        yield;
        for (const client of clients) client.end();
        yield;
      }
    };
    yield* rounds(5);
    const before = world.memoryPages;
    yield* rounds(200);
    assert.equal(world.memoryPages, before);
  });
});

test("a connection at rest holds no buffers, a busy one few", async () => {
  await run(function* (world) {
    const before = world.memoryPages;
    for (let i = 0; i < 250; i++) world.connect().send(get("/"));
    yield;
    assert.ok(world.memoryPages - before <= 8, `${world.memoryPages - before} pages for 250 connections at rest`);
  });
});
