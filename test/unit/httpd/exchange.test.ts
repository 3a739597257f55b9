// The whole server against scripted clients: what each request gets, and how connections live and end.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Client,
  createServer,
  entityTag,
  MODIFIED,
  type Script,
  type ServerOptions,
  START_TIME,
} from "./fake_posix.ts";
import { parseResponses, type Response } from "./http_response.ts";
import { get, REFUSED, TOLERATED } from "./requests.ts";

const INDEX = "<!doctype html><title>index</title>\n";
const LARGE = Buffer.alloc(300_000, "0123456789abcdef");
const FILES = {
  "/index.html": INDEX,
  "/style.css": "body { color: black }\n",
  "/empty.txt": "",
  "/alphabet.txt": "abcdefghijklmnopqrstuvwxyz",
  "/a b/ü.txt": "name with blanks",
  "/docs/index.html": "docs",
  "/docs/deep/page.html": "page",
  "/large.bin": LARGE,
};
const DATE = new Date(START_TIME).toUTCString();
const CHANGED = new Date(MODIFIED * 1000).toUTCString();

async function run(script: Script, options: ServerOptions = {}): Promise<void> {
  const server = await createServer({ files: FILES, ...options });
  assert.equal(server.run(script), null);
}

/** Sends `request` on a connection of its own; the answers and how the connection stands afterwards. */
async function ask(request: string, options: ServerOptions = {}): Promise<{ answers: Response[]; ending: string }> {
  let answers: Response[] = [];
  let ending = "";
  await run(function* (world) {
    const client = world.connect();
    client.send(request);
    yield;
    answers = parseResponses(client.received, [request.slice(0, request.indexOf(" "))]);
    ending = client.ending;
  }, options);
  return { answers, ending };
}

function only(answers: Response[]): Response {
  assert.equal(answers.length, 1);
  return answers[0] as Response;
}

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

test("conditions", async () => {
  const tag = entityTag(FILES["/alphabet.txt"]);
  const before = new Date(MODIFIED * 1000 - 1000).toUTCString();
  const rfc850 = "Saturday, 29-Oct-94 19:43:31 GMT";
  const asctime = "Sat Oct 29 19:43:31 1994";
  const cases: readonly [fields: string, status: number][] = [
    [`If-None-Match: ${tag}`, 304],
    [`If-None-Match: W/${tag}`, 304],
    [`If-None-Match: "x", ${tag}`, 304],
    [`If-None-Match: ,, "a,b" ,${tag}`, 304],
    ["If-None-Match: *", 304],
    ['If-None-Match: "x"', 200],
    ["If-None-Match: x", 200],
    ["If-None-Match:", 200],
    [`If-None-Match: "x"\r\nIf-None-Match: ${tag}`, 304],
    [`If-None-Match: "x"\r\nX: y\r\nif-none-match: "y", ${tag}\r\nZ: a\tb`, 304],
    ['If-None-Match: "x"\r\nIf-None-Match: "y"', 200],
    [`If-Modified-Since: ${CHANGED}`, 304],
    [`If-Modified-Since: ${rfc850}`, 304],
    [`If-Modified-Since: ${asctime}`, 304],
    [`If-Modified-Since: ${DATE}`, 304],
    [`If-Modified-Since: ${before}`, 200],
    ["If-Modified-Since: yesterday", 200],
    [`If-Modified-Since: ${CHANGED}\r\nIf-Modified-Since: ${CHANGED}`, 200],
    [`If-None-Match: "x"\r\nIf-Modified-Since: ${CHANGED}`, 200],
    [`If-Match: ${tag}`, 200],
    ["If-Match: *", 200],
    [`If-Match: W/${tag}`, 412],
    ['If-Match: "x"', 412],
    [`If-Unmodified-Since: ${CHANGED}`, 200],
    [`If-Unmodified-Since: ${before}`, 412],
    [`If-Match: ${tag}\r\nIf-Unmodified-Since: ${before}`, 200],
    [`If-Match: ${tag}\r\nIf-None-Match: ${tag}`, 304],
  ];
  for (const [fields, status] of cases) {
    const answer = only((await ask(get("/alphabet.txt", `${fields}\r\n`))).answers);
    assert.equal(answer.status, status, fields);
    if (status === 304) assert.equal(answer.fields.get("etag"), tag);
  }
});

