// An app in AssemblyScript that uses "karyon/fs" and "karyon/process" (test/apps/modules), on the real kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "../../tools/fake-xen/host.ts";
import { collectFiles, filesBlob } from "../../tools/image/files.ts";
import { assemblyApp, runAssembly } from "../support/assembly_app.ts";
import { fakeKernel } from "../support/fake.ts";
import { repositoryPath } from "../../tools/image/paths.ts";

const kernel = await fakeKernel();

test("files, directories and the process itself in a line each", async () => {
  const app = await assemblyApp("test/apps/modules");
  const host = new Host(kernel, 1);
  const guest = host.create({
    commandLine: "ip=off env.GREETING=hello -- first 'second argument'",
    files: filesBlob(await collectFiles(repositoryPath("test/apps/modules/files"))),
    app: (domain) => runAssembly(app, domain),
  });
  try {
    host.world.runUntil(() => guest.domain.shutdown !== undefined, 60e9);
  } catch (error) {
    throw new Error(guest.console, { cause: error });
  }
  assert.doesNotMatch(guest.console, /FAILED/);
  assert.match(guest.console, /\b0 failures\r?\n/);
  assert.match(guest.console, /^the end\r?\n[^]*exit status 0/m);
  assert.ok((guest.console.match(/^ok /gm) ?? []).length >= 60, guest.console);
});
