// Two domains whose app in AssemblyScript uses "karyon/net" (test/apps/modules_net): one serves, the other tries it out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "../../tools/fake-xen/host.ts";
import { assemblyApp, runAssembly } from "../support/assembly_app.ts";
import { fakeKernel } from "../support/fake.ts";

const kernel = await fakeKernel();
const app = await assemblyApp("test/apps/modules_net");

const SERVERS = { v4: "10.0.0.2", v6: "fd00::2" };

for (const [family, address] of Object.entries(SERVERS)) {
  test(`servers and clients in few lines over ${family}`, () => {
    const host = new Host(kernel, 1);
    const create = (last: number, word: string) =>
      host.create({
        commandLine: `ip=10.0.0.${last}/24 ip6=fd00::${last}/64 -- ${word}`,
        network: { mac: `00:16:3e:00:00:0${last}` },
        app: (domain) => runAssembly(app, domain),
      });
    const server = create(2, "serve");
    server.awaitConsole("serving");
    host.world.pass(5e9); // until the addresses are its own
    const client = create(3, address);
    try {
      host.world.runUntil(() => client.domain.shutdown !== undefined, 120e9);
    } catch (error) {
      throw new Error(`${server.console}\n${client.console}`, { cause: error });
    }
    assert.doesNotMatch(client.console, /FAILED/);
    assert.match(client.console, /^0 failures\r?\n[^]*exit status 0/m, client.console);
    assert.ok((client.console.match(/^ok /gm) ?? []).length >= 60, client.console);
    assert.equal(server.domain.shutdown, undefined, server.console);
  });
}