test("ranges", async () => {
  const alphabet = FILES["/alphabet.txt"];
  const cases: readonly [range: string, status: number, body: string | undefined, contentRange?: string][] = [
    ["bytes=0-0", 206, "a", "bytes 0-0/26"],
    ["bytes=0-4", 206, "abcde", "bytes 0-4/26"],
    ["Bytes=23-", 206, "xyz", "bytes 23-25/26"],
    ["bytes=23-1000000000000000000000000", 206, "xyz", "bytes 23-25/26"],
    ["bytes=-3", 206, "xyz", "bytes 23-25/26"],
    ["bytes=-100", 206, alphabet, "bytes 0-25/26"],
    ["bytes= 0-1 ", 206, "ab", "bytes 0-1/26"],
    ["bytes=,0-1,", 206, "ab", "bytes 0-1/26"],
    ["bytes=26-", 416, undefined, "bytes */26"],
    ["bytes=100-200", 416, undefined, "bytes */26"],
    ["bytes=-0", 416, undefined, "bytes */26"],
    ["bytes=99999999999999999999-", 416, undefined, "bytes */26"],
    ["bytes=0-1,3-4", 200, alphabet],
    ["bytes=5-4", 200, alphabet],
    ["bytes=", 200, alphabet],
    ["bytes=-", 200, alphabet],
    ["bytes=a-b", 200, alphabet],
    ["bytes 0-1", 200, alphabet],
    ["lines=0-1", 200, alphabet],
    ["bytes=0-1\r\nRange: bytes=0-1", 200, alphabet],
  ];
  for (const [range, status, body, contentRange] of cases) {
    const answer = only((await ask(get("/alphabet.txt", `Range: ${range}\r\n`))).answers);
    assert.equal(answer.status, status, range);
    if (body !== undefined) assert.equal(answer.body.toString(), body, range);
    assert.equal(answer.fields.get("content-range"), contentRange, range);
  }
});

test("a range of a file that goes out by sendfile, and of an empty one", async () => {
  const answer = only((await ask(get("/large.bin", "Range: bytes=1000-200999\r\n"))).answers);
  assert.equal(answer.status, 206);
  assert.ok(answer.body.equals(LARGE.subarray(1000, 201_000)));
  assert.equal(only((await ask(get("/empty.txt", "Range: bytes=0-\r\n"))).answers).status, 416);
  assert.equal(only((await ask(get("/empty.txt", "Range: bytes=-1\r\n"))).answers).status, 200);
});

test("If-Range", async () => {
  const tag = entityTag(FILES["/alphabet.txt"]);
  const cases: readonly [value: string, status: number][] = [
    [tag, 206],
    [`W/${tag}`, 200],
    ['"x"', 200],
    [CHANGED, 206],
    [DATE, 200],
    ["nonsense", 200],
  ];
  for (const [value, status] of cases) {
    const answer = only((await ask(get("/alphabet.txt", `Range: bytes=1-2\r\nIf-Range: ${value}\r\n`))).answers);
    assert.equal(answer.status, status, value);
  }
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
      for (const client of busy) client.send("GET / HTTP/1.1\r\n");
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
        client.send("Host: a\r\n\r\n");
      }
      yield;
      for (const client of busy) assert.deepEqual(statuses(client), [200]);
    },
    { arguments: ["poll", "--max-connections", "4"] },
  );
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

test("the access log", async () => {
  await run(
    function* (world) {
      const client = world.connect();
      client.send(get("/alphabet.txt") + get('/"\\x?y', "", "HEAD") + "\x01");
      yield;
      assert.deepEqual(world.console.split("\n").slice(1), [
        '10.0.2.2 - - [15/Nov/1994:12:45:26 +0000] "GET /alphabet.txt HTTP/1.1" 200 26',
        '10.0.2.2 - - [15/Nov/1994:12:45:26 +0000] "HEAD /\\x22\\x5cx?y HTTP/1.1" 404 0',
        '10.0.2.2 - - [15/Nov/1994:12:45:26 +0000] "-" 400 ' + String(onlyLast(client).body.length),
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
    /^uptime_seconds 0\nrequests 1\nconnections 1\napp_memory_bytes \d+\nmemory_bytes 16777216\nmemory_free_bytes 0\n$/,
  );
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

function statuses(client: Client): number[] {
  return parseResponses(client.received).map((answer) => answer.status);
}

function onlyLast(client: Client): Response {
  return parseResponses(client.received).at(-1) as Response;
}
