// The image tool: what the compiler's errors look like, which sources it refuses, what is run again and what is not,
// and the formats that the kernel reads (files, function names, command line).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { execa } from "execa";
import { compileAssembly } from "../../tools/image/assembly.ts";
import { imageParts } from "../../tools/bench/size.ts";
import { buildImage, type Image } from "../../tools/image/build.ts";
import { StageCache } from "../../tools/image/cache.ts";
import { Compiler } from "../../tools/image/compiler.ts";
import { collectFiles, filesBlob } from "../../tools/image/files.ts";
import { functionAddresses } from "../../tools/image/native.ts";
import { displayPath, repositoryPath } from "../../tools/image/paths.ts";
import { filesWithPrograms, programsOf } from "../../tools/image/programs.ts";
import { runHostTool } from "../../tools/image/process.ts";
import { symbolTable } from "../../tools/image/symbols.ts";
import { readModule } from "../../tools/image/wasm.ts";
import { createApp } from "../../tools/new/create.ts";

let scratch: string;
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), "karyon-image-"));
});
after(() => rm(scratch, { recursive: true }));

async function appFolder(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = path.join(scratch, name);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), text);
  }
  return folder;
}

describe("compiling", () => {
  const compiler = new Compiler();
  after(() => compiler.close());

  async function compile(source: string, target: "app" | "kernel" = "kernel"): Promise<Uint8Array> {
    const folder = await appFolder("compiled", { "index.ts": source });
    const generated = { "start.ts": 'export * from "./app/index";\n' };
    return (await compileAssembly(compiler, { target, entry: "start.ts", appFolder: folder, generated })).wasm;
  }

  function refuses(source: string, message: RegExp): Promise<void> {
    return assert.rejects(compile(source), { code: "COMPILE_FAILED", message });
  }

  it("shows file, line, column and the place itself", async () => {
    const file = displayPath(path.join(scratch, "compiled/index.ts")).replace(/[.]/g, "\\.");
    await refuses(
      'export function f(): i32 {\n  const text = "é";\n  return text.missing;\n}\n',
      new RegExp(`^${file}:3:15 - error TS2339: .*missing.*\\n {4}return text\\.missing;\\n {16}~{7}$`),
    );
  });

  it("names a file that is not there, and one outside the app's folder", async () => {
    await refuses('import { x } from "./gone";\nexport const y: i32 = x;\n', /index\.ts:1:\d+ - error TS6054: .*gone/);
    await refuses('import { log } from "../../kernel/log";\nexport const y = log;\n', /index\.ts:1:\d+ - error TS6054/);
  });

  it("refuses virtual methods of unmanaged classes", async () => {
    const base = "@unmanaged class Base { f(): i32 { return 1; } }\n";
    const use = "export function g(b: Derived): i32 { return b.f(); }\n";
    await refuses(
      `${base}@unmanaged class Derived extends Base { f(): i32 { return 2; } }\n${use}`,
      /index\.ts:2:\d+ .*virtual/,
    );
    await refuses(
      `${base}@unmanaged class Derived extends Base { override f(): i32 { return 2; } }\n${use}`,
      /index\.ts:2:\d+ .*virtual/,
    );
    await refuses(
      `interface I { f(): i32; }\n@unmanaged class Derived implements I { f(): i32 { return 2; } }\n${use}`,
      /interface/,
    );
    await compile(`${base}@unmanaged class Derived extends Base { h(): i32 { return 2; } }\n${use}`);
  });

  it("refuses atomic.fence, which the optimiser drops", async () => {
    await refuses("export function f(): void {\n  atomic.fence();\n}\n", /index\.ts:2:3 .*barrier/);
  });

  it("exports the layout of static data", async () => {
    const wasm = await compile(
      "const t = memory.data(100, 16); export function f(): usize { return t + __heap_base; }\n",
    );
    const module = readModule("test", wasm);
    const end = module.exportedGlobals.get("__heap_base")?.value ?? 0;
    assert.ok(end >= 0x300000 + 100 && end < 0x300000 + 200, `__heap_base is 0x${end.toString(16)}`);
    assert.deepEqual([...module.exportedFunctions.keys()], ["f"]);
    assert.ok(module.functionNames.includes("app/index/f"));
  });
});

