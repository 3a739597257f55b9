// The Linux peers and the probes without a lab: configurations, the lines that guests and bench exchange, figures; and the
// probes' program on this host, which is a Linux as well.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CALL_FIGURES, CALL_PROBES, MORE_PROBES } from "../../tools/bench/calls/probes.ts";
import { LOOPS } from "../../tools/bench/loops/loops.ts";
import { linkedLoops } from "../../tools/bench/loops/objects.ts";
import { SIDES } from "../../tools/bench/comparison.ts";
import { guestConfig } from "../../tools/peers/guest.ts";
import { ANSWER, probeTime } from "../../tools/peers/probe_guest.ts";
import { serverScript, serverAddressLine } from "../../tools/peers/server_guest.ts";
import { APACHE, BULK, EXCHANGE, MEMCACHED, NGINX, REDIS, type PeerServer } from "../../tools/peers/servers.ts";
import { STATIC_PROGRAMS, staticProgram } from "../../tools/peers/static_program.ts";
import { readDomainConfig } from "../../tools/lab/config.ts";

const SERVERS: readonly PeerServer[] = [NGINX, APACHE, REDIS, MEMCACHED, BULK, EXCHANGE];
const CONFIGURATION = fileURLToPath(new URL("../../tools/peers/configuration/", import.meta.url));

test("a peer's configuration is one that the lab takes, with the clock that does Linux justice", async () => {
  const description = { name: "linux-x", memory: 96, network: true };
  const text = guestConfig({ ...description, key: [], fill: () => Promise.resolve() }, "kernel");
  assert.match(text, /^tsc_mode = "native"$/m);
  assert.match(text, /^vif = \[ "" \]$/m);
  assert.match(text, /^extra = "console=hvc0 quiet mitigations=off"$/m);
  assert.equal(serverAddressLine("10.0.2.20/24"), 'extra = "console=hvc0 quiet mitigations=off address=10.0.2.20/24"');
  assert.match(text, /^memory = 96$/m);
  const folder = await mkdtemp(join(tmpdir(), "karyon-test-"));
  try {
    for (const name of ["kernel", "initrd"]) await writeFile(join(folder, name), name);
    await writeFile(join(folder, "x.cfg"), text);
    const config = await readDomainConfig(join(folder, "x.cfg"), []);
    assert.equal(config.name, "linux-x");
    assert.equal(config.files.length, 2);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("every server has a name, a port and the configuration it names", async () => {
  assert.equal(new Set(SERVERS.map(({ name }) => name)).size, SERVERS.length);
  for (const { files, program: own, command, configuration, port } of SERVERS) {
    const [program = ""] = command.split(" ");
    assert.ok(own === program || files[0]?.endsWith(`/${program}`), `nothing is there for ${command}`);
    assert.ok(port > 0 && port < 65536);
    for (const [path, source] of Object.entries(configuration)) {
      assert.ok(command.includes(`/${path}`), `${command} reads ${path}`);
      assert.notEqual(await readFile(join(CONFIGURATION, source), "utf8"), "");
    }
  }
  assert.equal(serverScript(NGINX), "port=80\nserve() {\n  exec nginx -c /etc/nginx.conf\n}\n");
});

test("a probe's answer counts only when it is that of what was asked for", () => {
  assert.equal(probeTime("done getppid 100 12345\r", "getppid", 100), 12345);
  assert.equal(probeTime("done getppid 100 12345", "getppid", 10), undefined);
  assert.equal(probeTime("done read 100 12345", "getppid", 100), undefined);
  assert.equal(probeTime("failed getppid", "getppid", 100), undefined);
  assert.equal(probeTime("done getppid 100", "getppid", 100), undefined);
  assert.equal(ANSWER.exec("getppid 100\r\ndone getppid 10"), null);
  assert.equal(ANSWER.exec("getppid 100\r\ndone getppid 100 5\r\n")?.[0], "done getppid 100 5\r\n");
});

test("the figures of calls are made of the probes' costs", () => {
  const linux: Record<string, number> = { "ping-pong": 20_000, "ping-pong-threads": 12_000 };
  const karyon: Record<string, number> = { "ping-pong-threads": 1100 };
  const ratios = CALL_FIGURES.map(({ name, cost }) => {
    const [ours, theirs] = [cost.karyon((probe) => karyon[probe] ?? 50), cost.linux((probe) => linux[probe] ?? 1000)];
    return [name, ours / theirs] as const;
  });
  const plain = ["open", "stat", "fstat", "poll", "poll-100", "epoll", "signal", "unix"];
  assert.deepEqual(Object.fromEntries(ratios), {
    ...Object.fromEntries(plain.map((name) => [`call-${name}`, 50 / 1000])),
    "call-null": 50 / 1000,
    "call-read": 50 / 1000,
    "call-write": 50 / 1000,
    "call-pipe": 50 / 1000,
    "call-ping-pong": 1100 / 20_000,
    "call-ping-pong-threads": 1100 / 12_000,
    "call-switch": (1100 / 2 - 50) / (20_000 / 2 - 1000),
  });
});

test("every program of the Linux guests compiles, without a warning", { timeout: 120_000 }, async () => {
  // What loops are made of comes from our own compiler: the next test but one.
  for (const program of STATIC_PROGRAMS.filter((name) => name !== "loops")) {
    assert.equal((await staticProgram(program)).subarray(1, 4).toString("latin1"), "ELF", program);
  }
});

test("the probes' program does on this host what it is told", { timeout: 60_000 }, async () => {
  await conversation(await staticProgram("probes"), async (ask) => {
    // Where it is not process 1 it has a parent, and says that something is wrong.
    assert.equal(await ask("getppid 30"), "failed getppid");
    const probes = [...CALL_PROBES.linux, ...MORE_PROBES].map(({ name }) => name).filter((name) => name !== "getppid");
    for (const line of [...probes, "fork 1", "vfork", "fork"].map((words) => `${words} 30`)) {
      const [probe = ""] = line.split(" ");
      const answer = await ask(line);
      assert.ok(probeTime(answer, probe, 30) !== undefined, answer);
    }
    assert.equal(await ask("nothing 5"), "failed nothing");
  });
});

test("loops from TypeScript and in C do the same, and run on this host", { timeout: 120_000 }, async () => {
  const program = await staticProgram("loops", await linkedLoops());
  await conversation(program, async (ask) => {
    for (const { name } of LOOPS) {
      for (const probe of [`ours-${name}`, `c-${name}`]) {
        const answer = await ask(`${probe} 10`);
        assert.ok(probeTime(answer, probe, 10) !== undefined, answer);
      }
    }
  });
});

test("both sides know the probes that they are asked for", async () => {
  const source = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
  const sources = {
    karyon: await source("test/apps/probes/index.ts"),
    linux: await source("tools/peers/probes/table.c"),
  };
  for (const side of SIDES) {
    for (const { name } of CALL_PROBES[side]) assert.ok(sources[side].includes(`"${name}"`), `${side}: ${name}`);
  }
});

/** Runs a program of probes; `talk` gives it lines and gets its answers. */
async function conversation(
  program: Buffer,
  talk: (ask: (line: string) => Promise<string>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "karyon-test-"));
  const file = join(folder, "program");
  await writeFile(file, program, { mode: 0o755 });
  const child = spawn(file, [], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  try {
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    assert.equal(await next(), "ready");
    await talk((line) => {
      child.stdin.write(`${line}\n`);
      return next();
    });
  } finally {
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true });
  }
}
