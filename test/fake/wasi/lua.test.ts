// Lua 5.4 from Debian's sources: checks.lua checks it, and a script that fails ends it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { WASI_MODULE } from "../../../tools/image/wasi.ts";
import { suspendableModule } from "../../support/suspended_app.ts";
import { compileDocumented } from "./documented.ts";
import { boot, finish } from "./runner.ts";

const kernel = await fakeKernel();
const lua = await suspendableModule(await compileDocumented({ title: "Lua", source: "lua5.4" }), WASI_MODULE);

test("errors, recursion without end, coroutines, strings, files and the exit status", async () => {
  const files = {
    "/checks.lua": await readFile(path.join(import.meta.dirname, "checks.lua"), "utf8"),
    "/greeting.lua": 'return { greet = function(name) return "hello, " .. name end }',
    "/etc/motd": "be welcome\n",
  };
  // V8's stack is too small for C that calls itself as often as Lua lets it.
  const commandLine = "ip=off env.HOME_OF=lua -- /checks.lua one shallow";
  const { host, guest } = boot(kernel, lua, { files, commandLine, memory: 192 });
  const { output, status } = finish(host, guest);
  assert.doesNotMatch(output, /FAILED/);
  assert.match(output, /\n\d+ checks of Lua 5\.4\nbye\n/);
  assert.equal(status, 3);
});

test("a script that fails says where", () => {
  const files = { "/main.lua": "local function fail()\n  error('no way')\nend\nfail()\n" };
  const { host, guest } = boot(kernel, lua, { files, commandLine: "ip=off -- /main.lua" });
  const { output, status } = finish(host, guest);
  assert.match(output, /main\.lua:2: no way\nstack traceback:\n[^]*in local 'fail'/);
  assert.equal(status, 1);
});
