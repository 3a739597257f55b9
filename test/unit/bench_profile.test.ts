// The profiler of `npm run bench -- profile`: from the samples' file and the image's table of names to the tables it prints.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { attribute } from "../../tools/bench/profile/attribute.ts";
import { profileText } from "../../tools/bench/profile/text.ts";
import { readSymbolTable, symbolTable } from "../../tools/image/symbols.ts";
import { samplesSince, samplesTaken } from "../../tools/lab/count/samples.ts";
import { section } from "../../tools/support/elf.ts";

const FUNCTIONS = [
  { address: 0x1000, name: "boot_entry" },
  { address: 0x1010, name: "kernel/main/run" },
  { address: 0x1100, name: "libos/net/tcp/input/tcpInput" },
  { address: 0x1180, name: "app:index/main" },
];

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "karyon-profile-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A file as the plugin writes it, with room for four samples, of which the last four of `addresses` are there. */
function samplesFile(addresses: readonly bigint[]): Buffer {
  const file = Buffer.alloc(24 + 4 * 8);
  file.writeBigUInt64LE(BigInt(addresses.length), 0);
  file.writeBigUInt64LE(211n, 8);
  file.writeBigUInt64LE(4n, 16);
  addresses.forEach((address, i) => file.writeBigUInt64LE(address, 24 + (i % 4) * 8));
  return file;
}

test("samples are counted by address, also where the file has begun anew", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "samples");
    await writeFile(path, samplesFile([1n, 2n, 3n, 4n, 5n, 3n]));
    assert.equal(await samplesTaken(path), 6);
    const { every, addresses } = await samplesSince(path, 2);
    assert.equal(every, 211);
    assert.deepEqual([...addresses], [[3n, 2], [4n, 1], [5n, 1]]); // prettier-ignore
  });
});

test("samples that were written over are missed, not made up", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "samples");
    await writeFile(path, samplesFile([1n, 2n, 3n, 4n, 5n, 6n]));
    await assert.rejects(samplesSince(path, 1), { code: "SAMPLES_LOST" });
  });
});

test("the names in an image are read as they were written", () => {
  const names = { f: "kernel/main/run", g: "app:index/main", h: "app:index/other" };
  const functions = ["entry", "f", "g", "h"].map((symbol, i) => ({ address: 0x300000 + 16 * i, symbol }));
  assert.deepEqual(
    readSymbolTable(Buffer.from(symbolTable(functions, names))),
    ["entry", ...Object.values(names)].map((name, i) => ({ address: 0x300000 + 16 * i, name })),
  );
});

test("a section is found by its name, in an ELF file only", async () => {
  const program = await readFile("/proc/self/exe");
  assert.match(section(program, ".interp").content.toString(), /^\/lib.*ld-linux/);
  assert.throws(() => section(program, ".karyon"), { code: "BAD_ELF", message: /no section \.karyon/ });
  assert.throws(() => section(Buffer.from("text".repeat(50)), ".interp"), { code: "BAD_ELF" });
});

test("a sample belongs to the function that begins last before it", () => {
  const addresses = new Map([
    [0x1010n, 2],
    [0x10ffn, 1],
    [0x1100n, 5],
    [0x9000n, 1],
    [0xfffn, 1],
    [0xffff82d040200000n, 7],
  ]);
  const profile = attribute({ every: 10, addresses }, FUNCTIONS);
  assert.equal(profile.instructions, 170);
  assert.deepEqual(profile.functions, [
    { name: "Xen", instructions: 70 },
    { name: "libos/net/tcp/input/tcpInput", instructions: 50 },
    { name: "kernel/main/run", instructions: 30 },
    { name: "app:index/main", instructions: 10 },
    { name: "unknown", instructions: 10 },
  ]);
  assert.deepEqual(
    profile.layers.map(({ name }) => name),
    ["Xen", "net", "kernel", "app", "unknown"],
  );
});

test("the table has what was asked for a request, and fits a terminal", () => {
  const name = "libos/net/a/rather/long/path/of/folders/until/the/name/begins/tcpInput";
  const functions = [
    { name, instructions: 3000 },
    { name: "Xen", instructions: 900 },
    { name: "b", instructions: 100 },
  ];
  const text = profileText({ instructions: 4000, layers: [{ name: "libos", instructions: 4000 }], functions }, 2, 2);
  assert.match(text, /^ +1,500 +75\.0 % {2}….*\/tcpInput$/m);
  assert.match(text, /^ +50 +2\.5 % {2}1 others$/m);
  assert.ok(text.split("\n").every((line) => line.length <= 80));
});
