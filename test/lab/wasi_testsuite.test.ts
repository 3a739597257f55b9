// Programs of the WASI test suite as images on real Xen (docs/wasi.md): KARYON_WASI_TESTSUITE=<folder> npm test -- lab/wasi_testsuite
// The directories that a program begins with are on a disk that has what those of the suite have, made anew for each; afterwards it is whole. stdout and
// stderr are one stream here, the console.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { buildImage } from "../../tools/image/build.ts";
import { compileProgram } from "../fake/wasi/runner.ts";
import { commandLine, compare, compareStatus, preopensOf, type Case } from "../fake/wasi/suite.ts";
import { ownCase, SPECIFIED, testSuites } from "../fake/wasi/suite_tests.ts";
import { makeVolume } from "../unit/disk/volumes.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const BUILD_AND_BOOT_MS = 8 * BOOT_TIMEOUT_MS;
const MEMORY = "40M";
const VOLUME_KIB = 16384;
const PLACE = "/preopens";
/** What the kernel says begins with the time. */
const KERNEL_LINES = /\[ *\d+\.\d{6}\] .*\n/g;
// The appliance may be done before its creation is.
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"'];

const lab = useLab();
let folder: string;
let cases = 0;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "karyon-wasi-testsuite-"));
});
after(() => rm(folder, { recursive: true }));

/** A program's image, with a disk when it begins with directories, each of which is one in the disk's root. */
async function imageOf(one: Case): Promise<string> {
  const output = path.join(folder, String(++cases));
  const preopens = preopensOf(one);
  const contents = path.join(output, "contents");
  await mkdir(contents, { recursive: true });
  for (const [index, preopen] of preopens.entries()) {
    await cp(preopen.folder, path.join(contents, String(index)), { recursive: true });
  }
  const volume = path.join(output, "volume.img");
  if (preopens.length > 0) await writeFile(volume, await makeVolume({ size: VOLUME_KIB, contents }));
  const disks = preopens.length > 0 ? { [PLACE]: volume } : {};
  return (await buildImage(one.file, { output, fields: { memory: MEMORY, disks } })).cfg;
}

/** Runs a program in a domain of its own: what is not as specified, one line each. */
async function runCase(one: Case): Promise<string[]> {
  const cfg = await imageOf(one);
  const places = preopensOf(one).map((_, index) => `${PLACE}/${index}`);
  const options = ["stack=512K", ...(places.length > 0 ? [`disk=xvda:${PLACE}`] : [])];
  const wrong: string[] = [];
  {
    await using guest = await boot(lab(), cfg, { commandLine: commandLine(one, options, places), extra: STAY });
    const [all] = await guest.console.waitFor(/[\s\S]*(?:app: exit status \d+\s*\n|crash: .*\n)/, BOOT_TIMEOUT_MS);
    wrong.push(...compareStatus(one.specification, all), ...compareWritten(one, all));
    if (wrong.length > 0) wrong.push(all);
  }
  return [...wrong, ...(places.length > 0 ? await checkVolumes() : [])];
}

/** One line when the program has not written what is specified. Of two streams in one the order is not known: then lines count. */
function compareWritten({ specification: { stdout, stderr } }: Case, console: string): string[] {
  const written = console.replaceAll("\r", "").replaceAll(KERNEL_LINES, "");
  if (stdout === undefined || stderr === undefined) return compare("the console", stdout ?? stderr, written);
  const lines = (text: string): string => text.split("\n").sort().join("\n");
  return compare("the console, by lines,", lines(stdout + stderr), lines(written));
}

/** Has domain 0 check the disk of a domain that has gone, and removes it: what is wrong with it. */
async function checkVolumes(): Promise<string[]> {
  const check = "for volume in /tmp/volumes/*; do e2fsck -f -n $volume 2>&1 || echo wrong; rm $volume; done";
  const output = await lab().run(check);
  return /wrong/.test(output) ? [output] : [];
}

test("a program is given what is specified", { timeout: 3 * BUILD_AND_BOOT_MS }, async (context) => {
  const program = await compileProgram("specified.c");
  // As one stream; what C has not flushed yet comes behind.
  const console = 'one,a "b",1\n2,made /new\nhello world\n';
  const specification = { ...SPECIFIED, env: { A: "1\n2" }, stdout: console, stderr: undefined };
  assert.deepEqual(await runCase(await ownCase(context, program, specification)), []);
  const [status, written] = await runCase(await ownCase(context, program, { ...specification, root: "data" }));
  assert.match(status ?? "", /^the exit status is "1", not "17"$/);
  assert.match(written ?? "", /^the console is "one,a/);
});

await testSuites(runCase, BUILD_AND_BOOT_MS);
