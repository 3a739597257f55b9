// The directories that a program begins with: preopens.c checks what it sees of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { boot, finish, suspendableProgram } from "./runner.ts";

const kernel = await fakeKernel();
const program = await suspendableProgram("preopens.c");

test("several, by their names, out of which nothing leads", () => {
  const places = "tmpfs=/places/0:1M tmpfs=/places/1:1M";
  const preopens = "preopen=/:/places/0 preopen=/none:/none preopen=data:1:/places/1 preopen=dev:/dev";
  const { host, guest } = boot(kernel, program, { commandLine: `ip=off ${places} ${preopens}` });
  const { output, status } = finish(host, guest);
  assert.match(output, /wasi: cannot open \/none:\/none: error 2\n/);
  assert.match(output, /\n0 failures\n/);
  assert.equal(status, 0);
});

test("none", () => {
  const { host, guest } = boot(kernel, program, { commandLine: "ip=off preopen=off" });
  // prestat_get of the first is EBADF.
  assert.match(finish(host, guest).output, /__wasi_fd_prestat_get\(ROOT, &prestat\) is 8, not 0\n/);
});
