// The pure parts of karyon/http/message: dates, paths, searches, the parser by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileAssembly } from "../../support/assembly.ts";
import { Random } from "../../support/random.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  input(): number;
  output(): number;
  control(from: number, end: number): number;
  dateText(seconds: bigint): void;
  dateValue(length: number, now: bigint): bigint;
  normalise(length: number): number;
  escape(length: number): number;
  parse(length: number, step: number): number;
  requestWord(index: number): number;
  requestWords(): number;
}

const module = compileAssembly("test/unit/http/harness.ts", { runtime: "incremental", memoryBase: 4096 });

async function load(): Promise<Exports> {
  const abort = (): never => {
    throw new Error("abort");
  };
  const instance = new WebAssembly.Instance(await module, { env: { abort } });
  return instance.exports as unknown as Exports;
}

function put(http: Exports, text: string): number {
  return Buffer.from(http.memory.buffer, http.input()).write(text, "latin1");
}

function taken(http: Exports, length: number): string {
  return Buffer.from(http.memory.buffer, http.output(), length).toString("latin1");
}

/** Each call gives a number of 0 … limit - 1. */
function numbers(seed: number): (limit: number) => number {
  const random = new Random(seed);
  return (limit) => random.between(0, limit - 1);
}

test("dates are written as toUTCString writes them, and read back in all three formats", async () => {
  const http = await load();
  const random = numbers(1);
  const now = BigInt(Date.UTC(2024, 5, 1) / 1000);
  for (let i = 0; i < 20_000; i++) {
    const seconds = i < 200 ? i * 86_400 * 366 : random(253_402_300_800);
    const date = new Date(seconds * 1000);
    http.dateText(BigInt(seconds));
    const text = taken(http, 29);
    assert.equal(text, date.toUTCString());
    assert.equal(http.dateValue(put(http, text), now), BigInt(seconds));
    const [day = "", dayOfMonth = "", month = "", year = "", time = ""] = text.replace(",", "").split(" ");
    const asctime = `${day} ${month} ${dayOfMonth.replace(/^0/, " ")} ${time} ${year}`;
    assert.equal(http.dateValue(put(http, asctime), now), BigInt(seconds), asctime);
  }
});

test("a two-digit year is the one nearest to now, at most 50 years ahead", async () => {
  const http = await load();
  const now = BigInt(Date.UTC(2024, 5, 1) / 1000);
  const read = (text: string) => new Date(Number(http.dateValue(put(http, text), now)) * 1000).getUTCFullYear();
  assert.equal(read("Sunday, 06-Nov-94 08:49:37 GMT"), 1994);
  assert.equal(read("Wednesday, 06-Nov-74 08:49:37 GMT"), 2074);
  assert.equal(read("Wednesday, 06-Nov-75 08:49:37 GMT"), 1975);
  assert.equal(read("Monday, 06-Nov-23 08:49:37 GMT"), 2023);
});

test("what is no date is refused", async () => {
  const http = await load();
  const wrong = [
    "",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 EST",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sat, 29 Feb 2100 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08-49-37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT",
    "Son, 06 Nov 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1969 08:49:37 GMT",
    "Sun, 0a Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 19x4 08:49:37 GMT",
    "Sun Nov  6 08:49:37 199x",
    "Sun Nov 36 08:49:37 1994",
    "Sunday, 06-Nov-9x 08:49:37 GMT",
    "Sunday, 06 Nov 94 08:49:37 GMT",
    "x".repeat(29),
    "x".repeat(31),
  ];
  for (const text of wrong) assert.equal(http.dateValue(put(http, text), 0n), -1n, text);
});

test("no path leaves the root, whatever it is made of", async () => {
  const http = await load();
  const random = numbers(2);
  const pieces = ["/", ".", "..", "a", "%2e", "%2E%2e", "%2f", "%5c", "\\", "//", "%", "%0", "b.c", "...", "%252e"];
  for (let i = 0; i < 100_000; i++) {
    const parts = Array.from({ length: 1 + random(10) }, () => pieces[random(pieces.length)]);
    const length = http.normalise(put(http, `/${parts.join("")}`));
    if (length < 0) continue;
    const path = taken(http, length);
    assert.match(path, /^\/[^\0]*$/);
    assert.doesNotMatch(path, /\/\/|\/\.\.?(\/|$)/);
  }
});

test("a path of any length stays inside its buffer", async () => {
  const http = await load();
  for (const length of [1000, 1021, 1022, 1023, 1024, 5000]) {
    const result = http.normalise(put(http, `/${"a".repeat(length)}`));
    assert.equal(result, length < 1023 ? length + 1 : -2);
    const slashes = http.normalise(put(http, `/${"a/".repeat(length / 2)}`));
    assert.equal(slashes, length < 1024 ? 1 + 2 * Math.floor(length / 2) : -2);
  }
});

test("escapes make a path that decodes to the same", async () => {
  const http = await load();
  const random = numbers(3);
  for (let i = 0; i < 2000; i++) {
    const path = `/${Array.from({ length: random(40) }, () => String.fromCharCode(random(128))).join("")}`;
    const escaped = taken(http, http.escape(put(http, path)));
    assert.match(escaped, /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%]+$/);
    assert.equal(decodeURIComponent(escaped), path);
  }
});

test("the search for control characters finds what a search byte by byte finds", async () => {
  const http = await load();
  const random = numbers(4);
  for (let i = 0; i < 20_000; i++) {
    const length = random(40);
    const sample = [0x1f, 0x20, 0x7e, 0x7f, 0x80, 0xff, 0x9f, 0xa0, 0x0a, 0x21];
    const bytes = Array.from({ length }, () =>
      random(12) === 0 ? (sample[random(sample.length)] ?? 0) : 0x20 + random(0x5f),
    );
    Buffer.from(http.memory.buffer, http.input()).set(bytes);
    const from = random(length + 1);
    const expected = bytes.findIndex((byte, at) => at >= from && (byte < 0x20 || byte === 0x7f));
    assert.equal(http.control(from, length), expected < 0 ? length : expected);
  }
});

test("the parser finds the same however its input is cut", async () => {
  const http = await load();
  const heads = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nOPTIONS http://[::1]:80?x HTTP/1.0\r\nX:\ty\r\nIf-None-Match: *\r\nif-none-match: x\r\n\r\nGET",
    `GET /${"a".repeat(8174)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET /${"a".repeat(8176)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET /${"a".repeat(8190)}\x01`,
    `GET / HTTP/1.1\r\nHost: a\r\n${`X: ${"y".repeat(1000)}\r\n`.repeat(15)}Z: ${"z".repeat(210)}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\n${`X: ${"y".repeat(1000)}\r\n`.repeat(16)}\x01\r\n\r\n`,
    "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\nContent-Length: 12\r\nConnection: close\r\n\r\nbody",
  ];
  for (const head of heads) {
    const length = put(http, head);
    const state = (step: number) => [
      http.parse(length, step),
      ...Array.from({ length: http.requestWords() }, (_, i) => http.requestWord(i)),
    ];
    const whole = state(length);
    for (const step of [1, 2, 3, 7, 64, 1000]) {
      const cut = state(step);
      // A refusal leaves the rest of the state open.
      assert.equal(cut[0], whole[0], `${head.slice(0, 40)} in steps of ${step}`);
      if ((whole[0] as number) > 1000) assert.deepEqual(cut, whole);
    }
  }
});
