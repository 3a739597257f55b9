// What each request gets from the whole server: status, fields, contents, and whether the connection goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { entityTag } from "./fake_files.ts";
import { parseResponses } from "./http_response.ts";
import { get, REFUSED, TOLERATED } from "./requests.ts";
import { ask, CHANGED, DATE, FILES, INDEX, only, run } from "./site.ts";

test("a file: status, fields, contents", async () => {
  const { answers, ending } = await ask(get("/alphabet.txt"));
  const answer = only(answers);
  assert.equal(answer.status, 200);
  assert.deepEqual(Object.fromEntries(answer.fields), {
    date: DATE,
    server: "Karyon",
    "content-type": "text/plain; charset=utf-8",
    "content-length": "26",
    "last-modified": CHANGED,
    etag: entityTag(FILES["/alphabet.txt"]),
    "accept-ranges": "bytes",
  });
  assert.equal(answer.body.toString(), FILES["/alphabet.txt"]);
  assert.equal(ending, "open");
});

const TARGETS: readonly [target: string, status: number, body?: string][] = [
  ["/", 200, INDEX],
  ["/?query=1", 200, INDEX],
  ["/index.html", 200, INDEX],
  ["/index.html/", 404],
  ["/./index.html", 200, INDEX],
  ["/docs/../index.html", 200, INDEX],
  ["/docs/deep/../../index.html", 200, INDEX],
  ["//index.html", 200, INDEX],
  ["/docs//", 200, "docs"],
  ["/docs/.", 200, "docs"],
  ["/docs/deep/..", 200, "docs"],
  ["/docs/%64eep/page.html", 200, "page"],
  ["/docs%2Fdeep%2fpage.html", 200, "page"],
  ["/a%20b/%C3%BC.txt", 200, "name with blanks"],
  ["/a+b/%C3%BC.txt", 404],
  ["/empty.txt", 200, ""],
  ["/missing", 404],
  ["/Index.html", 404],
  ["/docs/deep/", 404],
  ["/docs/deep", 404],
  ["/..", 400],
  ["/../index.html", 400],
  ["/docs/../../index.html", 400],
  ["/%2e%2e/index.html", 400],
  ["/docs/%2e%2e/%2E%2E/etc/passwd", 400],
  ["/..%2f..%2fetc/passwd", 400],
  ["/...", 404],
  ["/%", 400],
  ["/%4", 400],
  ["/%zz", 400],
  ["/%00", 400],
  ["/index.html%00.txt", 400],
  ["/a#fragment", 400],
  ["/\\..\\index.html", 404],
  [`/${"a".repeat(2000)}`, 404],
  ["http://karyon.test/index.html", 200, INDEX],
  ["HTTP://karyon.test:80?x", 200, INDEX],
  ["http://karyon.test", 200, INDEX],
  ["http://[::1]:8080/", 200, INDEX],
  ["http:///index.html", 400],
  ["http://user@host/", 400],
  ["https://karyon.test/", 421],
  ["ftp://karyon.test/", 400],
  ["index.html", 400],
  ["*", 400],
  ["karyon.test:80", 400],
];

test("targets", async () => {
  for (const [target, status, body] of TARGETS) {
    const answer = only((await ask(get(target))).answers);
    assert.equal(answer.status, status, target);
    if (body !== undefined) assert.equal(answer.body.toString(), body, target);
  }
});

test("a directory without its slash is redirected, the query kept", async () => {
  const answer = only((await ask(get("/docs?a=1&b=%20"))).answers);
  assert.equal(answer.status, 301);
  assert.equal(answer.fields.get("location"), "/docs/?a=1&b=%20");
  const twisted = only((await ask(get("//docs"))).answers);
  assert.equal(twisted.fields.get("location"), "/docs/");
});

test("a redirection escapes what a path may not hold", async () => {
  const files = { "/a b/ü\r\nX: y/index.html": "x" };
  const answer = only((await ask(get("/a%20b/%C3%BC%0D%0AX:%20y"), { files })).answers);
  assert.equal(answer.status, 301);
  assert.equal(answer.fields.get("location"), "/a%20b/%C3%BC%0D%0AX:%20y/");
});

