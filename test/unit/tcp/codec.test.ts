// The header codec, sequence arithmetic and the hash, alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { Stack } from "./stack.ts";

/** Numbers of the fields that the harness hands out. */
const Parsed = {
  PayloadLength: 0,
  Options: 1,
  Mss: 2,
  WindowScale: 3,
  SackCount: 4,
  TimestampValue: 5,
  TimestampEcho: 6,
  SequenceLength: 7,
  SackLeft: 8,
  SackRight: 9,
} as const;
type Parsed = (typeof Parsed)[keyof typeof Parsed];

async function parse(options: readonly number[], text = 0, flags = 0x10): Promise<((field: Parsed) => number) | null> {
  const stack = await Stack.create(1);
  const padded = Math.ceil(options.length / 4) * 4;
  const header = new Uint8Array(20 + padded + text);
  header[12] = ((20 + padded) / 4) << 4;
  header[13] = flags;
  header.set(options, 20);
  stack.write(stack.scratch, header);
  if (stack.call("parse", stack.scratch, header.length) === 0) return null;
  return (field) => stack.unsigned("parsedField", field);
}

// RFC 9293 MUST-4, MUST-64
test("known options are read at any alignment", async () => {
  const get = await parse([1, 2, 4, 5, 180, 3, 3, 7, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.ok(get !== null);
  assert.equal(get(Parsed.Mss), 1460);
  assert.equal(get(Parsed.WindowScale), 7);
  assert.equal(get(Parsed.Options), 15);
  assert.equal(get(Parsed.TimestampValue), 0x01020304);
  assert.equal(get(Parsed.TimestampEcho), 0x05060708);
});

test("a window scale is that of its own segment", async () => {
  const stack = await Stack.create(1);
  const header = new Uint8Array(24);
  header[12] = (24 / 4) << 4;
  const scaleOf = (options: readonly number[]): number => {
    header.set(options, 20);
    stack.write(stack.scratch, header);
    assert.notEqual(stack.call("parse", stack.scratch, header.length), 0);
    return stack.unsigned("parsedField", Parsed.WindowScale);
  };
  assert.equal(scaleOf([3, 3, 7, 0]), 7);
  assert.equal(scaleOf([1, 1, 1, 0]), 0);
});

test("a window scale above 14 counts as 14", async () => {
  assert.equal((await parse([3, 3, 200]))?.(Parsed.WindowScale), 14);
});

// RFC 9293 MUST-6, MUST-68
test("unknown options are skipped", async () => {
  assert.equal((await parse([254, 6, 2, 4, 5, 180, 2, 4, 1, 0]))?.(Parsed.Mss), 256);
});

// RFC 9293 MUST-7
test("illegal option lengths end the walk but keep what was read", async () => {
  assert.equal((await parse([2, 4, 5, 180, 9, 0, 3, 3, 7]))?.(Parsed.Options), 1);
  assert.equal((await parse([2, 4, 5, 180, 9, 1, 3, 3, 7]))?.(Parsed.Options), 1);
  assert.equal((await parse([2, 4, 5, 180, 8, 40, 1, 1]))?.(Parsed.Options), 1);
  assert.equal((await parse([2, 3, 5, 180]))?.(Parsed.Options), 0);
  assert.equal((await parse([1, 1, 1, 2]))?.(Parsed.Options), 0);
});

test("what follows the end of the list is not read", async () => {
  assert.equal((await parse([0, 2, 4, 5, 180]))?.(Parsed.Options), 0);
});

test("sack blocks are counted", async () => {
  const get = await parse([1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 9]);
  assert.equal(get?.(Parsed.SackCount), 2);
  assert.equal(get?.(Parsed.SackLeft), 1);
  assert.equal(get?.(Parsed.SackRight), 9);
  assert.equal((await parse([5, 9, 0, 0, 0, 0, 0, 0, 0]))?.(Parsed.SackCount), 0);
});

test("syn and fin count in the sequence length", async () => {
  assert.equal((await parse([], 5, 0x13))?.(Parsed.SequenceLength), 7);
  assert.equal((await parse([], 5, 0x10))?.(Parsed.PayloadLength), 5);
});

test("random options never escape the header", async () => {
  const random = new Random(5);
  for (let i = 0; i < 200; i++) assert.notEqual(await parse([...random.bytes(random.between(0, 40))]), null);
});

test("sequence numbers compare across zero", async () => {
  const stack = await Stack.create(1);
  const less = (left: number, right: number): boolean => stack.call("sequenceLess", left, right) !== 0;
  assert.ok(less(0xfffffff0, 5));
  assert.ok(!less(5, 0xfffffff0));
  assert.ok(!less(7, 7));
  assert.ok(stack.call("sequenceLessOrEqual", 7, 7));
  assert.equal(stack.unsigned("sequenceMax", 0xfffffff0, 5), 5);
  assert.ok(stack.call("sequenceWithin", 2, 0xfffffff0, 5));
  assert.ok(!stack.call("sequenceWithin", 5, 0xfffffff0, 5));
});

test("segment acceptability follows the table of the RFC", async () => {
  const stack = await Stack.create(1);
  const acceptable = (sequence: number, length: number, next: number, window: number): boolean =>
    stack.call("segmentAcceptable", sequence, length, next, window) !== 0;
  assert.ok(acceptable(100, 0, 100, 0));
  assert.ok(!acceptable(99, 0, 100, 0));
  assert.ok(!acceptable(100, 1, 100, 0));
  assert.ok(acceptable(109, 0, 100, 10));
  assert.ok(!acceptable(110, 0, 100, 10));
  assert.ok(acceptable(90, 11, 100, 10));
  assert.ok(!acceptable(90, 10, 100, 10));
  assert.ok(acceptable(0xfffffffa, 10, 0, 10));
});

test("siphash is siphash", async () => {
  // Reference vector of 16 bytes 00 01 … 0f under the key 00 01 … 0f (SipHash paper, appendix A, length 16).
  const stack = await Stack.create(1);
  const key = [0x0706050403020100n, 0x0f0e0d0c0b0a0908n] as const;
  const hash = BigInt.asUintN(64, BigInt(stack.call("siphash", key[0], key[1], key[0], key[1])));
  assert.equal(hash.toString(16), "3f2acc7f57c29bdb");
});
