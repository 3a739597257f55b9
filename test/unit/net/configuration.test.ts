import assert from "node:assert/strict";
import { test } from "node:test";
import { ipText } from "./frames.ts";
import { EINVAL, Stack } from "./stack.ts";

const AT = 0x190000;

async function parser(): Promise<(text: string) => string> {
  const stack = await Stack.create({ configured: false });
  return (text) => {
    stack.write(AT, Buffer.from(text));
    const result = stack.call.parseConfiguration(AT, text.length);
    if (result !== 0) return result === -EINVAL ? "invalid" : `error ${result}`;
    const field = (index: number): number => stack.call.configurationField(index) >>> 0;
    const mode = ["dhcp", "static", "off"][field(0)] ?? "?";
    const servers = [5, 6, 7].slice(0, field(4)).map((index) => ipText(field(index)));
    return [mode, `${ipText(field(1))}/${field(2)}`, ipText(field(3)), ...servers].join(" ");
  };
}

test("the three modes", async () => {
  const parse = await parser();
  assert.equal(parse("dhcp"), "dhcp 0.0.0.0/0 0.0.0.0");
  assert.equal(parse("off"), "off 0.0.0.0/0 0.0.0.0");
  assert.equal(parse("10.0.2.20/24"), "static 10.0.2.20/24 0.0.0.0");
});

test("gateway and name servers", async () => {
  const parse = await parser();
  assert.equal(parse("10.0.2.20/24,gateway=10.0.2.2,dns=10.0.2.3"), "static 10.0.2.20/24 10.0.2.2 10.0.2.3");
  assert.equal(
    parse("192.168.255.1/31,dns=1.1.1.1,dns=8.8.8.8,dns=9.9.9.9"),
    "static 192.168.255.1/31 0.0.0.0 1.1.1.1 8.8.8.8 9.9.9.9",
  );
});

test("anything else is refused", async () => {
  const parse = await parser();
  const wrong = [
    ...[
      "",
      "on",
      "10.0.2.20",
      "10.0.2.20/",
      "10.0.2.20/0",
      "10.0.2.20/33",
      "10.0.2.20/x",
      "10.0.2/24",
      "10.0.2.256/24",
    ],
    ...[
      "10.0.2.1.5/24",
      "0.0.0.0/24",
      "127.0.0.1/8",
      "224.0.0.1/24",
      "255.255.255.255/32",
      "10.0.2.0020/24",
      "1.2.3./24",
    ],
    ...[
      "10.0.2.20/24,",
      "10.0.2.20/24,gateway",
      "10.0.2.20/24,gateway=",
      "10.0.2.20/24,gateway=x",
      "10.0.2.20/24,mtu=1.1.1.1",
    ],
    "10.0.2.20/24,dns=1.1.1.1,dns=1.1.1.1,dns=1.1.1.1,dns=1.1.1.1",
  ];
  for (const text of wrong) assert.equal(parse(text), "invalid", text);
});
