// Files and directories by WASI: files.c checks each call itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { boot, finish, suspendableProgram } from "./runner.ts";

const kernel = await fakeKernel();

test("files, directories, links, listings and descriptors, with bad arguments", async () => {
  const files = { "/etc/motd": "be welcome\n" };
  const { host, guest } = boot(kernel, await suspendableProgram("files.c"), { files });
  const { output, status } = finish(host, guest);
  assert.match(output, /\n0 failures\n/);
  assert.equal(status, 0);
});
