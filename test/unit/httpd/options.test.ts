// What the command line changes in the whole server: the architecture, the log, the status page; and what it refuses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createServer } from "./fake_posix.ts";
import { parseResponses } from "./http_response.ts";
import { get } from "./requests.ts";
import { ask, only, run, statuses } from "./site.ts";

test("the access log", async () => {
  await run(
    function* (world) {
      const client = world.connect();
      client.send(get("/alphabet.txt") + get('/"\\x?y', "", "HEAD") + "\x01");
      yield;
      assert.deepEqual(world.console.split("\n").slice(1), [
        '10.0.2.2 - - [15/Nov/1994:12:45:26 +0000] "GET /alphabet.txt HTTP/1.1" 200 26',
        '10.0.2.2 - - [15/Nov/1994:12:45:26 +0000] "HEAD /\\x22\\x5cx?y HTTP/1.1" 404 0',
        '10.0.2.2 - - [15/Nov/1994:12:45:26 +0000] "-" 400 ' +
          String(parseResponses(client.received).at(-1)?.body.length),
        "",
      ]);
    },
    { arguments: ["poll", "--log"] },
  );
});

test("the status page", async () => {
  assert.equal(only((await ask(get("/.status"))).answers).status, 404);
  const answer = only((await ask(get("/.status"), { arguments: ["poll", "--status"] })).answers);
  assert.equal(answer.status, 200);
  const lines = answer.body.toString();
  assert.match(
    lines,
    /^uptime_seconds 0\nrequests 1\nconnections 1\napp_memory_bytes \d+\nmemory_bytes 16777216\nmemory_free_bytes 0\nsyn_cookies_sent 0\nsyn_cookies_received 0\nchallenge_acks 0\n$/,
  );
});

test("sequential: one connection at a time, the waiting one ends the others' stay", async () => {
  await run(
    function* (world) {
      const first = world.connect();
      first.send(get("/"));
      yield;
      first.send(get("/"));
      yield;
      assert.deepEqual(statuses(first), [200, 200]);
      assert.doesNotMatch(first.text, /Connection/);
      const second = world.connect();
      second.send(get("/docs/"));
      yield;
      assert.equal(second.accepted, false);
      first.send(get("/"));
      yield;
      assert.match(first.text, /Connection: close/);
      first.end();
      yield;
      assert.deepEqual(statuses(second), [200]);
      const third = world.connect();
      third.send(get("/"));
      yield 600;
      assert.equal(second.ending, "closed");
      assert.deepEqual(statuses(third), [200]);
    },
    { arguments: ["sequential"] },
  );
});

test("sequential: the time for a request counts from its connection, however long nobody came before", async () => {
  await run(
    function* (world) {
      yield 60_000;
      const client = world.connect();
      yield 1000;
      client.send(get("/"));
      yield;
      assert.deepEqual(statuses(client), [200]);
    },
    { arguments: ["sequential"] },
  );
});

test("the command line", async () => {
  const cases: readonly [words: string[], complaint: RegExp][] = [
    [["forking"], /"forking" is not an architecture/],
    [["--port"], /--port takes a number from 1 to 65535, not nothing/],
    [["--port", "0"], /not "0"/],
    [["--port", "65536"], /not "65536"/],
    [["--port", "8o"], /not "8o"/],
    [["--max-connections", "100000"], /--max-connections takes/],
    [["--idle-timeout", "-1"], /--idle-timeout takes/],
    [["--frob"], /unknown option "--frob"/],
    [["--log", "poll"], /has to be the first/],
  ];
  for (const [words, complaint] of cases) {
    const server = await createServer({ arguments: words });
    assert.equal(
      server.run(function* () {
        assert.fail("the server serves");
      }),
      2,
    );
    assert.match(server.console, complaint);
    assert.match(server.console, /usage: httpd/);
  }
});
