// RESP as kvdb reads it: arrays of strings, lines, and everything that is neither.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { Kvdb, resp } from "./kvdb.ts";

test("commands as arrays and as lines", async () => {
  const kvdb = await Kvdb.load();
  const cases: readonly (readonly [string, string[]])[] = [
    ["*1\r\n$4\r\nPING\r\n", ["PING"]],
    ["*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", ["SET", "k", ""]],
    ["*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n", ["GET", "a\r\nb"]],
    ["PING\r\n", ["PING"]],
    ["PING\n", ["PING"]],
    ["  set  a\t'b c' \"d e\" ''\r\n", ["set", "a", "b c", "d e", ""]],
    ["\r\n", []],
    ["*0\r\n", []],
    ["*-1\r\n", []],
  ];
  for (const [sent, words] of cases) {
    assert.deepEqual(kvdb.parse(sent), { used: sent.length, words }, JSON.stringify(sent));
    assert.deepEqual(kvdb.parse(`${sent}*1`), { used: sent.length, words }, "and no more than that");
    for (let cut = 0; cut < sent.length; cut++) {
      const part = kvdb.parse(sent.slice(0, cut));
      assert.deepEqual(part, { used: 0, words: [] }, `${JSON.stringify(sent.slice(0, cut))} is not complete`);
    }
  }
});

test("what is no command is named, as Redis names it", async () => {
  const kvdb = await Kvdb.load();
  const cases: readonly (readonly [string, RegExp])[] = [
    ["*x\r\n", /^invalid multibulk length$/],
    ["*1025\r\n", /^invalid multibulk length$/],
    ["*99999999999999999999999\r\n", /^invalid multibulk length$/],
    ["*1\n$4\r\nPING\r\n", /^invalid multibulk length$/],
    ["*1\r\nPING\r\n", /^expected '\$', got 'P'$/],
    ["*1\r\n\x01", /^expected '\$', got '\?'$/],
    ["*1\r\n$-1\r\n", /^invalid bulk length$/],
    ["*1\r\n$65537\r\n", /^invalid bulk length$/],
    ["*1\r\n$4\r\nPINGxx", /^a string does not end where it should$/],
    ["*1\r\n$04\r\nPING\r\n", /^invalid bulk length$/],
    ["GET 'a\r\n", /^unbalanced quotes in request$/],
    ['GET "a\\n"\r\n', /^no escapes in an inline request$/],
    ["x".repeat(5000), /^too big inline request$/],
  ];
  for (const [sent, complaint] of cases) assert.match(String(kvdb.parse(sent)), complaint, JSON.stringify(sent));
  const words = resp(...Array.from({ length: 4 }, () => "x".repeat(65_536)));
  assert.equal(kvdb.parse(words.subarray(0, kvdb.wasm.mostCommand())), "too big a command");
  const largest = resp("SET", "k", "x".repeat(65_536));
  assert.equal((kvdb.parse(largest) as { used: number }).used, largest.length);
});

test("any bytes: never more than was given, never a crash", async () => {
  const kvdb = await Kvdb.load();
  const random = new Random(7);
  const pieces = ["*", "$", "\r\n", "\n", "1", "3", "-", "0", "SET", "'", '"', " ", "x", "\\", "\x00", "\xff"];
  for (let i = 0; i < 20_000; i++) {
    const sent = Array.from({ length: random.between(0, 12) }, () => pieces[random.between(0, pieces.length - 1)]).join(
      "",
    );
    const parsed = kvdb.parse(sent);
    if (typeof parsed !== "string") assert.ok(parsed.used <= sent.length);
  }
});

test("bytes grow up to their bound, and go from the front", async () => {
  const instance = await Kvdb.load();
  const model: number[] = [];
  const random = new Random(3);
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    const added = Buffer.from(Array.from({ length: random.between(0, 300) }, () => random.between(0, 255)));
    instance.put(added);
    if (instance.wasm.bytesAdd(added.length) !== 0) model.push(...added);
    else refused++;
    assert.ok(model.length <= 1000);
    const dropped = random.between(0, model.length);
    instance.wasm.bytesDrop(dropped);
    model.splice(0, dropped);
    assert.equal(instance.wasm.bytesLength(), model.length);
    const text = instance.text(instance.wasm.bytesAt(), model.length);
    assert.equal(text, Buffer.from(model).toString("latin1"));
  }
  assert.ok(refused > 0);
});

test("patterns", async () => {
  const kvdb = await Kvdb.load();
  const matches = (pattern: string, text: string): boolean => {
    kvdb.put(Buffer.from(pattern + text, "latin1"));
    return kvdb.wasm.glob(pattern.length, text.length) !== 0;
  };
  const yes: readonly (readonly [string, string])[] = [
    ["*", ""], ["*", "abc"], ["a*", "a"], ["a*c", "abbc"], ["?", "x"], ["a?c", "abc"], ["[abc]", "b"], ["[a-c]x", "bx"],
    ["[^a-c]", "d"], ["\\*", "*"], ["a\\?", "a?"], ["*a*b*c*", "xxaxbxcx"], ["[c-a]", "b"], ["[\\]]", "]"], ["user:[0-9]*", "user:12"],
    ["", ""], ["**", "a"],
  ]; // prettier-ignore
  const no: readonly (readonly [string, string])[] = [
    ["", "a"], ["a", ""], ["a", "ab"], ["?", ""], ["[abc]", "d"], ["[^a-c]", "b"], ["\\*", "a"], ["*a*b*c*", "cba"], ["[a", "b"],
  ]; // prettier-ignore
  for (const [pattern, text] of yes) assert.ok(matches(pattern, text), `${pattern} matches ${text}`);
  for (const [pattern, text] of no) assert.ok(!matches(pattern, text), `${pattern} does not match ${text}`);
  const begun = performance.now();
  assert.ok(!matches("*a".repeat(200), "a".repeat(150) + "b".repeat(800)));
  assert.ok(performance.now() - begun < 1000, "no pattern takes for ever");
});

test("the command line", async () => {
  const kvdb = await Kvdb.load();
  const values = (): number[] => [0, 1, 2, 3].map((i) => kvdb.wasm.option(i));
  assert.equal(kvdb.configure(""), "");
  assert.deepEqual(values(), [6379, 16, 4, 0]);
  assert.equal(kvdb.configure("--port 7000 --max-clients 8 --max-memory 2 --timeout 60"), "");
  assert.deepEqual(values(), [7000, 8, 2, 60]);
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["serve", /"serve" is no option/],
    ["--port", /--port takes a number from 1 to 65535, not nothing/],
    ["--max-clients 33", /--max-clients takes a number from 1 to 32, not "33"/],
    ["--max-memory 4M", /not "4M"/],
    ["--frob 1", /unknown option "--frob"/],
  ];
  for (const [line, complaint] of wrong) assert.match(kvdb.configure(line), complaint);
});
