// tools/debian: what apt prints is understood, its failures are named, and the cache holds complete folders only.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { aptError, chooseSources, parsePrintUris } from "../../tools/debian/apt.ts";
import {
  cacheFolder,
  cachedFolder,
  keepRecent,
  markUsed,
  removeLeftovers,
  withLock,
} from "../../tools/debian/cache.ts";
import { patchSeries, sourceFiles } from "../../tools/debian/sources.ts";
import { hostTool } from "../../tools/debian/tools.ts";
import { KaryonError } from "../../tools/support/errors.ts";

let cache = "";
const environment = { ...process.env };

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "karyon-test-"));
  process.env["KARYON_CACHE"] = cache;
});

afterEach(async () => {
  process.env = { ...environment };
  await rm(cache, { recursive: true, force: true });
});

test("packages to download are read from apt's list, whose versions are percent-encoded", () => {
  const output = [
    "'http://deb.debian.org/debian/pool/main/n/nasm/nasm_2.16.01-1_amd64.deb' nasm_2.16.01-1_amd64.deb 374968 SHA256:00",
    "'http://deb.debian.org/d/qemu_7.2%2bdfsg-7_amd64.deb' qemu_1%3a7.2+dfsg-7_amd64.deb 100 SHA256:00",
    "'http://deb.debian.org/d/seabios_1.16.2-1_all.deb' seabios_1.16.2-1_all.deb 7 MD5Sum:00",
    "N: a note of apt's",
  ].join("\n");
  assert.deepEqual(parsePrintUris(output), [
    { name: "nasm", version: "2.16.01-1", file: "nasm_2.16.01-1_amd64.deb", size: 374968 },
    { name: "qemu", version: "1:7.2+dfsg-7", file: "qemu_1%3a7.2+dfsg-7_amd64.deb", size: 100 },
    { name: "seabios", version: "1.16.2-1", file: "seabios_1.16.2-1_all.deb", size: 7 },
  ]);
});

test("the host's own mirror is used when it carries Debian 12, the public one otherwise", () => {
  const own = ["http://mirror.example/debian/ bookworm main", "http://mirror.example/security/ bookworm-security main"];
  assert.deepEqual(chooseSources([...own, "https://node.example/ nodistro main", own[0]].join("\n")), own);
  const foreign = chooseSources("http://archive.ubuntu.example/ubuntu/ noble main");
  assert.equal(foreign.length, 3);
  assert.ok(foreign.every((source) => source.startsWith("http://deb.debian.org/debian")));
  assert.deepEqual(chooseSources(""), foreign);
});

test("a failure of apt-get says what to do about it", () => {
  const code = (stderr: string, errno?: string): string => aptError("/state", errno, stderr).code;
  assert.equal(code("", "ENOENT"), "APT_MISSING");
  assert.equal(code("E: Failed to fetch http://x  Temporary failure resolving 'x'"), "NETWORK");
  assert.equal(code("E: Failed to fetch http://x/y.deb  404  Not Found [IP: 1.2.3.4 80]"), "NETWORK");
  assert.equal(code("E: You don't have enough free space in /var/cache/apt/archives/."), "DISK_FULL");
  assert.equal(code("E: Unable to locate package qemu-system-z80"), "PACKAGE_UNKNOWN");
  assert.equal(code("E: Unable to find a source package for nothing"), "PACKAGE_UNKNOWN");
  assert.equal(code("E: something new"), "APT_FAILED");
  assert.match(aptError("/state", undefined, "E: something new").message, /something new$/);
});

test("a source package is its authors' archive and Debian's changes, in their order", () => {
  const names = ["s_3-2.debian.tar.xz", "s_3-2.dsc", "s_3.orig-www.tar.xz", "s_3.orig.tar.gz"];
  assert.deepEqual(sourceFiles(names), { original: "s_3.orig.tar.gz", debian: "s_3-2.debian.tar.xz" });
  assert.throws(() => sourceFiles(["s_3.dsc", "s_3.tar.xz"]), { code: "SOURCE_PACKAGE" });
  assert.deepEqual(patchSeries("# first\n\n01-a.patch\nsub/02.patch -p1 # why\n#03.patch\n"), [
    "01-a.patch",
    "sub/02.patch",
  ]);
});

test("KARYON_CACHE chooses the cache", () => {
  assert.equal(cacheFolder(), cache);
  delete process.env["KARYON_CACHE"];
  assert.match(cacheFolder(), /\/\.cache$/);
});

test("a folder whose making fails does not appear, and is made the next time", async () => {
  const path = join(cache, "things", "one");
  await assert.rejects(
    cachedFolder(path, async (temporary) => {
      await writeFile(join(temporary, "half"), "");
      throw new Error("half way");
    }),
    /half way/,
  );
  assert.deepEqual(await readdir(join(cache, "things")), []);
  await cachedFolder(path, (temporary) => writeFile(join(temporary, "whole"), "done"));
  assert.equal(await readFile(join(path, "whole"), "utf8"), "done");
  await cachedFolder(path, () => Promise.reject(new Error("made twice")));
});

test("what a killed run left half made is removed", async () => {
  const folder = join(cache, "things");
  let left = "";
  const killed = cachedFolder(join(folder, "one"), (temporary) => {
    left = temporary;
    return new Promise(() => undefined);
  });
  void killed;
  while (left === "" || !existsSync(left)) await new Promise((resolve) => setTimeout(resolve, 1));
  await removeLeftovers(folder);
  assert.equal(existsSync(left), false);
});

test("the least recently used folders are removed", async () => {
  for (const name of ["a", "b", "c"]) {
    await cachedFolder(join(cache, "things", name), () => Promise.resolve());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await markUsed(join(cache, "things", "a"));
  await keepRecent(join(cache, "things"), 2);
  assert.deepEqual((await readdir(join(cache, "things"))).sort(), ["a", "c"]);
});

test("the lock lets one in at a time and goes with its holder's error", async () => {
  let inside = 0;
  let most = 0;
  const enter = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside--;
  };
  await Promise.all([withLock("test", enter), withLock("test", enter), withLock("test", enter)]);
  assert.equal(most, 1);
  await assert.rejects(
    withLock("test", () => Promise.reject(new Error("broken"))),
    /broken/,
  );
  assert.equal(await withLock("test", () => Promise.resolve("free")), "free");
});

test("a cache that cannot be written is named", async () => {
  await writeFile(join(cache, "file"), "");
  process.env["KARYON_CACHE"] = join(cache, "file");
  await assert.rejects(
    withLock("test", () => Promise.resolve()),
    { code: "CACHE_NOT_WRITABLE" },
  );
});

test("KARYON_TOOLS=system names the package of a tool that is not installed", async () => {
  process.env["KARYON_TOOLS"] = "system";
  process.env["PATH"] = cache;
  await assert.rejects(
    hostTool("nasm"),
    (error: unknown) =>
      error instanceof KaryonError && error.code === "TOOL_MISSING" && error.mend.includes("apt-get install nasm"),
  );
  process.env["KARYON_TOOLS"] = "elsewhere";
  await assert.rejects(hostTool("ld"), { code: "BAD_SETTING", mend: "use auto, cache or system" });
});

test("a tool on PATH is used as it is", async () => {
  const path = join(cache, "objdump");
  await writeFile(path, "#!/bin/sh\n", { mode: 0o755 });
  process.env["PATH"] = cache;
  process.env["KARYON_TOOLS"] = "auto";
  assert.deepEqual(await hostTool("objdump"), { command: path, args: [], env: {} });
});
