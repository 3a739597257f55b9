// libos/api as pure code: addresses, calendar, sets, layouts; and that the calls it declares are those the kernel has.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { seededRandom } from "../../../tools/fake-xen/world.ts";
import { compileAssembly } from "../../support/assembly.ts";

const AF_INET = 2;
const AF_UNIX = 1;

interface Api {
  readonly memory: WebAssembly.Memory;
  buffer(): number;
  addressOf(length: number): number;
  parse(family: number, length: number): bigint;
  textOf(address: number): number;
  textOf6(length: number): number;
  calendar(seconds: bigint): void;
  shiftMonths(seconds: bigint, months: number): bigint;
  errorText(number: number): number;
  descriptorSet(operation: 0 | 1 | 2, fd: number): number;
  pollSetSum(count: number): number;
  layoutDifference(): number;
}

const ALIASES = [
  ...["--use", "abort=libos/api/stdlib/abort"],
  ...["--use", "seed=libos/api/stdlib/seed"],
  ...["--use", "trace=libos/api/console/trace"],
];

let api: Api;

before(async () => {
  const module = await compileAssembly("test/unit/api/harness.ts", {
    runtime: "incremental",
    memoryBase: 4096,
    packages: { karyon: "libos/api/index.ts" },
    flags: ALIASES,
  });
  const refuse = (): never => {
    throw new Error("pure code made a system call");
  };
  const imports = WebAssembly.Module.imports(module).map(({ name }) => [name, refuse] as const);
  api = (await WebAssembly.instantiate(module, { posix: Object.fromEntries(imports) })).exports as unknown as Api;
});

function put(text: string): number {
  return new TextEncoder().encodeInto(text, new Uint8Array(api.memory.buffer, api.buffer(), 256)).written;
}

function taken(length: number): string {
  return new TextDecoder().decode(new Uint8Array(api.memory.buffer, api.buffer(), length));
}

test("addresses: text to number to text, for 2000 of them", () => {
  const random = seededRandom(1);
  for (let i = 0; i < 2000; i++) {
    const parts = Array.from({ length: 4 }, () => Math.floor(random() * 256));
    const text = parts.join(".");
    const expected = parts.reduceRight((value, part) => value * 256 + part, 0);
    assert.equal(api.addressOf(put(text)) >>> 0, expected, text);
    assert.equal(taken(api.textOf(expected)), text);
  }
});

