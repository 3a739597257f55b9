// Seeded mutation fuzzing of the whole server. Whatever comes, the server must not trap, must not spin, must answer in
// well-formed HTTP, must answer the same however the input is cut, and must give back what a connection held.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createServer, type World } from "./fake_posix.ts";
import { parseResponses } from "./http_response.ts";
import { Random } from "../../support/random.ts";

const ROUNDS = Number(process.env["KARYON_FUZZ_ROUNDS"] ?? 100_000);
/** Connections in parallel, each with an input of its own. */
const PARALLEL = 20;

const FILES = {
  "/index.html": "index",
  "/docs/index.html": "docs",
  "/alphabet.txt": "abcdefghijklmnopqrstuvwxyz",
  "/large.bin": Buffer.alloc(40_000, "x"),
};

const SEEDS = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET /docs?x=1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
  "HEAD /alphabet.txt HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\nUser-Agent: fuzz\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET http://a/docs/../alphabet.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
  'GET /alphabet.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: "x", W/"y"\r\nIf-None-Match: "z"\r\n\r\n',
  "GET /alphabet.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-5\r\nIf-Range: Sat, 29 Oct 1994 19:43:31 GMT\r\n\r\n",
  "GET /large.bin HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\nRange: bytes=-9\r\n\r\n",
  "POST /index.html HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
  "PUT /%64ocs/%2e%2e HTTP/1.1\r\nHost: [::1]\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
  "GET /%64ocs/./ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
];

const SPLICES = [
  "\r\n", "\r", "\n", " ", "\t", "\0", ":", ",", ";", "%", "/", "..", "\x7f", "\xff", '"', "-", "=", "0", "9999999999",
  "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Host: b\r\n", "Connection: close\r\n", "HTTP/1.1", "\r\n\r\n",
  "Range: bytes=", "Expect: 100-continue\r\n", "a".repeat(300), "X: y\r\n".repeat(30),
]; // prettier-ignore

type Numbers = (limit: number) => number;

/** Each call gives a number of 0 … limit - 1. */
function numbers(seed: number): (limit: number) => number {
  const random = new Random(seed);
  return (limit) => random.between(0, limit - 1);
}

function pick<T>(random: Numbers, list: readonly T[]): T {
  return list[random(list.length)] as T;
}

function mutate(random: Numbers, text: string): string {
  const at = random(text.length + 1);
  const until = Math.min(text.length, at + 1 + random(8));
  switch (random(6)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + text.slice(until);
    case 2:
      return text.slice(0, at) + pick(random, SPLICES) + text.slice(at);
    case 3:
      return text.slice(0, until) + text.slice(at);
    case 4: {
      const other = pick(random, SEEDS);
      return text.slice(0, at) + other.slice(random(other.length));
    }
    default:
      return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << random(8))) + text.slice(at + 1);
  }
}

function makeInput(random: Numbers): string {
  let text = Array.from({ length: 1 + random(3) }, () => pick(random, SEEDS)).join("");
  for (let left = random(6); left > 0; left--) text = mutate(random, text);
  return text;
}

/** An interim answer depends on whether the body has come already, so it does not count when two runs are compared. */
function withoutContinue(text: string): string {
  return text.replaceAll("HTTP/1.1 100 Continue\r\n\r\n", "");
}

function* oneBatch(world: World, random: Numbers): Generator<number | undefined, void, void> {
  const inputs = Array.from({ length: PARALLEL / 2 }, () => makeInput(random));
  const pairs = inputs.map((input) => ({ input, whole: world.connect(), cut: world.connect() }));
  for (const { input, whole, cut } of pairs) {
    whole.send(input);
    whole.end();
    cut.chunk = 1 + random(50);
    cut.window = 1 + random(500);
    cut.send(input);
    cut.end();
  }
  for (let i = 0; i < 1000 && pairs.some(({ cut }) => cut.ending !== "closed"); i++) {
    yield;
    for (const { cut } of pairs) cut.window += 20_000;
  }
  for (const { input, whole, cut } of pairs) {
    const shown = JSON.stringify(input);
    assert.equal(whole.ending, "closed", shown);
    assert.equal(cut.ending, "closed", shown);
    assert.doesNotThrow(() => parseResponses(whole.received), shown);
    assert.equal(withoutContinue(cut.text), withoutContinue(whole.text), shown);
  }
}

test(`${ROUNDS} mutated inputs`, async () => {
  const server = await createServer({ files: FILES });
  const random = numbers(20261121);
  const result = server.run(function* (world) {
    let pages = 0;
    for (let done = 0; done < ROUNDS; done += PARALLEL / 2) {
      yield* oneBatch(world, random);
      if (done === 5000) pages = world.memoryPages;
    }
    // Files stay open for the next one who asks.
    assert.ok(world.descriptors <= Object.keys(FILES).length, `${world.descriptors} descriptors left open`);
    if (ROUNDS > 5000) assert.equal(world.memoryPages, pages);
  });
  assert.equal(result, null);
});
