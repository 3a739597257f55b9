// rtnetlink's messages byte for byte, as linux/rtnetlink.h, if_link.h and neighbour.h lay them out.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeLink,
  dummyMessage,
  pinMessage,
  portFlagsMessage,
  portMessage,
  quietMessage,
} from "../../../../tools/forkd/netlink/links.ts";
import { textAttribute, u32Attribute } from "../../../../tools/forkd/netlink/message.ts";

const MAC = Buffer.from("00163e0000aa", "hex");
const NOTHING = "00".repeat(16);
const NAME = "0800" + "0300" + "6b663000";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("a dummy device", () => {
  const { type, flags, body } = dummyMessage("kf0", MAC, 1500);
  assert.deepEqual([type, flags], [16, 0x600]); // RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL
  const kind = "1000" + "1280" + "0a00" + "0100" + "64756d6d7900" + "0000";
  assert.equal(
    hex(body),
    NOTHING + NAME + "0a00" + "0100" + "00163e0000aa" + "0000" + "0800" + "0400" + "dc050000" + kind,
  );
});

test("a device without IPv6 of its own", () => {
  const { type, body } = quietMessage("kf0");
  assert.equal(type, 19); // RTM_SETLINK
  assert.equal(hex(body), NOTHING + NAME + "1000" + "1a80" + "0c00" + "0a80" + "0500" + "0800" + "01" + "000000");
});

test("a device that is up, on a bridge", () => {
  const { type, body } = portMessage("kf0", 3, 1);
  assert.equal(type, 19);
  assert.equal(hex(body), "0000000000000000" + "01000000" + "01000000" + NAME + "0800" + "0a00" + "03000000");
});

test("the flags of a port of a bridge", () => {
  const { type, body } = portFlagsMessage(5, { learning: false, flood: true, groups: false, broadcasts: true });
  assert.equal(type, 19);
  const flag = (number: string, value: string): string => "0500" + number + "00" + value + "000000";
  const flags = flag("08", "00") + flag("09", "01") + flag("1b", "00") + flag("1e", "01");
  assert.equal(hex(body), "07000000" + "05000000" + "0000000000000000" + "2400" + "0c80" + flags);
});

test("an address that stays where it is", () => {
  const { type, flags, body } = pinMessage(MAC, 5);
  assert.deepEqual([type, flags], [28, 0x500]); // RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE
  assert.equal(hex(body), "07000000" + "05000000" + "4000" + "44" + "00" + "0a00" + "0200" + "00163e0000aa" + "0000");
});

test("a device as the kernel tells of it", () => {
  const header = Buffer.alloc(16);
  header.writeInt32LE(9, 4);
  const attributes = [textAttribute(3, "vif1.0"), u32Attribute(4, 9000), u32Attribute(10, 4)];
  assert.deepEqual(decodeLink(Buffer.concat([header, ...attributes])), {
    index: 9,
    name: "vif1.0",
    mtu: 9000,
    master: 4,
  });
  assert.deepEqual(decodeLink(header), { index: 9, name: "", mtu: 0, master: 0 });
});