test("addresses: what is none is refused", () => {
  const wrong = ["", "1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.1000", "01.2.3.4"];
  wrong.push("1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "a.b.c.d", "1.2.3.4x", "0x1.2.3.4", "1,2,3,4", "1.2.3.00");
  for (const text of wrong) {
    assert.equal(api.addressOf(put(text)) >>> 0, 0xffff_ffff, JSON.stringify(text));
    assert.equal(Number(api.parse(AF_INET, put(text)) & 0xffff_ffffn), 0, JSON.stringify(text));
  }
  assert.equal(api.parse(AF_INET, put("10.0.2.20")), (0x1402_000an << 32n) | 1n);
  assert.equal(BigInt.asIntN(32, api.parse(AF_UNIX, put("10.0.2.20"))), -1n);
});

test("IPv6 addresses: text in, the shortest text out (RFC 5952)", () => {
  const forms: [string, string | null][] = [
    ["::", "::"],
    ["::1", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["FE80:0:0:0::42", "fe80::42"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["0:0:1:1:0:0:1:1", "::1:1:0:0:1:1"],
    ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
    ["::ffff:a00:202", "::ffff:10.0.2.2"],
    ...[
      "",
      ":",
      ":::",
      "1",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
      "g::",
      "1:",
      ":1",
      "1:2:3:4:5:6:7:8::",
    ].map((text): [string, null] => [text, null]),
  ];
  for (const [text, expected] of forms) {
    const length = api.textOf6(put(text));
    assert.equal(length < 0 ? null : taken(length), expected, text);
  }
});

test("gmtime and timegm agree with JavaScript's Date", () => {
  const random = seededRandom(2);
  const moments = [0, -1, 86_399, 86_400, 951_782_400, 951_868_800, 4_107_542_400, -2_203_891_200, 253_402_300_799];
  for (let i = 0; i < 3000; i++) moments.push(Math.floor((random() - 0.3) * 40_000_000_000));
  for (const seconds of moments) {
    const date = new Date(seconds * 1000);
    api.calendar(BigInt(seconds));
    const yearStart = Date.UTC(date.getUTCFullYear(), 0, 1);
    assert.deepEqual(
      [...new Int32Array(api.memory.buffer.slice(api.buffer(), api.buffer() + 32))],
      [
        ...[date.getUTCSeconds(), date.getUTCMinutes(), date.getUTCHours(), date.getUTCDate()],
        ...[date.getUTCMonth(), date.getUTCFullYear() - 1900, date.getUTCDay()],
        Math.floor((date.getTime() - yearStart) / 86_400_000),
      ],
      date.toISOString(),
    );
    assert.equal(api.shiftMonths(BigInt(seconds), 0), BigInt(seconds));
  }
});

test("timegm carries months over, forwards and back", () => {
  for (const [seconds, months, text] of [
    [Date.UTC(2024, 0, 15) / 1000, 13, "2025-02-15"],
    [Date.UTC(2024, 0, 15) / 1000, -1, "2023-12-15"],
    [Date.UTC(2024, 0, 15) / 1000, -25, "2021-12-15"],
  ] as const) {
    const shifted = Number(api.shiftMonths(BigInt(seconds), months)) * 1000;
    assert.equal(new Date(shifted).toISOString().slice(0, 10), text);
  }
});

test("strerror knows the errors of the kernel", () => {
  assert.equal(taken(api.errorText(2)), "No such file or directory");
  assert.equal(taken(api.errorText(111)), "Connection refused");
  assert.equal(taken(api.errorText(4711)), "Unknown error 4711");
});

test("fd_set: every descriptor has its own bit, others are ignored", () => {
  api.descriptorSet(2, 0);
  for (let fd = 0; fd < 1024; fd++) {
    assert.equal(api.descriptorSet(1, fd), 1);
    assert.equal(api.descriptorSet(0, (fd + 1) % 1024), 0);
    assert.equal(api.descriptorSet(0, fd), 0);
  }
  for (const fd of [-1, 1024, 0x7fff_ffff, -0x8000_0000]) assert.equal(api.descriptorSet(1, fd), 0);
});

test("PollSet grows and shrinks", () => {
  const expected = (count: number): number =>
    Array.from({ length: count }, (_, i) => i)
      .filter((i) => i % 3 !== 0)
      .reduce((sum, i) => sum + i, 0);
  for (const count of [0, 1, 2, 3, 17, 100]) assert.equal(api.pollSetSum(count), expected(count));
});

test("structs: the app's layout is the kernel's", () => assert.equal(api.layoutDifference(), 0));

test("every call that the API declares is one that the kernel exports, and the other way round", async () => {
  const kernel = await compileAssembly("test/fake/harness.ts");
  const exported = WebAssembly.Module.exports(kernel)
    .map(({ name }) => name)
    .filter((name) => name.startsWith("posix_"))
    .map((name) => name.slice("posix_".length));
  const app = await compileAssembly("test/unit/api/surface.ts", { memoryBase: 4096 });
  const imported = WebAssembly.Module.imports(app).map(({ module, name }) => {
    assert.equal(module, "posix");
    return name;
  });
  assert.deepEqual(imported.sort(), exported.sort());
});

test("all of the API compiles, and there is no call that it leaves unused", async () => {
  const options = { memoryBase: 4096 };
  const calls = await compileAssembly("test/unit/api/surface.ts", options);
  const everything = await compileAssembly("test/unit/api/harness_everything.ts", {
    ...options,
    runtime: "incremental",
    flags: ALIASES,
  });
  const used = new Set(WebAssembly.Module.imports(everything).map(({ name }) => name));
  const unused = WebAssembly.Module.imports(calls).filter(({ name }) => !used.has(name));
  assert.deepEqual(
    unused.map(({ name }) => name),
    [],
  );
});
