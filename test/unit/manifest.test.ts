// karyon.json and what becomes of it: errors field by field, the command line, xl's configuration.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { commandLine, domainConfig } from "../../tools/image/config.ts";
import { parseManifest, readApp, type Manifest } from "../../tools/image/manifest.ts";

const MEBIBYTE = 1024 * 1024;

function manifest(fields: object): Manifest {
  return parseManifest(JSON.stringify({ name: "web", ...fields }), "karyon.json");
}

describe("karyon.json", () => {
  it("needs a name only", () => {
    assert.deepEqual(manifest({}), {
      name: "web",
      entry: "index.ts",
      programs: {},
      memory: 16 * MEBIBYTE,
      network: false,
      arguments: [],
      environment: {},
      tmpfs: {},
      proc: false,
      disks: {},
    });
    assert.deepEqual(manifest({ network: {} }).network, { address: "dhcp" });
  });

  it("takes every field", () => {
    const full = manifest({
      entry: "src/server.ts",
      memory: "2M",
      stack: "64K",
      network: {
        address: "10.0.2.20/24",
        gateway: "10.0.2.2",
        dns: "10.0.2.3",
        ipv6: { address: "fd00::20/64", gateway: "fe80::1" },
        bridge: "xenbr0",
        mac: "00:16:3e:00:00:01",
      },
      arguments: ["--port", "80"],
      environment: { LOG_LEVEL: "debug" },
      files: "www",
      tmpfs: { "/tmp": "8M", "/var/lib": "64K" },
      proc: true,
      disks: { "/data": "64M", "/var/db": "/dev/vg0/db" },
      optimize: "size",
      programs: { worker: "worker/index.ts", "a.out": "b.ts" },
    });
    assert.deepEqual(full.programs, { worker: "worker/index.ts", "a.out": "b.ts" });
    assert.deepEqual(full.tmpfs, { "/tmp": 8 * MEBIBYTE, "/var/lib": 64 * 1024 });
    assert.match(commandLine(full), / tmpfs=\/tmp:8M tmpfs=\/var\/lib:64K /);
    assert.match(commandLine(full), / disk=xvda:\/data disk=xvdb:\/var\/db /);
    assert.match(
      domainConfig(full, "/images/web.elf"),
      /^disk = \[ "format=raw,vdev=xvda,access=rw,target=\/images\/web\.xvda\.img", "format=raw,vdev=xvdb,access=rw,target=\/dev\/vg0\/db" \]$/m,
    );
    assert.equal(full.memory, 2 * MEBIBYTE);
    assert.equal(full.stack, 64 * 1024);
  });

  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ name: "Web Server" }, /^ {2}name: expected lower case/m],
    [
      { disks: { "/data": "1M" } },
      /^ {2}disks\.\/data: expected a size such as "64M", 4M at least, or the absolute path/m,
    ],
    [{ disks: { data: "64M" } }, /^ {2}disks\.data: /m],
    [{ disks: { "/data": "data.img" } }, /^ {2}disks\.\/data: expected a size/m],
    [{ memory: "16" }, /^ {2}memory: expected a size/m],
    [{ memory: "512K" }, /^ {2}memory: expected 1M to 3072M/m],
    [{ memory: "4G" }, /^ {2}memory: expected 1M to 3072M/m],
    [{ memory: 16 }, /^ {2}memory: /m],
    [{ stack: "1K" }, /^ {2}stack: expected 16K to 16M/m],
    [{ optimize: "fast" }, /^ {2}optimize: expected "speed" or "size"/m],
    [{ network: true }, /^ {2}network: expected false or an object/m],
    [{ network: { address: "10.0.2.256/24" } }, /^ {2}network/m],
    [{ network: { address: "10.0.2.20" } }, /^ {2}network/m],
    [{ network: { mac: "01:16:3e:00:00:01" } }, /^ {2}network/m],
    [{ network: { gateway: "10.0.2.2" } }, /^ {2}network\.gateway: comes from the DHCP server/m],
    [{ network: { ipv6: "on" } }, /^ {2}network/m],
    [{ network: { ipv6: { address: "fd00::20" } } }, /^ {2}network/m],
    [{ network: { ipv6: { address: "fd00::20/129" } } }, /^ {2}network/m],
    [{ network: { ipv6: { address: "fd00::20/0" } } }, /^ {2}network/m],
    [{ network: { ipv6: { address: "::ffff:10.0.0.1/64" } } }, /^ {2}network/m],
    [{ network: { ipv6: { address: "fd00::20/64", gateway: "fe80::1%eth0" } } }, /^ {2}network/m],
    [{ network: { ipv6: { gateway: "fe80::1" } } }, /^ {2}network/m],
    [{ network: { adress: "dhcp" } }, /^ {2}network.*adress/ms],
    [{ fork: 65 }, /^ {2}fork: expected a number of children, 1 to 64/m],
    [{ fork: { memory: "64M" } }, /^ {2}fork/m],
    [{ fork: { children: 2, rate: 0 } }, /^ {2}fork/m],
    [{ arguments: ["a\nb"] }, /^ {2}arguments\.0: expected printable ASCII/m],
    [{ environment: { "A B": "c" } }, /^ {2}environment/m],
    [{ files: "../secret" }, /^ {2}files: expected a path inside/m],
    [{ files: "/etc" }, /^ {2}files: expected a path inside/m],
    [{ entry: "index.js" }, /^ {2}entry: expected a \.ts or \.wasm file/m],
    [{ programs: { worker: "worker.js" } }, /^ {2}programs\.worker: expected a \.ts file/m],
    [{ programs: { worker: "../worker.ts" } }, /^ {2}programs\.worker: expected a path inside/m],
    [{ programs: { "bin/worker": "worker.ts" } }, /^ {2}programs/m],
    [{ programs: { web: "worker.ts" } }, /^ {2}programs: have the app's own name/m],
    [{ color: "red" }, /color/],
  ];
  for (const [fields, message] of wrong) {
    it(`refuses ${JSON.stringify(fields)}`, () => {
      assert.throws(() => manifest(fields), { code: "BAD_MANIFEST", message });
    });
  }

  it("reports every wrong field at once", () => {
    assert.throws(
      () => manifest({ memory: "x", stack: "y", name: "" }),
      (error: Error) => {
        assert.equal(error.message.match(/^ {2}(?:memory|stack|name): /gm)?.length, 3);
        return true;
      },
    );
  });

  it("must be there and be JSON", async () => {
    const missing = { code: "NO_MANIFEST", message: /no \/nonexistent\/karyon\.json/, mend: /npm run new/ };
    await assert.rejects(readApp("/nonexistent"), missing);
    assert.throws(() => parseManifest("{", "karyon.json"), { code: "BAD_MANIFEST", message: /not JSON/ });
  });

  it("can be one of several in a folder", async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), "karyon-manifest-"));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(path.join(folder, "karyon.json"), '{"name": "plain"}');
    await writeFile(path.join(folder, "other.json"), '{"name": "other", "entry": "other/index.ts"}');
    assert.deepEqual([(await readApp(folder)).manifest.name, (await readApp(folder)).folder], ["plain", folder]);
    const other = await readApp(path.join(folder, "other.json"));
    assert.deepEqual([other.manifest.name, other.manifest.entry, other.folder], ["other", "other/index.ts", folder]);
    const mend = /^in that folder there is .*karyon\.json, .*other\.json$/;
    await assert.rejects(readApp(path.join(folder, "third.json")), {
      code: "NO_MANIFEST",
      message: /third\.json/,
      mend,
    });
  });
});

