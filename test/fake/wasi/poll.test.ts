// Waiting by WASI: poll.c checks what it is told itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { boot, finish, suspendableProgram } from "./runner.ts";

const kernel = await fakeKernel();

test("sleeps, clocks, descriptors and bad subscriptions", async () => {
  const { host, guest } = boot(kernel, await suspendableProgram("poll.c"), { files: { "/etc/motd": "be welcome\n" } });
  guest.awaitConsole("type!");
  guest.domain.console.type("x\r");
  const { output, status } = finish(host, guest);
  assert.match(output, /\n0 failures\n/);
  assert.equal(status, 0);
});
