// Netlink messages byte for byte, and what is read back from them.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attribute,
  be32Attribute,
  be64Attribute,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  findAttribute,
  nested,
  NLM_F_REQUEST,
  textAttribute,
  textOf,
  u32Attribute,
  u8Attribute,
} from "../../../../tools/forkd/netlink/message.ts";
import { NetlinkError, refusalOf } from "../../../../tools/forkd/netlink/socket.ts";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("a message is a header, a body and what pads it", () => {
  const bytes = encodeMessage({ type: 0x1234, flags: NLM_F_REQUEST, body: Uint8Array.of(1, 2, 3, 4, 5) }, 7);
  assert.equal(hex(bytes), "15000000" + "3412" + "0100" + "07000000" + "00000000" + "0102030405" + "000000");
});

test("attributes of each kind", () => {
  assert.equal(hex(u8Attribute(3, 9)), "0500" + "0300" + "09" + "000000");
  assert.equal(hex(u32Attribute(3, 0xfffffffe)), "0800" + "0300" + "feffffff");
  assert.equal(hex(be32Attribute(3, -4)), "0800" + "0300" + "fffffffc");
  assert.equal(hex(be64Attribute(11, 30_000)), "0c00" + "0b00" + "0000000000007530");
  assert.equal(hex(textAttribute(1, "kf0")), "0800" + "0100" + "6b663000");
  assert.equal(
    hex(nested(4, u8Attribute(1, 2), u8Attribute(2, 3))),
    "1400" + "0480" + "0500010002000000" + "0500020003000000",
  );
});

test("what was written is read back", () => {
  const body = Buffer.concat([nested(4, u8Attribute(1, 2)), textAttribute(5, "a name"), attribute(6, Buffer.alloc(3))]);
  assert.deepEqual([...decodeAttributes(body)].map(([type, { length }]) => [type, length]), [[4, 8], [5, 7], [6, 3]]); // prettier-ignore
  assert.equal(textOf(findAttribute(body, 5) ?? Buffer.alloc(0)), "a name");
  assert.equal(findAttribute(body, 7), undefined);
  const two = Buffer.concat([
    encodeMessage({ type: 1, flags: 0, body }, 8),
    encodeMessage({ type: 2, flags: 0, body }, 9),
  ]);
  assert.deepEqual([...decodeMessages(two)].map(({ type, sequence }) => [type, sequence]), [[1, 8], [2, 9]]); // prettier-ignore
});

test("lengths that cannot be end the reading", () => {
  const message = encodeMessage({ type: 1, flags: 0, body: u8Attribute(1, 2) }, 8);
  for (const length of [0, 15, message.length + 1, 0xffffffff]) {
    const wrong = Buffer.from(message);
    wrong.writeUInt32LE(length, 0);
    assert.deepEqual([...decodeMessages(wrong)], []);
  }
  for (const length of [0, 3, 9, 0xffff]) {
    const wrong = u8Attribute(1, 2);
    wrong.writeUInt16LE(length, 0);
    assert.deepEqual([...decodeAttributes(wrong)], []);
  }
  assert.deepEqual([...decodeMessages(message.subarray(0, 15))], []);
});

test("a refusal names what was asked for, the kernel's number and its words", () => {
  const quoted = Buffer.alloc(16);
  const number = (errno: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(-errno, 0);
    return bytes;
  };
  const body = Buffer.concat([number(2), quoted, textAttribute(1, "no such thing")]);
  const refusal = refusalOf("make a table", { body });
  assert.ok(refusal instanceof NetlinkError);
  assert.deepEqual([refusal.code, refusal.errno], ["NETLINK_REFUSED", 2]);
  assert.match(refusal.message, /make a table.*ENOENT.*no such thing/);
  assert.match(refusal.mend, /nft_fwd_netdev/);
  assert.match(refusalOf("x", { body: Buffer.concat([number(1), quoted]) })?.mend ?? "", /root/);
  assert.equal(refusalOf("x", { body: Buffer.concat([number(0), quoted]) }), undefined);
});
