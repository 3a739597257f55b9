// Lua, compiled as docs/wasi.md says, on real Xen: errors of its own through the machine code of longjmp(), and the end by one that nothing catches.
import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { buildImage } from "../../tools/image/build.ts";
import { compileDocumented, documentedBlock } from "../fake/wasi/documented.ts";
import { compileProgram, JUMP_FLAGS } from "../fake/wasi/runner.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const BUILD_AND_BOOT_MS = 16 * BOOT_TIMEOUT_MS;
// The appliance may be done before its creation is.
const STAY = { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] };
const END = /[\s\S]*(?:app: exit status \d+|crash: .*)/;

const lab = useLab();
let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "karyon-wasi-lua-"));
});
after(() => rm(folder, { recursive: true }));

test("Lua's errors, endless recursions, coroutines and files", { timeout: BUILD_AND_BOOT_MS }, async () => {
  await mkdir(path.join(folder, "scripts/etc"), { recursive: true });
  await writeFile(path.join(folder, "lua.wasm"), await compileDocumented({ title: "Lua", source: "lua5.4" }));
  await copyFile(path.join(import.meta.dirname, "../fake/wasi/checks.lua"), path.join(folder, "scripts/checks.lua"));
  await writeFile(
    path.join(folder, "scripts/greeting.lua"),
    'return { greet = function(name) return "hello, " .. name end }',
  );
  await writeFile(path.join(folder, "scripts/etc/motd"), "be welcome\n");
  const manifest = JSON.parse(await documentedBlock("Lua", "json")) as object;
  // Endless recursions end where Lua's own stack does, at 100 MB.
  const fields = { ...manifest, memory: "192M", arguments: ["/checks.lua", "one"] };
  await writeFile(path.join(folder, "lua.json"), JSON.stringify(fields));
  const { cfg } = await buildImage(path.join(folder, "lua.json"), { output: path.join(folder, "lua") });
  const commandLine = "ip=off stack=512K tmpfs=/tmp:8M env.HOME_OF=lua -- /checks.lua one";
  await using guest = await boot(lab(), cfg, { ...STAY, commandLine });
  const [all] = await guest.console.waitFor(END, BOOT_TIMEOUT_MS);
  assert.doesNotMatch(all, /FAILED/);
  assert.match(all, /\n\d+ checks of Lua 5\.4\s+bye\s/);
  assert.match(all, /app: exit status 3$/);
});

test("setjmp() and longjmp(), and an exception that nothing catches", { timeout: BUILD_AND_BOOT_MS }, async () => {
  const file = path.join(folder, "jumps.wasm");
  await writeFile(file, await compileProgram("jumps.c", JUMP_FLAGS));
  const { cfg } = await buildImage(file, { output: path.join(folder, "jumps") });
  await using guest = await boot(lab(), cfg, STAY);
  const [all] = await guest.console.waitFor(END, BOOT_TIMEOUT_MS);
  assert.match(all, /\b0 failures\b/);
  assert.match(all, /app: uncaught exception, or longjmp\(\) to a function that has returned\s/);
  assert.match(all, /app: exit status 134$/);
});
