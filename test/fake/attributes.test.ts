// Owners, times, room and file systems by the functions that apps have (test/apps/attributes), on the real kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "../../tools/fake-xen/host.ts";
import { assemblyApp, runAssembly } from "../support/assembly_app.ts";
import { fakeKernel } from "../support/fake.ts";

const kernel = await fakeKernel();

test("chown, utimes, posix_fallocate, statvfs, sync and their kin", async () => {
  const app = await assemblyApp("test/apps/attributes");
  const host = new Host(kernel, 1);
  const guest = host.create({ commandLine: "ip=off", app: (domain) => runAssembly(app, domain) });
  host.world.runUntil(() => guest.domain.shutdown !== undefined, 60e9);
  assert.doesNotMatch(guest.console, /FAILED/);
  assert.match(guest.console, /\b0 failures\r?\n[^]*exit status 0/);
  assert.equal(guest.console.match(/^ok /gm)?.length, 41);
});
