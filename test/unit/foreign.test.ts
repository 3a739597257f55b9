// Modules of other toolchains: which the image tool takes, what it says of the others, and what it makes of a .wasm file without a manifest.
import assert from "node:assert/strict";
import path from "node:path";
import { after, describe, it } from "node:test";
import { Compiler } from "../../tools/image/compiler.ts";
import { commandLine } from "../../tools/image/config.ts";
import { admitForeign, readForeign } from "../../tools/image/foreign.ts";
import { parseManifest, readApp } from "../../tools/image/manifest.ts";
import { assembleText } from "./translate/native.ts";

const START = '(func (export "_start"))';

/** A custom section. */
function section(name: string, contents: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), contents]);
  return Buffer.concat([Buffer.from([0, body.length]), body]);
}

/** What compilers write of the features that a module is compiled for. */
function targetFeatures(...features: readonly string[]): Buffer {
  const entries = features.map((feature) => Buffer.concat([Buffer.from([0x2b, feature.length]), Buffer.from(feature)]));
  return section("target_features", Buffer.concat([Buffer.from([features.length]), ...entries]));
}

const EMPTY = Buffer.from("\0asm\x01\0\0\0", "latin1");
/** A memory of one page, with `flags` of its limits. */
const memory = (flags: number): Buffer => Buffer.from([5, 3, 1, flags, 1]);
/** () -> v128: v128.const 0, with the name of the export _start. */
const VECTOR = Buffer.concat([
  EMPTY,
  Buffer.from([1, 4, 1, 0x60, 0, 0]),
  Buffer.from([3, 2, 1, 0]),
  memory(0),
  Buffer.from([7, 10, 1, 6, ...Buffer.from("_start"), 0, 0]),
  Buffer.from([10, 23, 1, 21, 0, 0xfd, 12, ...Buffer.alloc(16), 0x1a, 0x0b]),
]);

describe("a module of another toolchain", () => {
  const compiler = new Compiler();
  after(() => compiler.close());
  const admit = (binary: Uint8Array): Promise<Uint8Array> => admitForeign(compiler, "program.wasm", binary);
  const refuses = (binary: Uint8Array, code: string, message: RegExp, mend: RegExp): Promise<void> =>
    assert.rejects(admit(binary), (error: { code: string; message: string; mend: string }) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      assert.match(error.mend, mend);
      return true;
    });

  it("is taken, whatever its compiler declares that it does not use", async () => {
    const plain = await assembleText(`(module (memory 1) ${START})`);
    const declared = Buffer.concat([plain, targetFeatures("reference-types", "multivalue", "simd128")]);
    assert.ok(WebAssembly.validate(new Uint8Array(await admit(plain))));
    assert.ok(WebAssembly.validate(new Uint8Array(await admit(declared))));
    const throws = await assembleText('(module (memory 1) (tag $t) (func (export "_start") (throw $t)))');
    const declaring = Buffer.concat([throws, targetFeatures("exception-handling")]);
    assert.ok(WebAssembly.validate(new Uint8Array(await admit(declaring))));
  });

  it("is one", async () => {
    await refuses(Buffer.from("(module)"), "IMAGE_NOT_WASM", /program\.wasm is no WebAssembly module/, /wat2wasm/);
    await refuses(Buffer.alloc(3), "IMAGE_NOT_WASM", /no WebAssembly module/, /wat2wasm/);
    const component = Buffer.from("\0asm\x0d\0\x01\0", "latin1");
    await refuses(component, "IMAGE_NOT_WASM", /component/, /wasm32-wasip1/);
    await refuses(Buffer.from("\0asm\x02\0\0\0", "latin1"), "IMAGE_NOT_WASM", /version 2/, /preview 1/);
    await assert.rejects(readForeign("/nonexistent/program.wasm"), { code: "NO_PROGRAM" });
  });

  it("is whole", async () => {
    const plain = await assembleText(`(module (memory 1) ${START})`);
    for (let length = 9; length < plain.length; length += 3) {
      await assert.rejects(admit(plain.subarray(0, length)), { name: "KaryonError" }, `${length} bytes`);
    }
  });

  it("uses no features that an image cannot have", async () => {
    await refuses(
      Buffer.concat([VECTOR, targetFeatures("sign-ext", "simd128")]),
      "IMAGE_WASM_FEATURE",
      /needs simd128,/,
      /-mno-simd128/,
    );
    await refuses(VECTOR, "IMAGE_BAD_WASM", /does not validate/, /WebAssembly 1\.0/);
    await refuses(Buffer.concat([EMPTY, memory(4)]), "IMAGE_WASM_FEATURE", /memory64/, /wasm32/);
    const shared = await assembleText(`(module (import "env" "memory" (memory 1)) ${START})`);
    await refuses(shared, "IMAGE_BAD_WASM", /imports env\.memory/, /define and export its own/);
    const tag = await assembleText(`(module (import "env" "tag" (tag)) (memory 1) ${START})`);
    await refuses(tag, "IMAGE_BAD_WASM", /imports env\.tag, a tag/, /define its own/);
  });

  it("is a program, with a memory", async () => {
    await refuses(await assembleText("(module (memory 1))"), "IMAGE_NO_START", /exports no _start/, /main\(\)/);
    const reactor = await assembleText('(module (memory 1) (func (export "_initialize")))');
    await refuses(reactor, "IMAGE_NO_START", /reactor/, /mexec-model/);
    await refuses(await assembleText(`(module ${START})`), "IMAGE_BAD_WASM", /no memory/, /define one/);
  });
});