describe("the stage cache", () => {
  it("runs a stage once for the same key", async () => {
    const cache = new StageCache(path.join(scratch, "cache-key"));
    let runs = 0;
    const produce = async (folder: string): Promise<void> => {
      runs++;
      await writeFile(path.join(folder, "out"), "made");
    };
    const first = await cache.stage("s", ["a", "b"], produce);
    assert.equal(await cache.stage("s", ["a", "b"], produce), first);
    assert.equal(runs, 1);
    assert.notEqual(await cache.stage("s", ["ab", ""], produce), first, "parts of a key do not run together");
    assert.equal(await readFile(path.join(first, "out"), "utf8"), "made");
  });

  it("leaves nothing behind when a stage fails", async () => {
    const cache = new StageCache(path.join(scratch, "cache-failure"));
    await assert.rejects(
      cache.stage("s", ["a"], () => Promise.reject(new Error("no"))),
      /no/,
    );
    let ran = false;
    await cache.stage("s", ["a"], async () => void (ran = true));
    assert.ok(ran);
  });

  it("runs a stage again when a file it read changes, appears or goes", async () => {
    const folder = await appFolder("inputs", { "é.ts": "ü" });
    const [there, absent] = [path.join(folder, "é.ts"), path.join(folder, "b.ts")];
    const cache = new StageCache(path.join(scratch, "cache-inputs"));
    let runs = 0;
    const { contentHash } = await import("../../tools/image/cache.ts");
    const build = (): Promise<string> =>
      cache.discoveringStage("s", ["k"], async () => {
        runs++;
        const read = async (file: string): Promise<string | null> =>
          readFile(file, "utf8").then(contentHash, () => null);
        return new Map([
          [there, await read(there)],
          [absent, await read(absent)],
        ]);
      });
    const first = await build();
    assert.equal(await build(), first);
    assert.equal(runs, 1);
    await writeFile(there, "changed");
    assert.notEqual(await build(), first);
    await writeFile(absent, "new");
    await build();
    await rm(absent);
    await build();
    assert.equal(runs, 4);
  });
});

describe("embedded files", () => {
  it("are laid out as libos/fs reads them", async () => {
    const folder = await appFolder("files", { "b.txt": "bee", "a/index.html": "<p>", "B.txt": "", é: "x".repeat(17) });
    const blob = Buffer.from(filesBlob(await collectFiles(folder)));
    assert.equal(blob.toString("latin1", 0, 4), "KFS1");
    const count = blob.readUInt32LE(4);
    const files = Array.from({ length: count }, (_, i) => {
      const entry = 8 + i * 48;
      const pathStart = blob.readUInt32LE(entry);
      const dataStart = blob.readUInt32LE(entry + 8);
      assert.deepEqual([blob.readUInt16LE(entry + 12), blob.readUInt16LE(entry + 14)], [0o100444, 0]);
      const dataLength = Number(blob.readBigUInt64LE(entry + 16));
      assert.equal(dataStart % 16, 0);
      const data = blob.subarray(dataStart, dataStart + dataLength);
      const hash = createHash("sha256").update(data).digest().subarray(0, 16);
      assert.deepEqual(blob.subarray(entry + 32, entry + 48), hash);
      assert.ok(blob.readBigUInt64LE(entry + 24) > 1_600_000_000_000_000_000n, "modification time in ns");
      return [blob.toString("utf8", pathStart, pathStart + blob.readUInt32LE(entry + 4)), data.toString()];
    });
    assert.deepEqual(files, [
      ["/B.txt", ""],
      ["/a/index.html", "<p>"],
      ["/b.txt", "bee"],
      ["/é", "x".repeat(17)],
    ]);
  });

  it("have the programs of an image among them, if there are several", () => {
    const manifest = { name: "boss", entry: "index.ts", programs: { worker: "w.ts", aid: "a.ts" } };
    const programs = programsOf(manifest);
    assert.deepEqual(programs, [
      { name: "boss", entry: "index.ts" },
      { name: "aid", entry: "a.ts" },
      { name: "worker", entry: "w.ts" },
    ]);
    const blob = Buffer.from(filesBlob(filesWithPrograms([], programs)));
    const entries = [0, 1, 2].map((i) => 8 + i * 48);
    const name = (entry: number): string => {
      const start = blob.readUInt32LE(entry);
      return blob.toString("utf8", start, start + blob.readUInt32LE(entry + 4));
    };
    assert.deepEqual(
      entries.map((entry) => [name(entry), blob.readUInt16LE(entry + 12).toString(8), blob.readUInt16LE(entry + 14)]),
      [
        ["/bin/aid", "100555", 2],
        ["/bin/boss", "100555", 1],
        ["/bin/worker", "100555", 3],
      ],
    );
    assert.deepEqual(filesWithPrograms([], programs.slice(0, 1)), []);
    for (const taken of ["/bin/aid", "/bin"]) {
      const file = { path: taken, data: Buffer.alloc(1), modified: 0n };
      assert.throws(() => filesWithPrograms([file], programs), { code: "PROGRAM_NAME_TAKEN" });
    }
  });

  it("may be none", () => {
    assert.deepEqual([...filesBlob([])], [0x4b, 0x46, 0x53, 0x31, 0, 0, 0, 0]);
  });

  it("must be in a folder that can be read", async () => {
    await assert.rejects(collectFiles(path.join(scratch, "nowhere")), { code: "FILES_UNREADABLE", message: /nowhere/ });
  });
});

