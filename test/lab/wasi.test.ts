// Programs in C for WASI on real Xen: what runs on the fake one (test/fake/wasi), as images.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { connect } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { buildImage } from "../../tools/image/build.ts";
import { compileProgram } from "../fake/wasi/runner.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const BUILD_AND_BOOT_MS = 8 * BOOT_TIMEOUT_MS;

// The appliance may be done before its creation is: so it stays until the test destroys it.
const STAY = { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] };

const lab = useLab();
let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "karyon-wasi-lab-"));
});
after(() => rm(folder, { recursive: true }));

/** The cfg of a program of test/fake/wasi, by a manifest with more `fields`. */
async function imageOf(name: string, fields: object): Promise<string> {
  const manifest = { name, entry: `${name}.wasm`, ...fields };
  await writeFile(path.join(folder, `${name}.wasm`), await compileProgram(`${name}.c`));
  await writeFile(path.join(folder, `${name}.json`), JSON.stringify(manifest));
  return (await buildImage(path.join(folder, `${name}.json`), { output: path.join(folder, "build") })).cfg;
}

test("a program by itself gets arguments, environment and memory", { timeout: BUILD_AND_BOOT_MS }, async () => {
  const file = path.join(folder, "Hello World.wasm");
  await writeFile(file, await compileProgram("hello.c"));
  const { cfg } = await buildImage(file, { output: path.join(folder, "build"), fields: { memory: "24M" } });
  const commandLine = 'ip=off env.A=1 env.EMPTY= -- one "two words"';
  await using guest = await boot(lab(), cfg, { ...STAY, commandLine });
  const [all] = await guest.console.waitFor(/[\s\S]*name\? /, BOOT_TIMEOUT_MS);
  assert.match(all, /3 arguments: <hello-world> <one> <two words>/);
  assert.match(all, /A=1 EMPTY=<> NONE=missing/);
  assert.match(all, /memory ends with 7; 3\.143/);
});

test("files, directories and descriptors are those of the fake Xen", { timeout: BUILD_AND_BOOT_MS }, async () => {
  const file = path.join(folder, "files/etc/motd");
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, "be welcome\n");
  await utimes(file, 1_700_000_000.1235, 1_700_000_000.1235);
  const cfg = await imageOf("files", { files: "files" });
  await using guest = await boot(lab(), cfg, STAY);
  const [all] = await guest.console.waitFor(/[\s\S]*(?:app: exit status \d+|crash: .*)/, BOOT_TIMEOUT_MS);
  assert.match(all, /\b0 failures\b/);
  assert.match(all, /app: exit status 0$/);
});

test("a TCP server answers from outside", { timeout: BUILD_AND_BOOT_MS }, async () => {
  const cfg = await imageOf("echo", { network: {}, arguments: ["1"] });
  await using guest = await boot(lab(), cfg, STAY);
  const address = await guest.address();
  await guest.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
  const port = await lab().hostForward(0, address, 7);
  const socket = connect(port, "127.0.0.1");
  const sent = "all that is sent comes back. ".repeat(2000);
  socket.end(sent);
  assert.equal(await text(socket), sent);
  const [all] = await guest.console.waitFor(/[\s\S]*(?:app: exit status \d+|crash: .*)/, BOOT_TIMEOUT_MS);
  assert.match(all, /\b0 failures\b/);
});