test("refusals after which the connection is closed, and lingers", async () => {
  for (const [name, request, status] of REFUSED) {
    const { answers, ending } = await ask(request);
    const answer = only(answers);
    assert.equal(answer.status, status, name);
    assert.equal(answer.fields.get("connection"), "close", name);
    assert.equal(ending, "shutdown", name);
  }
});

test("answers after which the connection goes on", async () => {
  for (const [name, request, status] of TOLERATED) {
    const { answers, ending } = await ask(request + get("/alphabet.txt"));
    assert.deepEqual([answers[0]?.status, answers[1]?.status], [status, 200], name);
    assert.equal(answers.length, 2, name);
    assert.equal(answers[0]?.fields.has("connection"), false, name);
    assert.equal(ending, "open", name);
  }
});

test("HEAD has the fields of GET and no contents", async () => {
  for (const target of ["/alphabet.txt", "/large.bin", "/missing", "/docs"]) {
    const head = only((await ask(get(target, "", "HEAD"))).answers);
    const full = only((await ask(get(target))).answers);
    assert.equal(head.status, full.status);
    assert.deepEqual(head.fields, full.fields);
    assert.equal(head.body.length, 0);
  }
});

test("whether the connection goes on", async () => {
  const cases: readonly [version: string, fields: string, connection: string | undefined, ending: string][] = [
    ["1.1", "", undefined, "open"],
    ["1.1", "Connection: close\r\n", "close", "closed"],
    ["1.1", "Connection: Upgrade, CLOSE ,x\r\n", "close", "closed"],
    ["1.1", "Connection: keep-alive\r\n", undefined, "open"],
    ["1.1", "Connection: keep-alive\r\nConnection: close\r\n", "close", "closed"],
    ["1.1", "Connection: closed\r\n", undefined, "open"],
    ["1.0", "", "close", "closed"],
    ["1.0", "Connection: keep-alive\r\n", "keep-alive", "open"],
    ["1.0", "Connection: Keep-Alive, close\r\n", "close", "closed"],
  ];
  for (const [version, fields, connection, ending] of cases) {
    const result = await ask(`GET / HTTP/${version}\r\nHost: a\r\n${fields}\r\n`);
    assert.equal(only(result.answers).fields.get("connection"), connection, fields);
    assert.equal(only(result.answers).body.toString(), INDEX);
    assert.equal(result.ending, ending, fields);
  }
});

test("the date follows the clock", async () => {
  await run(
    function* (world) {
      const client = world.connect();
      client.send(get("/"));
      yield;
      yield 600;
      client.send(get("/"));
      yield;
      const dates = parseResponses(client.received).map((answer) => answer.fields.get("date"));
      assert.deepEqual(dates, ["Fri, 31 Dec 1999 23:59:59 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"]);
    },
    { startTime: Date.UTC(1999, 11, 31, 23, 59, 59, 500) },
  );
});

test("content types", async () => {
  const types: Readonly<Record<string, string>> = {
    "/a.HTML": "text/html; charset=utf-8",
    "/a.b.css": "text/css; charset=utf-8",
    "/a.mjs": "text/javascript; charset=utf-8",
    "/a.svg": "image/svg+xml",
    "/a.wasm": "application/wasm",
    "/a.woff2": "font/woff2",
    "/a.unknown": "application/octet-stream",
    "/html": "application/octet-stream",
    "/dir.html/file": "application/octet-stream",
    "/trailing.": "application/octet-stream",
  };
  const files = Object.fromEntries(Object.keys(types).map((name) => [name, "x"]));
  for (const [name, type] of Object.entries(types)) {
    assert.equal(only((await ask(get(name), { files })).answers).fields.get("content-type"), type, name);
  }
});

test("a 404 page of the site", async () => {
  const files = { "/404.html": "not here", "/index.html": "x" };
  const answer = only((await ask(get("/missing"), { files })).answers);
  assert.equal(answer.status, 404);
  assert.equal(answer.body.toString(), "not here");
  assert.equal(answer.fields.has("etag"), false);
  assert.equal(only((await ask(get("/404.html"), { files })).answers).status, 200);
});