interface NamedAddress {
  readonly address: number;
  readonly name: string;
}

function decodeSymbols(table: Buffer): NamedAddress[] {
  const text = (at: number): string => table.toString("utf8", at + 1, at + 1 + table.readUInt8(at));
  return Array.from({ length: table.readUInt32LE(0) }, (_, i) => {
    const record = table.readUIntLE(7 + i * 6, 3);
    const folder = table.readUInt16LE(record);
    return {
      address: table.readUIntLE(4 + i * 6, 3),
      name: folder === 0 ? text(record + 2) : `${text(folder)}/${text(record + 2)}`,
    };
  });
}

describe("the table of function names", () => {
  it("maps C symbols, whatever the compiler did to them, to names in the source", () => {
    const functions = [
      { address: 0x1000, symbol: "boot_entry" },
      { address: 0x1010, symbol: "w2c_f.constprop.0" },
      { address: 0x1010, symbol: "alias" },
      { address: 0x1020, symbol: "w2c_g.part.0.cold" },
    ];
    const table = symbolTable(functions, { w2c_f: "kernel/log/f", w2c_g: "app:index/g" });
    assert.deepEqual(decodeSymbols(Buffer.from(table)), [
      { address: 0x1000, name: "boot_entry" },
      { address: 0x1010, name: "kernel/log/f" },
      { address: 0x1020, name: "app:index/g" },
    ]);
  });

  it("refuses code that its addresses cannot reach", () => {
    const far = [{ address: 2 ** 24, symbol: "w2c_f" }];
    assert.throws(() => symbolTable(far, {}), { code: "IMAGE_CODE_SIZE" });
  });
});

