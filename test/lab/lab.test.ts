// The lab itself: that it comes up, runs commands, moves files, creates domains, runs several times at once, is made
// anew when its snapshot is useless, and leaves nothing behind.
import assert from "node:assert/strict";
import { execa } from "execa";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../../tools/debian/cache.ts";
import { Lab } from "../../tools/lab/lab.ts";
import { isMachine } from "../../tools/lab/machine/qemu.ts";
import { currentSnapshot } from "../../tools/lab/machine/snapshot.ts";
import { KaryonError } from "../../tools/support/errors.ts";
import { BOOT_TIMEOUT_MS, START_TIMEOUT_MS, useLab } from "./support.ts";

const lab = useLab();
const limit = { timeout: BOOT_TIMEOUT_MS * 2 };

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof KaryonError && error.code === code;
}

test("dom0 is a Xen host with a bridge and the right time", limit, async () => {
  assert.match(await lab().run("xl list"), /^Domain-0 +0 /m);
  assert.match(await lab().run("ip -4 addr show dev xenbr0"), /inet 10\.0\.2\.15\/24/);
  const clock = Number(await lab().run("date +%s"));
  assert.ok(Math.abs(clock - Date.now() / 1000) < 60, `dom0 says ${clock}`);
});

test("exit status, both outputs and input of a command arrive", limit, async () => {
  assert.deepEqual(await lab().sh("echo out; echo err >&2; exit 7"), { status: 7, stdout: "out\n", stderr: "err\n" });
  assert.equal((await lab().sh("kill -TERM $$")).status, 143);
  assert.equal(await lab().run("wc -c", { input: Buffer.alloc(300_000) }), "300000");
  await assert.rejects(lab().run("echo broken >&2; false"), hasCode("LAB_COMMAND"));
  await assert.rejects(lab().exec(["/no/such/program"]), hasCode("LAB_AGENT"));
});

test("a command that does not end is given up, and killed in dom0", limit, async () => {
  await assert.rejects(lab().run("sleep 987654", { timeoutMs: 1500 }), hasCode("LAB_TIMEOUT"));
  await lab().run("while ps | grep 'sleep 98765[4]'; do sleep 0.1; done", { timeoutMs: 20_000 });
});

test("a background process does not hold a command up", limit, async () => {
  const { status, stdout } = await lab().sh("sleep 300 & echo started", { timeoutMs: 30_000 });
  assert.deepEqual({ status, stdout }, { status: 0, stdout: "started\n" });
});

test("files arrive whole in both directions", limit, async () => {
  for (const size of [0, 1, 255 * 1024 + 1, 4_000_000]) {
    const content = randomBytes(size);
    await lab().copyIn(content, "/tmp/copy/file", 0o755);
    const digest = createHash("sha256").update(content).digest("hex");
    assert.equal((await lab().run("sha256sum /tmp/copy/file; stat -c %a /tmp/copy/file")).split(/\s+/)[0], digest);
    assert.ok((await lab().copyOut("/tmp/copy/file")).equals(content), `${size} bytes`);
  }
  await assert.rejects(lab().copyOut("/no/such/file"), hasCode("LAB_AGENT"));
});

test("a client without the secret gets nothing", limit, async () => {
  const { handle } = lab();
  const stranger = await Lab.attach({ ...handle, agent: { ...handle.agent, secret: "" } });
  assert.ok(stranger);
  await assert.rejects(stranger.run("id"), /wrong secret/);
});

test("the bridge can be made lossy, and frames captured", limit, async () => {
  await lab().run("tc qdisc add dev xenbr0 root netem loss 10% delay 1ms && tc qdisc del dev xenbr0 root");
  assert.match(await lab().run("tcpdump --version 2>&1"), /tcpdump version/);
});

test("a configuration that cannot be created is explained", limit, async () => {
  const folder = await mkdtemp(join(tmpdir(), "karyon-test-"));
  try {
    const cfg = join(folder, "bad.cfg");
    await assert.rejects(lab().create(cfg), hasCode("BAD_CONFIG"));
    await writeFile(cfg, 'name = "bad"\nkernel = "missing.elf"\n');
    await assert.rejects(lab().create(cfg), hasCode("BAD_CONFIG"));
    await writeFile(join(folder, "missing.elf"), "no ELF at all");
    await assert.rejects(lab().create(cfg), hasCode("LAB_COMMAND"));
    assert.doesNotMatch(await lab().run("xl list"), /^bad /m);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a second lab beside the first shares nothing with it", { timeout: START_TIMEOUT_MS }, async () => {
  const second = await Lab.start();
  const { pid, files } = second.handle;
  try {
    await second.run("echo second >/tmp/mark");
    assert.equal((await lab().sh("cat /tmp/mark")).status, 1);
    assert.notEqual(second.handle.agent.port, lab().handle.agent.port);
  } finally {
    await second.stop();
  }
  assert.equal(await isMachine(pid, files.folder), false);
  assert.equal(existsSync(files.folder), false);
  await assert.rejects(second.run("true"), hasCode("LAB_AGENT"));
});

test("the lab goes when its process is killed", { timeout: START_TIMEOUT_MS }, async () => {
  const program = fileURLToPath(new URL("hold.ts", import.meta.url));
  const child = execa("node", ["--import", "tsx", program], { reject: false, buffer: false });
  const handle = await new Promise<Lab["handle"]>((resolve, reject) => {
    child.stdout.on("data", (line: Buffer) => resolve(JSON.parse(line.toString()) as Lab["handle"]));
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    child.stderr.on("end", () => reject(new Error(`the child ended early: ${said}`)));
  });
  assert.ok(await isMachine(handle.pid, handle.files.folder));
  child.kill("SIGKILL");
  await child;
  const deadline = Date.now() + 10_000;
  while ((await isMachine(handle.pid, handle.files.folder)) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(await isMachine(handle.pid, handle.files.folder), false);
});

test("a snapshot that does not come up is made anew", { timeout: START_TIMEOUT_MS }, async () => {
  const key = basename((await currentSnapshot()).folder);
  const real = cacheFolder();
  const cache = await mkdtemp(join(tmpdir(), "karyon-test-"));
  const snapshot = join(cache, "lab", "snapshots", key);
  await mkdir(snapshot, { recursive: true });
  await symlink(join(real, "debian"), join(cache, "debian"));
  await symlink(join(real, "lab", "images"), join(cache, "lab", "images"));
  await writeFile(join(snapshot, "state"), "not what QEMU wrote");
  await writeFile(join(snapshot, "ram"), "");
  await truncate(join(snapshot, "ram"), 1536 * 1024 * 1024);
  const before = process.env["KARYON_CACHE"];
  process.env["KARYON_CACHE"] = cache;
  try {
    await using renewed = await Lab.start();
    assert.equal(await renewed.run("echo up"), "up");
  } finally {
    if (before === undefined) delete process.env["KARYON_CACHE"];
    else process.env["KARYON_CACHE"] = before;
    await rm(cache, { recursive: true });
  }
});