describe("the manifest of a .wasm file", () => {
  it("is made of its name", async () => {
    const { folder, manifest } = await readApp("/some/where/My Program_2.wasm");
    assert.equal(folder, "/some/where");
    assert.deepEqual([manifest.name, manifest.entry], ["my-program-2", "My Program_2.wasm"]);
    assert.equal(manifest.network, false);
    assert.match(commandLine(manifest), /stack=512K/);
    assert.doesNotMatch(commandLine(manifest), /preopen/);
    assert.equal((await readApp("ö.wasm")).manifest.name, "program");
  });

  it("takes what the command line says, checked", async () => {
    const fields = { name: "other", memory: "64M", network: { address: "dhcp" } };
    const { manifest } = await readApp("program.wasm", fields);
    assert.deepEqual([manifest.name, manifest.memory], ["other", 64 * 1024 * 1024]);
    await assert.rejects(readApp("program.wasm", { memory: "much" }), { code: "BAD_MANIFEST", message: /memory/ });
    const app = path.join(import.meta.dirname, "../../apps/hello");
    await assert.rejects(readApp(app, { memory: "64M" }), { code: "MANIFEST_OPTION", message: /memory/ });
  });

  it("can be a real one, with a .wasm file as its entry", () => {
    const entry = { name: "a", entry: "build/a.wasm" };
    assert.equal(parseManifest(JSON.stringify({ ...entry, stack: "64K" }), "karyon.json").stack, 65536);
    const preopens = { ...entry, preopens: { "/": "/data", "my config": "/etc/web" } };
    const options = commandLine(parseManifest(JSON.stringify(preopens), "karyon.json"));
    assert.match(options, / preopen=\/:\/data "preopen=my config:\/etc\/web"$/);
    const none = parseManifest(JSON.stringify({ ...entry, preopens: {} }), "karyon.json");
    assert.match(commandLine(none), / preopen=off$/);
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`/${i}`, "/"]));
    for (const [wrong, message] of [
      [{ ...entry, preopens: { "/": "data" } }, /preopens.*: expected an absolute path/],
      [{ ...entry, preopens: many }, /preopens: expected at most 16/],
      [{ ...entry, entry: "a.ts", preopens: {} }, /preopens: belong to an entry that is a \.wasm/],
    ] as const) {
      assert.throws(() => parseManifest(JSON.stringify(wrong), "karyon.json"), { message });
    }
    const programs = { ...entry, programs: { b: "b.ts" } };
    assert.throws(() => parseManifest(JSON.stringify(programs), "karyon.json"), { message: /entry that is a \.wasm/ });
    assert.throws(() => parseManifest(JSON.stringify({ ...entry, entry: "a.c" }), "karyon.json"), {
      message: /\.wasm/,
    });
  });
});