describe("building an app outside the repository", () => {
  let image: Image;
  let stages: string[];
  let folder: string;

  async function build(): Promise<Image> {
    stages = [];
    return buildImage(folder, { output: path.join(scratch, "out"), progress: (stage) => stages.push(stage) });
  }

  before(async () => {
    folder = await appFolder("outside", {
      "karyon.json": '{ "name": "outside", "files": "www", "network": {} }',
      "index.ts":
        'import { greeting } from "./part/greeting";\nimport { puts } from "karyon";\nexport function main(args: string[]): i32 {\n  puts(greeting(args.length));\n  return 0;\n}\n',
      "part/greeting.ts": "export function greeting(n: i32): string {\n  return `hello ${n}`;\n}\n",
      "www/index.html": "<h1>Karyon</h1>",
    });
    image = await build();
  });

  async function section(name: string): Promise<Buffer> {
    const file = path.join(scratch, "section.bin");
    await runHostTool("objcopy", ["-O", "binary", "--only-section", name, image.elf, file]);
    return readFile(file);
  }

  it("makes an ELF with Xen's notes, its rights apart, and a configuration that points to it", async () => {
    const headers = await runHostTool("readelf", ["-lW", image.elf]);
    const loads = [...headers.matchAll(/^ +LOAD .* ([RWE ]{3}) 0x\w+$/gm)].map((match) => match[1]);
    assert.deepEqual(loads, ["RW ", "RW ", "R E", "R E", "R  ", "RW ", "RW "]);
    assert.match(headers, /NOTE/);
    assert.match(await readFile(image.cfg, "utf8"), new RegExp(`^kernel = "${image.elf}"$`, "m"));
  });

  it("is told part by part by the bench, to the byte", async () => {
    const { size } = await stat(image.elf);
    const parts = imageParts(await readFile(image.symbols), size);
    assert.equal(
      Object.values(parts).reduce((sum, bytes) => sum + bytes, 0),
      size,
    );
    for (const part of ["app", "net", "libos", "kernel", "boot"]) assert.ok((parts[`code: ${part}`] ?? 0) > 100, part);
    assert.equal(parts["files"], (await section(".files")).length);
    const rest = parts["headers and alignment"] ?? 0;
    assert.ok(rest > 0 && rest < 8192, `${rest} bytes that nothing explains`);
  });

  it("embeds the files", async () => {
    const files = await section(".files");
    assert.equal(files.toString("latin1", 0, 4), "KFS1");
    assert.ok(files.includes("/index.html<h1>") || files.includes("<h1>Karyon</h1>"));
  });

  it("leaves the network out of an image that has none, and takes it in for an app that makes a socket", async () => {
    const namesOf = async (name: string, call: string): Promise<readonly string[]> => {
      const source = `import { puts, socket } from "karyon";\nexport function main(_: string[]): i32 {\n  return ${call};\n}\n`;
      const app = await appFolder(name, { "karyon.json": `{ "name": "${name}" }`, "index.ts": source });
      const { symbols } = await buildImage(app, { output: path.join(scratch, `${name}-out`) });
      return (await functionAddresses(symbols)).map(({ symbol }) => symbol);
    };
    const tcp = /net(?:\/|0x2F)tcp/;
    assert.ok(!(await namesOf("alone", 'puts("alone")')).some((name) => tcp.test(name)));
    assert.ok((await namesOf("sockets", "socket(2, 1)")).some((name) => tcp.test(name)));
  });

  it("names every function of the text at its final address", async () => {
    const table = decodeSymbols(await section(".symbols"));
    const linked = await functionAddresses(image.symbols);
    const addresses = new Set(linked.map(({ address }) => address));
    assert.equal(table.length, addresses.size);
    assert.ok(table.every(({ address }, i) => addresses.has(address) && address > (table[i - 1]?.address ?? 0)));
    const names = new Set(table.map(({ name }) => name));
    for (const name of ["boot_entry", "kernel_leaveKernel", "app_start"]) assert.ok(names.has(name), name);
    assert.ok(
      [...names].some((name) => name.startsWith("app:")),
      "the app's functions",
    );
    assert.ok(
      [...names].some((name) => name.startsWith("libos/net/")),
      "the libOS's functions",
    );
    assert.ok(![...names].some((name) => name.startsWith("w2c_")), "no name of C");
  });

  it("runs no stage again for unchanged sources, and only the app's for a changed app", async () => {
    await build();
    assert.deepEqual(stages, []);
    // The folder's name is a new one in each run, so no earlier run's results fit.
    await writeFile(
      path.join(folder, "part/greeting.ts"),
      `export function greeting(n: i32): string {\n  return "${scratch} " + n.toString();\n}\n`,
    );
    await build();
    assert.deepEqual(stages, ["app: asc", "app: binaryen", "app: wasm2c", "app: gcc", "ld"]);
    await writeFile(path.join(folder, "www/index.html"), scratch);
    await build();
    assert.deepEqual(stages, ["ld"]);
  });

  it("builds what npm run new lays down", async () => {
    const starter = await createApp(path.join(scratch, "starter"));
    const { elf } = await buildImage(starter, { output: path.join(scratch, "starter-out") });
    assert.ok((await stat(elf)).size > 50_000);
    await assert.rejects(createApp(starter), { code: "FOLDER_EXISTS" });
    await assert.rejects(createApp(path.join(scratch, "Not A Name")), { code: "BAD_MANIFEST" });
    // The editor's view of it is the same.
    await execa("node", [repositoryPath("node_modules/typescript/bin/tsc"), "--noEmit", "-p", starter]);
  });

  it("says what is wrong with an app that has no main", async () => {
    const bad = await appFolder("headless", {
      "karyon.json": '{ "name": "headless" }',
      "index.ts": "export const x = 1;\n",
    });
    await assert.rejects(buildImage(bad, { output: path.join(scratch, "bad") }), {
      code: "COMPILE_FAILED",
      message: /main/,
    });
  });
});