describe("the command line", () => {
  it("carries network, stack, environment and arguments, quoted where need be", () => {
    const text = commandLine(
      manifest({
        network: { address: "10.0.2.20/24", gateway: "10.0.2.2", dns: "10.0.2.3" },
        stack: "64K",
        environment: { MODE: "a b", EMPTY: "" },
        arguments: ["plain", "two words", 'q"u\\o', "", "--"],
      }),
    );
    assert.equal(
      text,
      'ip=10.0.2.20/24,gateway=10.0.2.2,dns=10.0.2.3 stack=64K env.MODE="a b" env.EMPTY="" -- plain "two words" "q\\"u\\\\o" "" --',
    );
    assert.equal(commandLine(manifest({})), "ip=off");
    assert.equal(commandLine(manifest({ network: {} })), "ip=dhcp");
    assert.equal(commandLine(manifest({ network: { ipv6: "off" } })), "ip=dhcp ip6=off");
    assert.equal(commandLine(manifest({ network: { ipv6: {} } })), "ip=dhcp ip6=auto");
    const ipv6 = { address: "fd00::20/64", gateway: "fe80::1" };
    assert.equal(commandLine(manifest({ network: { ipv6 } })), "ip=dhcp ip6=fd00::20/64,gateway=fe80::1");
    assert.equal(commandLine(manifest({ fork: 8 })), "ip=off fork=8");
    const fork = { children: 8, memory: "64M", rate: 100 };
    assert.equal(commandLine(manifest({ fork })), "ip=off fork=8 fork-memory=64M fork-rate=100");
  });

  it("must fit into start_info", () => {
    const fits = "x".repeat(1022 - "ip=off -- ".length);
    assert.equal(commandLine(manifest({ arguments: [fits] })).length, 1022);
    assert.throws(() => commandLine(manifest({ arguments: [`${fits}x`] })), {
      code: "COMMAND_LINE_TOO_LONG",
      message: /1023 bytes/,
    });
  });
});

describe("xl's configuration", () => {
  it("quotes, and gives memory in MiB", () => {
    const text = domainConfig(
      manifest({ memory: "2500K", network: { bridge: "xenbr0", mac: "00:16:3e:00:00:01" }, arguments: ['a "b"'] }),
      "/builds/web 1/web.elf",
    );
    assert.match(text, /^name = "web"$/m);
    assert.match(text, /^kernel = "\/builds\/web 1\/web\.elf"$/m);
    assert.match(text, /^memory = 3$/m);
    assert.match(text, /^vif = \[ "mac=00:16:3e:00:00:01,bridge=xenbr0" \]$/m);
    assert.match(text, /^extra = "ip=dhcp -- \\"a \\\\\\"b\\\\\\"\\""$/m);
    assert.match(text, /^on_crash = "destroy"$/m);
  });

  it("has no interface without a network", () => {
    assert.match(domainConfig(manifest({}), "/x.elf"), /^vif = \[\]$/m);
  });
});
