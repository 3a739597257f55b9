import assert from "node:assert/strict";
import { test } from "node:test";
import { internetChecksum } from "./frames.ts";
import { Stack, seededRandom } from "./stack.ts";

const AT = 0x190000;

function swap(value: number): number {
  return ((value & 255) << 8) | (value >> 8);
}

function randomBytes(length: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length }, () => random() & 255));
}

test("RFC 1071's example", async () => {
  const stack = await Stack.create({ configured: false });
  stack.write(AT, Buffer.from("0001f203f4f5f6f7", "hex"));
  assert.equal(swap(stack.call.checksum(AT, 8) & 0xffff), ~0xddf2 & 0xffff);
});

test("every length and alignment agrees with the reference", async () => {
  const stack = await Stack.create({ configured: false });
  const random = seededRandom(7);
  for (let length = 0; length < 200; length++) {
    const data = randomBytes(length, random);
    const at = AT + (length % 8);
    stack.write(at, data);
    assert.equal(swap(stack.call.checksum(at, length) & 0xffff), internetChecksum(data), `length ${length}`);
  }
});

test("carries are never lost: words of all ones, up to 64 KiB", async () => {
  const stack = await Stack.create({ configured: false });
  for (const length of [1, 2, 3, 31, 32, 33, 1500, 65535]) {
    const data = Buffer.alloc(length, 0xff);
    stack.write(AT, data);
    assert.equal(swap(stack.call.checksum(AT, length) & 0xffff), internetChecksum(data), `length ${length}`);
  }
});

test("large random data agrees with the reference", async () => {
  const stack = await Stack.create({ configured: false });
  const random = seededRandom(11);
  for (let round = 0; round < 200; round++) {
    const data = randomBytes(random() % 3000, random);
    stack.write(AT, data);
    assert.equal(swap(stack.call.checksum(AT, data.length) & 0xffff), internetChecksum(data));
  }
});

test("a sum over two parts is the sum over the whole", async () => {
  const stack = await Stack.create({ configured: false });
  const random = seededRandom(13);
  for (let round = 0; round < 200; round++) {
    const first = randomBytes((random() % 200) * 2, random);
    const second = randomBytes(random() % 400, random);
    stack.write(AT, first);
    stack.write(AT + 1000, second);
    const folded = stack.call.checksumOfParts(AT, first.length, AT + 1000, second.length);
    assert.equal(swap(~folded & 0xffff), internetChecksum(Buffer.concat([first, second])));
  }
});
