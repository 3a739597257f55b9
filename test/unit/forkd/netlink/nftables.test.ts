// Messages of nf_tables byte for byte, as linux/netfilter/nf_tables.h lays them out.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compare,
  EQUAL,
  forward,
  goTo,
  hash,
  load,
  lookup,
  NETWORK_HEADER,
  type Expression,
} from "../../../../tools/forkd/netlink/expressions.ts";
import { decodeElements, EGRESS, Transaction, TYPE_MARK, TYPE_PORT } from "../../../../tools/forkd/netlink/nftables.ts";

const HEADER = "05000000"; // NFPROTO_NETDEV, version 0, no resource
const TABLE = "0600" + "0100" + "7400" + "0000";

function only(change: Transaction): { readonly type: number; readonly flags: number; readonly body: string } {
  assert.equal(change.messages.length, 1);
  const [{ type, flags, body } = { type: 0, flags: 0, body: Buffer.alloc(0) }] = change.messages;
  return { type, flags, body: Buffer.from(body).toString("hex") };
}

test("tables and chains come and go", () => {
  assert.deepEqual(only(new Transaction("t").addTable()), { type: 0xa00, flags: 0x600, body: HEADER + TABLE });
  assert.deepEqual(only(new Transaction("t").removeTable()), { type: 0xa02, flags: 0, body: HEADER + TABLE });
  const name = "0600" + "0300" + "6300" + "0000";
  assert.deepEqual(only(new Transaction("t").addChain("c")), {
    type: 0xa03,
    flags: 0x400,
    body: HEADER + TABLE + name,
  });
  assert.deepEqual(only(new Transaction("t").removeChain("c")), { type: 0xa05, flags: 0, body: HEADER + TABLE + name });
  const hook = "1c00" + "0480" + "0800010000000001" + "0800020000000000" + "0600" + "0300" + "6400" + "0000";
  const rest = hook + "0800" + "0500" + "00000000" + "0b00" + "0700" + "66696c74657200" + "00";
  assert.equal(only(new Transaction("t").addDeviceChain("c", EGRESS, "d")).body, HEADER + TABLE + name + rest);
});

test("a map with room and a time", () => {
  const set = { name: "m", key: [TYPE_PORT, TYPE_MARK], keyLength: 8, data: TYPE_MARK, size: 512, timeout: 1000 };
  const { type, body } = only(new Transaction("t").addSet(set));
  assert.equal(type, 0xa09);
  const attributes = [
    "0600" + "0200" + "6d00" + "0000",
    "0800" + "0300" + "00000038", // map, timeout, added to by packets
    "0800" + "0400" + "00000353", // 13 * 64 + 19
    "0800" + "0500" + "00000008",
    "0800" + "0a00" + "00000001",
    "0800" + "0600" + "00000013",
    "0800" + "0700" + "00000004",
    "0c00" + "0980" + "0800" + "0100" + "00000200",
    "0c00" + "0b00" + "00000000000003e8",
  ];
  assert.equal(body, HEADER + TABLE + attributes.join(""));
});

test("elements, and what the kernel lists", () => {
  const element = { key: Buffer.from("0a000001", "hex"), data: Buffer.from("02000000", "hex") };
  const { type, flags, body } = only(new Transaction("t").addElements("m", [element]));
  assert.deepEqual([type, flags], [0xa0c, 0x400]);
  const key = "0c00" + "0180" + "0800" + "0100" + "0a000001";
  const data = "0c00" + "0280" + "0800" + "0100" + "02000000";
  const list = "2000" + "0380" + "1c00" + "0180" + key + data;
  assert.equal(body, HEADER + TABLE + "0600" + "0200" + "6d00" + "0000" + list);
  assert.deepEqual(decodeElements(Buffer.from(body, "hex")), [element]);
  assert.deepEqual(decodeElements(Buffer.from(HEADER + TABLE, "hex")), []);
});

test("many elements take several messages, none takes none", () => {
  const many = Array.from({ length: 1025 }, (_, i) => ({ key: Buffer.from([i >> 8, i & 255, 0, 0]) }));
  const { messages } = new Transaction("t").addElements("s", many).removeElements("s", []);
  assert.equal(messages.length, 3);
  assert.equal(messages.flatMap(({ body }) => decodeElements(Buffer.from(body))).length, 1025);
  assert.ok(messages.every(({ body }) => body.length < 65_536));
});

test("expressions", () => {
  const of = (expression: Expression): string => expression.toString("hex");
  const named = (name: string, length: string, data: string): string => {
    const text = Buffer.from(`${name}\0`);
    const size = Buffer.from([text.length + 4, 0]).toString("hex");
    const padding = "00".repeat((4 - (text.length % 4)) % 4);
    return size + "0100" + text.toString("hex") + padding + length + "0280" + data;
  };
  const number = (type: string, value: string): string => "0800" + type + "00" + value;
  const payload = ["01", "02", "03", "04"].map((type, i) =>
    number(type, ["00000008", "00000001", "0000000c", "00000008"][i] ?? ""),
  );
  assert.equal(of(load(0, NETWORK_HEADER, 12, 8)), "3400" + "0180" + named("payload", "2400", payload.join("")));
  const data = "0c00" + "0380" + "0500" + "0100" + "06" + "000000";
  const cmp = named("cmp", "2000", number("01", "00000009") + number("02", "00000000") + data);
  assert.equal(of(compare(1, EQUAL, Uint8Array.of(6))), "2c00" + "0180" + cmp);
  const map = "0600" + "0100" + "6d00" + "0000";
  const found = named("lookup", "1c00", map + number("02", "00000008") + number("03", "0000000d"));
  assert.equal(of(lookup("m", 0, 5)), "2c00" + "0180" + found);
  assert.equal(of(forward(5)), "1800" + "0180" + named("fwd", "0c00", number("01", "0000000d")));
  const jump = "1800" + "0280" + "1400" + "0280" + number("01", "fffffffc") + "0600" + "0200" + "6300" + "0000";
  assert.match(of(goTo("c")), new RegExp(`${number("01", "00000000")}.*fffffffc.*6300`));
  assert.equal(of(goTo("c")).includes(jump.slice(16, 40)), true);
  const seed = number("03", "00000010") + number("04", "00000100") + number("05", "00000007");
  const jhash = named("hash", "2c00", number("01", "00000008") + number("02", "0000000c") + seed);
  assert.equal(of(hash(4, 0, 16, 256, 7)), "3c00" + "0180" + jhash);
});
