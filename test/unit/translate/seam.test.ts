// Where the app's C meets the kernel's: imports, hooks of system calls, and modules that an image cannot hold.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hookDefaults, hookFunctions } from "../../../tools/image/hooks.ts";
import { START } from "./compare.ts";
import { assembleText, buildNative } from "./native.ts";

describe("the seam between app and kernel", () => {
  it("calls M_N for an import M.N with events masked, and leaves the kernel behind it", async () => {
    const text = `(module
      (import "posix" "add" (func $add (param i32 i64) (result i64)))
      (memory 1 9) ${START}
      (func (export "add") (param i64 i64) (result i64) (call $add (i32.wrap_i64 (local.get 0)) (local.get 1)))
      (func (export "size") (result i64) (i64.extend_i32_u (memory.size)))
      (func (export "grow") (param i64) (result i64) (i64.extend_i32_u (memory.grow (i32.wrap_i64 (local.get 0))))))`;
    const run = await buildNative(await assembleText(text), {
      exports: {
        posix_add: { result: "u64", parameters: ["u32", "u64"] },
        app_memory_size: { result: "u32", parameters: [] },
        app_memory_grow: { result: "u32", parameters: ["u32"] },
      },
      source: `
        u64 kernel_posix_add(u32 a, u64 b) { return boot_sharedInfo[1] == 1 ? a + b : 0; }
        u32 kernel_app_memory_size(void) { return 77; }
        u32 kernel_app_memory_grow(u32 pages) { return pages + 1; }`,
    });
    const outcomes = await run([
      { name: "add", values: [0xffffffffn, 1n] },
      { name: "size", values: [] },
      { name: "grow", values: [4n] },
    ]);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      [0x100000000n, 77n, 5n],
    );
  });

  it("binds what belongs to a system call to the kernel's export when the app makes the call, else to nothing", async () => {
    const text = `(module
      (import "posix" "add" (func $add (param i32 i64) (result i64)))
      (memory 1) ${START}
      (func (export "add") (param i64 i64) (result i64) (call $add (i32.wrap_i64 (local.get 0)) (local.get 1))))`;
    const twice = { result: "u32", parameters: ["u32"] };
    const exports = { posix_add: { result: "u64", parameters: ["u32", "u64"] }, twice };
    const hooks = [
      { ...twice, module: "with_add", name: "twice", symbol: "hook_twice" },
      { ...twice, module: "with_other", name: "thrice", symbol: "hook_thrice" },
    ];
    const run = await buildNative(await assembleText(text), {
      exports,
      hooks,
      source: `
        u32 hook_twice(u32 a), hook_thrice(u32 a);
        u64 kernel_posix_add(u32 a, u64 b) { return hook_twice(a) * 100 + hook_thrice(a) + b; }
        u32 kernel_twice(u32 a) { return 2 * a; }
        ${hookDefaults(hooks, exports).join("\n")}`,
    });
    const [{ result } = { result: 0n }] = await run([{ name: "add", values: [3n, 1n] }]);
    assert.equal(result, 601n);
  });

  it("calls wasi_N for an import N of wasi_snapshot_preview1, which is made of a call of POSIX that has its hooks", async () => {
    const text = `(module
      (import "wasi_snapshot_preview1" "path_open" (func $open (param i32) (result i32)))
      (memory 1) ${START}
      (func (export "open") (param i64) (result i64) (i64.extend_i32_u (call $open (i32.wrap_i64 (local.get 0))))))`;
    const signature = { result: "u32", parameters: ["u32"] };
    const exports = { wasi_path_open: signature, twice: signature, wasiStart: { result: "void", parameters: [] } };
    const hooks = [
      { ...signature, module: "with_tmpfs", name: "twice", symbol: "hook_twice" },
      { ...signature, module: "with_pipe", name: "thrice", symbol: "hook_thrice" },
    ];
    const run = await buildNative(await assembleText(text), {
      exports,
      hooks,
      source: `
        u32 hook_twice(u32 a), hook_thrice(u32 a);
        static u32 started;
        void kernel_wasiStart(void) { started += 1; }
        u32 app_start(void);
        u32 kernel_wasi_path_open(u32 a) { app_start(); return started * 1000 + hook_twice(a) * 100 + hook_thrice(a); }
        u32 kernel_twice(u32 a) { return 2 * a; }
        ${hookDefaults(hooks, exports).join("\n")}`,
    });
    const [{ result } = { result: 0n }] = await run([{ name: "open", values: [3n] }]);
    assert.equal(result, 1600n);
    const unknown = `(module (import "wasi_snapshot_preview1" "path_fly" (func (param i32))) (memory 1) ${START})`;
    await assert.rejects(buildNative(await assembleText(unknown), { exports, source: "" }), {
      code: "IMAGE_IMPORT_MISSING",
      message: /wasi_snapshot_preview1\.path_fly\(u32\)/,
      mend: /docs\/wasi\.md/,
    });
  });

  it("has a broken pipe be no signal in a program of another toolchain", () => {
    const hook = {
      result: "u32",
      parameters: [],
      module: "with_signal",
      name: "brokenPipeRaised",
      symbol: "hook_pipe",
    };
    const lines = (foreign: boolean): string => hookFunctions([hook], [], {}, { features: [], foreign }).join("\n");
    assert.match(lines(true), /^u32 hook_pipe\(void\) \{ return 1; \}$/m);
    assert.match(lines(false), /\.set hook_pipe, app_emptyHook/);
  });

  it("names an import that the kernel does not offer, or offers otherwise", async () => {
    const text = `(module
      (import "posix" "fly" (func (param i32)))
      (import "posix" "add" (func (param i32)))
      (memory 1) ${START})`;
    const exports = { posix_add: { result: "u64", parameters: ["u32"] } };
    await assert.rejects(buildNative(await assembleText(text), { exports, source: "" }), {
      code: "IMAGE_IMPORT_MISSING",
      message: /posix\.add\(u32\); posix\.fly\(u32\)/,
    });
  });

  it("refuses what an image cannot hold", async () => {
    const imported = await assembleText(`(module (import "env" "memory" (memory 1)) ${START})`);
    await assert.rejects(buildNative(imported), { code: "IMAGE_BAD_WASM", message: /env\.memory/ });
    const nothing = await assembleText("(module (memory 1))");
    await assert.rejects(buildNative(nothing), { code: "IMAGE_NO_START" });
  });
});
