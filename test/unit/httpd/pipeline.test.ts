// Bytes as they come and go on one connection of the whole server: requests in a row or in pieces, clients that read slowly
// or stop sending, 100-continue.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResponses } from "./http_response.ts";
import { get } from "./requests.ts";
import { INDEX, LARGE, run, statuses } from "./site.ts";

test("pipelined requests are answered in order, small ones with one send", async () => {
  await run(function* (world) {
    const client = world.connect();
    client.send(get("/alphabet.txt") + get("/missing") + get("/style.css", "", "HEAD") + get("/"));
    yield;
    const answers = parseResponses(client.received, ["GET", "GET", "HEAD", "GET"]);
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [200, 404, 200, 200],
    );
    assert.equal(client.sends.length, 1);
  });
});

test("many pipelined requests, large files among them, to a client that reads little by little", async () => {
  await run(function* (world) {
    const client = world.connect();
    client.window = 1000;
    const targets = Array.from({ length: 60 }, (_, i) => (i % 20 === 7 ? "/large.bin" : i % 3 === 0 ? "/" : "/docs/"));
    client.send(targets.map((target) => get(target)).join(""));
    for (let i = 0; i < 2000 && client.received.length < 910_000; i++) {
      client.window += 1 + ((i * 7919) % 5000);
      yield 1;
    }
    client.window = Infinity;
    yield;
    const answers = parseResponses(
      client.received,
      targets.map(() => "GET"),
    );
    assert.equal(answers.length, targets.length);
    answers.forEach((answer, i) => {
      const size = { "/large.bin": LARGE.length, "/": INDEX.length, "/docs/": 4 }[targets[i] as string];
      assert.equal(answer.body.length, size);
    });
  });
});

test("a client that does not read stops itself: nothing more is read from it", async () => {
  await run(function* (world) {
    const client = world.connect();
    client.window = 100;
    client.send(get("/large.bin") + get("/").repeat(500));
    yield 5000;
    assert.ok(client.unread > 10_000);
    assert.equal(client.received.length, 100);
  });
});

test("input split at every byte gives the same answers", async () => {
  const requests =
    get("/docs/deep/../../alphabet.txt", "Range: bytes=1-3\r\nX: a\tb\r\n") +
    get("/", "Transfer-Encoding: chunked\r\n") +
    "5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n" +
    get("/missing", "Content-Length: 3\r\n") +
    "abc" +
    get("/x", `Y: ${"z".repeat(3000)}\r\n`) +
    get("/bad", "Host: twice\r\n");
  let whole = "";
  await run(function* (world) {
    const client = world.connect();
    client.send(requests);
    yield;
    whole = client.text;
    assert.equal(parseResponses(client.received).length, 5);
    for (let at = 1; at < requests.length; at++) {
      const split = world.connect();
      split.send(requests.slice(0, at));
      yield;
      split.send(requests.slice(at));
      split.end();
      yield;
      assert.equal(split.text, whole, `split at ${at}`);
      assert.equal(split.ending, "closed");
    }
    const slow = world.connect();
    slow.chunk = 1;
    slow.send(requests);
    slow.end();
    yield;
    assert.equal(slow.text, whole);
  });
});

test("100-continue is sent when the body has not come, and not when it has", async () => {
  await run(function* (world) {
    const head = get("/", "Content-Length: 5\r\nExpect: 100-Continue\r\n");
    const patient = world.connect();
    patient.send(head);
    yield;
    assert.equal(patient.text, "HTTP/1.1 100 Continue\r\n\r\n");
    patient.send("hello");
    yield;
    assert.deepEqual(statuses(patient), [100, 200]);
    const hasty = world.connect();
    hasty.send(head + "hello");
    yield;
    assert.deepEqual(statuses(hasty), [200]);
  });
});

test("a client that half-closes after its requests gets all answers", async () => {
  await run(function* (world) {
    const client = world.connect();
    client.send(get("/") + get("/large.bin") + get("/"));
    client.end();
    client.window = 1000;
    yield;
    client.window = Infinity;
    yield;
    assert.deepEqual(statuses(client), [200, 200, 200]);
    assert.equal(client.ending, "closed");
  });
});
