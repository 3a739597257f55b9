// Conditional and partial requests (RFC 9110, 13 and 14) to the whole server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { entityTag, MODIFIED } from "./fake_files.ts";
import { get } from "./requests.ts";
import { ask, CHANGED, DATE, FILES, LARGE, only } from "./site.ts";

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
