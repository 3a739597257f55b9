// The codecs against frames laid down byte by byte, captured or copied from the RFCs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ip } from "./frames.ts";
import { Stack } from "./stack.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

test("ARP request and reply", async () => {
  const stack = await Stack.create();
  stack.input(hex("ffffffffffff 020000000002 0806  0001 0800 06 04 0001 020000000002 0a000202 000000000000 0a00020f"));
  assert.deepEqual(stack.take(), [
    hex("020000000002 00163e000001 0806  0001 0800 06 04 0002 00163e000001 0a00020f 020000000002 0a000202"),
  ]);
});

test("ICMP echo request and reply", async () => {
  const stack = await Stack.create();
  stack.input(
    hex(`00163e000001 020000000002 0800
         45 00 0020 1234 4000 40 01 1099 0a000202 0a00020f
         08 00 3331 0007 0001 61626364`),
  );
  const [reply] = stack.take();
  assert.ok(reply);
  reply.fill(0, 18, 20); // the identification is random, so the header checksum is another one each time
  reply.fill(0, 24, 26);
  assert.deepEqual(
    reply,
    hex(`020000000002 00163e000001 0800
         45 00 0020 0000 4000 40 01 0000 0a00020f 0a000202
         00 00 3b31 0007 0001 61626364`),
  );
});

test("UDP datagram out", async () => {
  const stack = await Stack.create();
  stack.send(stack.socket(0x1388), Buffer.from("abc"), "10.0.2.2", 53);
  const [frame] = stack.take();
  assert.ok(frame);
  assert.deepEqual(
    frame.subarray(34),
    hex("1388 0035 000b 0000 616263").map((byte, i) => (i === 6 || i === 7 ? (frame[34 + i] ?? 0) : byte)),
  );
});

test("UDP datagram in, with the checksum of RFC 768's pseudo-header", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(0x1388);
  // 0a00 0202 0a00 020f 0011 000a | 0035 1388 000a 6869: sum, folded and complemented
  const words = [0x0a00, 0x0202, 0x0a00, 0x020f, 0x0011, 0x000a, 0x0035, 0x1388, 0x000a, 0x6869];
  const sum = words.reduce((total, word) => total + word, 0);
  const checksum = (~((sum & 0xffff) + (sum >> 16)) & 0xffff).toString(16).padStart(4, "0");
  stack.input(
    hex(`00163e000001 020000000002 0800
         45 00 001e 1234 4000 40 11 108b 0a000202 0a00020f
         0035 1388 000a ${checksum} 6869`),
  );
  assert.deepEqual(stack.receive(socket), Buffer.from("hi"));
  assert.equal(stack.call.peerAddress() >>> 0, ip("10.0.2.2"));
});
